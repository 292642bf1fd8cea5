"""Values that act on no acceleration, or may be as large as they like: a body that never visibly answers to forces.

What resists divides: the heavier a body, the less its own value shows, and from some size on the data do not tell it
from an infinite one. Least squares would drive it up without end, and a mean size with it.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from limbeck.train import TOO_HEAVY

from ._property_slopes import PropertySlopes

INFINITE = 1e30  # times the typical size: what resists so much is at rest in any encounter
CERTAIN = 3.0  # standard errors from which on an effect is one
SAME = 1e-9  # share of errors that is rounding


def acting(
    slopes: PropertySlopes, values: Float[np.ndarray, "properties objects"], group: Int[np.ndarray, " objects"]
) -> Bool[np.ndarray, "properties objects"]:
    """Whether any acceleration depends on each value.

    Args:
        slopes: The law on some snapshots.
        values: The properties.
        group: Group of each object.

    Returns:
        One for each property and object.
    """
    return _felt(slopes, np.any(slopes(slopes.law.constants, values)[2] != 0, axis=1), group)


def _felt(
    slopes: PropertySlopes, depends: Bool[np.ndarray, "particles unknowns"], group: Int[np.ndarray, " objects"]
) -> Bool[np.ndarray, "properties objects"]:
    """Values that any particle of their group depends on."""
    moved = np.zeros((int(group.max()) + 1, depends.shape[1]), dtype=bool)
    np.logical_or.at(moved, group[slopes.objects.particles], depends)
    return moved.reshape(len(moved), -1, slopes.n_slots)[group, :, slopes.slots].T


def _resisting(
    slopes: PropertySlopes, values: Float[np.ndarray, "properties objects"], group: Int[np.ndarray, " objects"]
) -> Bool[np.ndarray, "properties objects"]:
    """Values that no acceleration depends on but the object's own."""
    depends = np.any(slopes(slopes.law.constants, values)[2] != 0, axis=1)
    own = np.zeros((len(depends), len(values), slopes.n_slots), dtype=bool)
    own[np.arange(len(own)), :, slopes.slots[slopes.objects.particles]] = True
    own = own.reshape(depends.shape)
    return _felt(slopes, depends & own, group) & ~_felt(slopes, depends & ~own, group)


def typical_sizes(
    values: Float[np.ndarray, "properties objects"], counted: Bool[np.ndarray, "properties objects"]
) -> Float[np.ndarray, " properties"]:
    """Typical size of each property.

    Args:
        values: The properties.
        counted: Which values count.

    Returns:
        Medians; 1 where nothing counts.
    """
    sizes = (np.abs(own[mine]) for own, mine in zip(values, counted, strict=True))
    return np.array([np.median(own) if np.any(own) else 1.0 for own in sizes])


@dataclass(frozen=True, kw_only=True, eq=False)
class Reach:
    """How large values may be.

    Attributes:
        least: The value that would show by one standard error, where a value only resists.
        is_boundless: Whether a value may be infinite.
        is_too_large: Whether a value is so large that small errors would hide it: it is no good unit.
    """

    least: Float[np.ndarray, "properties objects"]
    is_boundless: Bool[np.ndarray, "properties objects"]
    is_too_large: Bool[np.ndarray, "properties objects"]

    @classmethod
    def of(
        cls,
        slopes: PropertySlopes,
        values: Float[np.ndarray, "properties objects"],
        group: Int[np.ndarray, " objects"],
        typical: Float[np.ndarray, " properties"],
    ) -> "Reach":
        """Hold values against infinite ones, all at once: those that may be infinite are felt by their owner only.

        Args:
            slopes: The law on some snapshots.
            values: The properties, at or near the least squares.
            group: Group of each object.
            typical: Size of each property.

        Returns:
            Bounds for each property and object.
        """
        particles, n_objects = slopes.objects.particles, values.shape[1]
        rows, asked = group[particles], _resisting(slopes, values, group)
        least, boundless = np.full(values.shape, np.nan), np.zeros(values.shape, dtype=bool)
        here = _errors(slopes, values)
        for k, mine in enumerate(asked):
            if not np.any(mine):
                continue
            # Their reach is not asked at the values themselves, which may be anything where they are not felt.
            away, near = (_errors(slopes, _with(values, k, mine, size * typical[k])) for size in (INFINITE, 1.0))
            lost = _summed(away**2 - here**2, particles, n_objects) / CERTAIN**2
            left = np.minimum(here**2, away**2)
            spread = np.maximum(_mean(left, rows)[group], _mean(left, particles, n_objects))
            spread = np.maximum(spread, SAME**2)  # nothing is said by errors of rounding
            least[k] = typical[k] * np.sqrt(_summed((near - away) ** 2, particles, n_objects) / spread)
            boundless[k] = mine & (lost <= spread)
        too_large = asked & (np.abs(values) > TOO_HEAVY * typical[:, None])
        return cls(least=least, is_boundless=boundless, is_too_large=too_large)


def _with(values: np.ndarray, k: int, mine: Bool[np.ndarray, " objects"], value: float) -> np.ndarray:
    """The properties with one value of some objects."""
    changed = values.copy()
    changed[k, mine] = value
    return changed


def _errors(slopes: PropertySlopes, values: np.ndarray) -> Float[np.ndarray, "particles dim"]:
    """Weighted errors; infinite where there are none."""
    states = slopes.with_values(values)
    with np.errstate(all="ignore"):
        errors = (slopes.law.accelerations(states) - states.targets) * states.weights[:, None]
    return np.nan_to_num(errors, nan=np.inf, posinf=np.inf, neginf=-np.inf)


def _summed(squares: np.ndarray, of: Int[np.ndarray, " particles"], count: int = 0) -> np.ndarray:
    """Sums over the particles of each object or group."""
    return np.bincount(of, squares.sum(axis=1), count)


def _mean(squares: np.ndarray, of: Int[np.ndarray, " particles"], count: int = 0) -> np.ndarray:
    """Means over the components of each object's or group's particles; 0 where there are none."""
    return _summed(squares, of, count) / np.maximum(np.bincount(of, minlength=count) * squares.shape[1], 1)
