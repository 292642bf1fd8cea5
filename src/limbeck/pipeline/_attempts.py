"""The plan of biases, tried in order: networks are trained and distilled until a law stands.

Networks start with the strongest biases and are relaxed while the data contradict
them; the first whose law stands is kept. What is returned is every attempt, and
which of them the run ends with; what is written about them is another module's work.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from limbeck._errors import TrainingDiverged
from limbeck.analyse import MessageTable
from limbeck.artefacts import finite
from limbeck.compose import (
    Checks,
    ComposedLaw,
    FittedProperties,
    Rollout,
    check_law,
    roll_out,
    verdict,
    with_properties_fitted,
)
from limbeck.graphs import GraphDataset
from limbeck.models import Biases
from limbeck.regress import HallOfFame, thresholds
from limbeck.train import TrainedModel

from ._derive_stage import derived_with
from ._distil_stage import (
    along_free_functions,
    composed,
    composed_plainly,
    distil,
    distil_conditional,
    followed_along,
)
from ._learn_stage import learned_properties
from ._run import Run
from ._train_stage import train_step

GOAL = 3e-2  # validation error that is hoped for (house plan, "The main job"); a law that stands ends the search too
PROMISING = 0.2  # below this a network is distilled at once: its law, not the network, has to pass the checks
UNUSABLE = 0.5  # networks with a larger error say nothing that is worth distilling
BETTER = 0.8  # a weaker bias must lower the error to this share to be preferred
RESTING = 1e-12  # accelerations below this share of speed over time are rounding


@dataclass(frozen=True, kw_only=True, eq=False)
class Attempt:
    """One step of relaxation: a network and, where it was good enough, its law.

    Attributes:
        biases: What the network assumed.
        trained: The network.
        step: Number of the step.
        table: Its messages, if they were distilled.
        halls: Hall of fame by channel, if they were searched.
        law: The composed law, if there is one.
        checks: What was asked of the law.
        rollout: Rollout of law and network.
        seen: The data as the law was fitted to them, where they were derived once more with the network's help.
            Checks never look at them: a network may not speak for the law that was read from it.
        dataset: The data, where they hold properties that were learned; None where they are as given.
        properties: Those, fitted together with the law.
        idle: Properties that were asked for and that the force has no need of, with what is to be said of each.
        reason: Why the network was not distilled, where it is not its error.
    """

    biases: Biases
    trained: TrainedModel
    step: int
    table: MessageTable | None = None
    halls: Mapping[str, HallOfFame] | None = None
    law: ComposedLaw | None = None
    checks: Checks | None = None
    rollout: Rollout | None = None
    seen: GraphDataset | None = None
    dataset: GraphDataset | None = None
    properties: FittedProperties | None = None
    idle: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""

    @property
    def stands(self) -> bool:
        """Whether the law passes every decisive check."""
        return self.law is not None and verdict(self.checks or {}, self.law)[0] == "found"


def attempts_along(run: Run, dataset: GraphDataset, noise: float) -> list[Attempt]:
    """Train and distil along the plan of biases until a law stands.

    Args:
        run: The run.
        dataset: The data.
        noise: Effect of the noise of the accelerations.

    Returns:
        Every network that was trained; one that diverged is noted in the run and costs the others nothing.

    Raises:
        TrainingDiverged: If the first network diverges at every rate, or a weaker one and no other gives a law.
    """
    goal = max(GOAL, 3.0 * noise)
    attempts: list[Attempt] = []
    if _nothing_moves(dataset):
        return attempts
    if run.study.learned_names:
        return [_with_properties(run, dataset, goal, noise)]
    plan = run.study.bias_plan(dataset.trajectories.dim)
    for step, biases in enumerate(plan):
        trained = _trained(run, dataset, biases, step, goal)
        if trained is None:
            continue
        attempt = Attempt(biases=biases, trained=trained, step=step)
        if trained.validation_error <= max(goal, PROMISING) and _improves(attempts, trained):
            plainly = None if _has_law(attempts) else partial(_plainly, run, dataset, goal, noise)
            attempt = distilled(run, dataset, _closer(run, dataset, attempt), noise, plainly)
        attempts.append(attempt)
        if attempt.stands or run.is_over():
            return attempts
    return _with_last_law(run, dataset, attempts, goal, noise)


def _with_last_law(
    run: Run, dataset: GraphDataset, attempts: list[Attempt], goal: float, noise: float
) -> list[Attempt]:
    """The attempts, the best network distilled at last where none was good enough to be at once."""
    best = None if _has_law(attempts) else _best_network([a for a in attempts if a.biases.second_law])
    if best is not None:
        plainly = partial(_plainly, run, dataset, goal, noise)
        usable = best.trained.validation_error < UNUSABLE
        last = distilled(run, dataset, _closer(run, dataset, best), noise, plainly) if usable else plainly(best)
        attempts[attempts.index(best)] = last
    if run.diverged and not _has_law(attempts):  # the network that failed might have been the one that fits
        raise TrainingDiverged(next(said for _, said in run.diverged.values()))
    return attempts


def _plainly(run: Run, dataset: GraphDataset, goal: float, noise: float, attempt: Attempt) -> Attempt:
    """The attempt with a law of functions that accelerations give without a network, if such a one stands."""
    with run.timed("compose"):
        law = None if run.is_over() else composed_plainly(run, attempt.trained, dataset, attempt.step, goal)
    if law is None:
        return attempt
    plain = _verdict_of(run, dataset, attempt, law, noise)
    return plain if plain.stands else attempt


def _has_law(attempts: list[Attempt]) -> bool:
    """Whether a law came out of any attempt."""
    return any(a.law is not None for a in attempts)


def _trained(run: Run, dataset: GraphDataset, biases: Biases, step: int, goal: float) -> TrainedModel | None:
    """The network of one step; None where it diverged at every rate and there is a stronger one to go on with."""
    with run.timed("train"):
        try:
            trained = train_step(run, dataset, biases, step, goal)
        except TrainingDiverged as error:
            if step == 0:
                raise
            run.diverged[step] = biases.names, str(error)
            trained = None
    error = None if trained is None else finite(trained.validation_error)
    run.journal.note("train", "bias", {"bias": list(biases.names), "error": error})
    return trained


def _closer(run: Run, dataset: GraphDataset, attempt: Attempt) -> Attempt:
    """The attempt with data that were derived once more with its network's help, where positions are noisy."""
    with run.timed("derive"):
        return replace(attempt, seen=derived_with(dataset, attempt.trained))


def _with_properties(run: Run, dataset: GraphDataset, goal: float, noise: float) -> Attempt:
    """Learn properties that are not among the attributes, and distil the force that goes with them."""
    with run.timed("train"):
        learned = learned_properties(run, dataset)
        complete = learned.dataset(dataset)
        trained = learned.network(complete)
    error = finite(trained.validation_error)
    run.journal.note(
        "train", "property", {"name": ",".join(learned.names), "reading": str(learned.reading), "error": error}
    )
    attempt = Attempt(
        biases=trained.model.biases, trained=trained, step=0, dataset=complete, idle=learned.reading.idle(learned.names)
    )
    if trained.validation_error > max(goal, PROMISING):
        return attempt
    return distilled(run, complete, attempt, noise)


def _improves(attempts: list[Attempt], trained: TrainedModel) -> bool:
    """Whether a weaker bias does clearly better than every stronger one that was distilled."""
    before = [a.trained.validation_error for a in attempts if a.law is not None]
    return not before or trained.validation_error < BETTER * min(before)


def _nothing_moves(dataset: GraphDataset) -> bool:
    """Whether all accelerations are rounding: free particles obey no law of interaction."""
    t = dataset.trajectories
    sizes = np.abs(t.accelerations[np.isfinite(t.accelerations)])
    if not np.any(sizes > 0):
        return True
    duration = float(np.nanmax(t.times) - np.nanmin(t.times))
    if duration == 0:  # snapshots of one moment say nothing about how fast things could move
        return False
    speed = float(np.sqrt(np.mean(t.velocities**2)))
    # A derivative over one step magnifies rounding of the velocity by the number of steps in the duration,
    # and one of the position by its square.
    order = 2 if t.velocities_are == "derived" else 1
    steps = max(t.n_times - 1, 1)
    magnified = (steps**order if t.accelerations_are == "derived" else 1) / duration
    extent = float(np.sqrt(np.mean(t.positions**2))) / duration
    return bool(np.max(sizes) <= RESTING * max(speed, extent) * magnified)


def distilled(
    run: Run,
    dataset: GraphDataset,
    attempt: Attempt,
    noise: float,
    otherwise: Callable[[Attempt], Attempt] | None = None,
) -> Attempt:
    """Search, compose, roll out and check the law of one network; a conditional law where no smooth one stands.

    Args:
        run: The run.
        dataset: The data, as laws are checked on them.
        attempt: The network.
        noise: Effect of the noise of the accelerations.
        otherwise: Looks for another smooth law where none stands, before conditions are asked.

    Returns:
        The attempt with what was found.
    """
    trained, step, seen = attempt.trained, attempt.step, attempt.seen or dataset
    with run.timed("regress"):
        table, halls = distil(run, trained, seen, step)
    smooth = _checked(run, dataset, replace(attempt, table=table, halls=halls[0]), halls, noise, distil)
    if smooth.stands or run.is_over() or not trained.model.biases.second_law:
        return smooth
    if otherwise is not None and (other := otherwise(smooth)).stands:
        return other
    with run.timed("regress"):
        _, conditions = distil_conditional(run, trained, seen, step)
    if not any(_has_condition(hall) for hall in conditions):
        return smooth
    halls = [{**hall, **condition} for hall, condition in zip(halls, conditions, strict=True)]
    both = replace(attempt, table=table, halls=halls[0])
    conditional = _checked(run, dataset, both, halls, noise, distil_conditional)
    return conditional if conditional.stands else smooth


def _has_condition(hall: Mapping[str, HallOfFame]) -> bool:
    """Whether a condition is worth its size to any equation of a front."""
    return any(any(thresholds(e.expression)) for h in hall.values() for e in h.front)


def _checked(
    run: Run,
    dataset: GraphDataset,
    attempt: Attempt,
    halls: list[dict[str, HallOfFame]],
    noise: float,
    distilled: Callable[..., tuple[MessageTable, list[dict[str, HallOfFame]]]],
) -> Attempt:
    """Compose, roll out and check the law of some equations."""
    trained, seen = attempt.trained, attempt.seen or dataset

    def once_more() -> dict[str, HallOfFame]:
        return {**halls[0], **distilled(run, trained, seen, attempt.step, numbers=(len(halls),))[1][0]}

    # A free function has no jump: it shows nothing of a law with a condition.
    closer = along_free_functions(run, seen, attempt.step) if distilled is distil else None
    with run.timed("compose"):
        learned = tuple(name for name in run.study.learned_names if name in dataset.attribute_names)
        followed = followed_along(run, halls, trained, dataset, learned, once_more) if run.study.learned_names else None
        law, properties = followed or (composed(run, halls, trained, seen, once_more, closer), None)
        if law is not None and properties is None and run.study.learned_names:
            law, properties = with_properties_fitted(law, learned, dataset)
    if law is None:
        return attempt
    if properties is not None:
        dataset = properties.dataset(dataset)
        attempt = replace(attempt, properties=properties, dataset=dataset)
    return _verdict_of(run, dataset, attempt, law, noise)


def _verdict_of(run: Run, dataset: GraphDataset, attempt: Attempt, law: ComposedLaw, noise: float) -> Attempt:
    """Roll out and check a law."""
    with run.timed("check"):
        rollout = roll_out(law.law, attempt.trained, dataset)
        checks = check_law(law, attempt.trained, dataset, rollout, noise)
    word, reasons = verdict(checks, law)
    run.journal.note("check", "verdict", {"step": attempt.step, "verdict": word, "reasons": reasons})
    return replace(attempt, law=law, checks=checks, rollout=rollout)


def _best_network(attempts: list[Attempt]) -> Attempt | None:
    """The network with the lowest error; where two do equally well the stronger bias stays."""
    best: Attempt | None = None
    for attempt in attempts:
        if best is None or attempt.trained.validation_error < BETTER * best.trained.validation_error:
            best = attempt
    return best


def chosen_among(attempts: list[Attempt]) -> Attempt | None:
    """The attempt whose law stands, else the law with the lowest held-out error, else the best network."""
    standing = [a for a in attempts if a.stands]
    if standing:
        return standing[0]
    with_law = [a for a in attempts if a.law is not None]
    if with_law:
        return min(with_law, key=_heldout)
    return _best_network(attempts)


def _heldout(attempt: Attempt) -> float:
    """Held-out error of an attempt's law."""
    check = (attempt.checks or {}).get("heldout")
    return math.inf if check is None or check.value is None else check.value
