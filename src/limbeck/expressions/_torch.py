"""An expression as a PyTorch module whose constants can be trained and read back.

PyTorch is no dependency of limbeck: it is imported when a module is asked for.
Branches of a conditional are evaluated on their own samples only, so that what
is undefined in the other branch spoils no gradient.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from limbeck._errors import BackendUnavailable, InputError

from ._expression import (
    COMPARISONS,
    OPERATORS,
    Constant,
    Expression,
    Variable,
    free_constants,
    variables,
    with_constants,
)

# A tensor or a module of PyTorch, which cannot be named before it is imported.
Tensor = Any
Module = Any


def torch_module(expression: Expression, names: Sequence[str] | None = None) -> Module:
    """A `torch.nn.Module` that computes an expression and trains its free constants.

    Its parameter `constants` holds the free constants in double precision, in the order of
    `free_constants`. Called with a tensor whose last axis runs over the variables, it gives the value
    without that axis, in the tensor's type. Its method `expression()` gives the tree with the constants
    as they then are. Save its `state_dict`, not the module.

    Args:
        expression: The tree.
        names: Variables in the order of the last axis; None takes the expression's own, sorted.

    Returns:
        The module.

    Raises:
        InputError: If the expression has a variable that `names` lacks.
        BackendUnavailable: If PyTorch is not installed.
    """
    order = tuple(sorted(variables(expression)) if names is None else names)
    missing = sorted(variables(expression) - set(order))
    if missing:
        raise InputError(f"no column for {', '.join(missing)}; given: {', '.join(order) or 'none'}")
    return _module_class()(expression, order)


@cache
def _module_class() -> Callable[[Expression, tuple[str, ...]], Module]:
    """The class of modules, made when PyTorch is first asked for."""
    try:
        import torch  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise BackendUnavailable("a PyTorch module needs PyTorch: pip install torch") from error

    class ExpressionModule(torch.nn.Module):
        """An expression with trainable constants."""

        def __init__(self, expression: Expression, names: tuple[str, ...]) -> None:
            """Make a parameter of the free constants."""
            super().__init__()
            self._expression, self.names = expression, names
            self.constants = torch.nn.Parameter(torch.tensor(free_constants(expression), dtype=torch.float64))

        def forward(self, table: Tensor) -> Tensor:
            """Value at each row of a table."""
            if table.shape[-1] != len(self.names):
                raise InputError(f"expected a last axis of {len(self.names)} variables; got shape {tuple(table.shape)}")
            rows = table.reshape(-1, len(self.names))
            values = dict(zip(self.names, rows.unbind(-1), strict=True))
            found = _value(torch, self._expression, values, iter(self.constants.to(table.dtype)))
            like = torch.zeros(len(rows), dtype=table.dtype, device=table.device)
            return (like + found).reshape(table.shape[:-1])

        def expression(self) -> Expression:
            """The tree with the constants as they are now."""
            return with_constants(self._expression, self.constants.detach().cpu().numpy().astype(float))

        def extra_repr(self) -> str:
            """The formula, where PyTorch prints the module."""
            from ._format import to_readable

            return to_readable(self.expression())

    return ExpressionModule


def _value(torch: Any, expr: Expression, values: Mapping[str, Tensor], constants: Iterator[Tensor]) -> Tensor:
    """Value of a tree; comparisons give 0 or 1. The constants are used up from left to right."""
    if isinstance(expr, Constant):
        return next(constants) if expr.free else expr.value
    if isinstance(expr, Variable):
        return values[expr.name]
    if expr.op == "if":
        return _choice(torch, expr.args, values, constants)
    exponent = expr.args[-1]
    if expr.op == "pow" and isinstance(exponent, Constant) and not exponent.free:
        return _as_tensor(torch, _value(torch, expr.args[0], values, constants)) ** exponent.value
    args = [_as_tensor(torch, _value(torch, argument, values, constants)) for argument in expr.args]
    if expr.op in COMPARISONS:
        return getattr(torch, OPERATORS[expr.op].function)(*args) * 1.0
    function = getattr(torch, OPERATORS[expr.op].function, None) or torch.pow
    if expr.op not in ("add", "mul"):
        return function(*args)
    total = args[0]
    for value in args[1:]:
        total = function(total, value)
    return total


def _as_tensor(torch: Any, value: Tensor) -> Tensor:
    """A number as a tensor without axes, whose type gives way to that of any other."""
    return value if torch.is_tensor(value) else torch.tensor(value, dtype=torch.float64)


def _choice(
    torch: Any, args: tuple[Expression, ...], values: Mapping[str, Tensor], constants: Iterator[Tensor]
) -> Tensor:
    """A conditional; each branch sees its own samples only."""
    truth = _as_tensor(torch, _value(torch, args[0], values, constants)).abs() > 0
    if not values:
        then, otherwise = (_value(torch, branch, values, constants) for branch in args[1:])
        return then if bool(truth) else otherwise
    sample = next(iter(values.values()))
    truth = truth.expand(sample.shape)
    result = torch.zeros_like(sample)
    for branch, mask in ((args[1], truth), (args[2], ~truth)):
        chosen = {name: column[mask] for name, column in values.items()}
        value = _as_tensor(torch, _value(torch, branch, chosen, constants)).to(sample.dtype)
        result = result.masked_scatter(mask, value.expand(int(mask.sum())))
    return result
