"""Which signs of learned properties the accelerations do not tell."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from ._property_slopes import PropertySlopes
from ._property_solution import PropertySolution

SAME = 1e-9  # relative change of accelerations that is rounding


def sets_of(slopes: PropertySlopes, n_objects: int) -> Int[np.ndarray, " objects"]:
    """Sets of objects that act on each other, directly or through others.

    Args:
        slopes: A law on some snapshots.
        n_objects: Number of objects.

    Returns:
        Set of each object.
    """
    o = slopes.objects
    ones = np.ones(len(o.receivers))
    return connected_components(coo_matrix((ones, (o.receivers, o.senders)), shape=(n_objects,) * 2), directed=False)[1]


def is_free(slopes: PropertySlopes, at: PropertySolution, number: int) -> bool:
    """Whether no acceleration tells the sign of a property.

    Args:
        slopes: The law on some snapshots.
        at: Constants and values.
        number: Which property.

    Returns:
        True if it may be turned for all objects at once, and so for each set of them.
    """
    law = slopes.law.with_constants(at.constants)
    turned = _turned(at.values, number, -1.0)
    before, after = (law.accelerations(slopes.with_values(values)) for values in (at.values, turned))
    size = np.max(np.abs(before), initial=0.0)
    return bool(size > 0.0 and np.max(np.abs(after - before)) <= SAME * size)


def with_signs(slopes: PropertySlopes, at: PropertySolution) -> PropertySolution:
    """The solution with the largest of each set positive, where signs are free and no levels say otherwise.

    Args:
        slopes: The law on some snapshots.
        at: Constants and values.

    Returns:
        Constants and values.
    """
    sets = sets_of(slopes, at.values.shape[1])
    for number, own in enumerate(at.values):
        if number in at.places or not is_free(slopes, at, number):
            continue
        sign = np.ones(len(own))
        for k in np.unique(sets):
            mine = np.flatnonzero(sets == k)
            if own[mine[np.argmax(np.abs(own[mine]))]] < 0:
                sign[mine] = -1.0
        at = replace(at, values=_turned(at.values, number, sign))
    return at


def sign_sentence(slopes: PropertySlopes, at: PropertySolution, number: int, group: Int[np.ndarray, " objects"]) -> str:
    """What is left free of the sign of a property.

    Args:
        slopes: The law on some snapshots.
        at: The least squares.
        number: Which property.
        group: Group of each object: groups never meet.

    Returns:
        Half a sentence; empty where its sign shows.
    """
    if not is_free(slopes, at, number):
        return ""
    sets = sets_of(slopes, at.values.shape[1])
    meeting = np.bincount(sets)[sets] > 1
    if len(np.unique(sets[meeting])) > len(np.unique(group[meeting])):
        whose = "of each set of particles that act on each other"
    else:
        whose = "of all" if not group.any() else "of each simulation"
    return f"; one sign {whose} is free, and the largest is positive"


def _turned(
    values: Float[np.ndarray, "properties objects"], number: int, sign: float | Float[np.ndarray, " objects"]
) -> Float[np.ndarray, "properties objects"]:
    """Values with the sign of one property changed."""
    turned = values.copy()
    turned[number] *= sign
    return turned
