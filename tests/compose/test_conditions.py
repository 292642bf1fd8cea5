"""Conditional laws and numbers that a law does not need, on planted accelerations."""

from compose.planted import law_of, planted

from limbeck.compose._conditions import with_thresholds_fitted
from limbeck.compose._prune import pruned
from limbeck.compose._refit import refit
from limbeck.regress import thresholds

TRUTH = law_of(radial="Piecewise((-2*(r - 0.99), r >= 1.99), (0, True))", inertia="m_1")


def test_a_threshold_is_found_on_accelerations() -> None:
    states = planted(TRUTH, n_samples=400)
    rough = law_of(radial="Piecewise((-1.9*(r - 0.9), r > 2.03), (0, True))", inertia="m_1")
    law, (estimate,) = with_thresholds_fitted(refit(rough, states), states)
    r = states.edges["r"]
    assert estimate.low == r[r < 1.99].max()
    assert estimate.high == r[r >= 1.99].min()
    assert [t.value for t in thresholds(law.components["radial"])] == [estimate.value]
    assert states.relative_errors(law.accelerations(states)).max() < 1e-9


def test_a_smooth_law_stays_as_it_is() -> None:
    law = law_of(radial="-2*(r - 0.99)", inertia="m_1")
    states = planted(law)
    assert with_thresholds_fitted(law, states) == (law, ())
    assert pruned(law, states) is law


def test_numbers_that_buy_nothing_go() -> None:
    truth = law_of(radial="-2*(r - 0.99)", inertia="m_1")
    states = planted(truth)
    overgrown = law_of(radial="0.9*(-2.2*(r - 0.99))", drag="1e-17", inertia="m_1 + 1e-17")
    law = pruned(refit(overgrown, states), states)
    assert law.is_same_form(truth)
