"""From a network to equations and a law: searches side by side, each taken from its checkpoint where there is one."""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import numpy as np

from limbeck._errors import ArtefactDamaged, ArtefactMismatch
from limbeck.analyse import Channel, MessageTable, collect_messages
from limbeck.artefacts import hall_from_mapping, hall_to_mapping, load_record, save_record
from limbeck.compose import (
    ComposedLaw,
    FittedProperties,
    OwnUnits,
    compose_along,
    compose_law,
    compose_plainly,
    followed_with_properties,
)
from limbeck.graphs import GraphDataset
from limbeck.regress import HallOfFame, Problem, search
from limbeck.train import TrainedModel

from ._run import SEARCH_STAGE, Run

CONDITIONAL = 1_000  # sets the seeds of conditional searches apart
APART = 2_000  # and those of what is no channel of a law
FREE = 3_000  # and those of searches along free functions
CONDITIONS = (">", "IF")
SIDE_CHANNEL_SHARE = 0.3  # of the evaluations, for every channel but the main one


def distil(
    run: Run, trained: TrainedModel, dataset: GraphDataset, step: int, numbers: Sequence[int] = (0, 1)
) -> tuple[MessageTable, list[dict[str, HallOfFame]]]:
    """Search equations for every channel of a network, several times and independently.

    Args:
        run: The run.
        trained: The network.
        dataset: Its data.
        step: Number of the step of relaxation.
        numbers: Which searches; each number stands for other samples and another seed.

    Returns:
        The messages of the first of them, and the halls of fame of each by channel.
    """
    seeds = [_seed(run, step, number) for number in numbers]
    tables = [collect_messages(trained, dataset, seed=seed) for seed in seeds]
    names = [f"halls_{step}_{number}.json" for number in numbers]
    return tables[0], _searched(run, dataset, [table.channels for table in tables], names, seeds, _search_channel)


def distil_conditional(
    run: Run,
    trained: TrainedModel,
    dataset: GraphDataset,
    step: int,
    numbers: Sequence[int] = (0, 1),
) -> tuple[MessageTable, list[dict[str, HallOfFame]]]:
    """Search equations with a condition for the radial channel of a network, by our own engine, which alone knows any.

    Args:
        run: The run.
        trained: The network.
        dataset: Its data.
        step: Number of the step of relaxation.
        numbers: Which searches.

    Returns:
        The messages of the first of them, and the halls of fame of each; none where there is no radial channel.
    """
    seeds = [_seed(run, step, CONDITIONAL, number) for number in numbers]
    tables = [collect_messages(trained, dataset, seed=seed) for seed in seeds]
    radial = [tuple(c for c in table.channels if c.name == "radial") for table in tables]
    names = [f"halls_{step}_if_{number}.json" for number in numbers]
    if not all(radial):
        return tables[0], []
    return tables[0], _searched(run, dataset, radial, names, seeds, _search_condition)


def distil_once(run: Run, channel: Channel, dataset: GraphDataset, name: str) -> HallOfFame:
    """Search equations for one function beside the law's own channels.

    Args:
        run: The run.
        channel: Samples of the function.
        dataset: The data that they come from.
        name: Name of its checkpoint.

    Returns:
        Its hall of fame.
    """
    return _searched(run, dataset, [[channel]], [name], [_seed(run, APART)], _search_channel)[0][channel.name]


def along_free_functions(
    run: Run, dataset: GraphDataset, step: int
) -> Callable[[Sequence[Channel], int], list[HallOfFame]]:
    """What searches equations of functions that were fitted to accelerations.

    Args:
        run: The run.
        dataset: The data that they are fitted to.
        step: Number of the step of relaxation.

    Returns:
        A function of their samples and the number of a search; it gives a hall of fame for each.
    """

    def searched(channels: Sequence[Channel], number: int) -> list[HallOfFame]:
        name, seed = f"halls_{step}_free_{number}.json", _seed(run, step, FREE, number)
        halls = _searched(run, dataset, [channels], [name], [seed], _search_channel)[0]
        return [halls[channel.name] for channel in channels]

    return searched


def _seed(run: Run, *numbers: int) -> int:
    """A seed for an engine, drawn from the run's key."""
    return int(jax.random.randint(run.key(SEARCH_STAGE, *numbers), (), 0, 2**31 - 1))


Searcher = Callable[[Run, Channel, int, OwnUnits], HallOfFame]


def _searched(
    run: Run,
    dataset: GraphDataset,
    channels: Sequence[Sequence[Channel]],
    names: Sequence[str],
    seeds: Sequence[int],
    searcher: Searcher,
) -> list[dict[str, HallOfFame]]:
    """Make several searches side by side: engines release the interpreter's lock, each on one thread."""
    units = OwnUnits.of(dataset)
    pool = ThreadPoolExecutor(max(1, min(2, os.cpu_count() or 1)))
    try:
        begun = [_begun(run, pool, *each, searcher, units) for each in zip(channels, names, seeds, strict=True)]
        return [finish() for finish in begun]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # an interrupt does not wait for a search


def _begun(
    run: Run,
    pool: ThreadPoolExecutor,
    channels: Sequence[Channel],
    name: str,
    seed: int,
    searcher: Searcher,
    units: OwnUnits,
) -> Callable[[], dict[str, HallOfFame]]:
    """Begin one search, unless its checkpoint is whole; what is returned waits for it."""
    path, stamp = run.checkpoint(name), {"fingerprint": run.fingerprint, "seed": seed}
    begun = (
        []
        if _is_stored(run, path, stamp)
        else [pool.submit(searcher, run, channel, seed, units) for channel in channels]
    )

    def finish() -> dict[str, HallOfFame]:
        if begun:
            save_record(path, stamp, [hall_to_mapping(future.result()) for future in begun])
        # Read back even when just written, so that a resumed run sees the very same expressions.
        halls = [hall_from_mapping(hall) for hall in load_record(path)[1]]
        return {hall.component: hall for hall in halls}

    return finish


def _is_stored(run: Run, path: Path, stamp: Mapping[str, Any]) -> bool:
    """Whether the halls of fame of a search lie there whole."""
    if not path.exists():
        return False
    try:
        found, _ = load_record(path)
    except ArtefactDamaged as error:
        run.journal.note("regress", "damaged", str(error))  # the search runs anew, from the same seed
        return False
    if found != stamp:
        raise ArtefactMismatch(f"{path.name} belongs to another run; start again with --overwrite")
    return True


def _search_channel(run: Run, channel: Channel, seed: int, units: OwnUnits) -> HallOfFame:
    """Search one channel."""
    return _search(run, channel, seed, units, engine=run.study.engine, operators=run.study.operators)


def _search_condition(run: Run, channel: Channel, seed: int, units: OwnUnits) -> HallOfFame:
    """Search one channel for equations with a condition."""
    operators = tuple(dict.fromkeys((*run.study.operators, *CONDITIONS)))
    return _search(run, channel, seed, units, engine="enumerate", operators=operators)


def _search(
    run: Run, channel: Channel, seed: int, units: OwnUnits, *, engine: str, operators: tuple[str, ...]
) -> HallOfFame:
    """Search one channel with an engine, in units of its own."""
    config = run.study.search
    if not channel.name.startswith(("radial", "message")):
        config = replace(config, evaluations=max(1_000, int(SIDE_CHANNEL_SHARE * config.evaluations)))
    if np.isfinite(run.deadline):
        config = replace(config, time_limit=max(1.0, 0.15 * run.remaining()))
    told, unit = units.channel(channel)
    problem = Problem(
        name=told.name, variables=told.variables, inputs=told.inputs, target=told.values, operators=operators
    )
    hall = units.hall_of(search(problem, config, engine=engine, seed=seed), unit)
    if hall.out_of_time:
        run.strike()
    run.journal.note(
        "regress",
        "searched",
        {"channel": channel.name, "equations": len(hall.equations), "seconds": round(hall.seconds, 2)},
    )
    return hall


def composed(
    run: Run,
    halls: list[dict[str, HallOfFame]],
    trained: TrainedModel,
    dataset: GraphDataset,
    once_more: Callable[[], dict[str, HallOfFame]],
    closer: Callable[[Sequence[Channel], int], Sequence[HallOfFame]] | None = None,
) -> ComposedLaw | None:
    """Put the law together; None where the network has no second law to write one down for."""
    if not trained.model.biases.second_law:
        return None
    # A property that was learned is fitted with the law afterwards: what is followed before that has another one.
    follows = not run.study.learned_names
    return compose_law(
        halls,
        trained,
        dataset,
        once_more=once_more,
        is_over=run.is_over,
        progress=_progress_of(run),
        closer=closer,
        follows=follows,
    )


def _progress_of(run: Run) -> Callable[[int, int], None]:
    """What tells a run's journal how many fits through noisy positions are done."""
    return lambda done, of: run.journal.note("compose", "progress", {"done": done, "of": of})


def followed_along(
    run: Run,
    halls: list[dict[str, HallOfFame]],
    trained: TrainedModel,
    dataset: GraphDataset,
    learned: Sequence[str],
    once_more: Callable[[], dict[str, HallOfFame]],
) -> tuple[ComposedLaw, FittedProperties] | None:
    """Choose a law by noisy positions, together with properties that were learned.

    Args:
        run: The run.
        halls: Halls of fame by channel.
        trained: The network that they were distilled from.
        dataset: The data.
        learned: The properties.
        once_more: Makes a further search.

    Returns:
        The law and the properties; None where positions are not noisy, or no law could be followed through them.
    """

    def along(beside: GraphDataset) -> ComposedLaw | None:
        progress = _progress_of(run)
        return compose_along(
            halls, trained, beside, learned, once_more=once_more, is_over=run.is_over, progress=progress
        )

    return followed_with_properties(learned, dataset, along=along, is_over=run.is_over)


def composed_plainly(
    run: Run, trained: TrainedModel, dataset: GraphDataset, step: int, goal: float
) -> ComposedLaw | None:
    """Put a law together from free functions that no network has taught.

    Args:
        run: The run.
        trained: A network, by whose accelerations errors are weighed.
        dataset: The data.
        step: Number of the step of relaxation.
        goal: Largest error of the functions.

    Returns:
        The law; None where no such functions explain the accelerations.
    """
    closer = along_free_functions(run, dataset, step)
    return compose_plainly(trained, dataset, goal=goal, closer=closer, is_over=run.is_over)
