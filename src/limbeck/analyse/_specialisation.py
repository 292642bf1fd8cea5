"""Which direction of space each component of a message follows, and the map back to the axes.

A message that is a linear function of the force, `m = F B + c`, may have turned and
stretched it. The columns of B say which direction each component follows; the inverse
of B takes messages back to force components.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from limbeck._types import Table

from ._linear_fit import Scores, determinations, plain_fit

LEAST_PURITY = 0.1  # R² below which a component is not said to follow any direction
LARGEST_STRETCH = 1e4  # ratio of singular values beyond which components follow one direction in all but rounding


@dataclass(frozen=True, kw_only=True, eq=False)
class Specialisation:
    """Directions of message components in space.

    Attributes:
        directions: Unit vector in space that each component follows; zeros where it follows none, which is
            so if less than `LEAST_PURITY` of its variance is explained by one.
        strengths: Change of each component for a unit of force along its direction.
        purities: Share of each component's variance that this one direction explains (R², all edges).
        axis_purities: 1 where a component follows one axis of space, 0 where it follows all of them alike.
        index: Volume that the directions span: 1 if they are perpendicular, 0 if two agree; None if one is undefined.
        stretch: Ratio of the largest to the smallest factor by which the map stretches, or None if it is singular or
            a component follows no direction.
        rotation: Orthogonal matrix nearest to the map; `messages @ rotation` lies along the axes of space
            up to a symmetric stretch. None unless as many components as there are axes follow distinct directions.
        mirrors: Whether that matrix turns a right hand into a left one, or None without it.
        canonical_map: `(messages - offsets) @ canonical_map` are the force components. None as above.
        offsets: The constants of the fit.
        canonical_r2: R² of each force component against the messages so mapped, on all edges; None without the map.
    """

    directions: Float[np.ndarray, "components dim"]
    strengths: Float[np.ndarray, " components"]
    purities: Scores
    axis_purities: tuple[float | None, ...]
    index: float | None
    stretch: float | None
    rotation: Float[np.ndarray, "dim dim"] | None
    mirrors: bool | None
    canonical_map: Float[np.ndarray, "dim dim"] | None
    offsets: Float[np.ndarray, " components"]
    canonical_r2: Scores | None


def specialisation(messages: Float[np.ndarray, "edges components"], forces: Table) -> Specialisation:
    """Read the directions of the components off a plain linear fit to the force on all edges.

    Args:
        messages: Components to look at, at most one for each axis of space if a map back is wanted.
        forces: Force (or acceleration) on the receiver.

    Returns:
        The directions, and the map where there is one.

    Source:
        sources/001 (Liu 2025), second extension: whether channels specialise in distinct directions.
    """
    fit = plain_fit(forces, messages)
    strengths = np.linalg.norm(fit.coefficients, axis=0)
    follows = (strengths > 0) & np.array([r2 is not None and r2 >= LEAST_PURITY for r2 in fit.r2])
    directions = np.where(follows, fit.coefficients / np.where(follows, strengths, 1.0), 0.0).T
    stretch = _stretch(fit.coefficients) if follows.all() else None
    square = len(strengths) == len(fit.coefficients) and stretch is not None
    rotation = _nearest_rotation(fit.coefficients) if square else None
    inverse = np.linalg.inv(fit.coefficients) if square else None
    return Specialisation(
        directions=directions,
        strengths=strengths,
        purities=fit.r2,
        axis_purities=tuple(_axis_purity(d) if there else None for d, there in zip(directions, follows, strict=True)),
        index=_volume(directions) if follows.all() else None,
        stretch=stretch,
        rotation=rotation,
        mirrors=None if rotation is None else bool(np.linalg.det(rotation) < 0),
        canonical_map=inverse,
        offsets=fit.offsets,
        canonical_r2=None if inverse is None else determinations(forces, (messages - fit.offsets) @ inverse),
    )


def _stretch(coefficients: Table) -> float | None:
    """Ratio of the largest to the smallest singular value."""
    sizes = np.linalg.svd(coefficients, compute_uv=False)
    return float(sizes[0] / sizes[-1]) if sizes[-1] * LARGEST_STRETCH > sizes[0] else None


def _nearest_rotation(coefficients: Float[np.ndarray, "dim dim"]) -> Float[np.ndarray, "dim dim"]:
    """The orthogonal factor of the polar decomposition, turned to act on messages."""
    left, _, right = np.linalg.svd(coefficients)
    return (left @ right).T


def _volume(directions: Float[np.ndarray, "components dim"]) -> float:
    """Volume of the parallelepiped of unit vectors; 0 for more of them than axes."""
    gram = directions @ directions.T
    return float(np.sqrt(max(np.linalg.det(gram), 0.0)))


def _axis_purity(direction: Float[np.ndarray, " dim"]) -> float:
    """Largest squared component, from its least possible value (0) to one (1)."""
    dim = len(direction)
    return 1.0 if dim == 1 else max(float((np.max(direction**2) * dim - 1.0) / (dim - 1.0)), 0.0)
