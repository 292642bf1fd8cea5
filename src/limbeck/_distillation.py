"""The Python face of a distillation: `limbeck.distil`."""

import tempfile
from dataclasses import replace
from pathlib import Path

from limbeck._discovery import Discovery, load
from limbeck.pipeline import DistilStudy, Listener, run_distillation


def distil(
    training: str | Path,
    out: str | Path | None = None,
    *,
    study: DistilStudy | None = None,
    overwrite: bool = False,
    listener: Listener | None = None,
) -> Discovery:
    """Turn a trained published network into one law.

    Args:
        training: Folder of a finished run of `limbeck train`.
        out: Folder for everything that is written; None keeps nothing.
        study: Which network, engine, seed, time limit and the settings of the searches.
        overwrite: Whether an earlier run of limbeck in the folder may be removed.
        listener: Told about progress: stage, name, value.

    Returns:
        Verdict, law and checks, as `limbeck.discover` gives them.

    Raises:
        InputError: If the training, a setting or the folder is wrong.

    Example:
        found = limbeck.distil("runs/spring-messages", "runs/spring-law")
    """
    asked = replace(study or DistilStudy(), training=str(training))
    if out is not None:
        run_distillation(asked, Path(out), overwrite=overwrite, listener=listener)
        return load(out)
    with tempfile.TemporaryDirectory(prefix="limbeck-") as scratch:
        run_distillation(asked, Path(scratch) / "run", listener=listener)
        return replace(load(Path(scratch) / "run"), folder=None)
