"""A table that is right in every cell, to be made wrong in one."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest


def _good_table(
    *, systems: int = 3, times: int = 8, nodes: int = 3, dim: int = 2, vectors: str = "va", seed: int = 0
) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    system, time, node = (index.ravel() for index in np.indices((systems, times, nodes)))
    table = pd.DataFrame({"simulation": system, "time": 0.1 * time, "particle": node})
    for prefix in ("", *vectors):
        for axis in "xyz"[:dim]:
            table[prefix + axis] = rng.normal(size=len(table))
    table["m"] = rng.uniform(0.5, 2.0, size=(systems, nodes))[system, node]
    return table


@pytest.fixture(scope="session")
def good_table() -> Callable[..., pd.DataFrame]:
    return _good_table


@pytest.fixture
def write_csv(tmp_path: Path) -> Callable[[pd.DataFrame | str | bytes], Path]:
    def write(content: pd.DataFrame | str | bytes) -> Path:
        path = tmp_path / "table.csv"
        if isinstance(content, pd.DataFrame):
            content.to_csv(path, index=False)
        elif isinstance(content, str):
            path.write_text(content, encoding="utf-8")
        else:
            path.write_bytes(content)
        return path

    return write
