"""What the training of a published message network is asked to do: one record, written into its folder."""

import math
from dataclasses import dataclass, field, replace

import jax

from limbeck._errors import InputError
from limbeck.graphs import GraphDataset
from limbeck.models import OWN_FORM, SIZES, HamiltonianConfig, MessageConfig, parse_biases
from limbeck.simulate import SystemDefinition
from limbeck.train import (
    PRESETS,
    DimensionSearch,
    Pruning,
    Recipe,
    Trainer,
    hamiltonian_trainer,
    message_trainer,
    recipe_preset,
)

from ._study import MAX_SEED, FileSource, Study, SystemSource

KIND = "training"
HAMILTONIAN = "flathgn"
OWN_PRESETS = ("default", "dimension")  # with our own form of network; the others with the published one
SEARCHED_DIM = 16  # components that a search of the dimension begins with
ALLOWED_BIASES = ("translation", "third-law")


@dataclass(frozen=True, kw_only=True)
class TrainStudy:
    """A whole training; what is 0 or empty is the preset's own.

    Attributes:
        kind: `training`; tells such a study from others.
        system: The system to simulate; its name is empty where a file is read.
        file: The file to read.
        model: standard, bottleneck, l1, kl or pruning, by what keeps messages small; or flathgn, a Hamiltonian.
        preset: Recipe: default, dimension, paper or thesis.
        bias: `preset` (the preset's own), `none`, or a list of translation and third-law.
        message_dim: Components of a message.
        width: Units of each hidden layer.
        steps: Optimiser steps.
        batch_size: Graphs in each step.
        learning_rate: Peak of the learning rate.
        penalties: Weights of the message penalty; one network is trained for each, and each seed.
        penalty_scale: What they multiply: edge, batch, pair or component.
        pruning: Schedule of the pruning: linear, exponential or cosine.
        pruning_end: Fraction of the training at which it ends.
        pruning_dim: Components that it leaves.
        inertia: Attribute that is m in the momenta p = m v of flathgn; empty takes `m` where there is one.
        hold_out: A region that training must not see, such as `r<0.5`, `v>2` or `m>3`; empty for none.
        seeds: Networks trained together from different weights.
        seed: Root of everything random.
        time_limit: Seconds after which training ends; 0 is none.
        track: Trackers that follow the run: tensorboard, mlflow, wandb.
    """

    kind: str = KIND
    system: SystemSource = field(default_factory=SystemSource)
    file: FileSource = field(default_factory=FileSource)
    model: str = "bottleneck"
    preset: str = "default"
    bias: str = "preset"
    message_dim: int = 0
    width: int = 0
    steps: int = 0
    batch_size: int = 0
    learning_rate: float = 0.0
    penalties: tuple[float, ...] = ()
    penalty_scale: str = ""
    pruning: str = ""
    pruning_end: float = 0.0
    pruning_dim: int = 0
    inertia: str = ""
    hold_out: str = ""
    seeds: int = 1
    seed: int = 0
    time_limit: float = 0.0
    track: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check what can be checked before any work.

        Raises:
            InputError: If a setting is wrong.
        """
        if self.kind != KIND:
            raise InputError(f"the study is of the kind {self.kind!r}; a training has the kind {KIND!r}")
        if not 0 <= self.seed <= MAX_SEED:
            raise InputError(f"the seed must be a whole number from 0 to {MAX_SEED}; got {self.seed}")
        if not (math.isfinite(self.time_limit) and self.time_limit >= 0):
            raise InputError(f"the time limit must be a positive number of seconds; got {self.time_limit}")
        for name in ("message_dim", "width", "steps", "batch_size", "learning_rate", "pruning_end", "pruning_dim"):
            if not getattr(self, name) >= 0:
                raise InputError(f"{name} must not be negative; got {getattr(self, name)}")
        self._check_parts()
        _ = self.data

    def _check_parts(self) -> None:
        """Refuse options that do not go together."""
        if self.preset not in PRESETS:
            raise InputError(f"unknown preset {self.preset!r}: choose one of {', '.join(PRESETS)}")
        if (self.pruning or self.pruning_end or self.pruning_dim) and self.model != "pruning":
            raise InputError(f"--pruning options go with the model 'pruning', not with {self.model!r}")
        if self.inertia and not self.is_hamiltonian:
            raise InputError(f"--inertia goes with the model {HAMILTONIAN!r}, not with {self.model!r}")
        if self.is_hamiltonian:
            self.hamiltonian()
        else:
            self.form()
        _ = self.penalties_of_members

    @property
    def is_hamiltonian(self) -> bool:
        """Whether a Hamiltonian network is trained, which has no message of free size."""
        return self.model == HAMILTONIAN

    def hamiltonian(self) -> HamiltonianConfig:
        """The form of Hamiltonian networks.

        Returns:
            The preset's form with what was asked for.

        Raises:
            InputError: If an option means nothing for them.
        """
        if self.message_dim:
            raise InputError(f"--message-dim means nothing for {HAMILTONIAN!r}: its messages are forces in space")
        if self.preset == "dimension":
            raise InputError(f"the preset 'dimension' goes with the model 'pruning', not with {self.model!r}")
        own = self.preset in OWN_PRESETS
        base = HamiltonianConfig(width=64, activation="silu", features="scaled") if own else HamiltonianConfig()
        asked = self._biases()
        # Momentum is conserved by the pairs of a Hamiltonian that hides the origin: the two biases are one.
        translation = asked["translation"] if asked else own
        return replace(base, width=self.width or base.width, translation=translation)

    def form(self) -> MessageConfig:
        """The form of the networks.

        Returns:
            The preset's form with what was asked for.

        Raises:
            InputError: If the parts do not go together.
        """
        own = self.preset in OWN_PRESETS
        if self.preset == "dimension" and self.model != "pruning":
            raise InputError(f"the preset 'dimension' goes with the model 'pruning', not with {self.model!r}")
        if self.model not in SIZES:
            known = ", ".join((*SIZES, HAMILTONIAN))
            raise InputError(f"unknown model {self.model!r}: choose one of {known}")
        base = OWN_FORM if own else MessageConfig()
        message_dim = self.message_dim or (SEARCHED_DIM if self.preset == "dimension" else 0)
        return replace(base, size=self.model, message_dim=message_dim, width=self.width or base.width, **self._biases())

    def _biases(self) -> dict[str, bool]:
        """Which biases of form were asked for; nothing where the preset decides."""
        if self.bias == "preset":
            return {}
        names = parse_biases(self.bias).names
        stray = [name for name in names if name not in ALLOWED_BIASES]
        if stray:
            raise InputError(
                f"bias {', '.join(stray)} fixes messages to vectors in space, whose size is not free: with "
                f"limbeck train choose none or a list of {', '.join(ALLOWED_BIASES)}; limbeck discover takes all"
            )
        return {"translation": "translation" in names, "third_law": "third-law" in names}

    def recipe(self, n_nodes: int) -> Recipe:
        """How the networks are trained.

        Args:
            n_nodes: Bodies in a graph; decides the published batch.

        Returns:
            The preset's recipe with what was asked for.

        Raises:
            InputError: If a setting is out of range.
        """
        preset = recipe_preset(self.preset, n_nodes=n_nodes)
        given = {
            name: value
            for name in ("steps", "batch_size", "learning_rate", "penalties", "penalty_scale")
            if (value := getattr(self, name))
        }
        return replace(preset, **given, seeds=self.seeds, pruning=self._pruning(preset.pruning))

    def _pruning(self, own: Pruning | DimensionSearch) -> Pruning | DimensionSearch:
        """When components go."""
        if not (self.pruning or self.pruning_end or self.pruning_dim):
            return own
        if isinstance(own, DimensionSearch):
            raise InputError("the preset 'dimension' finds itself how far to prune: leave --pruning options out")
        return replace(
            own,
            schedule=self.pruning or own.schedule,
            end=self.pruning_end or own.end,
            dimension=self.pruning_dim or own.dimension,
        )

    def trainer(self, dataset: GraphDataset) -> Trainer:
        """What stays fixed in the training.

        Args:
            dataset: The graphs.

        Returns:
            The trainer of all members.

        Raises:
            InputError: If networks and data do not go together.
        """
        recipe, key = self.recipe(dataset.trajectories.n_nodes), jax.random.key(self.seed)
        if not self.is_hamiltonian:
            return message_trainer(dataset, self.form(), recipe, key=key)
        inertia = self.inertia or ("m" if "m" in dataset.attribute_names else None)
        return hamiltonian_trainer(dataset, self.hamiltonian(), recipe, inertia=inertia, truth=self.truth(), key=key)

    @property
    def penalties_of_members(self) -> tuple[float, ...]:
        """Weight of the message penalty of each group of seeds."""
        return self.recipe(4).message_penalties(self.model)

    @property
    def third_law(self) -> bool:
        """Whether messages are antisymmetric."""
        return self.hamiltonian().translation if self.is_hamiltonian else self.form().third_law

    @property
    def data(self) -> Study:
        """The same source as a study of `limbeck discover` names it."""
        return Study(system=self.system, file=self.file, seed=self.seed, bias="none", hold_out=self.hold_out)

    def truth(self) -> SystemDefinition | None:
        """The known truth, where the data are simulated."""
        return self.data.truth()
