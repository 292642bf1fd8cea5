"""Can the law be stood behind? Figures, thresholds and reasons, never a known truth."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float

from limbeck.graphs import GraphDataset
from limbeck.regress import ConstantEstimate
from limbeck.train import TrainedModel
from limbeck.trajectories import stated_noise

from ._compose import ComposedLaw
from ._free_force import free_force
from ._law import Law, is_one_body
from ._noise_effect import LARGEST_NOISE, MOST
from ._rollout import Rollout
from ._searches import APPROXIMATE
from ._shoot import MISFIT, TrajectoryFit
from ._states import AXES, States, states_of, thinned
from ._what_is_left import Leftover, Predict, noise_within, what_is_left

HELD_OUT_ERROR = 1e-2
DOUBTFUL = 0.1  # relative error of half of the learned values: less well known, they take up what a form lacks
LARGEST_TAIL = 0.3  # error of the 90th percentile that a network which is no better can't excuse
HOPELESS = 0.1  # error of a network that something is missing from as well
ENERGY_DRIFT = 1e-3
WORSE, WORSE_FROM_NOISE = 1.1, 2.0  # error of a rollout in those of the network's
NO_NOISE = "; the given accelerations show no noise, so the form may be an approximation"
NOISE_LEFT = "; what it leaves is the same everywhere, known to nothing else and another each time, as noise is"
ROUNDING = 1e-6  # errors of an exact law on data with six digits and more


@dataclass(frozen=True, kw_only=True)
class Check:
    """One question to a law.

    Attributes:
        value: What was measured; None where it can't be a number.
        threshold: What it is compared with.
        passed: Whether the law stands.
        reason: What was asked, in a sentence.
    """

    value: float | None
    threshold: float | None
    passed: bool
    reason: str


Checks = dict[str, Check | None]
DECISIVE = ("heldout", "extrapolation", "rollout", "stability", "one_body_baseline")


def check_law(
    composed: ComposedLaw, trained: TrainedModel, dataset: GraphDataset, rollout: Rollout | None, noise: float
) -> Checks:
    """Ask everything that can be asked of a law without knowing the truth.

    Args:
        composed: The law.
        trained: The network that it came from.
        dataset: The data; test and extrapolation snapshots are looked at.
        rollout: Rollout of both, or None.
        noise: Effect of the noise, from `noise_effect`.

    Returns:
        A check by name; None where it can't be asked.
    """
    rows = thinned(dataset, dataset.test, MOST)
    test = states_of(dataset, rows)
    predicted = composed.law.accelerations(test)
    counted = test.acted_on(predicted)  # network and baseline are held against the law where it counts
    errors = test.relative_errors(predicted)[counted]
    network = test.relative_errors(_network(trained, dataset, rows))[counted]
    left, is_given = float(np.median(errors)), dataset.trajectories.accelerations_are == "given"
    leftover, caution = (what_is_left(dataset, _by(composed.law)) if left > ROUNDING else None), ""
    if leftover is not None and is_given:
        noise = _noise_under(leftover, composed.law, dataset, noise)
        caution = NO_NOISE if noise == 0.0 else "" if leftover.noise is None else NOISE_LEFT
    if dataset.trajectories.measured_positions is None:
        noise = min(noise, float(np.median(network)))
    threshold = max(HELD_OUT_ERROR, 3.0 * min(noise, LARGEST_NOISE))
    train = states_of(dataset, thinned(dataset, dataset.train, MOST))
    baseline = test.relative_errors(one_body_accelerations(train, test))[counted]
    heldout = _heldout(errors, network, threshold, caution, composed, _vagueness(composed, test))
    least = _least_error(composed.law, train, test, counted) if is_given and left > ROUNDING else left
    if left > APPROXIMATE * least:  # derived ones miss of themselves what goes with the distance
        reason = f"{heldout.reason}; with free functions in the place of the law's own it is {least:.2g}"
        heldout = replace(heldout, passed=False, reason=f"{reason}, so the form is no more than an approximation")
    if leftover is not None and not heldout.passed:
        said = network_hints(trained, dataset) if np.median(network) > HOPELESS else _said("the law", leftover)
        heldout = replace(heldout, reason=heldout.reason + said)
    if not np.any(test.targets):
        reason = f"{heldout.reason}; no force acts on any particle there, so that nothing speaks for the law"
        heldout = replace(heldout, passed=False, reason=reason)
    return {
        "heldout": heldout,
        "extrapolation": _extrapolation(composed, dataset, threshold),
        "other_n": None,
        "rollout": _rollout(rollout, composed.followed),
        "energy": _energy(rollout),
        "messages_r2": None,
        "stability": _stability(composed, float(np.median(errors))),
        "one_body_baseline": _one_body(composed, float(np.median(errors)), float(np.median(baseline))),
    }


def _noise_under(leftover: Leftover, law: Law, dataset: GraphDataset, noise: float) -> float:
    """Effect of the noise of given accelerations under a law, where their errors were not stated."""
    if stated_noise(dataset.trajectories) is not None:
        return noise
    if leftover.noise is not None:
        return leftover.noise
    # Fast motion looks like noise, too: what the law leaves holds less of it.
    return min(noise, noise_within(dataset, _by(law))) if noise > 0.0 else 0.0


def network_hints(trained: TrainedModel, dataset: GraphDataset) -> str:
    """What the errors of a network go with: what no model of this kind can follow.

    Args:
        trained: The network.
        dataset: The data.

    Returns:
        The end of a sentence, empty where nothing is seen.
    """
    return _said("the network", what_is_left(dataset, lambda rows, _: _network(trained, dataset, rows)))


def _said(what: str, leftover: Leftover) -> str:
    """What errors go with, in words."""
    return f"; what {what} leaves {' and '.join(leftover.hints)}" if leftover.hints else ""


def _by(law: Law) -> Predict:
    """Accelerations by a law."""
    return lambda _, states: law.accelerations(states)


def _network(trained: TrainedModel, dataset: GraphDataset, rows: np.ndarray) -> Float[np.ndarray, "particles dim"]:
    """The network's accelerations of the particles with a target."""
    batch = dataset.batch(rows)
    return trained.accelerations(batch)[batch.targeted()]


def _least_error(law: Law, train: States, test: States, counted: np.ndarray) -> float:
    """Median relative error of free functions in the place of the law's own; infinite where there are none."""
    free = free_force(law, train)
    return np.inf if free is None else float(np.median(test.relative_errors(free.accelerations(test))[counted]))


def _vagueness(composed: ComposedLaw, test: States) -> float:
    """Median relative error that the constants' own standard errors leave in the accelerations."""
    if composed.followed is None:
        return 0.0
    law, errors = composed.followed.law, composed.followed.errors_beside
    errors = composed.followed.errors if errors is None else errors  # the unit of a property is no doubt about the law
    own = replace(test, targets=law.accelerations(test))
    moved = law.constants + np.diag(errors)
    return float(
        np.linalg.norm([np.median(own.counted_errors(law.with_constants(c).accelerations(test))) for c in moved])
    )


def _heldout(
    errors: np.ndarray, network: np.ndarray, threshold: float, caution: str, composed: ComposedLaw, vague: float = 0.0
) -> Check:
    """Error on test snapshots, in the middle and in the tail, beside the network's."""
    followed = composed.followed
    middle, tail = (float(q) for q in np.quantile(errors, [0.5, 0.9], method="higher"))
    own, own_tail = (float(q) for q in np.quantile(network, [0.5, 0.9], method="higher"))
    # Where no derivative reaches (a close encounter in noise), law and network miss alike, and following tells.
    allowed = 1.5 * own_tail if followed is not None else min(1.5 * own_tail, LARGEST_TAIL)
    passed = middle <= threshold and middle <= max(1.5 * own, 1e-4) and tail <= max(3 * threshold, allowed)
    if followed is not None:
        doubt = followed.doubt_of_values
        passed = passed and followed.goes_through and vague <= HELD_OUT_ERROR and doubt <= DOUBTFUL
        caution += _following(followed)
        if doubt > DOUBTFUL:
            caution += f"; half of the learned values are known within {doubt:.0%} at best, and may hide its form"
        if vague > HELD_OUT_ERROR:
            caution += f"; its constants are not known well enough: accelerations within {vague:.2g}"
    if composed.is_lost:  # smoothing hides what the truth does in close encounters, and a softer law looks as good
        passed = False
        caution += "; the law could not be followed through the noisy positions, so nothing speaks for its constants"
    return Check(
        value=finite(middle),
        threshold=threshold,
        passed=passed,
        reason=f"median relative error of the acceleration on held-out data (90th percentile {tail:.2g}; "
        f"network {own:.2g}, 90th percentile {own_tail:.2g}){caution}",
    )


def _following(followed: TrajectoryFit) -> str:
    """What following a law showed, in words."""
    return (
        f"; followed through {followed.n_windows} of {len(followed.misfits)} stretches of {followed.length} snapshots "
        f"(two thirds are asked), the law's positions lie {followed.misfit:.2f} times the noise from those measured "
        f"(at most {MISFIT:g}), by errors with a Durbin-Watson statistic of {followed.whiteness:.3f} (at least "
        f"{followed.least_whiteness:.3f}; 2 is pure noise)"
    )


def _extrapolation(composed: ComposedLaw, dataset: GraphDataset, threshold: float) -> Check | None:
    """Error where pairs are wider apart than any in training."""
    if len(dataset.extrapolation) == 0:
        return None
    states = states_of(dataset, thinned(dataset, dataset.extrapolation, MOST))
    value = float(np.median(states.counted_errors(composed.law.accelerations(states))))
    return Check(
        value=finite(value),
        threshold=2 * threshold,
        passed=value <= 2 * threshold,
        reason=f"median relative error on held-out snapshots with a pair beyond {dataset.reach:.3g}, "
        "which training never saw",
    )


def _rollout(rollout: Rollout | None, followed: TrajectoryFit | None) -> Check | None:
    """Error of the law's trajectories against the network's."""
    if rollout is None:
        return None
    law, network = rollout.mean_errors
    # From states that are known up to noise even the truth goes astray, by chance farther than a network does.
    threshold = (WORSE if followed is None else WORSE_FROM_NOISE) * network + 1e-6
    return Check(
        value=finite(law),
        threshold=finite(threshold),
        passed=law <= threshold,
        reason=f"mean error of positions, in typical distances, up to time {rollout.horizon:.3g}; "
        f"the network's is {network:.2g}",
    )


def _energy(rollout: Rollout | None) -> Check | None:
    """Conservation of the law's own energy in its rollout, where the law is meant to conserve one."""
    energy = None if rollout is None else next((d for d in rollout.drifts if d.quantity == "energy"), None)
    if energy is None or not energy.conserved:
        return None
    lost = "" if energy.law is not None else "; most of its paths were lost"
    return Check(
        value=energy.law,
        threshold=ENERGY_DRIFT,
        passed=energy.law is not None and energy.law <= ENERGY_DRIFT,
        reason=f"largest relative change of the law's own energy along its rollout, median over simulations{lost}",
    )


def _stability(composed: ComposedLaw, error: float) -> Check:
    """Whether a second search found the same form, and time did not run out on forms that might have been better."""
    left = composed.unfollowed
    # What one search alone chose has to be exact on data that no search has seen, too.
    agreed = composed.is_stable and (not composed.is_exact or error <= ROUNDING)
    return Check(
        value=None,
        threshold=None,
        passed=agreed and not left,
        reason=_agreement(composed, agreed)
        + (f"; time ran out before all forms were followed through the positions ({left} left)" if left else ""),
    )


def _agreement(composed: ComposedLaw, agreed: bool) -> str:
    """What the searches say of a law, in words."""
    if composed.is_exact and agreed:
        numbers = len(composed.law.constants)
        return (
            f"no two searches chose one form, but this one leaves nothing but rounding with {numbers} fitted "
            f"number{'' if numbers == 1 else 's'}, which no form does by chance"
        )
    chose = "two or more chose this form" if composed.followed is None else "two or more lead to this form"
    return f"of {1 + len(composed.others)} searches, on different samples and with different seeds, " + (
        chose if agreed else "no two chose the same form"
    )


def _one_body(composed: ComposedLaw, error: float, baseline: float) -> Check:
    """The law's error beside that of the best law without interaction."""
    no_pairs = all(name == "inertia" or is_one_body(name) for name in composed.law.components)
    threshold = 1.5 * baseline if no_pairs else 0.5 * baseline
    return Check(
        value=finite(error),
        threshold=threshold,
        passed=error <= threshold,
        reason=f"the law's error must be well below that of the best law without interaction, {baseline:.2g}"
        if not no_pairs
        else f"the law has no interaction; a linear one-body fit has the error {baseline:.2g}",
    )


def one_body_accelerations(train: States, test: States) -> Float[np.ndarray, "particles dim"]:
    """Accelerations of the best linear one-body law.

    Position, velocity, speed times velocity and constants, each also times and over every
    attribute, fitted by weighted least squares.

    Args:
        train: Snapshots to fit.
        test: Snapshots to predict.

    Returns:
        Predictions on the test snapshots.
    """
    attributes = train.attributes
    inverted = [name for name in attributes if all(np.all(states.nodes[name] > 0) for states in (train, test))]
    fit, predict = (_one_body_table(states, attributes, inverted) for states in (train, test))
    weights = train.weights[:, None]
    coefficients = np.linalg.lstsq(fit * weights, train.targets * weights, rcond=None)[0]
    return predict @ coefficients


def _one_body_table(
    states: States, attributes: Sequence[str], inverted: Sequence[str]
) -> Float[np.ndarray, "particles terms"]:
    """Columns of the linear one-body law."""
    axes = AXES[: states.dim]
    basic = [np.ones(len(states.targets))]
    for axis in axes:
        velocity = states.nodes[f"v{axis}_1"]
        basic += [states.nodes[f"{axis}_1"], velocity, states.nodes["v_1"] * velocity]
    factors = [np.ones(len(states.targets))]
    for name in attributes:
        factors += [states.nodes[name], *([1.0 / states.nodes[name]] if name in inverted else [])]
    return np.stack([b * f for f in factors for b in basic], axis=1)


def verdict(checks: Checks, composed: ComposedLaw | None) -> tuple[str, list[str]]:
    """Found or not, with the reasons.

    Args:
        checks: What was asked.
        composed: The law, or None.

    Returns:
        `found` or `not found`, and a sentence for everything that decided it.
    """
    if composed is None:
        return "not found", ["no equation could be put together that is defined on the data"]
    failed = [name for name in DECISIVE if (check := checks.get(name)) is not None and not check.passed]
    reasons = [f"{name}: {_sentence(checks[name])}" for name in failed]
    reasons += [_doubt(estimate) for estimate in composed.uncertain]
    if reasons:
        return "not found", reasons
    passed = [name for name in DECISIVE if checks.get(name) is not None]
    return "found", [f"{name}: {_sentence(checks[name])}" for name in passed]


def _doubt(estimate: ConstantEstimate) -> str:
    """What is wrong with a constant that may be zero."""
    distance = abs(estimate.value) / max(estimate.standard_error, 1e-300)
    return (
        f"constant {estimate.name} = {estimate.value:.4g} lies within {distance:.1f} standard errors "
        f"of zero ({estimate.place})"
    )


def _sentence(check: Check | None) -> str:
    """A check in words."""
    if check is None:
        return "not asked"
    figures = "" if check.threshold is None else f" ({_figure(check.value)} against {_figure(check.threshold)})"
    return check.reason + figures


def _figure(value: float | None) -> str:
    """A number for a sentence."""
    return "undefined" if value is None else f"{value:.3g}"


def finite(value: float) -> float | None:
    """None where a number is not finite: strict JSON has no infinity.

    Args:
        value: Any number.

    Returns:
        The number, or None.
    """
    return float(value) if np.isfinite(value) else None


def as_mappings(checks: Checks) -> dict[str, dict[str, Any] | None]:
    """Checks as plain mappings for JSON.

    Args:
        checks: What was asked.

    Returns:
        The same, without classes.
    """
    return {name: None if check is None else asdict(check) for name, check in checks.items()}
