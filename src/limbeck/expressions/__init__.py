"""Symbols only: trees, their text, their values, their size and their slopes."""

from ._antiderivative import antiderivative as antiderivative
from ._cleared import cleared as cleared
from ._code import LANGUAGES as LANGUAGES, to_code as to_code
from ._complexity import complexity as complexity
from ._count import printed_complexity as printed_complexity
from ._derivative import derivative as derivative
from ._evaluate import compile_function as compile_function, evaluate as evaluate
from ._exact_text import fixed as fixed, to_exact_text as to_exact_text
from ._expression import (
    COMPARISONS as COMPARISONS,
    OPERATORS as OPERATORS,
    Call as Call,
    Constant as Constant,
    Expression as Expression,
    Operator as Operator,
    Variable as Variable,
    free_constants as free_constants,
    rename as rename,
    substitute as substitute,
    variables as variables,
    with_constants as with_constants,
)
from ._format import to_readable as to_readable, to_string as to_string
from ._jacobian import value_and_jacobian as value_and_jacobian
from ._least_squares import least_squares as least_squares
from ._markup import to_latex as to_latex, to_mathml as to_mathml
from ._parse import parse as parse
from ._rescale import rescaled as rescaled
from ._same import canonical as canonical, same_function as same_function, spread as spread
from ._signs import fold_signs as fold_signs
from ._simplify import simplify as simplify
from ._skeleton import same_form as same_form, skeleton as skeleton
from ._sums import split_number as split_number
from ._sympy import from_sympy as from_sympy, to_sympy as to_sympy
from ._torch import torch_module as torch_module
