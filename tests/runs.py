"""Small runs of the command line, in processes of their own as users start them."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import sympy

STUDY = """
[model]
width = 32
depth = 2
[train]
steps = 600
chunk = 100
batch_size = 64
[search]
evaluations = 5000
"""


def command(*words):
    """The words that start limbeck in this Python."""
    return [sys.executable, "-m", "limbeck", *map(str, words)]


def limbeck(*words, cwd=None, timeout=300):
    """Run limbeck to its end."""
    return subprocess.run(command(*words), capture_output=True, text=True, cwd=cwd, timeout=timeout, check=False)


def here(*words):
    """Run limbeck in this process, which saves its start: for what ends in a moment."""
    from typer.testing import CliRunner  # not above: the jaxtyping hook has to reach limbeck first

    from limbeck.cli import app

    return CliRunner().invoke(app, [str(word) for word in words])


def spring_words(folder, study, *more):
    return ("discover", "spring", "--simulations", 12, "--study", study, "--out", folder, *more)


def write_study(folder: Path) -> Path:
    path = folder / "tiny.toml"
    path.write_text(STUDY)
    return path


def read_result(folder):
    """`result.json` by a reader that refuses what strict JSON lacks."""

    def refuse(text):
        raise AssertionError(f"{text} is not strict JSON")

    return json.loads((Path(folder) / "result.json").read_text(), parse_constant=refuse)


def law_of(result):
    """What a resumed run must repeat to the last digit."""
    names = (
        "verdict",
        "pair_force",
        "pair_potential",
        "acceleration",
        "law",
        "constants",
        "checks",
        "bias",
        "recovery",
    )
    return {name: result[name] for name in names}


def accelerations_by_sympy(result, x, v, attributes):
    """Accelerations of one snapshot from the strings of `result.json`, worked out without limbeck."""
    n, dim = x.shape
    axes = "xyz"[:dim]
    names = [
        "r",
        *(f"d{a}" for a in axes),
        *(f"dv{a}" for a in axes),
        *(f"{name}_{end}" for name in attributes for end in "12"),
    ]
    forces = [sympy.lambdify(sympy.symbols(names), sympy.sympify(text), "numpy") for text in result["pair_force"]]
    own = [
        *(f"F{a}" for a in axes),
        *(f"{a}_1" for a in axes),
        *(f"v{a}_1" for a in axes),
        *(f"{k}_1" for k in attributes),
    ]
    final = [sympy.lambdify(sympy.symbols(own), sympy.sympify(text), "numpy") for text in result["acceleration"]]
    found = np.zeros((n, dim))
    for receiver in range(n):
        total = np.zeros(dim)
        for sender in set(range(n)) - {receiver}:
            d, dv = x[receiver] - x[sender], v[receiver] - v[sender]
            ends = [attributes[name][who] for name in attributes for who in (receiver, sender)]
            total += [force(np.linalg.norm(d), *d, *dv, *ends) for force in forces]
        mine = [attributes[name][receiver] for name in attributes]
        found[receiver] = [f(*total, *x[receiver], *v[receiver], *mine) for f in final]
    return found
