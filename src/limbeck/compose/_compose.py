"""The stage's entry: independent searches in, one refitted law out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Int

from limbeck.graphs import GraphDataset
from limbeck.regress import ConstantEstimate, HallOfFame, thresholds as thresholds_in
from limbeck.train import TrainedModel

from ._along_paths import Paths, nearest_along, settled_along
from ._conditions import with_thresholds_fitted
from ._estimates import estimates_of, followed_estimates
from ._followed_laws import followed_laws
from ._law import Law
from ._own_units import OwnUnits
from ._plain_forces import law_along, plain_force
from ._property_numbers import unknowns_beside
from ._prune import CERTAIN, pruned
from ._pruned_fit import pruned_fit
from ._refine import Refined, Scored
from ._refit import refit
from ._searches import (
    FINAL_SNAPSHOTS,
    FIT_SNAPSHOTS,
    JUDGE_SNAPSHOTS,
    Bench,
    Closer,
    Searched,
    all_searched,
    asked,
    is_one_law,
    laid_out,
    sharpened,
)
from ._shoot import TrajectoryFit, fit_trajectories
from ._simple_forms import power_laws, softened
from ._states import States
from ._windows import windows_of
from ._writing import with_leading_constants

MOST_SEARCHES = 3
LEARNED = 3e-5  # errors that are due to a property which was learned, and no reason for another form
SIMPLE = 2  # laws without a network's help that are tried beside them
ALIKE = 1e-3  # relative difference of two followed laws that are one: what forms of nearly one function differ by
PLAIN = (
    (10, 0, 2),
    (11, 1, 2),
    (12, 0, 1),
)  # searches of plain forces: number, first training snapshot, and each how many
BARE_AND_SOFTENED = 2  # writings of the law that a search is led to first
STARTS = 4  # laws of a front from which forms are sought along noisy paths


@dataclass(frozen=True, kw_only=True, eq=False)
class ComposedLaw:
    """One law with its constants, and the search behind it.

    Attributes:
        law: The refitted law.
        estimates: Its constants with their uncertainty.
        front: Laws of its search whose loss is lower than that of every simpler one.
        others: Laws that the other searches chose.
        is_stable: Whether two independent searches chose this form, or it is exact.
        tried: Number of laws that were refitted.
        followed: The fit through the integrator that its constants come from, where positions were noisy; None
            where they come from accelerations.
        unfollowed: Number of forms beside it that time ran out on before they were followed through noisy positions.
        is_lost: Whether positions are noisy, and the law could not be followed through them.
        is_exact: Whether one search alone chose it, and it leaves nothing but rounding with few fitted numbers.
    """

    law: Law
    estimates: tuple[ConstantEstimate, ...]
    front: tuple[Scored, ...]
    others: tuple[Law, ...]
    is_stable: bool
    tried: int
    followed: TrajectoryFit | None = None
    unfollowed: int = 0
    is_lost: bool = False
    is_exact: bool = False

    @property
    def uncertain(self) -> tuple[ConstantEstimate, ...]:
        """Constants that may be zero."""
        return tuple(e for e in self.estimates if not abs(e.value) > CERTAIN * e.standard_error)


def compose_law(
    halls: Sequence[Mapping[str, HallOfFame]],
    trained: TrainedModel,
    dataset: GraphDataset,
    *,
    once_more: Callable[[], Mapping[str, HallOfFame]],
    is_over: Callable[[], bool],
    progress: Callable[[int, int], None],
    closer: Closer | None = None,
    follows: bool = True,
) -> ComposedLaw | None:
    """Compose, refit and choose a law from each of several independent searches, and compare.

    Args:
        halls: Halls of fame by channel, of two searches on different samples.
        trained: The network that they were distilled from.
        dataset: Its data: constants are fitted on training snapshots, laws compared on validation.
        once_more: Makes a third search, which decides where two disagree.
        is_over: Tells when time has run out.
        progress: Told how many fits through noisy positions are done, of how many.
        closer: Searches equations of free functions in the place of the law's own, where these show it to be an
            approximation; None where nothing is searched but the network's.
        follows: Whether constants are fitted to noisy positions through the integrator at last. They are not where a
            property was learned, with which the law is fitted afterwards: until then, errors up to 3e-5 are its own.

    Returns:
        The law that two searches agree on, else the cheapest, with its constants refitted; None if
        no candidate is defined on the data.
    """
    rounding = 0.0 if follows else LEARNED
    bench = Bench.prepare(trained, dataset, is_over, rounding)
    searches = [found for hall in halls if (found := bench.refine(hall)) is not None]
    found = _along(searches, bench, dataset, once_more, progress) if follows else None
    if found is not None:
        return found

    def sharpen(searched: Searched, numbers: Sequence[int]) -> Searched:
        if closer is None:
            return searched
        parts = [dataset.train[k :: len(numbers)] for k in range(len(numbers))]

        def fit_on(number: int) -> States:
            return laid_out(dataset, trained, parts[number % len(numbers)], FINAL_SNAPSHOTS, rounding)

        def judge_on() -> States:
            return laid_out(dataset, trained, dataset.validation, JUDGE_SNAPSHOTS, rounding)

        return sharpened(searched, bench, fit_on, judge_on, closer, numbers)

    searched = all_searched(bench, searches, once_more, sharpen)
    return None if searched is None else _concluded(searched, bench, trained, dataset, follows=follows)


def compose_along(
    halls: Sequence[Mapping[str, HallOfFame]],
    trained: TrainedModel,
    dataset: GraphDataset,
    learned: Sequence[str],
    *,
    once_more: Callable[[], Mapping[str, HallOfFame]],
    is_over: Callable[[], bool],
    progress: Callable[[int, int], None],
) -> ComposedLaw | None:
    """Choose a law by noisy positions, whose constants are sought with values of properties.

    Args:
        halls: Halls of fame by channel, of two searches on different samples.
        trained: The network that they were distilled from.
        dataset: Its data, with the properties as they are known so far.
        learned: Properties whose values are sought.
        once_more: Makes a third search, which decides where two disagree.
        is_over: Tells when time has run out.
        progress: Told how many fits through noisy positions are done, of how many.

    Returns:
        The law with the fit that found the values; None where none could be followed.
    """
    bench = Bench.prepare(trained, dataset, is_over, LEARNED)
    searches = [found for hall in halls if (found := bench.refine(hall)) is not None]
    return _along(searches, bench, dataset, once_more, progress, learned)


def compose_plainly(
    trained: TrainedModel,
    dataset: GraphDataset,
    *,
    goal: float,
    closer: Closer,
    is_over: Callable[[], bool],
) -> ComposedLaw | None:
    """Compose a law from free functions beside plain factors, which no network has taught.

    Args:
        trained: A network, by whose accelerations errors are weighed.
        dataset: The data.
        goal: Largest error of the functions.
        closer: Searches equations of the functions.
        is_over: Tells when time has run out.

    Returns:
        The law that two searches agree on, else the cheapest; None where no such functions explain the accelerations.
    """

    def on(part: Int[np.ndarray, "samples 2"], most: int) -> States:
        return laid_out(dataset, trained, part, most, 0.0)

    judge_on = on(dataset.validation, JUDGE_SNAPSHOTS)
    found = plain_force(dataset, on(dataset.train, FINAL_SNAPSHOTS), judge_on)
    if found is None or not found[1] <= goal:
        return None
    bench = replace(Bench.prepare(trained, dataset, is_over, 0.0), reciprocal=False)  # the factors see to that
    searched = None
    searches: list[Refined] = []
    for number, first, step in PLAIN:
        part = dataset.train[first::step]
        free = None if is_over() else found[0].fitted(on(part, FINAL_SNAPSHOTS))
        if free is None:
            break
        law = law_along(free, closer(free.channels(), number), on(part, FIT_SNAPSHOTS), judge_on)
        refined = bench.refine_near([law])
        searches += [] if refined is None else [refined]
        searched = asked(bench, searches) if searches else None
        if searched is not None and searched.agreed is not None:
            break
    return None if searched is None else _concluded(searched, bench, trained, dataset, follows=True)


def _concluded(
    searched: Searched, bench: Bench, trained: TrainedModel, dataset: GraphDataset, *, follows: bool
) -> ComposedLaw:
    """The law that searches speak for, its constants fitted to all training snapshots."""
    rounding = 0.0 if follows else LEARNED
    final = laid_out(dataset, trained, dataset.train, FINAL_SNAPSHOTS, rounding)
    chosen, certain = searched.chosen, searched.certain
    law = with_leading_constants(bench.units.law(chosen.chosen.law))
    law, thresholds = with_thresholds_fitted(refit(law, final), final)
    law = pruned(law, final)
    followed = None
    if follows and not bench.is_over():
        followed = pruned_fit(lambda form: fit_trajectories(form, dataset), law)
    law = law if followed is None else followed.law
    left_out = follows and followed is None and windows_of(dataset) is not None
    return ComposedLaw(
        law=law,
        estimates=thresholds + (estimates_of(law, final) if followed is None else followed_estimates(followed)),
        followed=followed,
        front=bench.units.front(chosen.front),
        others=tuple(bench.units.law(one.chosen.law) for one in searched.searches if one is not chosen),
        is_stable=certain is not None,
        is_exact=searched.agreed is None and certain is not None,
        tried=sum(one.tried for one in searched.searches),
        unfollowed=int(left_out and bench.is_over()),
        is_lost=left_out and not bench.is_over(),
    )


def _in_given_units(found: ComposedLaw, units: OwnUnits, dataset: GraphDataset) -> ComposedLaw | None:
    """A law that was followed in other units, followed once more in the data's; None where it is lost on the way."""
    if units.are_given or found.followed is None:
        return found
    unknowns = None if found.followed.unknowns is None else units.unknowns(found.followed.unknowns)
    fit = fit_trajectories(units.law(found.law), dataset, unknowns=unknowns)
    told = replace(found, front=units.front(found.front), others=tuple(map(units.law, found.others)))
    return None if fit is None else replace(told, law=fit.law, estimates=followed_estimates(fit), followed=fit)


def _along(
    searches: list[Refined],
    bench: Bench,
    dataset: GraphDataset,
    once_more: Callable[[], Mapping[str, HallOfFame]],
    progress: Callable[[int, int], None],
    learned: Sequence[str] = (),
) -> ComposedLaw | None:
    """The law that noisy positions speak for, near what each search chose by accelerations derived from them."""
    signs = bench.signs - {f"{name}_{end}" for name in learned for end in "12"}  # which may have any value yet
    paths = Paths.of(bench.dataset, signs) if searches and not bench.is_over() else None
    if paths is None:
        return None
    if any(t.variable for one in searches for e in one.chosen.law.components.values() for t in thresholds_in(e)):
        return None  # a condition is no smooth function of its threshold, and is fitted otherwise

    own = bench.dataset
    simple = power_laws(own.attribute_names, own.trajectories.dim) if bench.extras else []
    simple = nearest_along(simple, paths, SIMPLE, reciprocal=bench.reciprocal)
    choices = _Choices(paths, bench, once_more, list(searches), [], bool(learned))
    choices.laws.extend(choices.near(one) for one in searches)
    if not choices.agree_on_any:
        choices.search_once_more()
    # What no network taught is followed beside what searches lead to, but is nothing that they agree on.
    forms = [*(law for laws in choices.laws for law in laws), *choices.settled(simple)]
    sought = unknowns_beside(forms, learned, own) if learned and forms else None
    standing = followed_laws(forms, own, is_over=bench.is_over, progress=progress, unknowns=sought)
    if not standing.laws:
        return None
    law, fit = standing.laws[0]
    chose = choices.agree(law, standing.laws)
    if len(chose) < 2:
        choices.search_once_more()
        chose = choices.agree(law, standing.laws)
    first = chose[0] if chose else 0
    found = ComposedLaw(
        law=fit.law,
        estimates=followed_estimates(fit),
        followed=fit,
        front=choices.searches[first].front,
        others=tuple(laws[0] for k, laws in enumerate(choices.laws) if laws and k != first),
        is_stable=len(chose) > 1,
        tried=sum(one.tried for one in choices.searches),
        unfollowed=standing.left,
    )
    return _in_given_units(found, bench.units, dataset)


@dataclass(frozen=True)
class _Choices:
    """Searches, and the laws near each that measured positions speak for."""

    paths: Paths
    bench: Bench
    once_more: Callable[[], Mapping[str, HallOfFame]]
    searches: list[Refined]
    laws: list[tuple[Law, ...]]
    is_learned: bool = False

    def near(self, refined: Refined) -> tuple[Law, ...]:
        """Laws near a search's, bare and softened, their constants fitted along the paths."""
        starts = sorted(refined.front, key=lambda scored: scored.price)[:STARTS]
        # Derivatives, by which it was refined, can lead away from what a network learned across all noise.
        raw = nearest_along(refined.starts, self.paths, STARTS, reciprocal=self.bench.reciprocal)
        return self.settled([refined.chosen.law, *(scored.law for scored in starts), *raw])

    def settled(self, laws: Sequence[Law]) -> tuple[Law, ...]:
        """Laws near some, bare and softened, their constants fitted along the paths."""
        bench, learned = self.bench, self.is_learned
        settled = settled_along(laws, self.paths, bench.extras, reciprocal=bench.reciprocal, learned=learned)
        return tuple(form for law in settled for form in _with_softened(law, self.paths))

    def agree(self, law: Law, followed: Sequence[tuple[Law, TrajectoryFit]] = ()) -> list[int]:
        """The searches that chose a law, bare or softened, or near which it lies.

        Args:
            law: The law.
            followed: Laws that were followed, this one first: what it became (a term may have vanished), and all that
                became one function with it (sums and quotients that it is a special case of), stand for it.

        Returns:
            Their numbers.
        """
        on = self.bench.compare_on
        alike = [
            form
            for form, fit in followed
            if all(followed[0][1].law.is_same_function(fit.law, states, within=ALIKE) for states in on)
        ]
        became = [fit.law for _, fit in followed[:1]]
        found = []
        for k, laws in enumerate(self.laws):
            # Smoothed paths can rank the form that a search chose behind others, and it may be followed all the same.
            own = self.searches[k].chosen.law
            forms = [form for form in (own, softened(own)) if form is not None]
            chosen = any(one.is_same_form(form) for one in (law, *became) for form in forms)
            near = any(is_one_law(law, o, on) or any(o.is_same_form(form) for form in (*alike, *became)) for o in laws)
            if chosen or near:
                found.append(k)
        return found

    @property
    def agree_on_any(self) -> bool:
        """Whether two searches have a law in common; the simplest ones, kept beside learned values, are no opinion."""
        most = BARE_AND_SOFTENED if self.is_learned else None
        return any(len(self.agree(law)) > 1 for laws in self.laws for law in laws[:most])

    def search_once_more(self) -> None:
        """Ask a third search, if there is none and time is left."""
        if len(self.searches) >= MOST_SEARCHES or self.bench.is_over():
            return
        if (third := self.bench.refine(self.once_more())) is not None:
            self.searches.append(third)
            self.laws.append(self.near(third))


def _with_softened(law: Law, paths: Paths) -> tuple[Law, ...]:
    """A law, and its softened form with constants fitted along the paths."""
    other = softened(law)
    fit = None if other is None else paths.fitted(with_leading_constants(other))
    return (law,) if fit is None else (law, fit.law)
