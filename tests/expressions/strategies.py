"""Random expressions for property tests, such as genetic programming would write."""

import numpy as np
from hypothesis import strategies as st

from limbeck.expressions import Call, Constant, Expression, Variable, evaluate, free_constants, with_constants

NAMES = ("m_1", "r", "x", "y")
_UNARY = (
    "neg",
    "exp",
    "log",
    "sqrt",
    "abs",
    "sin",
    "cos",
    "tan",
    "tanh",
    "sinh",
    "cosh",
    "sign",
    "square",
    "inv",
)

numbers = st.one_of(
    st.sampled_from([-2.0, -1.0, 0.0, 0.5, 1.0, 2.0, 3.0]),
    st.floats(-4.0, 4.0, allow_nan=False).map(lambda value: round(value, 3)),
)
constants = st.builds(Constant, numbers, st.booleans())
exponents = st.builds(Constant, st.sampled_from([-3.0, -2.0, -1.0, -0.5, 0.5, 1.5, 2.0, 3.0, 1.7]), st.booleans())
leaves = st.one_of(constants, st.sampled_from(NAMES).map(Variable))


def _calls(children: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    """One more operator on top."""
    pair = st.tuples(children, children)
    some = st.lists(children, min_size=2, max_size=4).map(tuple)
    test = st.builds(Call, st.sampled_from(["lt", "le", "gt", "ge"]), pair)
    return st.one_of(
        st.builds(Call, st.sampled_from(["add", "mul"]), some),
        st.builds(Call, st.sampled_from(["sub", "div", "add", "mul"]), pair),
        st.builds(Call, st.just("pow"), st.tuples(children, exponents)),
        st.builds(Call, st.just("pow"), pair),
        st.builds(Call, st.sampled_from(_UNARY), children.map(lambda child: (child,))),
        st.builds(Call, st.sampled_from(["min", "max"]), pair),
        st.builds(Call, st.just("if"), st.tuples(test, children, children)),
    )


expressions = st.recursive(leaves, _calls, max_leaves=14)


def points(count: int = 24, *, seed: int = 0, lowest: float = -3.0) -> dict[str, np.ndarray]:
    """Random values of the variables; none is a round number, where forms may differ."""
    rng = np.random.default_rng(seed)
    return {name: rng.uniform(lowest, 3.0, count) for name in NAMES}


def tame(expr: Expression, values: dict[str, np.ndarray], largest: float = 1e6) -> np.ndarray:
    """Where a value is finite and does not hang on the last digits of what goes in.

    `tan(1e9*x)` is another number after any rearrangement; nothing can be compared there.
    """
    nudged = {name: array * (1 + 1e-11) for name, array in values.items()}
    other = with_constants(expr, free_constants(expr) * (1 + 1e-11))
    size = (len(values["x"]),)
    here, near, next_to = (
        np.broadcast_to(np.asarray(evaluate(tree, point), dtype=float), size)
        for tree, point in ((expr, values), (expr, nudged), (other, values))
    )
    with np.errstate(all="ignore"):
        steady = [np.abs(value - here) < 1e-7 * (1 + np.abs(here)) for value in (near, next_to)]
    return np.isfinite(here) & (np.abs(here) < largest) & steady[0] & steady[1]
