"""Tables whose law is known."""

import numpy as np

from limbeck.regress import Problem

VARIABLES = ("r", "m_1", "m_2")


def table(seed=0, rows=200):
    rng = np.random.default_rng(seed)
    return np.column_stack([rng.uniform(0.3, 3, rows), *rng.lognormal(sigma=0.7, size=(2, rows))])


def problem(law, *, seed=0, rows=200, **options):
    inputs = table(seed, rows)
    return Problem(name="radial", variables=VARIABLES, inputs=inputs, target=law(*inputs.T), **options)
