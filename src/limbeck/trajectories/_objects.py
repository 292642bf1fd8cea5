"""Which particles of different simulations are one and the same object."""

from dataclasses import replace

import numpy as np
from jaxtyping import Int

from limbeck._types import NodeScalars

from ._trajectories import Trajectories


def object_index(trajectories: Trajectories) -> Int[np.ndarray, "systems nodes"]:
    """Number the objects that the particles are.

    Args:
        trajectories: The states; where properties belong to labels, all particles of a label are one object; where
            particles are shared, one name is one object everywhere, and without names one place.

    Returns:
        The object of each particle; otherwise each one is an object of its own.
    """
    t = trajectories
    if t.per:
        labels = len(t.categories[t.per])
        codes = np.nan_to_num(t.attributes[t.per], nan=0.0).astype(int)
        return np.where(t.present.any(axis=1), codes, labels + np.arange(t.n_nodes))
    if not t.shared_particles:
        return np.arange(t.n_systems * t.n_nodes).reshape(t.n_systems, t.n_nodes)
    if not t.particle_names:
        return np.tile(np.arange(t.n_nodes), (t.n_systems, 1))
    names = {name: k for k, name in enumerate(dict.fromkeys(name for part in t.particle_names for name in part))}
    found = np.empty((t.n_systems, t.n_nodes), dtype=int)
    # A simulation with fewer particles has empty places at its end: each is an object that never shows.
    found[...] = len(names) + np.arange(t.n_nodes)
    for system, part in enumerate(t.particle_names):
        found[system, : len(part)] = [names[name] for name in part]
    return found


def objects_return(trajectories: Trajectories) -> bool:
    """Whether the same objects stand in every snapshot, so that each has a typical acceleration of its own.

    Args:
        trajectories: The states.

    Returns:
        True for one simulation, for shared particles, and where labels are the objects.
    """
    return trajectories.n_systems == 1 or trajectories.shared_particles or bool(trajectories.per)


def object_name(trajectories: Trajectories, system: int, node: int) -> str:
    """What the source calls the object that a particle is.

    Args:
        trajectories: The states.
        system: Number of the simulation.
        node: Place of the particle.

    Returns:
        Its label where labels are the objects, else its name; the number of its place where it has none.
    """
    t = trajectories
    if t.per:
        return t.categories[t.per][int(t.attributes[t.per][system, node])]
    names = t.particle_names[system] if t.particle_names else ()
    return names[node] if node < len(names) else str(node)


def with_attribute(trajectories: Trajectories, name: str, values: NodeScalars | None) -> Trajectories:
    """Give every particle a property, or take one away.

    Args:
        trajectories: The states.
        name: Name of the property.
        values: Its value for every particle; None takes it away.

    Returns:
        The same states with that property, after all others, or without it.
    """
    kept = {other: known for other, known in trajectories.attributes.items() if other != name}
    if values is not None:
        kept[name] = values
    categories = {other: labels for other, labels in trajectories.categories.items() if other != name}
    return replace(trajectories, attributes=kept, categories=categories)
