"""Train Hamiltonian networks, all seeds side by side."""

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from limbeck._errors import InputError
from limbeck.graphs import GraphDataset, Snapshots
from limbeck.models import (
    HamiltonianConfig,
    HamiltonianNetwork,
    PairIndex,
    build_hamiltonian_network,
    check_conservative,
    hamiltonian_objective,
    measure_scales,
    published_hamiltonian_objective,
)
from limbeck.simulate import SystemDefinition

from ._chunks import Trainer, stack_members
from ._evaluate import entropy_of, pair_index, validation_batch
from ._loss import typical_size
from ._recipe import Recipe
from ._sampler import Sampler


class HamiltonianObjective(eqx.Module):
    """Loss and penalty of a Hamiltonian network.

    Attributes:
        published: Whether the loss looks at dv/dt alone, as published; else at dq/dt too.
    """

    published: bool = eqx.field(static=True)

    def __call__(
        self, model: HamiltonianNetwork, snapshots: Snapshots, pairs: PairIndex, key: PRNGKeyArray | None
    ) -> Float[Array, ""]:
        """What is minimised on one batch."""
        chosen = published_hamiltonian_objective if self.published else hamiltonian_objective
        return chosen(model, snapshots, pairs, key)


def hamiltonian_trainer(
    dataset: GraphDataset,
    config: HamiltonianConfig,
    recipe: Recipe,
    *,
    inertia: str | None = None,
    truth: SystemDefinition | None = None,
    key: PRNGKeyArray,
) -> Trainer:
    """What stays fixed in the training of Hamiltonian networks; `train_members` takes its steps.

    Args:
        dataset: Graphs with their parts.
        config: Form of the networks; published features bring the published loss.
        recipe: How they are trained; its loss, penalties and pruning do not apply.
        inertia: Attribute that is m in p = m v; None where it is 1 for all.
        truth: The system that the data come from, where it is known.
        key: Decides weights and batches.

    Returns:
        The trainer.

    Raises:
        InputError: If the system conserves no energy, an edge goes one way only, or there is no such attribute.
    """
    check_conservative(truth, dataset.pairs)
    names = dataset.attribute_names
    if inertia is not None and inertia not in names:
        raise InputError(
            f"no attribute {inertia!r} that varies to act as inertia; there are: {', '.join(names) or 'none'}"
        )
    scales, mass = measure_scales(dataset), None if inertia is None else names.index(inertia)
    dim, keys = dataset.trajectories.dim, jax.random.split(key, recipe.seeds)
    static, initial = stack_members(
        [build_hamiltonian_network(config, scales, dim=dim, inertia=mass, key=k) for k in keys]
    )
    validation = validation_batch(dataset)
    size = typical_size(np.linalg.norm(validation.targets[validation.targeted()], axis=-1))
    return Trainer(
        dataset=dataset,
        steps=recipe.steps,
        batch_size=recipe.batch_size,
        longest_chunk=recipe.chunk,
        static=static,
        initial=initial,
        pairs=pair_index(dataset),
        optimiser=recipe.optimiser(),
        objective=HamiltonianObjective(config.features == "published"),
        validation=validation,
        sampler=Sampler.prepare(dataset, size, even_share=0.5 if recipe.sampling == "even" else 0.0),
        entropy=entropy_of(key),
        shift=0.0 if config.translation else recipe.translation(config.features, scales.position),
        precision=None if recipe.precision == "default" else recipe.precision,
    )
