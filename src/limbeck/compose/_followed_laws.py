"""Which of several forms noisy positions speak for: each is followed through them, and the likelihood decides."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from limbeck.graphs import GraphDataset

from ._law import Law
from ._pruned_fit import pruned_fit
from ._reduced import SPOILT
from ._shoot import TrajectoryFit, fit_trajectories
from ._steps import Begun
from ._unknowns import Unknowns

SHORTER = 2  # times as short are the windows in which forms that were lost are compared with the best
CLEARLY = 2.0  # standard errors


class Followed(NamedTuple):
    """Laws that were followed through the same windows.

    Attributes:
        laws: Each that could be followed with its fit, the one that the positions speak for first.
        left: Number of forms that time ran out on.
        lost: Those whose fit did not settle.
    """

    laws: list[tuple[Law, TrajectoryFit]]
    left: int
    lost: tuple[Law, ...] = ()


def followed_laws(
    laws: Sequence[Law],
    dataset: GraphDataset,
    *,
    is_over: Callable[[], bool],
    progress: Callable[[int, int], None],
    unknowns: Unknowns | None = None,
) -> Followed:
    """Follow laws of different forms through the same windows of the positions.

    In much noise close encounters make a true law lose its way in long windows, where a wrong one without any (a
    constant force, say), or without the softening that they tell of, does not. So forms that are lost, and all of
    them if none goes through, are compared with the best in shorter windows.

    Args:
        laws: Forms and starting values; of several with one form the first counts.
        dataset: Trajectories whose positions were smoothed.
        is_over: Tells when time has run out; further forms are left then.
        progress: Told how many fits of how many are done.
        unknowns: Values of properties that are sought with the constants of each.

    Returns:
        The laws in the order in which the positions speak for them.
    """
    distinct = [law for k, law in enumerate(laws) if not any(law.is_same_form(other) for other in laws[:k])]
    found = _through_windows(distinct, dataset, 1, is_over, progress, unknowns)
    stands = bool(found.laws) and found.laws[0][1].goes_through
    if is_over() or (stands and not found.lost):
        return found
    closer = _through_windows(
        [found.laws[0][0], *found.lost] if stands else distinct, dataset, SHORTER, is_over, progress, unknowns
    )
    found = found._replace(left=closer.left)
    if not closer.laws:
        return found
    law, fit = closer.laws[0]
    if found.laws and (law is found.laws[0][0] or not fit.goes_through):
        return found
    longer = fit_trajectories(fit.law, dataset, unknowns=fit.unknowns)  # from better constants it may keep its way
    best = fit if longer is None or not longer.goes_through else longer
    return Followed([(law, best), *closer.laws[1:]], closer.left, closer.lost)


def _through_windows(
    distinct: Sequence[Law],
    dataset: GraphDataset,
    shorter: int,
    is_over: Callable[[], bool],
    progress: Callable[[int, int], None],
    unknowns: Unknowns | None,
) -> Followed:
    """Follow laws through windows of one length."""
    n_fits = len(distinct) if len(distinct) == 1 else 2 * len(distinct)
    known: list[tuple[Law, TrajectoryFit]] = []
    left, lost = 0, []
    for number, law in enumerate(distinct):
        progress(number, n_fits)
        if is_over():
            left += 1
            continue
        # Alone, windows that were left out begin anew; beside others, at the states that those found.
        follow = partial(
            fit_trajectories, dataset=dataset, thorough=len(distinct) == 1, shorter=shorter, unknowns=unknowns
        )
        fit = pruned_fit(follow, law)
        if fit is None:
            lost.append(law)
            continue
        known.append((law, fit))
        unknowns = fit.unknowns if fit.goes_through else unknowns  # nearer to the next form's than where they were
    if len(known) > 1:
        # A window that one law lost in a close encounter, and another did not, says something once both begin alike.
        begun = nearest_beginnings([fit for _, fit in known])
        for number, (law, fit) in enumerate(known):
            progress(n_fits - len(known) + number, n_fits)
            again = partial(fit_trajectories, dataset=dataset, begun=begun, shorter=shorter, unknowns=fit.unknowns)
            # A term that seemed to be there while windows began apart may vanish now.
            known[number] = law, pruned_fit(again, fit.law) or fit
    return Followed([known[k] for k in ranked([fit for _, fit in known])], left, tuple(lost))


def nearest_beginnings(fits: Sequence[TrajectoryFit]) -> Begun:
    """Of several fits through the same windows, the beginning of each window from the fit that is nearest to it.

    Args:
        fits: Fits through the same windows.

    Returns:
        Positions and velocities.
    """
    nearest = np.argmin([fit.misfits for fit in fits], axis=0)
    positions, velocities = (np.stack([fit.begun[k] for fit in fits]) for k in range(2))
    windows = np.arange(len(nearest))
    return positions[nearest, windows], velocities[nearest, windows]


def followed_prices(fits: Sequence[TrajectoryFit]) -> list[float]:
    """What fits through the same windows cost: minus twice the log-likelihood, and log n for each unit of size.

    Values of properties that were found with the constants cost as much as numbers do, each by what was measured of it.

    A window that a law misses by far (a close encounter, which a hair's breadth decides) counts as just missed, for
    every law alike.

    Args:
        fits: Fits through the same windows.

    Returns:
        Their prices, in the order of the fits.

    Source:
        Schwarz (1978), Annals of Statistics 6, 461; see `limbeck.regress.unit_price` for what a unit of form costs.
    """
    if not fits:
        return []
    missed = SPOILT * min(fit.misfit for fit in fits)
    return [_price(fit, np.minimum(fit.misfits, missed), fit.freedom) for fit in fits]


def ranked(fits: Sequence[TrajectoryFit]) -> list[int]:
    """Fits through the same windows, the one that the positions speak for first.

    Args:
        fits: The fits.

    Returns:
        Their numbers, in the order of what they cost; but one that is clearly nearer leads, if a few windows that it
        lost are all that speaks against it.
    """
    order = np.argsort(followed_prices(fits), kind="stable").tolist()
    missed = SPOILT * min((fit.misfit for fit in fits), default=0.0)
    for number in order[1:]:
        if _is_nearer(fits[number], fits[order[0]], missed):
            order.remove(number)
            order.insert(0, number)
    return order


def _price(fit: TrajectoryFit, misfits: Float[np.ndarray, " windows"], freedom: Float[np.ndarray, " windows"]) -> float:
    """What a fit costs by its misfits in some windows."""
    n, values = float(np.sum(freedom)), fit.n_values
    squares = float(np.sum(freedom * misfits**2))
    size = fit.law.complexity + 0.1 * len(fit.law.constants)
    form = math.log(max(n, 2.0)) * size + math.log(max(n / max(values, 1), 2.0)) * values
    return n * math.log(max(squares, np.finfo(float).tiny)) + form


def _is_nearer(fit: TrajectoryFit, standing: TrajectoryFit, missed: float) -> bool:
    """Whether a fit is clearly nearer to the positions than one of a lower price wherever neither is lost.

    Where few windows are lost by one of two forms only, it may be by chance (the state that was found is one of many,
    and in an encounter no number of steps serves), and a lost window costs more than all that two forms of nearly the
    same force differ by in the others.

    Returns:
        True if so.

    Source:
        Vuong (1989), Econometrica 57, 307: two forms by the differences of their log-likelihoods, block by block.
    """
    lost, also_lost = fit.misfits > missed, standing.misfits > missed
    alone, other = np.count_nonzero(lost & ~also_lost), np.count_nonzero(also_lost & ~lost)
    if abs(alone - other) > CLEARLY * math.sqrt(alone + other):
        return False
    shared = ~(lost | also_lost)
    ours, theirs, freedom = fit.misfits[shared], standing.misfits[shared], fit.freedom[shared]
    gains = freedom * (theirs**2 - ours**2)
    clearly = float(np.sum(gains)) > CLEARLY * math.sqrt(float(np.sum(gains**2)))
    return clearly and _price(fit, ours, freedom) < _price(standing, theirs, freedom)
