"""Few values for all: species that nobody named, told from a continuum by how improbable such agreement is.

Values with standard errors either lie anywhere in their range, or each is one of a few levels. The
marginal likelihoods of both are closed formulas, in which levels pay for their places and for the choice of
members. Levels that a continuum would blur, or that stand closer than errors can tell, are not claimed.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int
from scipy.special import chdtri, gammaln

MOST_LEVELS = 6
MEMBERS = 3  # objects for each level, on average, below which nothing is claimed
EVIDENCE = 7.0  # natural logarithm of the odds: about a thousand to one
APART = 6.0  # standard errors of single values between two neighbouring levels
BLURRED = 1e-3  # chance of a scatter about the levels that is larger than that
FORGIVEN = 1.5  # mean square of the scatter in units of the errors, up to which errors may simply be too small
WELL = 3.0  # times the median error, up to which a value helps to find the levels


@dataclass(frozen=True, kw_only=True, eq=False)
class Levels:
    """The few values that a property has.

    Attributes:
        values: The levels, in order.
        errors: Their standard errors.
        of: Number of the level of each object; -1 where its value does not tell.
        evidence: Natural logarithm of the odds against a continuum.
    """

    values: Float[np.ndarray, " levels"]
    errors: Float[np.ndarray, " levels"]
    of: Int[np.ndarray, "*objects"]
    evidence: float

    def moved(self, values: Float[np.ndarray, " levels"], errors: Float[np.ndarray, " levels"]) -> "Levels":
        """The same members at other values.

        Args:
            values: New levels.
            errors: Their standard errors.

        Returns:
            The levels.
        """
        return replace(self, values=values, errors=errors)


def find_levels(
    values: Float[np.ndarray, "*objects"], errors: Float[np.ndarray, "*objects"], scale: float
) -> Levels | None:
    """The levels that values fall into, if they do.

    Args:
        values: Value of each object.
        errors: Standard errors, 0 for the value that is the unit, infinite where nothing is known.
        scale: Rounding: errors are taken for at least this.

    Returns:
        The most probable number of levels, at most 6, or None where a continuum is not clearly refuted.

    Source:
        Kass and Raftery (1995), Journal of the American Statistical Association 90, 773: Bayes factors.
    """
    known = np.isfinite(errors) & np.isfinite(values)
    if not np.any(known):
        return None
    spread = np.maximum(errors, scale)
    well = known & (spread <= WELL * np.median(spread[known]))
    v, s = values[well], spread[well]
    trials = [_levels(v, s, count) for count in range(1, min(MOST_LEVELS, len(v) // MEMBERS) + 1)]
    stand = [trial for trial in trials if trial is not None]
    if not stand:
        return None
    best = max(stand, key=lambda trial: trial.evidence)
    if best.evidence < EVIDENCE:
        return None
    return replace(best, of=_members(best.values, values, np.where(known, spread, np.inf)))


def _levels(values: Float[np.ndarray, " objects"], errors: Float[np.ndarray, " objects"], count: int) -> Levels | None:
    """Levels that the widest gaps part; None where these are not clear, or errors do not explain the scatter."""
    order = np.argsort(values)
    v, s = values[order], errors[order]
    cuts = np.sort(np.argsort(np.diff(v))[len(v) - count :] + 1)
    of = np.searchsorted(cuts, np.arange(len(v)), side="right")
    weight = np.bincount(of, s**-2.0, count)
    centres = np.bincount(of, v * s**-2.0, count) / weight
    widest = np.array([s[of == k].max() for k in range(count)])
    if np.any(np.diff(centres) < APART * np.maximum(widest[1:], widest[:-1])):
        return None
    scatter = float(np.sum(((v - centres[of]) / s) ** 2))
    freedom = len(v) - count
    if scatter > max(FORGIVEN * freedom, float(chdtri(freedom, BLURRED))):
        return None
    width = float(max(v[-1], 0.0) - min(v[0], 0.0))
    sizes = np.bincount(of, minlength=count)
    # A continuum: each value anywhere in the range. Levels: each level anywhere, then each value near its own; and
    # any division of the objects into so many species is as likely as another before the values are seen.
    continuum = -len(v) * np.log(width)
    places = np.sum(0.5 * np.log(2 * np.pi / weight)) - count * np.log(width)
    near = -0.5 * scatter - np.sum(np.log(s * np.sqrt(2 * np.pi)))
    divided = gammaln(count) + np.sum(gammaln(sizes + 1)) - gammaln(len(v) + count)
    return Levels(
        values=centres,
        errors=weight**-0.5,
        of=of,
        evidence=float(places + near + divided - continuum),
    )


def _members(
    levels: Float[np.ndarray, " levels"], values: Float[np.ndarray, "*objects"], errors: Float[np.ndarray, "*objects"]
) -> Int[np.ndarray, "*objects"]:
    """The level of each object; -1 where another one is too near for its error, or none is near."""
    away = np.abs(np.nan_to_num(values)[..., None] - levels)
    nearest = np.argmin(away, axis=-1)
    first = np.min(away, axis=-1)
    others = np.where(np.arange(len(levels)) == nearest[..., None], np.inf, away).min(axis=-1, initial=np.inf)
    with np.errstate(invalid="ignore"):
        told = (first < APART * errors) & (others - first > APART * errors) & np.isfinite(errors)
    return np.where(told, nearest, -1)
