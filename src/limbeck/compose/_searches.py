"""Independent searches: the law near each, on which of them they agree, and what they missed.

Every search's equations are refined on the same snapshots. Two that choose one law
speak for it; where a free function shows that a better one is there, it is looked for.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Int

from limbeck.analyse import Channel
from limbeck.graphs import GraphDataset
from limbeck.regress import HallOfFame
from limbeck.train import TrainedModel

from ._free_force import FreeForce, free_force
from ._law import Law
from ._own_units import OwnUnits
from ._refine import Refined, Scored, refine, starts_of
from ._simple_forms import power_laws
from ._states import States, states_of, thinned
from ._writing import sign_variables

SCREEN_SNAPSHOTS = 60
FIT_SNAPSHOTS = 150
JUDGE_SNAPSHOTS = 200
FINAL_SNAPSHOTS = 2_000  # that a law's numbers, or free functions, are fitted to at last
EXACT, FEW_NUMBERS = 1e-7, 3  # an error that is all rounding, and fitted numbers that don't reach it by chance
EACH_FURTHER = 200.0  # times smaller the error has to be for each further number, which makes two digits by chance
APPROXIMATE = 3.0  # times free functions' error: what a law leaves is no noise then, but a part of its form

Closer = Callable[[Sequence[Channel], int], Sequence[HallOfFame]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Searched:
    """Searches, and the law that they speak for.

    Attributes:
        searches: What each found.
        agreed: What two of them chose; None where no two chose one law.
        certain: That, or what one alone chose and leaves nothing but rounding.
    """

    searches: tuple[Refined, ...]
    agreed: Refined | None
    certain: Refined | None

    @property
    def chosen(self) -> Refined:
        """The search whose law it is."""
        return self.certain or min(self.searches, key=lambda refined: refined.chosen.price)


@dataclass(frozen=True, kw_only=True, eq=False)
class Bench:
    """What every search's laws are fitted to and judged on, in units of its own."""

    units: OwnUnits
    dataset: GraphDataset
    screen_on: States
    fit_on: States
    judge_on: States
    compare_on: tuple[States, ...]
    extras: tuple[str, ...]
    signs: frozenset[str]
    reciprocal: bool
    is_over: Callable[[], bool]

    @classmethod
    def prepare(
        cls, trained: TrainedModel, dataset: GraphDataset, is_over: Callable[[], bool], rounding: float
    ) -> "Bench":
        """Lay out the snapshots."""
        units = OwnUnits.of(dataset)
        fit_on = units.states(laid_out(dataset, trained, dataset.train, FIT_SNAPSHOTS, rounding))
        columns = {**fit_on.edges, **fit_on.nodes}
        attributes = {f"{name}_{end}" for name in dataset.attribute_names for end in "12"}
        judge_on = units.states(laid_out(dataset, trained, dataset.validation, JUDGE_SNAPSHOTS, rounding))
        # Where pairs are wider apart than any in training, two forms that only fit alike part.
        beyond = dataset.extrapolation[:: max(1, len(dataset.extrapolation) // JUDGE_SNAPSHOTS)]
        beyond = thinned(dataset, beyond, 2 * JUDGE_SNAPSHOTS)
        return cls(
            units=units,
            dataset=units.dataset(dataset),
            screen_on=units.states(laid_out(dataset, trained, dataset.train, SCREEN_SNAPSHOTS, rounding)),
            fit_on=fit_on,
            judge_on=judge_on,
            compare_on=(judge_on, units.states(states_of(dataset, beyond))) if len(beyond) else (judge_on,),
            extras=_extras(trained, dataset.trajectories.dim),
            signs=sign_variables({name: values for name, values in columns.items() if name in attributes}),
            reciprocal=trained.model.biases.third_law,
            is_over=is_over,
        )

    def refine(self, hall: Mapping[str, HallOfFame]) -> Refined | None:
        """The best law near one search's equations."""
        return self.refine_near(starts_of(hall, self.fit_on.dim))

    def refine_near(self, laws: Sequence[Law]) -> Refined | None:
        """The best law near some that are written in the data's units."""
        return self._refined([self.units.law_in(law) for law in laws])

    def refine_simple(self) -> Refined | None:
        """The best law near powers of the distance, which no network has taught."""
        names = tuple(name[:-2] for name in self.fit_on.edges if name.endswith("_2"))
        return self._refined(power_laws(names, self.fit_on.dim, with_softened=True)) if self.extras else None

    def certain(self, searches: Sequence[Refined]) -> Refined | None:
        """The law of a search that is exact with few numbers, which no other form could be by chance."""
        if not np.any(self.judge_on.targets):  # where nothing acts, any force that reaches nobody is exact
            return None
        limit = max(EXACT, self.judge_on.rounding)

        def is_exact(one: Scored) -> bool:
            further = max(0, len(one.law.constants) - FEW_NUMBERS)
            return one.loss <= limit / EACH_FURTHER**further

        exact = [one for one in searches if is_exact(one.chosen)]
        return min(exact, key=lambda refined: refined.chosen.price, default=None)

    def agreed(self, searches: Sequence[Refined]) -> Refined | None:
        """The cheapest of the searches that chose a law which another chose too, in this or in another writing."""
        agreed = [
            one
            for k, one in enumerate(searches)
            if any(
                is_one_law(one.chosen.law, other.chosen.law, self.compare_on)
                for j, other in enumerate(searches)
                if j != k
            )
        ]
        return min(agreed, key=lambda r: r.chosen.price) if agreed else None

    def _refined(self, starts: Sequence[Law]) -> Refined | None:
        """The best law near some."""
        return refine(
            starts,
            self.screen_on,
            self.fit_on,
            self.judge_on,
            extras=self.extras,
            signs=self.signs,
            reciprocal=self.reciprocal,
            is_over=self.is_over,
        )


def is_one_law(one: Law, other: Law, compare_on: tuple[States, ...]) -> bool:
    """Whether two laws have one form, or are one function in two writings."""
    return one.is_same_form(other) or all(one.is_same_function(other, states) for states in compare_on)


def laid_out(
    dataset: GraphDataset, trained: TrainedModel, part: Int[np.ndarray, "samples 2"], most: int, rounding: float
) -> States:
    """Some snapshots of a part, weighed by the size of the network's accelerations."""
    # They are smoother than noisy given ones, whose own size would weigh a sample more where its
    # noise happens to make it small.
    rows = thinned(dataset, part, most)
    predicted = trained.accelerations(dataset.batch(rows))
    states = states_of(dataset, rows, np.linalg.norm(predicted, axis=-1))
    return replace(states, rounding=max(states.rounding, rounding))


def _extras(trained: TrainedModel, dim: int) -> tuple[str, ...]:
    """Channels that a refit may add as a constant, whatever the network's biases."""
    if not trained.model.biases.rotation:
        return ()
    return ("friction", "drag", "central", *(f"uniform_{axis}" for axis in "xyz"[:dim]))


Sharpen = Callable[[Searched, Sequence[int]], Searched]


def all_searched(
    bench: Bench, searches: Sequence[Refined], once_more: Callable[[], Mapping[str, HallOfFame]], sharpen: Sharpen
) -> Searched | None:
    """Ask whether searches agree, and further ones where they do not.

    Powers of the distance, which no network has taught, are tried before a third search of the network's functions.

    Args:
        bench: What laws are judged on.
        searches: What each of several independent searches found.
        once_more: Makes a further one.
        sharpen: Looks whether there is a better law than the one that was chosen, by searches of given numbers.

    Returns:
        All of them and their law; None where none found any.
    """
    searched = asked(bench, searches)
    if (
        searched.certain is None
        and not bench.is_over()
        and (simple := bench.refine_simple())
        and bench.certain([simple])
    ):
        searched = Searched(searches=(*searches, simple), agreed=None, certain=simple)
    searched = sharpen(searched, (0, 1))
    if searched.certain is None and not bench.is_over() and (third := bench.refine(once_more())) is not None:
        searched = asked(bench, [*searched.searches, third])
        searched = sharpen(searched, (2, 3)) if searched.chosen is third else searched
    return searched if searched.searches else None


def asked(bench: Bench, searches: Sequence[Refined]) -> Searched:
    """Ask whether searches agree.

    Args:
        bench: What laws are judged on.
        searches: What each found.

    Returns:
        The searches, and their law.
    """
    agreed = bench.agreed(searches)
    return Searched(searches=tuple(searches), agreed=agreed, certain=agreed or bench.certain(searches))


def sharpened(
    searched: Searched,
    bench: Bench,
    fit_on: Callable[[int], States],
    judge_on: Callable[[], States],
    closer: Closer,
    numbers: Sequence[int],
) -> Searched:
    """Search along free functions of the distance.

    Where these err far less than the law that was chosen, there is a better one. A law that is exact and on which no
    two searches agree may get a second voice.

    Args:
        searched: What searches of a network's functions found.
        bench: What laws are judged on.
        fit_on: Gives the snapshots that each search's free functions are fitted to, in the data's units.
        judge_on: Gives those that they are judged on.
        closer: Searches equations of samples of several functions; a number sets the seed apart.
        numbers: Numbers of the searches.

    Returns:
        The searches along free functions beside the others, where their law is the better one or they settle which it
        is; else what was given.
    """
    if not _is_in_question(searched, bench):
        return searched
    is_exact = _is_exact(searched, bench)
    chosen, judged = bench.units.law(searched.chosen.chosen.law), None if is_exact else judge_on()
    along: list[Refined] = []
    for number in numbers:
        free = None if bench.is_over() else free_force(chosen, fit_on(number))
        if free is None or (judged is not None and not _is_better(free, chosen, judged)):
            break
        found = bench.refine_near(free.laws(closer(free.channels(), number)))
        along += [] if found is None else [found]
    if not along:
        return searched
    if is_exact:
        every = asked(bench, (*along, *searched.searches))
        return every if every.certain is not None else searched
    both = asked(bench, along)
    if both.chosen.chosen.price >= searched.chosen.chosen.price:
        return searched
    return replace(both, searches=(*along, *searched.searches))


def _is_in_question(searched: Searched, bench: Bench) -> bool:
    """Whether there may be a better law than the chosen one, or nobody speaks for it."""
    if not searched.searches or searched.certain is None:
        return bool(searched.searches)
    # Derived accelerations miss of themselves what goes with the distance: they speak against no law that stands.
    return not _is_exact(searched, bench) and bench.dataset.trajectories.accelerations_are == "given"


def _is_exact(searched: Searched, bench: Bench) -> bool:
    """Whether the chosen law leaves no more than rounding."""
    return searched.chosen.chosen.loss <= max(EXACT, bench.judge_on.rounding)


def _is_better(free: FreeForce, law: Law, judge_on: States) -> bool:
    """Whether free functions in the place of a law's own err far less than it."""
    errors, least = (np.median(judge_on.counted_errors(one.accelerations(judge_on))) for one in (law, free))
    return bool(errors > APPROXIMATE * least)
