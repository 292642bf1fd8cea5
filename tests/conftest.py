"""What every test stands on: no display, fixed examples, JAX as a user finds it.

The precision flag of JAX is left off on purpose: float64 runs in a scope of
its own inside the library, and the tests must see what users see. limbeck is
not imported here, so that the jaxtyping hook can reach it first.
"""

import fcntl

import matplotlib as mpl
import pytest
from hypothesis import HealthCheck, settings
from runs import limbeck, spring_words, write_study

mpl.use("Agg")
# Compilation makes the first example of a test slow, so time says nothing about a test here.
settings.register_profile(
    "limbeck", deadline=None, derandomize=True, max_examples=50, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("limbeck")


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory):
    """The folder of one finished small run, shared by all worker processes of this session; not to be changed."""
    root = tmp_path_factory.getbasetemp()
    root = root.parent if root.name.startswith("popen-") else root
    folder = root / "finished_run"
    with (root / "finished_run.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "result.json").exists():
            done = limbeck(*spring_words(folder, write_study(root), "--quiet"))
            assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return folder
