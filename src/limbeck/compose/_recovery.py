"""Was a known truth recovered? Judged on new states, never part of the verdict."""

from dataclasses import dataclass, replace

import numpy as np

from limbeck.expressions import complexity, parse, simplify, variables
from limbeck.graphs import GraphDataset, pair_list
from limbeck.simulate import SystemDefinition, simulate
from limbeck.trajectories import Trajectories

from ._checks import Check, finite
from ._law import Law
from ._states import states_of
from ._strings import used_variables

MIDDLE, TAIL = 1e-2, 3e-2


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """The law against the truth.

    Attributes:
        recovered: Whether design's definition holds.
        reason: Why or why not.
        errors: Median and 90th percentile by set of new states.
        truth_complexity: Our count of the truth.
        other_n: Check with other numbers of particles.
    """

    recovered: bool
    reason: str
    errors: dict[str, tuple[float, float]]
    truth_complexity: int
    other_n: Check | None


def recovery(law: Law, system: SystemDefinition, dataset: GraphDataset, *, seed: int) -> Recovery:
    """Compare a law with the system that made its data.

    New states come from the system's own distribution, from one twice as wide in positions and
    velocities, and with other numbers of particles (not where the law depends on the number).

    Args:
        law: The law.
        system: The truth.
        dataset: The data, for the number of particles and the names of attributes.
        seed: Decides the new states.

    Returns:
        The comparison.

    Source:
        House plan, "Recovered (where the truth is known)".
    """
    t = dataset.trajectories
    sets = {"own distribution": (t.n_nodes, 1.0), "twice as wide": (t.n_nodes, 2.0)}
    if system.drag == 0:
        sets |= {f"{n} particles": (n, 1.0) for n in (2, t.n_nodes + 2)}
    errors = {}
    for k, (name, (n_nodes, scale)) in enumerate(sets.items()):
        new = simulate(
            system,
            dim=t.dim,
            n_nodes=n_nodes,
            n_systems=300,
            n_steps=1,
            initial_scale=scale,
            seed=seed + 7_919 * (k + 1),
        )
        errors[name] = _errors(law, new, dataset)
    truth = system.truth(t.dim, t.n_nodes)
    size = sum(
        complexity(simplify(parse(text))) for text in (truth.kernel, truth.inertia, _one_body(truth.one_body)) if text
    )
    allowed = frozenset().union(
        *(variables(parse(text)) for text in (*truth.pair_force, *truth.one_body, truth.inertia))
    )
    foreign = sorted(used_variables(law) - allowed)
    missed = [n for n, (middle, tail) in errors.items() if not (middle <= MIDDLE and tail <= TAIL)]
    reason = "same accelerations as the truth on new states"
    if missed:
        reason = f"errors too large on {', '.join(missed)}"
    elif foreign:
        reason = f"names {', '.join(foreign)}, which the truth lacks"
    elif law.complexity > 2 * size:
        reason = f"complexity {law.complexity} is more than twice the truth's {size}"
    return Recovery(
        recovered=not missed and not foreign and law.complexity <= 2 * size,
        reason=reason,
        errors=errors,
        truth_complexity=size,
        other_n=_other_n(errors),
    )


def _one_body(terms: tuple[str, ...]) -> str:
    """The first one-body term that acts, since a vector's axes share one scalar."""
    return next((term for term in terms if term not in ("0", "0.0")), "")


def _errors(law: Law, new: Trajectories, dataset: GraphDataset) -> tuple[float, float]:
    """Median and 90th percentile of the law's error on new states."""
    rows = np.stack([np.arange(new.n_systems), np.zeros(new.n_systems, dtype=int)], axis=1)
    fresh = replace(dataset, trajectories=new, pairs=pair_list(new))
    states = states_of(fresh, rows)
    middle, tail = np.quantile(states.counted_errors(law.accelerations(states)), [0.5, 0.9], method="higher")
    return float(middle), float(tail)


def _other_n(errors: dict[str, tuple[float, float]]) -> Check | None:
    """The check on other numbers of particles."""
    middles = [middle for name, (middle, _) in errors.items() if name.endswith("particles")]
    if not middles:
        return None
    worst = max(middles)
    return Check(
        value=finite(worst),
        threshold=MIDDLE,
        passed=worst <= MIDDLE,
        reason="largest median relative error on new states with other numbers of particles",
    )
