# %% [markdown]
"""# A potential of your own: masses that pull as one over the root of the distance.

Any pair potential in `r` and the attributes can be simulated and rediscovered. `--toy` makes me quick.
"""

# %%
import argparse

import limbeck
from limbeck.models import STRONGEST
from limbeck.regress import SearchConfig
from limbeck.train import TrainConfig

parser = argparse.ArgumentParser()
parser.add_argument("--toy", action="store_true", help="fewer simulations and steps: shows the way, not the quality")
options = parser.parse_args()
TOY = limbeck.Study(
    bias=",".join(STRONGEST.names), train=TrainConfig(steps=500, chunk=100), search=SearchConfig(evaluations=8_000)
)

# %% [markdown]
# The text is parsed by limbeck's own parser and never run. The true force follows from it by differentiation.

# %%
system = limbeck.custom_system("m_1*m_2*sqrt(r)")
print("true force on the receiver:", system.pair_force)

# %%
found = limbeck.discover(
    "custom",
    options=limbeck.SourceOptions(potential="m_1*m_2*sqrt(r)", simulations=100 if options.toy else 1000, steps=200),
    study=TOY if options.toy else limbeck.Study(),
)
print(found)
for reason in found.reasons:
    print("-", reason)

# %% [markdown]
# Whether it is right is another question than whether it can be stood behind: the first needs the truth,
# which nobody but a simulator has.

# %%
print("recovered:", found.result["recovered"])
