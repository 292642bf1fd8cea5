"""The first screen promises an equation; it must be the one that its code prints."""

import re
from pathlib import Path

import pytest

README = Path(__file__).resolve().parents[1] / "README.md"


@pytest.mark.slow
def test_the_readme_prints_what_it_says(tmp_path):
    import limbeck

    code, printed = (re.search(rf"```{kind}\n(.*?)```", README.read_text(), re.DOTALL) for kind in ("python", "text"))
    assert 'discover("spring", out="runs/spring")' in code[1]
    assert str(limbeck.discover("spring", out=tmp_path / "run")) == printed[1].strip()
