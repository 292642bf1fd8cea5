"""Forms compared on positions: what accelerations can't tell apart, paths and the integrator do."""

from dataclasses import replace
from functools import lru_cache
from operator import itemgetter
from types import SimpleNamespace
from unittest.mock import create_autospec

import numpy as np
import pytest
from compose.planted import law_of
from compose.test_checks import FIT
from compose.test_shoot import SPRING, observed

from limbeck.compose import OwnUnits, _compose, _followed_laws, compose_law, states_of
from limbeck.compose._along_paths import Paths, ScoredPath, _cheapest_at_more, nearest_along, settled_along
from limbeck.compose._checks import _stability as stability
from limbeck.compose._compose import ComposedLaw, _along, _Choices
from limbeck.compose._followed_laws import SHORTER, Followed, followed_laws, followed_prices, ranked
from limbeck.compose._refine import Refined, Scored
from limbeck.compose._searches import Bench
from limbeck.compose._windows import windows_of
from limbeck.expressions import parse
from limbeck.models import Biases
from limbeck.regress import Equation, HallOfFame
from limbeck.train import TrainedModel, with_property

EXTRAS = ("friction", "drag", "central", "uniform_x", "uniform_y")


@lru_cache
def paths(**options):
    return Paths.of(observed(**options))


@pytest.mark.parametrize("missing", [0.0, pytest.param(0.05, marks=pytest.mark.slow)])
def test_a_true_law_goes_through_the_positions_within_their_noise(missing):
    p = paths(missing=missing, simulations=8)
    fit = p.fitted(law_of(**SPRING))
    assert fit is not None
    assert np.median(fit.misfits) == pytest.approx(1.0, abs=0.1)
    np.testing.assert_allclose(fit.law.constants, law_of(**SPRING).constants, rtol=0.02)


def test_a_wrong_law_does_not():
    p = paths()
    fit = p.fitted(law_of(radial="-2.0*r", inertia="m_1"))
    assert fit is not None
    assert np.median(fit.misfits) > 2.0  # a true law has 1


def test_an_undefined_law_has_no_fit():
    p = paths()
    assert p.fitted(law_of(radial="log(-r)", inertia="m_1")) is None
    assert settled_along([law_of(radial="log(-r)", inertia="m_1")], p, EXTRAS, reciprocal=True) == ()


@pytest.mark.parametrize("start", ["-2.0*r", "-1.9*(r - 1.0) + 0.02/r"])
def test_the_form_is_found_from_one_near_it(start):
    p = paths()
    laws = settled_along([law_of(radial=start, inertia="m_1")], p, EXTRAS, reciprocal=True)
    assert laws[0].is_same_form(law_of(**SPRING))


def test_beside_learned_values_simpler_forms_are_kept_too():
    """Errors of the values are explained by terms that positions themselves do not speak for."""
    front = [
        ScoredPath(law_of(**SPRING), np.ones(1), loss, size, 0.0)
        for size, loss in ((2.1, 396.6), (6.2, 1.0492), (8.3, 1.0339), (9.4, 1.0335), (12.4, 1.0209), (13.5, 1.0173))
    ]
    assert [one.size for one in _cheapest_at_more(front)] == [13.5, 8.3, 6.2]
    assert [one.size for one in _cheapest_at_more(front[:2])] == [6.2]
    assert _cheapest_at_more([]) == ()


def test_a_quotient_of_signs_is_a_product():
    """Charges of one size can't tell them apart, so that searches which write either agree."""
    dataset = observed(simulations=8)
    signs = np.where(np.arange(dataset.trajectories.positions.shape[2]) % 2, 1.0, -1.0)
    charged = with_property(dataset, "q", np.broadcast_to(signs, dataset.trajectories.attributes["m"].shape))
    p = Paths.of(charged, frozenset({"q_1", "q_2"}))
    assert p is not None
    quotient = law_of(radial="0.1*q_2*r/q_1", inertia="m_1")
    laws = settled_along([quotient], p, EXTRAS, reciprocal=True)
    assert all("q_1**" not in str(e) and "/q_1" not in str(e) for law in laws for e in law.components.values())
    assert nearest_along([quotient], p, 1, reciprocal=True)[0].is_same_form(
        law_of(radial="0.1*q_1*q_2*r", inertia="m_1")
    )


def test_forms_that_time_ran_out_on_are_counted():
    spring, other = law_of(**SPRING), law_of(radial="-2.0*r", inertia="m_1")
    heard = []
    followed = followed_laws(
        [spring, other, spring], observed(), is_over=lambda: True, progress=lambda *n: heard.append(n)
    )
    assert (followed.laws, followed.left) == ([], 2)
    assert heard == [(0, 4), (1, 4)]


SPRINGS = law_of(**SPRING), law_of(radial="-2.0*r", inertia="m_1")


@pytest.mark.parametrize(
    ("long", "short", "longer", "chosen"),
    [
        # Fits of the two forms in long windows, in short ones, and of the best of those in long ones once more.
        ("right right", "", "", (0, 160)),
        ("right lost", "right right", "", (0, 160)),
        ("right lost", "right lost", "", (0, 160)),
        ("right lost", "wrong better", "lost", (1, 80)),
        ("right lost", "right better", "right", (1, 160)),
        ("right lost", "right better", "wrong", (1, 80)),
        ("wrong lost", "wrong right", "lost", (0, 160)),
        ("wrong lost", "wrong better", "lost", (1, 80)),
        ("wrong wrong", "right right", "lost", (0, 160)),
        ("lost lost", "wrong lost", "lost", (0, 80)),
        ("lost lost", "lost lost", "", None),
    ],
)
def test_forms_that_are_lost_in_long_windows_are_compared_in_short_ones(monkeypatch, long, short, longer, chosen):
    """In much noise a true law loses its way in close encounters, and one that has none is left over."""
    fits = {
        "right": (FIT, 1.0),
        "wrong": (replace(FIT, whiteness=1.8), 1.0),
        "better": (FIT, 0.0),
        "lost": (None, 0.0),
    }

    def through(distinct, dataset, shorter, is_over, progress, unknowns):
        words = {1: long, SHORTER: short}[shorter].split()
        found = [(fits[words[SPRINGS.index(law)]], law) for law in distinct]
        laws = sorted(
            ((price, (law, replace(fit, length=160 // shorter))) for (fit, price), law in found if fit),
            key=itemgetter(0),
        )
        return Followed([one for _, one in laws], 0, tuple(law for (fit, _), law in found if fit is None))

    monkeypatch.setattr(_followed_laws, "_through_windows", through)
    last = fits[longer][0] if longer else None
    monkeypatch.setattr(_followed_laws, "fit_trajectories", lambda *_, **_k: last and replace(last, length=160))
    found = followed_laws(SPRINGS, observed(), is_over=lambda: False, progress=lambda *_: None).laws
    assert (found[0][0], found[0][1].length) == (SPRINGS[chosen[0]], chosen[1]) if chosen else not found


def test_a_term_that_vanishes_once_all_forms_begin_alike_is_left_out(monkeypatch):
    """Beside a shorter form it would stand for windows that went astray, and searches would not agree on it."""
    spring, damped = law_of(**SPRING), law_of(**SPRING, drag="-0.01")

    def fit(law, dataset, begun=None, **_):
        return replace(FIT, law=law, errors=np.full(len(law.constants), 1e-4 if begun is None else 1e-2))

    monkeypatch.setattr(_followed_laws, "fit_trajectories", fit)
    found = followed_laws([damped, spring], observed(), is_over=lambda: False, progress=lambda *_: None).laws
    assert len(found) == 2
    assert all(followed.law.is_same_form(spring) for _, followed in found)


def test_windows_can_be_shorter():
    usual, half = (windows_of(observed(), shorter) for shorter in (1, 2))
    assert half.measured.shape[1] == usual.measured.shape[1] // 2
    assert len(half) >= len(usual)


@pytest.mark.parametrize(
    ("nearer", "lost", "first"),
    [
        (5e-3, 1, 1),
        (5e-3, 4, 1),
        (5e-3, 5, 0),  # that many are not lost by chance
        (5e-5, 1, 0),  # nearer, but not clearly
        (0.0, 1, 0),
        (5e-3, 0, 1),
    ],
)
def test_a_few_lost_windows_do_not_outweigh_all_others(nearer, lost, first):
    """A true law of which one window went astray costs more than one that is nearly right, and leads all the same."""
    misfits = 1.0 + 0.05 * np.random.default_rng(0).normal(size=(2, 96))
    misfits[1] = misfits[0] - nearer + 1e-3 * np.sign(misfits[1] - 1.0)
    misfits[1, :lost] = np.inf
    freedom = np.full(96, 1000.0)
    fits = [replace(FIT, law=law_of(**SPRING), misfits=one, freedom=freedom, misfit=1.0) for one in misfits]
    prices = followed_prices(fits)
    assert (prices[1] > prices[0]) is (lost > 0 or not nearer)
    assert ranked(fits) == [first, 1 - first]
    assert ranked(fits[::-1]) == [1 - first, first]


@pytest.mark.slow
def test_softening_is_seen_by_the_integrator():
    dataset = observed("r1", steps=700)
    soft = law_of(radial="-1.0*m_1*m_2/(r + 0.01)", inertia="m_1")
    hard = law_of(radial="-1.0*m_1*m_2/r", inertia="m_1")
    standing = followed_laws([hard, soft, hard], dataset, is_over=lambda: False, progress=lambda *_: None).laws
    assert len(standing) == 2
    assert standing[0][0] is soft
    prices = followed_prices([fit for _, fit in standing])
    assert prices[0] < prices[1] - 100


def test_exact_positions_have_no_paths():
    assert Paths.of(observed(noise=0.0)) is None


@pytest.mark.parametrize(("stable", "left", "passed"), [(True, 0, True), (True, 2, False), (False, 0, False)])
def test_a_choice_that_was_cut_off_is_no_agreement(stable, left, passed):
    composed = ComposedLaw(
        law=law_of(**SPRING), estimates=(), front=(), others=(), is_stable=stable, tried=1, unfollowed=left
    )
    check = stability(composed, 0.1)
    assert check.passed is passed
    assert ("time ran out" in check.reason) is bool(left)


def searches_for(chosen):
    """Searches by the law that each chose."""
    scored = [Scored(law=law, loss=1e-3, is_allowed=True, size=9.0) for law in chosen]
    return [Refined(chosen=one, front=(one,), tried=1) for one in scored]


def choices_of(chosen, near):
    """Searches by the law that each chose, and the laws near each."""
    dataset = observed("r1", steps=200)
    bench = create_autospec(Bench, instance=True)
    bench.compare_on = (states_of(dataset, dataset.validation[:50]),)
    return _Choices(Paths.of(dataset), bench, dict, searches_for(chosen), near)


def test_a_search_stands_by_the_form_that_it_chose_bare_or_softened():
    """Along smoothed paths longer forms can beat it, so that it is not among those near the search."""
    hard, soft = (law_of(radial=f"-0.99*m_1*m_2*{r}**(-1)", inertia="m_1") for r in ("r", "(r + 0.01)"))
    other = law_of(radial="m_1*m_2*(0.0096*(r + 0.018)**-1.14 - 104.0)/r", inertia="m_1")
    choices = choices_of((hard, other), [(other,), (other,)])
    assert (choices.agree(hard), choices.agree(soft), choices.agree(other)) == ([0], [0], [0, 1])
    assert choices.agree(law_of(radial="-m_1*m_2/(r + 0.01)**2", inertia="m_1")) == []


@pytest.mark.parametrize(("followed", "agreed"), [(0.0100, [0, 1]), (0.0103, [0, 1]), (0.05, [0])])
def test_searches_agree_on_what_their_forms_became_when_they_were_followed(followed, agreed):
    """Along smoothed paths a longer form is bent by smoothing; followed, it becomes the law that it contains."""
    soft = law_of(radial="-0.99*m_1*m_2/(r + 0.013)", inertia="m_1")
    longer = law_of(radial="m_1*m_2*(0.0115/(r + 0.0093) - 1.02)/r", inertia="m_1")
    became = law_of(radial=f"m_1*m_2*({followed}/(r + {followed}) - 1.0)/r", inertia="m_1")  # -1/(r + followed)
    fits = [replace(FIT, law=law_of(radial="-1.0*m_1*m_2/(r + 0.01)", inertia="m_1")), replace(FIT, law=became)]
    choices = choices_of((soft, longer), [(soft,), (longer,)])
    assert choices.agree(soft) == [0]
    assert choices.agree(soft, list(zip((soft, longer), fits, strict=True))) == agreed


def test_searches_agree_on_a_law_whose_extra_term_vanished_when_it_was_followed():
    """The form that they lead to may itself have lost its way, from other beginnings."""
    soft = law_of(radial="-0.99*m_1*m_2/(r + 0.013)", inertia="m_1")
    dragged = law_of(radial="-0.99*m_1*m_2/(r + 0.013)", drag="-0.0004", inertia="m_1")
    other = law_of(radial="-0.9*m_1*m_2/r**2", inertia="m_1")
    fit = replace(FIT, law=law_of(radial="-1.0*m_1*m_2/(r + 0.01)", inertia="m_1"))
    choices = choices_of((soft, other, other), [(soft,), (other, soft), (other,)])
    assert choices.agree(dragged) == []
    assert choices.agree(dragged, [(dragged, fit)]) == [0, 1]


def test_what_a_network_taught_is_a_start_though_derivatives_led_away_from_it():
    """Refined by noisy derivatives a search may end at a constant; its own equations are nearer along the paths."""
    constant, raw = law_of(radial="-0.17"), law_of(radial="-1.9*(r - 1.0) + 0.02/r", inertia="m_1")
    bench = create_autospec(Bench, instance=True)
    bench.extras, bench.reciprocal = (), True
    choices = _Choices(Paths.of(observed()), bench, dict, [], [])
    astray = replace(searches_for((constant,))[0], starts=(raw,))
    assert any(law.is_same_form(law_of(**SPRING)) for law in choices.near(astray))


@pytest.mark.parametrize(("taught", "agreed"), [("-2.0*r", True), ("-2.1*r + 0.02/r", False)])
def test_a_power_that_no_network_taught_is_nothing_that_searches_agree_on(monkeypatch, taught, agreed):
    """It is the same for all searches, so that any two would lead to it."""
    power, one, other = (law_of(radial=force, inertia="m_1") for force in ("-2.0*r", taught, "-2.0*r**2"))
    dataset, fitted_on = observed(), create_autospec(Paths, instance=True)
    fitted_on.fitted.return_value = None
    bench = create_autospec(Bench, instance=True)
    bench.extras, bench.reciprocal, bench.compare_on = EXTRAS, True, (states_of(dataset, dataset.validation[:50]),)
    bench.is_over, bench.refine.return_value, bench.signs = lambda: False, None, frozenset()
    bench.dataset, bench.units = dataset, OwnUnits(attributes={})
    monkeypatch.setattr(Paths, "of", lambda *_: fitted_on)
    monkeypatch.setattr(_compose, "nearest_along", lambda laws, *_, **__: (power,) if laws else ())
    monkeypatch.setattr(_compose, "settled_along", lambda laws, *_, **__: tuple(laws))

    def follow(forms, *_, **__):
        return Followed([(form, replace(FIT, law=form, errors=FIT.errors[:1])) for form in forms if form == power], 0)

    monkeypatch.setattr(_compose, "followed_laws", follow)
    found = _along(searches_for((one, one)), bench, dataset, dict, lambda *_: None)
    assert found is not None
    assert found.law.is_same_form(power)
    assert found.is_stable is agreed
    apart = _along(searches_for((one, other)), bench, dataset, dict, lambda *_: None)
    assert apart is not None
    assert not apart.is_stable


def test_a_law_that_time_left_no_moment_to_follow_is_counted_as_unfollowed():
    dataset = observed()
    spring = parse(SPRING["radial"])
    equation = Equation(expression=spring, complexity=5, backend_complexity=5, loss=1e-3, heldout_loss=1e-3)
    hall = HallOfFame(
        component="radial", equations=(equation,), engine="enumerate", version="", seed=0, evaluations=1, seconds=0.0,
        out_of_time=True,
    )  # fmt: skip
    trained = create_autospec(TrainedModel, instance=True)
    trained.accelerations.side_effect = lambda batch: np.asarray(batch.targets)
    trained.model = SimpleNamespace(biases=Biases(translation=True, rotation=True, third_law=True))
    composed = compose_law(
        [{"radial": hall}] * 2,
        trained,
        dataset,
        once_more=lambda: {"radial": hall},
        is_over=lambda: True,
        progress=lambda *_: None,
    )
    assert composed is not None
    assert composed.followed is None
    assert composed.unfollowed == 1
    assert not stability(composed, 0.1).passed
