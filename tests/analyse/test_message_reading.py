"""Messages that are known functions of forces are read as what they are, and noise as nothing."""

import json

import message_records
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from limbeck.analyse import read_messages, reading_to_mapping, summarise_seeds, summary_to_mapping
from limbeck.analyse._freedom import receiver_basis, whitened

record = message_records.record


@pytest.mark.parametrize("kind", ["force", "acceleration"])
@pytest.mark.parametrize("dim", [1, 2, 3])
def test_an_exact_linear_map_is_chosen_with_r2_of_one(kind, dim):
    reading = read_messages(record(kind, dim=dim), third_law=kind == "force")
    assert reading.chosen == kind
    fit = reading.fit(kind)
    for scores in (fit.r2, fit.r2_trimmed, fit.r2_unseen):
        assert scores == pytest.approx((1.0,) * dim, abs=1e-9)
    inverse = {found.target: found for found in reading.inverse}
    assert inverse[kind].r2 == pytest.approx((1.0,) * dim, abs=1e-9)
    other = "acceleration" if kind == "force" else "force"
    assert max(reading.fit(other).r2) < 0.95
    assert reading.specialisation.canonical_r2 == pytest.approx((1.0,) * dim, abs=1e-9)


def test_a_matrix_and_an_offset_of_the_receiver_are_allowed_for():
    reading = read_messages(record("free"), third_law=False)
    assert reading.chosen == "free"
    assert reading.fit("free").score > 0.999
    assert max(reading.fit("force").score, reading.fit("acceleration").score) < 0.9


def test_who_receives_is_no_force_however_well_an_offset_describes_it():
    plain = record()
    m, v = plain.inertia, plain.receiver_velocities
    said = np.column_stack([np.log(m) + 0.2 * v[:, 1], v[:, 0] ** 2 + 1 / m])
    noisy = said + 0.01 * np.random.default_rng(0).normal(size=said.shape)
    reading = read_messages(record(messages=noisy), third_law=False)
    assert reading.fit("free").score > 0.99
    assert reading.fit("free").score_beyond < 0.01
    assert reading.chosen is None


def test_a_message_of_one_direction_lacks_the_others_and_says_so():
    plain = record()
    reading = read_messages(record(messages=plain.forces[:, :1] * [1.0, -2.0]), third_law=True)
    assert reading.chosen == "force"
    assert any("can't be read back along every axis" in reason for reason in reading.reasons)


def test_the_third_law_leaves_no_such_freedom():
    reading = read_messages(record("free"), third_law=True)
    assert reading.chosen is None
    assert "only a constant matrix" in reading.fit("free").refusal
    assert "at least 0.9 is asked" in reading.reasons[0]


@pytest.mark.parametrize("seed", range(4))
def test_noise_is_nothing_also_to_the_flexible_fit(seed):
    reading = read_messages(record("noise", seed=seed), third_law=False)
    assert reading.chosen is None
    assert all(fit.score < 0.01 and fit.score_unseen < 0.01 and fit.score_trimmed < 0.03 for fit in reading.fits)
    assert all(max(found.r2_unseen) < 0.01 for found in reading.inverse)
    assert reading.specialisation.canonical_map is None
    assert not reading.specialisation.directions.any()


def test_a_function_of_the_simulation_is_no_freedom_of_the_receiver():
    """Each simulation has masses of its own, so a fit that saw them all could learn any number by heart."""
    plain = record("force", n_groups=16)
    own = np.random.default_rng(0).normal(size=(16, 2))[plain.groups]
    reading = read_messages(record("force", messages=own), third_law=False)
    assert reading.chosen is None
    assert reading.fit("free").score < 0.2


def test_the_simplest_of_equals_is_chosen():
    reading = read_messages(record("force", noise=0.1), third_law=False)
    assert reading.chosen == "force"
    ones = np.ones(1600)
    same = read_messages(record("force", inertia=ones, noise=0.1), third_law=False)
    assert same.chosen == "force"
    assert any("can't be told apart" in reason for reason in same.reasons)


def test_outliers_prevent_a_claim_and_the_trimmed_fit_is_shown_beside():
    plain = record("force")
    spoilt = plain.messages.copy()
    spoilt[::20] += 30.0
    reading = read_messages(record("force", messages=spoilt), third_law=False)
    assert reading.chosen is None
    assert reading.fit("force").score_trimmed > 0.9999
    assert "on the best 90 % of the edges 1.000" in reading.reasons[0]


def test_more_directions_than_components_fitted_are_told():
    plain = record("force")
    more = np.random.default_rng(0).normal(size=(1600, 3))
    reading = read_messages(record("force", messages=np.column_stack([5 * plain.messages, more])), third_law=False)
    assert reading.chosen == "force"
    assert any("vary in 5 directions" in reason for reason in reading.reasons)


def test_a_force_hidden_among_other_things_is_seen_by_the_inverse_fit():
    plain = record("force")
    rng = np.random.default_rng(0)
    loud = rng.normal(size=(1600, 2)) * 20
    mixed = np.column_stack([plain.messages + loud, loud])
    reading = read_messages(record("force", messages=mixed), third_law=False)
    assert reading.chosen is None
    force = reading.inverse[0]
    assert min(force.r2_unseen) > 0.9999


def test_without_a_true_force_sizes_are_all_that_is_said():
    reading = read_messages(record("force", forces=None), third_law=False)
    assert reading.chosen is None
    assert reading.reasons == ("the true force is not known",)
    assert reading.inverse == ()
    assert reading.specialisation is None
    assert all(fit.score is None for fit in reading.fits)


def test_without_inertia_the_acceleration_is_not_tried():
    reading = read_messages(record("force", inertia=None), third_law=False)
    assert reading.chosen == "force"
    assert "inertia" in reading.fit("acceleration").refusal


def test_one_simulation_allows_no_flexible_fit():
    reading = read_messages(record("force", n_groups=1, n_each=800), third_law=False)
    assert "one group" in reading.fit("free").refusal
    assert reading.chosen == "force"
    small = read_messages(record("force", n_groups=4, n_each=20), third_law=False)
    assert "needs" in small.fit("free").refusal


def test_components_that_say_nothing_have_no_r2():
    reading = read_messages(record("force", messages=np.full((1600, 2), 0.1)), third_law=False)
    assert reading.chosen is None
    assert "one value on all edges" in reading.reasons[0]
    assert reading.fit("force").r2 == (None, None)
    json.dumps(reading_to_mapping(reading), allow_nan=False)


def test_a_message_of_fewer_components_than_axes_is_read():
    plain = record("force")
    reading = read_messages(record("force", messages=plain.messages[:, :1]), third_law=True)
    assert reading.chosen == "force"
    assert len(reading.components) == 1
    assert reading.specialisation.canonical_map is None


def test_no_attribute_leaves_the_velocity():
    empty = np.zeros((1600, 0))
    plain = record("force")
    said = plain.messages + plain.receiver_velocities[:, :1] * 3
    reading = read_messages(
        record(messages=said, receivers=empty, senders=empty, attribute_names=(), inertia=None), third_law=False
    )
    assert reading.chosen == "free"
    assert reading.fit("free").score == pytest.approx(1.0, abs=1e-6)


@settings(max_examples=10)
@given(seed=st.integers(0, 10**6))
def test_the_order_of_components_changes_names_only(seed):
    plain = record("force", noise=0.2, n_each=30)
    messages = np.column_stack([plain.messages, 0.1 * plain.messages**2])
    order = np.random.default_rng(seed).permutation(4)
    one = read_messages(record(n_each=30, messages=messages), third_law=True)
    two = read_messages(record(n_each=30, messages=messages[:, order]), third_law=True)
    assert order[two.components].tolist() == one.components.tolist()
    assert one.chosen == two.chosen
    for a, b in zip(one.fits, two.fits, strict=True):
        assert b.r2 == pytest.approx(a.r2, abs=1e-9)
        assert b.r2_trimmed == pytest.approx(a.r2_trimmed, abs=1e-9)
    assert two.importance.effective_dimension == pytest.approx(one.importance.effective_dimension)


@settings(max_examples=5)
@given(seed=st.integers(0, 10**6), kind=st.sampled_from(["force", "acceleration", "free"]))
def test_a_map_of_the_force_changes_no_score_and_no_choice(seed, kind):
    plain = record(kind, noise=0.1, n_each=40)
    turn = np.random.default_rng(seed).normal(size=(2, 2)) + 3 * np.eye(2)
    one = read_messages(plain, third_law=False)
    two = read_messages(record(kind, noise=0.1, n_each=40, forces=plain.forces @ turn), third_law=False)
    assert two.chosen == one.chosen
    for a, b in zip(one.fits, two.fits, strict=True):
        assert b.r2 == pytest.approx(a.r2, abs=1e-6)


def test_whitened_forces_vary_alike():
    forces = record().forces @ np.array([[100.0, 3.0], [0.0, 0.01]])
    white = whitened(forces)
    np.testing.assert_allclose(white.T @ white / len(white), np.eye(2), atol=1e-8)
    assert whitened(np.zeros((5, 2))).shape == (5, 0)
    assert whitened(forces * [1.0, 0.0]).shape[1] == 1


def test_the_basis_holds_no_constant_twice():
    same = record(receivers=np.full((1600, 1), 2.0))
    assert receiver_basis(same, velocities=False).shape == (1600, 1)
    assert receiver_basis(record(), velocities=True).std(axis=0)[1:] == pytest.approx(1.0)


def test_seeds_are_summarised_and_none_is_left_out():
    readings = [
        read_messages(record(kind, seed=k), third_law=False) for k, kind in enumerate(("force", "force", "noise"))
    ]
    summary = summarise_seeds(readings)
    assert summary.chosen == {"force": 2, "acceleration": 0, "free": 0, "none": 1}
    assert summary.agreed is None
    scores = [reading.fit("force").score for reading in readings]
    found = summary.r2["force"]
    assert found.values == tuple(scores)
    assert (found.mean, found.deviation) == (pytest.approx(np.mean(scores)), pytest.approx(np.std(scores, ddof=1)))
    assert (found.lowest, found.highest) == (min(scores), max(scores))
    assert summary.index.values[2] is None
    assert summarise_seeds(readings[:2]).agreed == "force"
    json.dumps(summary_to_mapping(summary), allow_nan=False)


@pytest.mark.parametrize("changes", [{}, {"forces": None}, {"log_variances": np.zeros((1600, 2))}])
@pytest.mark.parametrize("kind", ["force", "noise"])
def test_a_reading_is_strict_json(kind, changes):
    reading = read_messages(record(kind, **changes), third_law=False)
    mapping = reading_to_mapping(reading)
    assert json.loads(json.dumps(mapping, allow_nan=False)) == mapping
    assert mapping["chosen"] == reading.chosen
    assert set(mapping["fits"]) == {"force", "acceleration", "free"}


@pytest.mark.user_error
def test_records_and_readings_of_nothing_are_refused():
    with pytest.raises(ValueError, match="at least one of each"):
        record(messages=np.zeros((0, 2)))
    with pytest.raises(ValueError, match=r"forces: expected shape \(1600, 2\).*got \(1600, 3\)"):
        record(forces=np.zeros((1600, 3)))
    with pytest.raises(ValueError, match="inertia: expected positive"):
        record(inertia=np.zeros(1600))
    with pytest.raises(ValueError, match="no reading to summarise"):
        summarise_seeds([])
    with pytest.raises(ValueError, match="n_components: expected 1 to 2"):
        read_messages(record(), third_law=False, n_components=3)
    undefined = record().messages.copy()
    undefined[3, 1] = np.nan
    with pytest.raises(ValueError, match="messages: 1 of 3200 numbers are not finite"):
        read_messages(record(messages=undefined), third_law=False)
