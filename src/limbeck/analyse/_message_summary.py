"""Readings of several seeds side by side, and readings as strict JSON."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from limbeck._errors import InputError

from ._message_reading import LEAST_R2, MARGIN, MARGIN_FACTOR, MessageReading, specialisation_target
from ._specialisation import Specialisation
from ._targets import TARGETS, InverseFit, TargetFit

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


@dataclass(frozen=True, kw_only=True)
class Spread:
    """One figure over seeds.

    Attributes:
        values: One for each seed; None where it is not defined.
        mean: Over the seeds where it is defined; None if there is none.
        deviation: Standard deviation of the sample; None for fewer than two.
        lowest: The smallest.
        highest: The largest.
    """

    values: tuple[float | None, ...]
    mean: float | None
    deviation: float | None
    lowest: float | None
    highest: float | None


@dataclass(frozen=True, kw_only=True)
class SeedSummary:
    """Readings of networks that differ in their seed only.

    Attributes:
        n_seeds: How many there are.
        chosen: How often each target was chosen, "none" included.
        agreed: The target that every seed chose, or None.
        r2: R² on all edges, by target.
        r2_trimmed: R² on the best nine tenths of the edges, by target.
        r2_unseen: R² on all edges by fits that have not seen them, by target.
        effective_dimension: Participation ratio.
        n_directions: Directions that carry more than the stated share of the variance.
        index: Index of specialisation.
    """

    n_seeds: int
    chosen: Mapping[str, int]
    agreed: str | None
    r2: Mapping[str, Spread]
    r2_trimmed: Mapping[str, Spread]
    r2_unseen: Mapping[str, Spread]
    effective_dimension: Spread
    n_directions: Spread
    index: Spread


def summarise_seeds(readings: Sequence[MessageReading]) -> SeedSummary:
    """Spread of the figures over seeds; every seed counts, and never the best one alone.

    Args:
        readings: One for each seed.

    Returns:
        The summary.

    Raises:
        InputError: If there is no reading.
    """
    if not readings:
        raise InputError("no reading to summarise: give one for each seed")
    chosen = [reading.chosen for reading in readings]
    return SeedSummary(
        n_seeds=len(readings),
        chosen={name: chosen.count(None if name == "none" else name) for name in (*TARGETS, "none")},
        agreed=chosen[0] if len(set(chosen)) == 1 else None,
        r2={target: spread([r.fit(target).score for r in readings]) for target in TARGETS},
        r2_trimmed={target: spread([r.fit(target).score_trimmed for r in readings]) for target in TARGETS},
        r2_unseen={target: spread([r.fit(target).score_unseen for r in readings]) for target in TARGETS},
        effective_dimension=spread([r.importance.effective_dimension for r in readings]),
        n_directions=spread([float(r.importance.n_directions) for r in readings]),
        index=spread([None if r.specialisation is None else r.specialisation.index for r in readings]),
    )


def spread(values: Sequence[float | None]) -> Spread:
    """Mean, deviation and range of what is defined.

    Args:
        values: One for each seed.

    Returns:
        The figures.
    """
    known = [value for value in values if value is not None and math.isfinite(value)]
    return Spread(
        values=tuple(values),
        mean=float(np.mean(known)) if known else None,
        deviation=float(np.std(known, ddof=1)) if len(known) > 1 else None,
        lowest=min(known, default=None),
        highest=max(known, default=None),
    )


def reading_to_mapping(reading: MessageReading) -> dict[str, Json]:
    """A reading as strict JSON: null where a figure is not defined, never NaN.

    Args:
        reading: What the messages say.

    Returns:
        A mapping of plain Python values.
    """
    sizes = reading.importance
    return {
        "edges": reading.n_edges,
        "coverage": number(reading.coverage),
        "groups": reading.n_groups,
        "message_dim": reading.message_dim,
        "dim": reading.dim,
        "third_law": reading.third_law,
        "importance": {
            "criterion": sizes.criterion,
            "order": [int(k) for k in sizes.order],
            "standard_deviations": numbers(sizes.standard_deviations),
            "variances": numbers(sizes.variances),
            "kl_divergences": None if sizes.kl_divergences is None else numbers(sizes.kl_divergences),
            "spectrum": numbers(sizes.spectrum),
            "effective_dimension": number(sizes.effective_dimension),
            "components_above_share": sizes.n_components,
            "directions_above_share": sizes.n_directions,
        },
        "components": [int(k) for k in reading.components],
        "fits": {fit.target: _fit(fit) for fit in reading.fits},
        "chosen": reading.chosen,
        "reasons": list(reading.reasons),
        "least_r2": LEAST_R2,
        "margin": {"absolute": MARGIN, "factor": MARGIN_FACTOR},
        "inverse": {fit.target: _inverse(fit) for fit in reading.inverse},
        "specialisation": _specialisation(reading.specialisation, specialisation_target(reading)),
        "trimming": reading.trimming,
    }


def summary_to_mapping(summary: SeedSummary) -> dict[str, Json]:
    """A summary over seeds as strict JSON.

    Args:
        summary: The figures.

    Returns:
        A mapping of plain Python values.
    """
    by_target = {"r2": summary.r2, "r2_trimmed": summary.r2_trimmed, "r2_unseen": summary.r2_unseen}
    alone = {
        "effective_dimension": summary.effective_dimension,
        "directions_above_share": summary.n_directions,
        "specialisation_index": summary.index,
    }
    return {
        "seeds": summary.n_seeds,
        "chosen": dict(summary.chosen),
        "agreed": summary.agreed,
        **{name: {target: _spread(value) for target, value in found.items()} for name, found in by_target.items()},
        **{name: _spread(value) for name, value in alone.items()},
    }


def number(value: float | None) -> float | None:
    """A finite number, or None.

    Args:
        value: Any number, or None.

    Returns:
        What JSON can hold.
    """
    return float(value) if value is not None and math.isfinite(value) else None


def numbers(values: np.ndarray | Sequence[float | None]) -> list[Json]:
    """Nested lists of finite numbers and None.

    Args:
        values: An array of any shape, or a sequence.

    Returns:
        What JSON can hold.
    """
    return [numbers(value) if isinstance(value, np.ndarray) else number(value) for value in values]


def _fit(fit: TargetFit) -> Json:
    """One fit of the components."""
    return {
        "r2": numbers(fit.r2),
        "r2_trimmed": numbers(fit.r2_trimmed),
        "r2_unseen": numbers(fit.r2_unseen),
        "r2_beyond": numbers(fit.r2_beyond),
        "score": number(fit.score),
        "score_trimmed": number(fit.score_trimmed),
        "score_unseen": number(fit.score_unseen),
        "score_beyond": number(fit.score_beyond),
        "columns": fit.n_columns,
        "refusal": fit.refusal or None,
    }


def _inverse(fit: InverseFit) -> Json:
    """One fit of a target."""
    return {"r2": numbers(fit.r2), "r2_trimmed": numbers(fit.r2_trimmed), "r2_unseen": numbers(fit.r2_unseen)}


def _specialisation(found: Specialisation | None, target: str) -> Json:
    """Directions and maps."""
    if found is None:
        return None
    return {
        "target": target,
        "directions": numbers(found.directions),
        "strengths": numbers(found.strengths),
        "purities": numbers(found.purities),
        "axis_purities": numbers(found.axis_purities),
        "index": number(found.index),
        "stretch": number(found.stretch),
        "rotation": None if found.rotation is None else numbers(found.rotation),
        "mirrors": found.mirrors,
        "canonical_map": None if found.canonical_map is None else numbers(found.canonical_map),
        "offsets": numbers(found.offsets),
        "canonical_r2": None if found.canonical_r2 is None else numbers(found.canonical_r2),
    }


def _spread(found: Spread) -> Json:
    """One figure over seeds."""
    return {
        "values": numbers(found.values),
        "mean": number(found.mean),
        "deviation": number(found.deviation),
        "lowest": number(found.lowest),
        "highest": number(found.highest),
    }
