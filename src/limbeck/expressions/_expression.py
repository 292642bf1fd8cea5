"""What an expression is: a tree of constants, variables and operators.

Three frozen records make every formula of limbeck. A constant says whether it
may be refitted (`free`) or belongs to the form itself, such as the exponent 2.
This module holds the records, the one table of operators, and the few ways to
read a tree or to put other leaves into it. It neither prints nor evaluates.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

import numpy as np

from limbeck._errors import InputError
from limbeck._types import Constants


@dataclass(frozen=True)
class Operator:
    """What the house knows about one operator.

    Attributes:
        arity: Number of arguments; None means two or more.
        function: Name of the function in `numpy` and `jax.numpy`, or empty.
        symbol: How it is printed: an infix sign or SymPy's function name.
        cost: What one use of it adds to the complexity.
    """

    arity: int | None
    function: str
    symbol: str
    cost: int


OPERATORS: Mapping[str, Operator] = MappingProxyType(
    {
        "add": Operator(None, "add", "+", 1),
        "sub": Operator(2, "subtract", "-", 1),
        "mul": Operator(None, "multiply", "*", 1),
        "div": Operator(2, "divide", "/", 1),
        "neg": Operator(1, "negative", "-", 1),
        "pow": Operator(2, "power", "**", 3),
        "exp": Operator(1, "exp", "exp", 3),
        "log": Operator(1, "log", "log", 3),
        "sqrt": Operator(1, "sqrt", "sqrt", 3),
        "abs": Operator(1, "abs", "Abs", 3),
        "sign": Operator(1, "sign", "sign", 3),
        "sin": Operator(1, "sin", "sin", 3),
        "cos": Operator(1, "cos", "cos", 3),
        "tan": Operator(1, "tan", "tan", 3),
        "tanh": Operator(1, "tanh", "tanh", 3),
        "sinh": Operator(1, "sinh", "sinh", 3),
        "cosh": Operator(1, "cosh", "cosh", 3),
        "min": Operator(2, "minimum", "Min", 3),
        "max": Operator(2, "maximum", "Max", 3),
        "lt": Operator(2, "less", "<", 1),
        "le": Operator(2, "less_equal", "<=", 1),
        "gt": Operator(2, "greater", ">", 1),
        "ge": Operator(2, "greater_equal", ">=", 1),
        "if": Operator(3, "", "Piecewise", 3),
    }
)
COMPARISONS = frozenset({"lt", "le", "gt", "ge"})


@dataclass(frozen=True)
class Constant:
    """A number in a formula.

    Attributes:
        value: The number, kept as a Python float.
        free: Whether it may be refitted; false for a part of the form itself.
    """

    value: float | int
    free: bool = True

    def __post_init__(self) -> None:
        """Keep the value as a plain float, whatever number came in."""
        object.__setattr__(self, "value", float(self.value))


@dataclass(frozen=True)
class Variable:
    """An input of a formula.

    Attributes:
        name: Its name, an identifier.
    """

    name: str


@dataclass(frozen=True)
class Call:
    """An operator applied to arguments.

    `square` and `inv`, which some engines write, become `pow` and `div`.

    Attributes:
        op: A key of `OPERATORS`.
        args: The arguments; a sum or product takes two or more.
    """

    op: str
    args: tuple["Expression", ...]

    def __post_init__(self) -> None:
        """Rewrite engines' own words and check operator and arity.

        Raises:
            InputError: If the operator is unknown or has a wrong number of arguments.
        """
        if self.op in ("square", "inv"):
            self._rewrite()
        operator = OPERATORS.get(self.op)
        if operator is None:
            raise InputError(f"unknown operator {self.op!r}; known: {', '.join(OPERATORS)}")
        count = len(self.args)
        if count != operator.arity and not (operator.arity is None and count >= 2):
            wanted = operator.arity or "two or more"
            raise InputError(f"operator {self.op!r} takes {wanted} arguments, got {count}")

    def _rewrite(self) -> None:
        """Turn `square(x)` into `x**2` and `inv(x)` into `1/x`."""
        if len(self.args) != 1:
            raise InputError(f"operator {self.op!r} takes 1 argument, got {len(self.args)}")
        (argument,) = self.args
        if self.op == "square":
            op, args = "pow", (argument, Constant(2.0, free=False))
        else:
            op, args = "div", (Constant(1.0, free=False), argument)
        object.__setattr__(self, "op", op)
        object.__setattr__(self, "args", args)

    def __hash__(self) -> int:
        """Hash once, since trees are keys of many look-ups."""
        known = self.__dict__.get("_hash")
        if known is None:
            known = hash((self.op, self.args))
            object.__setattr__(self, "_hash", known)
        return known

    def __getstate__(self) -> dict[str, object]:
        """What is pickled: no hash, which is another one in another process, nor anything else that was kept."""
        return {"op": self.op, "args": self.args}


Expression: TypeAlias = Constant | Variable | Call


def opened(expr: Expression) -> tuple[str, tuple[Expression, ...]]:
    """Operator and arguments of a tree.

    Args:
        expr: The tree.

    Returns:
        Both, empty for a leaf.
    """
    return (expr.op, expr.args) if isinstance(expr, Call) else ("", ())


def walk(expr: Expression) -> Iterator[Expression]:
    """Every node of a tree, depth first, a parent before its arguments.

    Args:
        expr: The tree.

    Yields:
        Its nodes from left to right.
    """
    stack = [expr]
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, Call):
            stack.extend(reversed(node.args))


def depth(expr: Expression) -> int:
    """Number of levels of a tree; 1 for a leaf.

    Args:
        expr: The tree.

    Returns:
        The length of the longest path from the root to a leaf, in nodes.
    """
    deepest, stack = 0, [(expr, 1)]
    while stack:
        node, level = stack.pop()
        deepest = max(deepest, level)
        if isinstance(node, Call):
            stack.extend((argument, level + 1) for argument in node.args)
    return deepest


def variables(expr: Expression) -> frozenset[str]:
    """Names of the variables that stand in a tree.

    Args:
        expr: The tree.

    Returns:
        The names; sort them wherever they are shown.
    """
    return frozenset(node.name for node in walk(expr) if isinstance(node, Variable))


def free_constants(expr: Expression) -> Constants:
    """Values of the constants that may be refitted.

    Args:
        expr: The tree.

    Returns:
        Their values, depth first from left to right.
    """
    found = [node.value for node in walk(expr) if isinstance(node, Constant) and node.free]
    return np.array(found, dtype=np.float64)


def with_constants(expr: Expression, values: Sequence[float] | Constants) -> Expression:
    """The same tree with other values of its free constants.

    Args:
        expr: The tree.
        values: One value for each free constant, in the order of `free_constants`.

    Returns:
        The new tree.

    Raises:
        InputError: If the number of values is not the number of free constants.
    """
    count = len(free_constants(expr))
    if len(values) != count:
        raise InputError(f"the expression has {count} free constants, got {len(values)} values")
    queue = iter(values)
    return _refill(expr, queue)


def _refill(expr: Expression, queue: Iterator[float]) -> Expression:
    """Put the next values of the queue into the free constants."""
    if isinstance(expr, Constant):
        return Constant(float(next(queue))) if expr.free else expr
    if isinstance(expr, Variable):
        return expr
    return Call(expr.op, tuple(_refill(argument, queue) for argument in expr.args))


def substitute(expr: Expression, replacements: Mapping[str, Expression]) -> Expression:
    """Put expressions in the place of variables, all at once.

    Args:
        expr: The tree.
        replacements: Expression for each name that is to go; other names stay.

    Returns:
        The new tree; what was put in is not searched again.
    """
    if isinstance(expr, Constant):
        return expr
    if isinstance(expr, Variable):
        return replacements.get(expr.name, expr)
    return Call(expr.op, tuple(substitute(argument, replacements) for argument in expr.args))


def rename(expr: Expression, names: Mapping[str, str]) -> Expression:
    """Give variables other names, all at once, so that two may be swapped.

    Args:
        expr: The tree.
        names: New name of each variable that gets one.

    Returns:
        The new tree.
    """
    return substitute(expr, {old: Variable(new) for old, new in names.items()})
