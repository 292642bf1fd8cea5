import base64
import dataclasses
import html
import io
import re

import numpy as np
import pytest
from PIL import Image
from report.samples import (
    behaviour,
    hold_out,
    messages,
    report_found,
    report_not_found,
    report_null,
    result_found,
    rollout,
    training,
)
from report.well_formed import read

from limbeck.report import Report, render_report
from limbeck.report._citations import commands

HOSTILE = "<script>alert('x')</script>&\"quote\" $\\frac$ {{ 7*7 }}"


REPORTS = {"found": report_found, "not found": report_not_found, "null": report_null, "empty": lambda: bare({})}


def bare(result, **others):
    fields = {"training": (), "halls": {}, "front": (), "messages": None, "rollout": None}
    return Report(result=result, **(fields | others))


@pytest.fixture(scope="module", params=REPORTS)
def page(request):
    return render_report(REPORTS[request.param]())


@pytest.fixture(scope="module")
def found():
    return render_report(report_found())


def test_page_is_well_formed(page):
    parser = read(page)
    assert not parser.errors
    assert not parser.open
    assert page.lstrip().startswith("<!DOCTYPE html>")


def test_page_fetches_and_runs_nothing(page):
    parser = read(page)
    assert not {"script", "link", "iframe", "object", "embed", "base", "form"} & set(parser.tags)
    addresses = [value for _, name, value in parser.attributes if name in {"src", "href", "srcset", "action", "data"}]
    assert all(value.startswith("data:image/png;base64,") for value in addresses)
    assert not [name for _, name, _ in parser.attributes if name.startswith("on")]
    assert "http" not in page
    assert "url(" not in page
    assert "@import" not in page


def test_page_is_small_and_names_no_python_object(page):
    assert len(page.encode()) < 1_500_000
    words = "".join(read(page).text)
    assert not re.search(r"\bNone\b|\bnan\b|<\w+ object|Undefined", words)


def test_every_picture_is_a_picture_with_words(found):
    images = [dict(group) for group in picture_attributes(found)]
    assert len(images) == 5
    for image in images:
        assert image["alt"]
        with Image.open(io.BytesIO(base64.b64decode(image["src"].split(",")[1]))) as picture:
            assert picture.width > 1000
            assert len(set(picture.convert("L").tobytes())) > 10


def picture_attributes(page):
    found, current = [], []
    for tag, name, value in read(page).attributes:
        if tag == "img":
            current.append((name, value))
            if name == "alt":
                found.append(current)
                current = []
    return found


def test_a_distillation_is_repeated_from_its_training():
    given = {"source": {"system": "spring"}, "network": {"training": "my runs/springs"}}
    assert commands(given) == ("limbeck distil 'my runs/springs' --study study.toml --out NEW_FOLDER",)


def test_data_in_memory_are_to_be_passed_again():
    lines = commands({"source": {"system": "spring", "seed": 9, "in_memory": True}})
    assert lines[-1] == 'limbeck.discover(trajectories, "NEW_FOLDER", study=study)'


def test_found_law_stands_first_in_mathml(found):
    words = " ".join("".join(read(found).text).split())
    assert found.index("Law found") < found.index("<math") < found.index("Can it be trusted?")
    assert 'class="banner found"' in found
    for text in ("1.9999", "0.98996", "Acceleration of receiver 1", "Potential energy of the pair"):
        assert text in words
    assert "-1.99987*(r - 0.98996)" in words
    assert "q has the value 1 throughout" in words
    assert "limbeck discover spring --study study.toml" in words
    assert "Burlacu" in words


def test_every_check_is_listed(found):
    states = re.findall(r'class="state ([\w-]+)"', found)
    assert states == ["passed"] * 7 + ["not-asked"]


def test_law_that_was_not_found_says_so():
    page = render_report(report_not_found())
    assert 'class="banner not-found"' in page
    assert "Two searches gave two forms." in page
    assert "Law found" not in page
    assert "limbeck discover &#39;my data/trajectories.csv&#39;" in page
    assert 'class="state failed"' in page
    assert "The time limit struck" in page


def test_null_everywhere_still_says_what_is_missing():
    words = " ".join("".join(read(render_report(report_null())).text).split())
    assert "No verdict" in words
    assert "There is none." in words
    assert "No equation was found." in words


def hostile_report():
    report = report_found()
    result = result_found()
    result["source"] = {"path": HOSTILE, HOSTILE: HOSTILE}
    result["reasons"] = [HOSTILE]
    result["variables"] = {HOSTILE: {"meaning": HOSTILE, "unit": HOSTILE}, "r": {"meaning": "", "unit": HOSTILE}}
    result["constants"] = [{"name": HOSTILE, "value": HOSTILE, "standard_error": HOSTILE, "place": HOSTILE}]
    result["law"] = {"radial": "-r", HOSTILE: HOSTILE}
    result["pair_potential"] = HOSTILE
    result["acceleration"] = [HOSTILE]
    result["checks"] = {HOSTILE: {"value": HOSTILE, "threshold": HOSTILE, "passed": False, "reason": HOSTILE}}
    result["bias"] = {"steps": [{"bias": [HOSTILE], "status": HOSTILE, "note": HOSTILE}], "final": [HOSTILE]}
    result["data"] = {"units": {"time": HOSTILE}, "notes": [HOSTILE], "constant_attributes": [HOSTILE], HOSTILE: 1}
    result["versions"], result["timings"] = {HOSTILE: HOSTILE}, {HOSTILE: HOSTILE}
    result["properties"] = [{HOSTILE: HOSTILE}]
    stages = tuple(dataclasses.replace(stage, bias=(HOSTILE,)) for stage in training())
    halls = {HOSTILE: dataclasses.replace(report.halls["radial"], engine=HOSTILE)}
    return dataclasses.replace(report, result=result, training=stages, halls=halls)


def test_hostile_names_are_text():
    page = render_report(hostile_report())
    parser = read(page)
    assert not parser.errors
    assert "<script" not in page
    assert "script" not in parser.tags
    assert "49" not in [word for word in "".join(parser.text).split() if word == "49"]
    assert "".join(parser.text).count(HOSTILE) >= 20
    assert html.escape(HOSTILE).replace("&#x27;", "&#39;").replace("&quot;", "&#34;") in page


@pytest.mark.parametrize("wrong", ["text", 3, [1, 2], {"a": {"b": None}}, [None], True])
def test_unexpected_shapes_do_not_stop_the_page(wrong):
    result = dict.fromkeys(
        ("variables", "bias", "checks", "data", "timings", "versions", "source", "constants", "properties", "hold_out"),
        wrong,
    )
    parser = read(render_report(bare(result)))
    assert not parser.errors


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_rollouts_of_every_dimension_are_drawn(dim, caplog):
    page = render_report(bare({}, rollout=rollout(dim, systems=1)))
    assert len(picture_attributes(page)) == 2
    assert not caplog.records


def animated(dim=2, **fields):
    found = dataclasses.replace(rollout(dim), **fields)
    return render_report(bare({}, rollout=found, behaviour=behaviour()))


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_a_simulation_moves_without_a_script(dim):
    page = animated(dim)
    parser = read(page)
    assert not parser.errors
    assert "script" not in parser.tags
    figure = page[page.index('<figure class="motion">') : page.index("</svg>")]
    assert len(figure.encode()) < 60_000
    assert figure.count('class="dot"') == figure.count('class="trail"') == 12
    assert "prefers-reduced-motion" in page
    assert "Lyapunov time" in figure


def test_the_pace_of_a_path_is_that_of_its_particle():
    """A dash at share s of a path's length stands where the particle is at that frame."""
    page = animated()
    style, drawn = re.search(r'style="--back:-([^"]*)"><path class="trail" d="M([^"]*)"', page).groups()
    corners = np.array([pair.split(",") for pair in drawn.split()], dtype=float)
    pace = np.array(re.search(r"linear\((.*)\)", style)[1].split(","), dtype=float)
    length = float(style.split("px")[0])
    passed = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(corners, axis=0).T))])
    assert len(pace) == len(corners)
    np.testing.assert_allclose(pace * length, passed, atol=0.2)
    assert (pace[0], pace[-1]) == (0, 1)
    # What was given turns about the origin: the distance from it stays.
    centre = np.linalg.lstsq(np.c_[2 * corners, np.ones(len(corners))], (corners**2).sum(1), rcond=None)[0][:2]
    assert np.ptp(np.linalg.norm(corners - centre, axis=1)) < 0.5


def test_lost_and_resting_particles_do_not_stop_the_motion():
    still = np.zeros((2, 200, 4, 2))
    page = animated(given=still, law=still + 1e-9, network=np.full_like(still, np.nan))
    assert "nan" not in page[page.index('class="motion"') :]
    assert not read(page).errors
    assert 'class="motion"' not in render_report(bare({}, rollout=crowd()))


def crowd():
    many = np.zeros((1, 200, 40, 2))
    return dataclasses.replace(rollout(2), given=many, law=many, network=many)


def test_what_is_not_conserved_is_said_not_to_be():
    page = " ".join("".join(read(animated()).text).split())
    assert "not conserved by this law: drag" in page
    assert "conserved by this law" in page
    assert "Lyapunov time: 2.7" in page
    assert "5 times as long" in page


def words_of(result):
    return " ".join(" ".join(read(render_report(bare(result))).text).split())


@pytest.mark.parametrize(
    ("region", "said"),
    [
        ("r<0.3", "pairs closer than 0.3"),
        ("r>4", "pairs farther apart than 4"),
        ("v<0.1", "particles slower than 0.1"),
        ("v>2", "particles faster than 2"),
        ("m>3", "particles whose m is above 3"),
        ("q<0", "particles whose q is below 0"),
        ("nonsense", "nonsense"),
    ],
)
def test_a_region_is_said_in_words(region, said):
    assert f"Snapshots with {said} were kept from everything" in words_of({"hold_out": hold_out(region)})


def test_a_region_shows_law_and_network_in_it_and_in_the_rest():
    page = words_of({"hold_out": hold_out()})
    assert "held out: pairs closer than 0.3 812 law 1.4 × 10⁻¹⁶ 1.1 × 10⁻¹⁶ to 1.7 × 10⁻¹⁶ 4.2 × 10⁻¹⁶" in page
    assert "held out: pairs closer than 0.3 812 network 0.022 0.018 to 0.026 0.066" in page
    assert "the rest 4400 network 0.0028" in page
    assert "the law does better than the network" in page
    assert "The error of the network in the region is 7.9 times that in the rest." in page
    assert "Where nothing was learned" not in words_of({"hold_out": None})


@pytest.mark.parametrize(
    ("law", "said"),
    [(0.1, "the network does better than the law"), (0.021, "overlap"), (0.005, "the law does better")],
)
def test_which_does_better_is_said_only_where_intervals_are_apart(law, said):
    assert said in words_of({"hold_out": hold_out(law=law)})


def test_a_region_without_a_law_or_that_the_network_saw():
    found = hold_out()
    for place in ("held_out", "in_range"):
        found[place]["law"] = None
    page = words_of({"hold_out": found})
    assert "does better" not in page
    assert "812 network" in page
    assert "812 law" not in page
    told = {"hold_out": hold_out(), "network": {"training": "runs/t", "hold_out": None}}
    assert "but the network was trained on them" in words_of(told)
    told["network"]["hold_out"] = "r<0.3"
    assert "were kept from everything" in words_of(told)


def test_pictures_survive_numbers_that_are_not_finite():
    samples = messages(2.0, 200)
    broken = dataclasses.replace(samples, message=np.where(samples.distance > 1, np.nan, samples.message))
    paths = rollout(2)
    lost = dataclasses.replace(paths, network=np.full_like(paths.network, np.nan), network_error=np.full(200, np.inf))
    stages = tuple(dataclasses.replace(stage, errors=np.full_like(stage.errors, np.nan)) for stage in training())
    page = render_report(bare({}, messages=broken, rollout=lost, training=stages))
    assert len(picture_attributes(page)) == 4


def test_empty_samples_give_no_picture():
    page = render_report(bare({}, messages=messages(0.5, 0)))
    assert not picture_attributes(page)
