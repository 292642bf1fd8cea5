"""Records on disk: written whole or not at all, read back or refused.

Every file is written beside its place and renamed, so that a killed process or a
full disk leaves the old file or none. Arrays of a training go into one file with a
JSON header that says what it belongs to; nothing that is read is ever executed.
"""

import contextlib
import hashlib
import json
import os
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from limbeck._errors import ArtefactDamaged, ArtefactMismatch
from limbeck.expressions import parse, to_string
from limbeck.regress import Equation, HallOfFame

SCHEMA = 1
MAGIC = b"limbeck\x01"


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file so that it appears complete or not at all.

    Args:
        path: Where it goes.
        content: Text (as UTF-8) or bytes.

    Raises:
        OSError: If the disk is full or the folder can't be written; an earlier file stays.
    """
    with _beside(path, content) as temporary:
        temporary.replace(path)


def write_new(path: Path, content: str | bytes) -> None:
    """Write a file complete or not at all, and only if none has its name.

    Args:
        path: Where it goes.
        content: Text (as UTF-8) or bytes.

    Raises:
        FileExistsError: If the file exists; of several processes at once, one succeeds.
        OSError: If the disk is full or the folder can't be written.
    """
    with _beside(path, content) as temporary:
        try:
            os.link(temporary, path)
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links
            with path.open("xb") as file:
                file.write(temporary.read_bytes())


@contextlib.contextmanager
def _beside(path: Path, content: str | bytes) -> Iterator[Path]:
    """A finished file under another name in the same folder; it is gone afterwards."""
    data = content.encode() if isinstance(content, str) else content
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def to_json(value: Any) -> str:
    """Strict JSON: no NaN, no infinity.

    Args:
        value: Mappings, lists, strings, finite numbers, booleans and None.

    Returns:
        Indented text.
    """
    return json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def save_arrays(path: Path, header: Mapping[str, Any], tree: Any) -> None:
    """Save the arrays of a tree with a header and a checksum.

    Args:
        path: Where it goes.
        header: What the arrays belong to, as JSON values.
        tree: Any tree whose leaves are arrays; only the leaves are stored.
    """
    leaves = [np.asarray(leaf, order="C") for leaf in jax.tree.leaves(tree)]
    shapes = [{"shape": list(leaf.shape), "dtype": leaf.dtype.str} for leaf in leaves]
    body = b"".join(leaf.tobytes() for leaf in leaves)
    head = json.loads(json.dumps({"schema": SCHEMA, "header": dict(header), "arrays": shapes}, allow_nan=False))
    text = json.dumps({**head, "sha256": _checksum(head, body)}).encode()
    write_whole(path, MAGIC + struct.pack("<Q", len(text)) + text + body)


def load_arrays(path: Path, header: Mapping[str, Any], like: Any) -> Any:
    """Read arrays back into a tree of the same structure.

    Args:
        path: File written by `save_arrays`.
        header: What the arrays must belong to.
        like: A tree with the same structure, shapes and types.

    Returns:
        The tree with the stored arrays.

    Raises:
        ArtefactDamaged: If the file is truncated or altered.
        ArtefactMismatch: If it belongs to something else.
    """
    head, body = _read(path)
    if head.get("schema") != SCHEMA or head.get("header") != json.loads(json.dumps(dict(header))):
        raise ArtefactMismatch(f"{path.name} belongs to another run or version; start again with --overwrite")
    leaves, treedef = jax.tree.flatten(like)
    expected = [{"shape": list(np.shape(leaf)), "dtype": np.asarray(leaf).dtype.str} for leaf in leaves]
    if head["arrays"] != expected:
        raise ArtefactMismatch(f"{path.name} holds arrays of another shape than this run's")
    return jax.tree.unflatten(treedef, _arrays(head, body))


def read_arrays(path: Path) -> tuple[dict[str, Any], list[np.ndarray]]:
    """Read a header and the arrays that stand under it, whatever they belong to.

    Args:
        path: File written by `save_arrays`.

    Returns:
        Header and arrays, in the order in which they were written.

    Raises:
        ArtefactDamaged: If the file is truncated or altered.
        ArtefactMismatch: If another version wrote it.
    """
    head, body = _read(path)
    if head["schema"] != SCHEMA:
        raise ArtefactMismatch(f"{path.name} has another schema than {SCHEMA}")
    try:
        return dict(head["header"]), _arrays(head, body)
    except (ValueError, KeyError, TypeError) as error:
        raise ArtefactDamaged(f"{path.name} is damaged: {error}") from error


def _arrays(head: Mapping[str, Any], body: bytes) -> list[np.ndarray]:
    """The arrays of a body, as its head says."""
    found, start = [], 0
    for entry in head["arrays"]:
        dtype, count = np.dtype(entry["dtype"]), int(np.prod(entry["shape"], dtype=int))
        found.append(np.frombuffer(body, dtype, count, start).reshape(entry["shape"]).copy())
        start += count * dtype.itemsize
    return found


def read_header(path: Path) -> dict[str, Any]:
    """What stored arrays belong to.

    Args:
        path: File written by `save_arrays`.

    Returns:
        The header.

    Raises:
        ArtefactDamaged: If the file is truncated or altered.
    """
    return dict(_read(path)[0]["header"])


def _read(path: Path) -> tuple[dict[str, Any], bytes]:
    """Header and body of an array file, checked against its checksum."""
    data = path.read_bytes()
    start = len(MAGIC) + 8
    if data[: len(MAGIC)] != MAGIC or len(data) < start:
        raise ArtefactDamaged(f"{path.name} is no whole checkpoint of limbeck")
    (length,) = struct.unpack("<Q", data[len(MAGIC) : start])
    text, body = data[start : start + length], data[start + length :]
    try:
        head = json.loads(text)
        intact = _checksum({name: head[name] for name in ("schema", "header", "arrays")}, body) == head["sha256"]
    except (ValueError, KeyError, TypeError) as error:
        raise ArtefactDamaged(f"{path.name} is damaged") from error
    if not intact:
        raise ArtefactDamaged(f"{path.name} is damaged: its checksum does not fit")
    return head, body


def _checksum(head: Any, body: bytes = b"") -> str:
    """A hash of a JSON value and bytes."""
    text = json.dumps(head, allow_nan=False, sort_keys=True)
    return hashlib.sha256(text.encode() + b"\0" + body).hexdigest()


def save_record(path: Path, header: Mapping[str, Any], value: Any) -> None:
    """Save a JSON value with a header and a checksum.

    Args:
        path: Where it goes.
        header: What the value belongs to, as JSON values.
        value: The value.
    """
    head = {"schema": SCHEMA, "header": dict(header), "value": value}
    write_whole(path, to_json({**head, "sha256": _checksum(json.loads(json.dumps(head)))}))


def load_record(path: Path) -> tuple[dict[str, Any], Any]:
    """Read a value that `save_record` wrote.

    Args:
        path: The file.

    Returns:
        Header and value.

    Raises:
        ArtefactDamaged: If the file is truncated or altered.
        ArtefactMismatch: If another version wrote it.
    """
    stored = read_json(path)
    try:
        head = {name: stored[name] for name in ("schema", "header", "value")}
        intact = _checksum(head) == stored["sha256"]
    except (KeyError, TypeError, ValueError) as error:
        raise ArtefactDamaged(f"{path.name} is damaged") from error
    if not intact:
        raise ArtefactDamaged(f"{path.name} is damaged: its checksum does not fit")
    if head["schema"] != SCHEMA:
        raise ArtefactMismatch(f"{path.name} has another schema than {SCHEMA}")
    return head["header"], head["value"]


def hall_to_mapping(hall: HallOfFame) -> dict[str, Any]:
    """A hall of fame as JSON values.

    Args:
        hall: The hall of fame.

    Returns:
        Its fields, expressions as strings.
    """
    return {
        "component": hall.component,
        "engine": hall.engine,
        "version": hall.version,
        "seed": hall.seed,
        "evaluations": hall.evaluations,
        "seconds": hall.seconds,
        "out_of_time": hall.out_of_time,
        "starts": [to_string(expression) for expression in hall.starts],
        "operators": list(hall.operators),
        "symmetry": hall.symmetry,
        "equations": [
            {
                "expression": to_string(equation.expression),
                "complexity": equation.complexity,
                "backend_complexity": equation.backend_complexity,
                "loss": equation.loss,
                "heldout_loss": finite(equation.heldout_loss),
            }
            for equation in hall.equations
        ],
    }


def finite(value: float) -> float | None:
    """A number for JSON, which holds neither NaN nor infinity.

    Args:
        value: Any number.

    Returns:
        The number, or None.
    """
    return float(value) if np.isfinite(value) else None


def hall_from_mapping(stored: Mapping[str, Any]) -> HallOfFame:
    """Read a hall of fame back.

    Args:
        stored: From `hall_to_mapping`.

    Returns:
        The hall of fame; whole exponents are part of the form, other numbers free.

    Raises:
        ArtefactMismatch: If a field is missing.
    """
    try:
        equations = tuple(
            Equation(
                expression=parse(entry["expression"]),
                complexity=entry["complexity"],
                backend_complexity=entry["backend_complexity"],
                loss=entry["loss"],
                heldout_loss=float("inf") if entry["heldout_loss"] is None else entry["heldout_loss"],
            )
            for entry in stored["equations"]
        )
        rest = {
            k: stored[k] for k in ("component", "engine", "version", "seed", "evaluations", "seconds", "out_of_time")
        }
        # Records of earlier versions lack some.
        rest |= {"operators": tuple(stored.get("operators", ())), "symmetry": stored.get("symmetry", "")}
        return HallOfFame(equations=equations, starts=tuple(map(parse, stored["starts"])), **rest)
    except (KeyError, TypeError) as error:
        raise ArtefactMismatch(f"a stored hall of fame lacks {error}") from error


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Args:
        path: The file.

    Returns:
        Its value.

    Raises:
        ArtefactDamaged: If it is not whole.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ArtefactDamaged(f"{path.name} is damaged: {error}") from error
