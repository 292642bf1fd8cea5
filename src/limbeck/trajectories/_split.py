"""Which snapshots teach, which steer and which judge.

Parts never share a simulation, since snapshots of one trajectory are nearly
copies of each other. Where there are fewer than three simulations, time is cut
into blocks with gaps between parts, and the split says so.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int

from limbeck._errors import InputError
from limbeck._types import Snapshots

from ._trajectories import Trajectories
from ._unseen import targets_of

PARTS = ("train", "validation", "test")
FEWEST = 7  # snapshots with a target from which blocks and gaps can be cut
BLOCKS = {200: 20, 40: 10, 15: 5}  # of so many snapshots or more
FEW_BLOCKS = 7  # of a simulation whose positions are noisy: laws are followed through stretches of them


@dataclass(frozen=True, kw_only=True, eq=False)
class Split:
    """Snapshots of each part, as pairs (system, time).

    Attributes:
        train: Snapshots to fit on.
        validation: Snapshots to choose by.
        test: Snapshots to judge by.
        how: How the parts were made, in a sentence for the report.
    """

    train: Int[np.ndarray, "train_samples 2"]
    validation: Int[np.ndarray, "validation_samples 2"]
    test: Int[np.ndarray, "test_samples 2"]
    how: str


def split_snapshots(
    trajectories: Trajectories,
    *,
    seed: int,
    fractions: tuple[float, float, float] = (0.7, 0.15, 0.15),
    by_time: bool = False,
) -> Split:
    """Divide the snapshots that have a target into three parts.

    Args:
        trajectories: The trajectories.
        seed: Seed of the draw; the same seed gives the same parts.
        fractions: Fractions of training, validation and test; positive, of sum 1.
        by_time: Whether every simulation is cut into blocks of time, however many there are.

    Returns:
        The parts: by simulation from three simulations on, otherwise by blocks of time with gaps.

    Raises:
        InputError: If the fractions are none, or there is too little to divide.
    """
    if len(fractions) != 3 or min(fractions) <= 0 or abs(sum(fractions) - 1) > 1e-9:
        raise InputError(f"fractions of train, validation and test: got {fractions}; expected three above 0 of sum 1")
    targets = np.any(targets_of(trajectories), axis=2)
    systems = np.flatnonzero(targets.any(axis=1))
    rng = np.random.default_rng(seed)
    if len(systems) >= 3 and not by_time:
        return _by_simulation(targets, systems, fractions, rng)
    is_followed = trajectories.measured_positions is not None and len(systems) >= 3
    return _by_time(targets, systems, fractions, rng, FEW_BLOCKS if is_followed else max(BLOCKS.values()))


def _counts(total: int, fractions: tuple[float, float, float]) -> tuple[int, int]:
    """Number of things in validation and test, at least one each."""
    validation, test = (max(1, round(fraction * total)) for fraction in fractions[1:])
    while validation + test >= total:
        validation, test = max(1, validation - 1), max(1, test - 1)
    return validation, test


def _by_simulation(
    targets: Bool[np.ndarray, "systems times"],
    systems: Int[np.ndarray, " some_systems"],
    fractions: tuple[float, float, float],
    rng: np.random.Generator,
) -> Split:
    """Give each simulation to one part."""
    validation, test = _counts(len(systems), fractions)
    drawn = rng.permutation(systems)
    groups = (
        np.sort(drawn[validation + test :]),
        np.sort(drawn[:validation]),
        np.sort(drawn[validation : validation + test]),
    )
    parts = []
    for group in groups:
        place, times = np.nonzero(targets[group])
        parts.append(np.stack([group[place], times], axis=1))
    unused = len(targets) - len(systems)
    how = f"Split by simulation: {len(groups[0])} to train, {validation} to validate, {test} to test" + (
        f"; {unused} without any acceleration left out." if unused else "."
    )
    return Split(train=parts[0], validation=parts[1], test=parts[2], how=how)


def _by_time(
    targets: Bool[np.ndarray, "systems times"],
    systems: Int[np.ndarray, " some_systems"],
    fractions: tuple[float, float, float],
    rng: np.random.Generator,
    most: int,
) -> Split:
    """Cut the time of each simulation into blocks, and leave gaps between blocks of different parts."""
    parts: tuple[list, list, list] = ([], [], [])
    said = []
    for system in systems.tolist():
        times = np.flatnonzero(targets[system])
        if len(times) < FEWEST:
            parts[0].append(_pairs(system, times))
            continue
        blocks = np.array_split(times, min(most, _block_count(len(times))))
        gap = max(1, len(blocks[-1]) // 10)
        owner = _owners(len(blocks), fractions, rng)
        for number, block in enumerate(blocks):
            changed = number > 0 and owner[number] != owner[number - 1]
            parts[owner[number]].append(_pairs(system, block[gap:] if changed else block))
        said.append(f"{len(blocks)} blocks with gaps of {gap}")
    if not said:
        found = [int(targets[system].sum()) for system in systems]
        raise InputError(
            f"too little data to train, validate and test: {len(systems)} simulations with {found} snapshots that have "
            f"an acceleration; at least three simulations, or one with {FEWEST} such snapshots, are needed: add data"
        )
    train, validation, test = (np.concatenate(part) for part in parts)
    why = (
        f"since there are fewer than three simulations ({len(systems)})"
        if len(systems) < 3
        else "since properties of each simulation's own particles are learned"
    )
    how = (
        f"Split by blocks of time, {why}: {', '.join(dict.fromkeys(said))} "
        "snapshots between parts. The parts share trajectories, so held-out errors are less independent than between "
        "simulations."
    )
    return Split(train=train, validation=validation, test=test, how=how)


def _pairs(system: int, times: Int[np.ndarray, " some_times"]) -> Snapshots:
    """Pair each time with its system."""
    return np.stack([np.full(len(times), system), times], axis=1)


def _block_count(snapshots: int) -> int:
    """Number of blocks: few where there is little, so that gaps stay a small part of it."""
    return next((blocks for fewest, blocks in BLOCKS.items() if snapshots >= fewest), 3)


def _owners(blocks: int, fractions: tuple[float, float, float], rng: np.random.Generator) -> list[int]:
    """Give blocks to parts so that validation and test are spread over the whole of time."""
    validation, test = _counts(blocks, fractions)
    owner = [0] * blocks
    shift = rng.permutation([1 / 3, 2 / 3])
    places = np.concatenate([(np.arange(validation) + shift[0]) / validation, (np.arange(test) + shift[1]) / test])
    labels = np.repeat([1, 2], [validation, test])[np.argsort(places)]  # in turns, in proportion
    for label, stratum in zip(labels.tolist(), np.array_split(np.arange(blocks), len(labels)), strict=True):
        owner[int(rng.choice(stratum))] = label
    return owner
