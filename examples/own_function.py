# %% [markdown]
"""# Your own function: the rate of an enzyme.

A table of rates against the concentrations of substrate and inhibitor, with the temperature of
the room beside them, which has nothing to do with it. The file is made here, so that the answer
can be compared: a saturation with a competing inhibitor, `3.1 s / (0.7 (1 + i/0.4) + s)`, and 1 %
of noise. `--toy` makes me quick.
"""

# %%
import argparse
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

import limbeck
from limbeck.regress import RegressionConfig, SearchConfig

parser = argparse.ArgumentParser()
parser.add_argument("--toy", action="store_true", help="fewer equations are tried: shows the way, not the quality")
options = parser.parse_args()
generator = np.random.default_rng(0)

# %%
s, i = generator.uniform(0.05, 5.0, 300), generator.uniform(0.0, 2.0, 300)
rate = 3.1 * s / (0.7 * (1.0 + i / 0.4) + s)
table = pd.DataFrame({"s": s, "i": i, "room": generator.normal(20.0, 1.0, 300)})
table["rate"] = rate + 0.01 * rate.std() * generator.normal(size=300)

# %% [markdown]
# A file works as well: `limbeck regress rates.csv --target rate --out runs/rates` writes a folder with a report.

# %%
with tempfile.TemporaryDirectory() as folder:
    table.to_csv(Path(folder) / "rates.csv", index=False)
    read = pd.read_csv(Path(folder) / "rates.csv")
config = RegressionConfig(search=SearchConfig(evaluations=3_000)) if options.toy else None
law = limbeck.regress(read[["s", "i", "room"]], read["rate"], operators=["+", "-", "*", "/"], config=config)
print(law)
for constant in law.constants:
    print(f"  {constant.name} = {constant.value:.4g}, from {constant.low:.4g} to {constant.high:.4g}")

# %% [markdown]
# The law is a function, too: at no inhibitor and much substrate the rate approaches its largest value.

# %%
print("rate at s = 50:", law(pd.DataFrame({"s": [50.0], "i": [0.0], "room": [20.0]})))
