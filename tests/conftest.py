"""What every test stands on: no display, fixed examples, JAX as a user finds it.

The precision flag of JAX is left off on purpose: float64 runs in a scope of
its own inside the library, and the tests must see what users see. limbeck is
not imported here, so that the jaxtyping hook can reach it first.
"""

import matplotlib as mpl
from hypothesis import HealthCheck, settings

mpl.use("Agg")
# Compilation makes the first example of a test slow, so time says nothing about a test here.
settings.register_profile(
    "limbeck", deadline=None, derandomize=True, max_examples=50, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("limbeck")
