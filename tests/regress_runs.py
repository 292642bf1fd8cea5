"""Tables with a known equation, and small regressions of them by the command line."""

import json

import numpy as np
import pandas as pd
from runs import here

STUDY = "[regression.search]\nevaluations = 4000\npopulation = 300\n"


def saturation(rows=120, noise=0.0, seed=0):
    """`y = 3.1 s / (0.7 + s)` with a column that has nothing to do with it."""
    rng = np.random.default_rng(seed)
    s, z = rng.uniform(0.1, 5.0, rows), rng.normal(size=rows)
    return pd.DataFrame({"s": s, "z": z, "y": 3.1 * s / (0.7 + s) + noise * rng.normal(size=rows)})


def noise_table(rows=120, seed=0):
    """A target that nothing explains."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(rng.normal(size=(rows, 3)), columns=["a", "b", "y"])


def regress(table, folder, *more, target="y"):
    """Run `limbeck regress` on a frame or a file in this process."""
    place = folder.parent
    study = place / "small.toml"
    study.write_text(STUDY)
    if isinstance(table, pd.DataFrame):
        table.to_csv(place / "table.csv", index=False)
        table = place / "table.csv"
    words = ["regress", table, "--target", target, "--out", folder, "--study", study, *more]
    return here(*words)


def strict(path):
    """JSON by a reader that refuses what strict JSON lacks."""

    def refuse(text):
        raise AssertionError(f"{text} is not strict JSON")

    return json.loads(path.read_text(), parse_constant=refuse)
