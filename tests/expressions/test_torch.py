"""A PyTorch module that trains an expression's constants."""

import subprocess
import sys

import numpy as np
import pytest
from expressions.strategies import NAMES, expressions, points, tame
from hypothesis import given, settings

from limbeck._errors import BackendUnavailable, InputError
from limbeck.expressions import evaluate, free_constants, parse, to_code, torch_module, with_constants


def test_torch_is_imported_only_when_asked_for():
    script = "import sys, limbeck.expressions; assert 'torch' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_without_torch_it_says_what_to_install():
    try:
        import torch  # noqa: F401
    except ImportError:
        with pytest.raises(BackendUnavailable, match="pip install torch"):
            torch_module(parse("2*x"))
    else:
        assert torch_module(parse("2*x")).names == ("x",)


@settings(max_examples=60)
@given(expr=expressions)
def test_the_module_has_the_values_and_reads_back(expr):
    torch = pytest.importorskip("torch")
    values = points(8)
    module = torch_module(expr, NAMES)
    theirs = module(torch.tensor(np.column_stack([values[name] for name in NAMES]))).detach().numpy()
    usable = tame(expr, values)
    ours = np.broadcast_to(np.asarray(evaluate(expr, values), dtype=float), (8,))
    np.testing.assert_allclose(theirs[usable], ours[usable], rtol=1e-6, atol=1e-7)
    assert module.expression() == with_constants(expr, free_constants(expr))


@settings(max_examples=30)
@given(expr=expressions)
def test_code_for_torch_has_the_values(expr):
    torch = pytest.importorskip("torch")
    values = points(8)
    tensors = {name: torch.tensor(column) for name, column in values.items()}
    theirs = np.broadcast_to(np.asarray(eval(to_code(expr, "torch"), {"torch": torch}, tensors), dtype=float), (8,))
    usable = tame(expr, values)
    ours = np.broadcast_to(np.asarray(evaluate(expr, values), dtype=float), (8,))
    np.testing.assert_allclose(theirs[usable], ours[usable], rtol=1e-6, atol=1e-7)


def test_constants_train_to_the_law():
    torch = pytest.importorskip("torch")
    module = torch_module(parse("IF(r >= 1.99, -1.5*(r - 0.7), 1/(r - 1.99)^0 - 1)"), ["r"])
    r = torch.linspace(0.1, 4, 200, dtype=torch.float64)[:, None]
    target = torch.where(r >= 1.99, -2 * (r - 0.99), torch.zeros_like(r))[:, 0]
    optimiser = torch.optim.LBFGS([module.constants], lr=1, max_iter=200, line_search_fn="strong_wolfe")

    def closure():
        optimiser.zero_grad()
        loss = ((module(r) - target) ** 2).mean()
        loss.backward()
        return loss

    optimiser.step(closure)
    columns = {"r": r[:, 0].numpy()}
    np.testing.assert_allclose(evaluate(module.expression(), columns), target.numpy(), atol=1e-4)


def test_single_precision_stays_and_axes_lead():
    torch = pytest.importorskip("torch")
    found = torch_module(parse("0.1*x + y"))(torch.ones(2, 3, 2))
    assert found.dtype == torch.float32
    assert found.shape == (2, 3)


@pytest.mark.user_error
def test_a_missing_column_is_named():
    with pytest.raises(InputError, match="no column for y; given: x"):
        torch_module(parse("x*y"), ["x"])
