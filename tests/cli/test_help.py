"""Commands that only tell: help with defaults, the list of systems, the version."""

import inspect
import re

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from limbeck.cli import app
from limbeck.simulate import systems

COMMANDS = sorted(get_command(app).commands)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_describes_every_parameter(name):
    command = get_command(app).commands[name]
    assert inspect.cleandoc(command.help or "")
    assert [p.name for p in command.params if not p.help and p.name != "help"] == []


def test_help_of_discover_states_defaults():
    texts = {p.name: p.help for p in get_command(app).commands["discover"].params}
    for name in ("bias", "engine", "operators", "seed", "time_limit", "dim", "nodes", "simulations", "dt", "steps"):
        assert re.search(r"\[.+\]", texts[name]), name


def test_systems_are_listed():
    done = CliRunner().invoke(app, ["systems"])
    assert done.exit_code == 0
    assert all(name in done.output for name in systems())


def test_simulating_a_custom_potential(tmp_path):
    out = tmp_path / "yukawa.csv"
    words = ["simulate", "custom", "--potential", "q_1*q_2*exp(-r)/r", "--simulations", "2", "--steps", "5"]
    done = CliRunner().invoke(app, [*words, "--out", str(out), "--quiet"])
    assert (done.exit_code, done.output) == (0, "")
    assert len(out.read_text().splitlines()) == 1 + 2 * 5 * 4
