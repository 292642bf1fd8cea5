# %% [markdown]
"""# Your own table: springs with drag.

Somebody measured bodies that attract and are slowed down; all we have is a CSV file. Here the
file is made first, so that the answer can be compared: springs of strength 2 at rest at 1.5,
and a drag of 0.3 times the velocity. `--toy` makes me quick.
"""

# %%
import argparse
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.integrate import solve_ivp

import limbeck
from limbeck.models import STRONGEST
from limbeck.regress import SearchConfig
from limbeck.train import TrainConfig

parser = argparse.ArgumentParser()
parser.add_argument("--toy", action="store_true", help="fewer simulations and steps: shows the way, not the quality")
options = parser.parse_args()
n_simulations, n_bodies = 30 if options.toy else 200, 4
generator = np.random.default_rng(0)


# %%
def accelerations(positions: np.ndarray, velocities: np.ndarray, masses: np.ndarray) -> np.ndarray:
    """What the measured bodies obey."""
    displacement = positions[:, None] - positions[None]
    distance = np.linalg.norm(displacement, axis=-1)
    np.fill_diagonal(distance, 1.0)
    force = np.sum(-2.0 * ((distance - 1.5) / distance)[..., None] * displacement, axis=1)
    return (force - 0.3 * velocities) / masses[:, None]


def slopes(_: float, state: np.ndarray, masses: np.ndarray) -> np.ndarray:
    """The same as a system of first order."""
    positions, velocities = state.reshape(2, n_bodies, 2)
    return np.concatenate([velocities, accelerations(positions, velocities, masses)]).ravel()


# %% [markdown]
# One row a particle and time. Accelerations are left out on purpose: limbeck derives them from the velocities.

# %%
times = np.linspace(0.0, 2.0, 101)
tables = []
for simulation in range(n_simulations):
    masses, start = generator.lognormal(sigma=0.5, size=n_bodies), generator.normal(size=4 * n_bodies)
    states = solve_ivp(slopes, times[[0, -1]], start, t_eval=times, args=(masses,), rtol=1e-10, atol=1e-10).y
    x, v = states.T.reshape(len(times), 2, n_bodies, 2).transpose(1, 0, 2, 3).reshape(2, -1, 2)
    particle = np.tile(np.arange(n_bodies), len(times))
    table = {"simulation": simulation, "time": times.repeat(n_bodies), "particle": particle}
    columns = {"x": x[:, 0], "y": x[:, 1], "vx": v[:, 0], "vy": v[:, 1], "m": np.tile(masses, len(times))}
    tables.append(pd.DataFrame({**table, **columns}))

# %%
with tempfile.TemporaryDirectory() as folder:
    file = Path(folder) / "bodies.csv"
    pd.concat(tables).to_csv(file, index=False)
    toy = limbeck.Study(
        bias=",".join([*STRONGEST.names, "field"]),  # spares the steps that would find that there is a drag
        train=TrainConfig(steps=400, chunk=100),
        search=SearchConfig(evaluations=2_000),
    )
    found = limbeck.discover(file, study=toy if options.toy else limbeck.Study())
print(found)
for reason in found.reasons:
    print("-", reason)
