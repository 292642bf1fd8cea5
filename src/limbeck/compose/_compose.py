"""The stage's entry: independent searches in, one refitted law out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

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
from ._prune import CERTAIN, pruned
from ._pruned_fit import pruned_fit
from ._refine import Refined, Scored, refine, sign_variables, starts_of, with_leading_constants
from ._refit import refit
from ._shoot import TrajectoryFit, fit_trajectories
from ._simple_forms import power_laws, softened
from ._states import States, states_of, thinned
from ._windows import windows_of

SCREEN_SNAPSHOTS = 60
FIT_SNAPSHOTS = 150
JUDGE_SNAPSHOTS = 200
FINAL_SNAPSHOTS = 2_000
MOST_SEARCHES = 3
EXACT, FEW_NUMBERS = 1e-7, 3  # an error that is all rounding, and fitted numbers that don't reach it by chance
LEARNED = 3e-5  # errors that are due to a property which was learned, and no reason for another form
SIMPLE = 2  # laws without a network's help that are tried beside them
ALIKE = 1e-3  # relative difference of two followed laws that are one: what forms of nearly one function differ by
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
        follows: Whether constants are fitted to noisy positions through the integrator at last. They are not where a
            property was learned, with which the law is fitted afterwards: until then, errors up to 3e-5 are its own.

    Returns:
        The law that two searches agree on, else the cheapest, with its constants refitted; None if
        no candidate is defined on the data.
    """
    rounding = 0.0 if follows else LEARNED
    bench = _Bench.prepare(trained, dataset, is_over, rounding)
    searches = [_Search(hall, r) for hall in halls if (r := bench.refine(hall)) is not None]
    paths = Paths.of(dataset) if follows and searches and not is_over() else None
    if paths is not None and (found := _along(paths, searches, bench, dataset, once_more, progress)) is not None:
        return found
    pair = _agreeing(searches, bench.compare_on)
    certain = pair or bench.certain(searches)
    if certain is None and not is_over() and (simple := bench.refine_simple()) and bench.certain([simple]):
        searches, certain = [*searches, simple], simple.refined
    if certain is None and not is_over() and (third := bench.refine(more := once_more())) is not None:
        searches.append(_Search(more, third))
        pair = _agreeing(searches, bench.compare_on)
        certain = pair or bench.certain(searches)
    if not searches:
        return None
    chosen = certain or min((one.refined for one in searches), key=lambda r: r.chosen.price)
    final = _laid_out(dataset, trained, dataset.train, FINAL_SNAPSHOTS, rounding)
    law, thresholds = with_thresholds_fitted(refit(with_leading_constants(chosen.chosen.law), final), final)
    law = pruned(law, final)
    followed = None
    if follows and not is_over():
        followed = pruned_fit(lambda form: fit_trajectories(form, dataset), law)
    law = law if followed is None else followed.law
    left_out = follows and followed is None and windows_of(dataset) is not None
    return ComposedLaw(
        law=law,
        estimates=thresholds + (estimates_of(law, final) if followed is None else followed_estimates(followed)),
        followed=followed,
        front=chosen.front,
        others=tuple(one.refined.chosen.law for one in searches if one.refined is not chosen),
        is_stable=certain is not None,
        is_exact=pair is None and certain is not None,
        tried=sum(one.refined.tried for one in searches),
        unfollowed=int(left_out and is_over()),
        is_lost=left_out and not is_over(),
    )


def _along(
    paths: Paths,
    searches: list["_Search"],
    bench: "_Bench",
    dataset: GraphDataset,
    once_more: Callable[[], Mapping[str, HallOfFame]],
    progress: Callable[[int, int], None],
) -> ComposedLaw | None:
    """The law that noisy positions speak for, near what each search chose by accelerations derived from them."""
    if any(
        t.variable for one in searches for e in one.refined.chosen.law.components.values() for t in thresholds_in(e)
    ):
        return None  # a condition is no smooth function of its threshold, and is fitted otherwise

    simple = power_laws(dataset.attribute_names, dataset.trajectories.dim) if bench.extras else []
    simple = nearest_along(simple, paths, SIMPLE, reciprocal=bench.reciprocal)
    choices = _Choices(paths, bench, once_more, list(searches), [])
    choices.laws.extend(choices.near(one.refined) for one in searches)
    if not choices.agree_on_any:
        choices.search_once_more()
    # What no network taught is followed beside what searches lead to, but is nothing that they agree on.
    forms = [*(law for laws in choices.laws for law in laws), *choices.settled(simple)]
    standing = followed_laws(forms, dataset, is_over=bench.is_over, progress=progress)
    if not standing.laws:
        return None
    law, fit = standing.laws[0]
    chose = choices.agree(law, standing.laws)
    if len(chose) < 2:
        choices.search_once_more()
        chose = choices.agree(law, standing.laws)
    first = chose[0] if chose else 0
    return ComposedLaw(
        law=fit.law,
        estimates=followed_estimates(fit),
        followed=fit,
        front=choices.searches[first].refined.front,
        others=tuple(laws[0] for k, laws in enumerate(choices.laws) if laws and k != first),
        is_stable=len(chose) > 1,
        tried=sum(one.refined.tried for one in choices.searches),
        unfollowed=standing.left,
    )


@dataclass(frozen=True)
class _Choices:
    """Searches, and the laws near each that measured positions speak for."""

    paths: Paths
    bench: "_Bench"
    once_more: Callable[[], Mapping[str, HallOfFame]]
    searches: list["_Search"]
    laws: list[tuple[Law, ...]]

    def near(self, refined: Refined) -> tuple[Law, ...]:
        """Laws near a search's, bare and softened, their constants fitted along the paths."""
        starts = sorted(refined.front, key=lambda scored: scored.price)[:STARTS]
        return self.settled([refined.chosen.law, *(scored.law for scored in starts)])

    def settled(self, laws: Sequence[Law]) -> tuple[Law, ...]:
        """Laws near some, bare and softened, their constants fitted along the paths."""
        settled = settled_along(laws, self.paths, self.bench.extras, reciprocal=self.bench.reciprocal)
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
            own = self.searches[k].refined.chosen.law
            forms = [form for form in (own, softened(own)) if form is not None]
            chosen = any(one.is_same_form(form) for one in (law, *became) for form in forms)
            near = any(_is_one_law(law, o, on) or any(o.is_same_form(form) for form in (*alike, *became)) for o in laws)
            if chosen or near:
                found.append(k)
        return found

    @property
    def agree_on_any(self) -> bool:
        """Whether two searches have a law in common."""
        return any(len(self.agree(law)) > 1 for laws in self.laws for law in laws)

    def search_once_more(self) -> None:
        """Ask a third search, if there is none and time is left."""
        if len(self.searches) < MOST_SEARCHES and not self.bench.is_over():
            more = self.once_more()
            if (third := self.bench.refine(more)) is not None:
                self.searches.append(_Search(more, third))
                self.laws.append(self.near(third))


def _with_softened(law: Law, paths: Paths) -> tuple[Law, ...]:
    """A law, and its softened form with constants fitted along the paths."""
    other = softened(law)
    fit = None if other is None else paths.fitted(with_leading_constants(other))
    return (law,) if fit is None else (law, fit.law)


class _Search(NamedTuple):
    """Halls of fame of one search, and the best law near them."""

    hall: Mapping[str, HallOfFame]
    refined: Refined


@dataclass(frozen=True, kw_only=True, eq=False)
class _Bench:
    """What every search's laws are fitted to and judged on."""

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
    ) -> "_Bench":
        """Lay out the snapshots."""
        fit_on = _laid_out(dataset, trained, dataset.train, FIT_SNAPSHOTS, rounding)
        columns = {**fit_on.edges, **fit_on.nodes}
        attributes = {f"{name}_{end}" for name in dataset.attribute_names for end in "12"}
        judge_on = _laid_out(dataset, trained, dataset.validation, JUDGE_SNAPSHOTS, rounding)
        # Where pairs are wider apart than any in training, two forms that only fit alike part.
        beyond = dataset.extrapolation[:: max(1, len(dataset.extrapolation) // JUDGE_SNAPSHOTS)]
        beyond = thinned(dataset, beyond, 2 * JUDGE_SNAPSHOTS)
        return cls(
            screen_on=_laid_out(dataset, trained, dataset.train, SCREEN_SNAPSHOTS, rounding),
            fit_on=fit_on,
            judge_on=judge_on,
            compare_on=(judge_on, states_of(dataset, beyond)) if len(beyond) else (judge_on,),
            extras=_extras(trained, dataset.trajectories.dim),
            signs=sign_variables({name: values for name, values in columns.items() if name in attributes}),
            reciprocal=trained.model.biases.third_law,
            is_over=is_over,
        )

    def refine(self, hall: Mapping[str, HallOfFame]) -> Refined | None:
        """The best law near one search's equations."""
        return self._refined(starts_of(hall, self.fit_on.dim))

    def refine_simple(self) -> "_Search | None":
        """The best law near powers of the distance, which no network has taught."""
        names = tuple(name[:-2] for name in self.fit_on.edges if name.endswith("_2"))
        found = self._refined(power_laws(names, self.fit_on.dim, with_softened=True)) if self.extras else None
        return None if found is None else _Search({}, found)

    def certain(self, searches: Sequence["_Search"]) -> Refined | None:
        """The law of a search that is exact with few numbers, which no other form could be by chance."""
        if not np.any(self.judge_on.targets):  # where nothing acts, any force that reaches nobody is exact
            return None
        limit = max(EXACT, self.judge_on.rounding)
        exact = [
            one.refined
            for one in searches
            if one.refined.chosen.loss <= limit and len(one.refined.chosen.law.constants) <= FEW_NUMBERS
        ]
        return min(exact, key=lambda refined: refined.chosen.price, default=None)

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


def _agreeing(searches: Sequence[_Search], compare_on: tuple[States, ...]) -> Refined | None:
    """The cheapest of the searches that chose a law which another chose too, in this or in another writing."""
    refined = [one.refined for one in searches]
    agreed = [
        one
        for k, one in enumerate(refined)
        if any(_is_one_law(one.chosen.law, other.chosen.law, compare_on) for j, other in enumerate(refined) if j != k)
    ]
    return min(agreed, key=lambda r: r.chosen.price) if agreed else None


def _is_one_law(one: Law, other: Law, compare_on: tuple[States, ...]) -> bool:
    """Whether two laws have one form, or are one function in two writings."""
    return one.is_same_form(other) or all(one.is_same_function(other, states) for states in compare_on)


def _laid_out(
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
