"""What goes wrong in a command, as one line and the contract's exit code."""

import os
from collections.abc import Callable
from pathlib import Path

import typer

FOUND, FAILED, WRONG_INPUT, NOT_FOUND, INTERRUPTED = 0, 1, 2, 3, 130


def guarded(work: Callable[[], int], folder: Path | None) -> None:
    """Run a command and turn what goes wrong into one line and the contract's exit code."""
    from limbeck._errors import ArtefactMismatch, InputError, RunError

    try:
        _private_cache()
        code = work()
    except InputError as error:
        code = _fail(str(error), WRONG_INPUT)
    except KeyboardInterrupt:
        code = _fail(f"interrupted{_way_on(folder)}", INTERRUPTED)
    except MemoryError:
        code = _fail(f"out of memory{_way_on(folder)}", FAILED)
    except ArtefactMismatch as error:
        code = _fail(str(error), FAILED)
    except (RunError, OSError) as error:
        code = _fail(f"{error}{_way_on(folder)}", FAILED)
    except Exception as error:  # noqa: BLE001 - the contract: one line, no traceback, whatever a library raises
        text = str(error).strip() or "no message"
        code = _fail(f"{type(error).__name__}: {text.splitlines()[0]}{_way_on(folder)}", FAILED)
    raise typer.Exit(code)


def _way_on(folder: Path | None) -> str:
    """How to go on with a run that ended early, if it left something to go on from."""
    try:
        # With a result it is an earlier run, which the one that ended had not replaced yet.
        left = folder is not None and (folder / "study.toml").exists() and not (folder / "result.json").exists()
    except OSError:
        return ""
    return f"; go on with: limbeck resume {folder}" if left else ""


def _fail(message: str, code: int) -> int:
    """Print an error on one line."""
    typer.echo(f"limbeck: {' '.join(message.split())}", err=True)
    return code


def _private_cache() -> None:
    """Keep compiled programs between runs, in a folder that is the user's alone: it holds executable code."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "limbeck" / "programs"
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        if home.stat().st_uid != os.getuid() or home.stat().st_mode & 0o077:
            return
    except (OSError, AttributeError):  # no home, or no user ids on this platform: run without a cache
        return
    # Programs with error callbacks can't be stored; diffrax then reports a failure as NaN, which is checked.
    os.environ.setdefault("EQX_ON_ERROR", "nan")
    import jax

    jax.config.update("jax_compilation_cache_dir", str(home))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
