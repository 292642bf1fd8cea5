"""To SymPy and back, for those who go on with algebra there.

SymPy is imported inside, since it takes longer than the rest of this layer.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from limbeck._errors import InputError

from ._evaluate import evaluate
from ._expression import COMPARISONS, Call, Constant, Expression, Variable, variables

if TYPE_CHECKING:
    import sympy

# Exact integers of SymPy grow without bound, so only small ones are handed over.
_LARGEST_INTEGER = 1000
_LARGEST_EXPONENT = 16
_FUNCTIONS = {
    "exp": "exp",
    "log": "log",
    "sqrt": "sqrt",
    "abs": "Abs",
    "sign": "sign",
    "sin": "sin",
    "cos": "cos",
    "tan": "tan",
    "tanh": "tanh",
    "sinh": "sinh",
    "cosh": "cosh",
    "min": "Min",
    "max": "Max",
    "lt": "Lt",
    "le": "Le",
    "gt": "Gt",
    "ge": "Ge",
}
_NAMES = {symbol: op for op, symbol in _FUNCTIONS.items() if op not in COMPARISONS}
_RELATIONS = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge"}


def to_sympy(expr: Expression) -> "sympy.Basic":
    """The expression as SymPy has it.

    Args:
        expr: The tree.

    Returns:
        A SymPy expression of plain symbols, small integers and floats; a relation
        if the whole expression is a comparison.
    """
    if isinstance(expr, Call) and expr.op in COMPARISONS:
        return _condition(expr)
    return _number(expr)


def _number(expr: Expression) -> Any:
    """A tree where a number is asked for."""
    import sympy

    if isinstance(expr, Variable):
        return sympy.Symbol(expr.name)
    if isinstance(expr, Constant) or not variables(expr):
        return _constant(float(evaluate(expr, {})), _LARGEST_INTEGER)
    if expr.op in COMPARISONS:
        return sympy.Piecewise((1, _condition(expr)), (0, True))
    if expr.op == "if":
        test, then, otherwise = expr.args
        return sympy.Piecewise((_number(then), _condition(test)), (_number(otherwise), True))
    if expr.op == "pow" and isinstance(expr.args[1], Constant):
        return _number(expr.args[0]) ** _exponent(expr.args[1])
    return _combined(expr.op, [_number(argument) for argument in expr.args])


def _combined(op: str, args: list[Any]) -> Any:
    """An operator on SymPy expressions."""
    import sympy

    arithmetic: Mapping[str, Callable[..., Any]] = {
        "add": sympy.Add,
        "mul": sympy.Mul,
        "sub": lambda a, b: a - b,
        "div": lambda a, b: a / b,
        "neg": lambda a: -a,
        "pow": lambda a, b: a**b,
    }
    return arithmetic[op](*args) if op in arithmetic else getattr(sympy, _FUNCTIONS[op])(*args)


def _constant(value: float, largest: int) -> Any:
    """A number: a small integer exactly, any other as a float."""
    import sympy

    if value.is_integer() and abs(value) <= largest:
        return sympy.Integer(int(value))
    return sympy.Float(value)


def _exponent(exponent: Constant) -> Any:
    """A constant exponent; the square root exactly."""
    import sympy

    if abs(exponent.value) == 0.5 and not exponent.free:
        return sympy.Rational(int(2 * exponent.value), 2)
    return _constant(float(exponent.value), _LARGEST_EXPONENT)


def _condition(expr: Expression) -> Any:
    """A tree where a condition is asked for."""
    import sympy

    if isinstance(expr, Call) and expr.op in COMPARISONS:
        return _related(_FUNCTIONS[expr.op], *(_number(argument) for argument in expr.args))
    return _related("Gt", sympy.Abs(_number(expr)), sympy.Integer(0))


def _related(name: str, left: Any, right: Any) -> Any:
    """A relation; false where a side is NaN, which SymPy refuses to compare."""
    import sympy

    return sympy.false if sympy.nan in (left, right) else getattr(sympy, name)(left, right)


def from_sympy(obj: Any) -> Expression:
    """An expression from one of SymPy.

    Args:
        obj: A SymPy expression of what this layer knows.

    Returns:
        The tree. Exponents that are integers or halves belong to the form, other
        numbers may be refitted.

    Raises:
        InputError: If something in it is not known here.
    """
    if obj.is_Symbol:
        return Variable(str(obj.name))
    if getattr(obj, "is_number", False) or (obj.is_Boolean and not obj.args):
        return _from_number(obj)
    if obj.is_Add or obj.is_Mul:
        args = tuple(from_sympy(argument) for argument in obj.args)
        return Call("add" if obj.is_Add else "mul", tuple(_signs(args) if obj.is_Mul else args))
    if obj.is_Pow:
        return _from_power(obj)
    if obj.is_Relational and obj.rel_op in _RELATIONS:
        return Call(_RELATIONS[obj.rel_op], (from_sympy(obj.lhs), from_sympy(obj.rhs)))
    return _from_function(obj)


def _signs(args: tuple[Expression, ...]) -> list[Expression]:
    """A factor of -1 is a sign and not a number to refit."""
    return [Constant(-1.0, free=False) if arg == Constant(-1.0) else arg for arg in args]


def _from_number(obj: Any) -> Expression:
    """A number or a truth value."""
    if obj.is_Boolean:
        return Constant(1.0 if bool(obj) else 0.0, free=False)
    try:
        return Constant(float(obj))
    except TypeError as error:
        raise InputError(f"{obj} is not a real number") from error


def _from_power(obj: Any) -> Expression:
    """A power."""
    base, exponent = from_sympy(obj.base), from_sympy(obj.exp)
    if isinstance(exponent, Constant) and (2 * exponent.value) == round(2 * exponent.value):
        exponent = Constant(exponent.value, free=False)
    return Call("pow", (base, exponent))


def _from_function(obj: Any) -> Expression:
    """A function by its name."""
    name = type(obj).__name__
    if name == "Piecewise":
        return _from_piecewise(obj)
    if name not in _NAMES:
        raise InputError(f"{name} of SymPy is not known here; known: {', '.join(sorted(_NAMES))}, Piecewise")
    args = [from_sympy(argument) for argument in obj.args]
    total = args[0]
    for argument in args[1:]:
        total = Call(_NAMES[name], (total, argument))
    return total if len(args) > 1 else Call(_NAMES[name], (total,))


def _from_piecewise(obj: Any) -> Expression:
    """A conditional; the last branch must hold always."""
    *branches, (last, condition) = [(branch.expr, branch.cond) for branch in obj.args]
    if condition != True:  # noqa: E712 - SymPy's truth value is not Python's
        raise InputError("a Piecewise must end in a branch with the condition True")
    value = from_sympy(last)
    for then, test in reversed(branches):
        value = Call("if", (from_sympy(test), from_sympy(then), value))
    return value
