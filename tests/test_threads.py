"""Dense algebra runs on one thread inside a run, and on as many as before after it."""

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from limbeck._threads import one_blas_thread


def threads():
    """Threads of every BLAS that is loaded."""
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


@pytest.mark.parametrize("fails", [False, True])
def test_threads_are_given_back(fails):
    np.linalg.solve(np.eye(2), np.ones(2))

    @one_blas_thread
    def work(number, *, more=0):
        assert set(threads()) == {1}
        if fails:
            raise ArithmeticError
        return number + more

    with threadpool_limits(2, user_api="blas"):
        before = threads()
        if fails:
            with pytest.raises(ArithmeticError):
                work(1)
        else:
            assert work(1, more=2) == 3
        assert threads() == before
