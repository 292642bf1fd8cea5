"""Say what the messages of a network are: which components matter, and what these stand for.

"The messages are forces" is a claim that must be able to fail: the target is chosen by R² on
all held-out edges, none left out, on simulations that the fit has not seen. R² on the best nine tenths of the edges
stands beside it and decides nothing.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from limbeck._errors import InputError

from ._importance import Importance, importance
from ._linear_fit import KEPT
from ._message_record import MessageRecord
from ._specialisation import Specialisation, specialisation
from ._targets import (
    ACCELERATION,
    FORCE,
    FREE,
    MEANINGS,
    TARGETS,
    InverseFit,
    TargetFit,
    inverse_fit,
    no_fit,
    target_fit,
    target_vectors,
)

LEAST_R2 = 0.9  # below this, on all edges, messages are not said to be anything
MARGIN = 1e-3  # a simpler target may leave this much more unexplained ...
MARGIN_FACTOR = 1.2  # ... than so many times what the best one leaves


@dataclass(frozen=True, kw_only=True, eq=False)
class MessageReading:
    """What the messages of one network say.

    Attributes:
        n_edges: Directed edges that were read.
        coverage: Share of the held-out snapshots that were read.
        n_groups: Simulations (or snapshots of one) that they are from.
        message_dim: Components of a message.
        dim: Dimension of space.
        third_law: Whether the network's messages obey the third law, which leaves no free matrix.
        importance: Size of each component.
        components: The components that were fitted, the most important first.
        fits: One for each target, simplest first.
        chosen: The target that the messages stand for, or None where nothing can be said.
        reasons: Why.
        inverse: How well the targets are linear in all components.
        specialisation: Directions of the fitted components, or None where the force is not known.
        trimming: Share of the edges that the trimmed fits keep.
    """

    n_edges: int
    coverage: float
    n_groups: int
    message_dim: int
    dim: int
    third_law: bool
    importance: Importance
    components: Int[np.ndarray, " components"]
    fits: tuple[TargetFit, ...]
    chosen: str | None
    reasons: tuple[str, ...]
    inverse: tuple[InverseFit, ...]
    specialisation: Specialisation | None
    trimming: float

    def fit(self, target: str) -> TargetFit:
        """The fit to one target.

        Args:
            target: "force", "acceleration" or "free".

        Returns:
            The fit, or why it was not made.
        """
        return self.fits[TARGETS.index(target)]


def read_messages(record: MessageRecord, *, third_law: bool, n_components: int | None = None) -> MessageReading:
    """Read the messages of one network.

    Args:
        record: Its messages on held-out edges.
        third_law: Whether the network's messages obey the third law. If they do, nothing but a constant
            matrix is free (house plan, "Inductive biases"), and the free target is not fitted.
        n_components: How many of the most important components are fitted; as many as axes of space unless told.

    Returns:
        Everything that can be said, with the reason where nothing can.

    Raises:
        InputError: If a message, a force or a log variance is not a finite number, or no component is asked for.
    """
    _check_finite(record)
    wanted = record.dim if n_components is None else n_components
    if not 1 <= wanted <= record.message_dim and n_components is not None:
        raise InputError(f"n_components: expected 1 to {record.message_dim}, the size of a message; got {wanted}")
    sizes = importance(record)
    components = sizes.order[:wanted]
    messages = record.messages[:, components]
    fits = tuple(_fit(record, messages, target, third_law=third_law) for target in TARGETS)
    chosen, reasons = choose(fits)
    known = [f.target for f in fits if f.target != FREE and not f.refusal]
    inverse = tuple(inverse_fit(record, target) for target in known)
    axes = specialisation(messages, target_vectors(record, _linear_target(chosen, fits))) if known else None
    return MessageReading(
        n_edges=record.n_edges,
        coverage=record.coverage,
        n_groups=len(np.unique(record.groups)),
        message_dim=record.message_dim,
        dim=record.dim,
        third_law=third_law,
        importance=sizes,
        components=components,
        fits=fits,
        chosen=chosen,
        reasons=(*reasons, *_lost_axes(chosen, inverse), *_cautions(record, sizes, len(components))),
        inverse=inverse,
        specialisation=axes,
        trimming=KEPT,
    )


def choose(fits: tuple[TargetFit, ...]) -> tuple[str | None, tuple[str, ...]]:
    """The simplest target whose R² is within the margin of the best, if that R² is high enough to say anything.

    Args:
        fits: Simplest first.

    Returns:
        The target or None, and why.
    """
    scored = [(fit, score) for fit in fits if (score := _claim(fit)) is not None]
    if not scored:
        refusals = dict.fromkeys(fit.refusal for fit in fits if fit.refusal)
        undefined = "a component that was to be fitted has one value on all edges, so R² is not defined"
        return None, tuple(refusals) if len(refusals) == 1 else (undefined,)
    best, top = max(scored, key=lambda pair: pair[1])
    if top < LEAST_R2:
        trimmed = best.score_trimmed
        beside = "" if trimmed is None else f" (on the best {100 * KEPT:.0f} % of the edges {trimmed:.3f})"
        return None, (
            f"R² on all edges is at most {top:.3f}{beside}, for {MEANINGS[best.target]}; "
            f"at least {LEAST_R2:g} is asked before messages are said to be anything",
        )
    enough = max(LEAST_R2, 1.0 - MARGIN_FACTOR * (1.0 - top) - MARGIN)
    fit, score = next(pair for pair in scored if pair[1] >= enough)
    why = f"R² on all edges is {score:.4f} for {MEANINGS[fit.target]}"
    if fit is not best:
        why += f"; {MEANINGS[best.target]} reaches {top:.4f}, too little more to prefer it"
    return fit.target, (why,)


def _claim(fit: TargetFit) -> float | None:
    """R² by which a target is judged: of the free one no more than what the force adds to an offset."""
    if fit.target != FREE or fit.score_unseen is None:
        return fit.score_unseen
    return None if fit.score_beyond is None else min(fit.score_unseen, fit.score_beyond)


def _fit(record: MessageRecord, messages: np.ndarray, target: str, *, third_law: bool) -> TargetFit:
    """The fit to one target, or why the network's biases leave no room for it."""
    if target == FREE and third_law and record.forces is not None:
        refusal = "under the third law only a constant matrix is free, which the fit to the force has"
        return no_fit(FREE, refusal)
    return target_fit(record, messages, target, velocities=not third_law)


def _linear_target(chosen: str | None, fits: tuple[TargetFit, ...]) -> str:
    """The target whose directions are shown: the chosen one, else the better of the two that are vectors."""
    if chosen in (FORCE, ACCELERATION):
        return chosen
    scored = {fit.target: fit.score_unseen for fit in fits if fit.target != FREE}
    force, acceleration = (scored[name] for name in (FORCE, ACCELERATION))
    return ACCELERATION if acceleration is not None and (force is None or acceleration > force) else FORCE


def _lost_axes(chosen: str | None, inverse: tuple[InverseFit, ...]) -> tuple[str, ...]:
    """Whether messages that are linear in a vector lack a part of it."""
    scores = next((fit.r2 for fit in inverse if fit.target == chosen), ())
    known = [score for score in scores if score is not None]
    if not known or min(known) >= LEAST_R2:
        return ()
    return (
        f"the {chosen} can't be read back along every axis (R² {min(known):.3f} along the worst): a part is missing",
    )


def _cautions(record: MessageRecord, sizes: Importance, n_fitted: int) -> tuple[str, ...]:
    """What else has to be known before the reading is believed."""
    found = []
    if sizes.n_directions > n_fitted:
        found.append(
            f"messages vary in {sizes.n_directions} directions, and {n_fitted} components were fitted: "
            "what the others say is not described"
        )
    if record.forces is not None and record.inertia is not None and np.ptp(record.inertia) == 0:
        found.append("all receivers have one inertia, so force and acceleration can't be told apart")
    if record.coverage < 1.0:
        found.append(f"{100 * record.coverage:.3g} % of the held-out snapshots were read, spread evenly")
    return tuple(found)


def _check_finite(record: MessageRecord) -> None:
    """Refuse what no figure can be taken of."""
    for name in ("messages", "forces", "log_variances", "receivers", "receiver_velocities", "inertia"):
        values = getattr(record, name)
        if values is not None and not np.all(np.isfinite(values)):
            bad = int(np.sum(~np.isfinite(values)))
            raise InputError(f"{name}: {bad} of {values.size} numbers are not finite, so no R² on all edges is defined")


def specialisation_target(reading: MessageReading) -> str:
    """The target along which the directions of the components were read.

    Args:
        reading: What the messages say.

    Returns:
        "force" or "acceleration".
    """
    return _linear_target(reading.chosen, reading.fits)
