"""Dense algebra on one thread.

Fits here are small and thousands in number: threads of a BLAS wait for each other longer than they work, and several
processes on a machine slow each other down. JAX has threads of its own and is not concerned.
"""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from threadpoolctl import threadpool_limits

P = ParamSpec("P")
R = TypeVar("R")


def one_blas_thread(function: Callable[P, R]) -> Callable[P, R]:
    """Let a function do its dense algebra on one thread, and give the others back when it ends.

    Args:
        function: What to call.

    Returns:
        The same function so limited.
    """

    @wraps(function)
    def limited(*args: P.args, **kwargs: P.kwargs) -> R:
        with threadpool_limits(1, user_api="blas"):
            return function(*args, **kwargs)

    return limited
