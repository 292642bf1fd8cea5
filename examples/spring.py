# %% [markdown]
"""# Springs: one call from simulation to law.

Run me as a script, or cell by cell; `--toy` makes me quick.
"""

# %%
import argparse

import numpy as np

import limbeck
from limbeck.regress import SearchConfig
from limbeck.train import TrainConfig

parser = argparse.ArgumentParser()
parser.add_argument("--toy", action="store_true", help="fewer simulations and steps: shows the way, not the quality")
options = parser.parse_args()
TOY = limbeck.Study(train=TrainConfig(steps=300, chunk=100), search=SearchConfig(evaluations=2_000))

# %% [markdown]
# Four bodies joined by springs are simulated in the plane. `discover` trains a network on their
# accelerations, reads equations off it, refits them on the data and checks the law.

# %%
found = limbeck.discover(
    "spring",
    options=limbeck.SourceOptions(simulations=40 if options.toy else 1000),
    study=TOY if options.toy else limbeck.Study(),
)
print(found)

# %% [markdown]
# What supports the verdict: each check with its value and its threshold.

# %%
for name, check in found.checks.items():
    print(f"{name:>18}: {'not asked' if check is None else check['reason']}")

# %% [markdown]
# The law is a function. Here it predicts the motion of six bodies, although it was learnt from four.

# %%
if found.law is not None:
    six = limbeck.simulate("spring", n_nodes=6, n_systems=1, n_steps=200, seed=1)
    positions, _ = found.law.rollout(six.positions[:, 0], six.velocities[:, 0], six.times[0], six.attributes)
    print(f"largest error of a position after {six.times[0, -1]:.2f}: {np.abs(positions - six.positions).max():.1e}")
