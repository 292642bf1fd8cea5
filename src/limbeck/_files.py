"""Files of users: what can't be read or written is refused, with the way out, before any work is done for it."""

import os
from pathlib import Path

from limbeck._errors import InputError

MANY = 4096
STARTS = {
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "zip",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    **{b"BZh%d1AY&SY" % level: "bzip2" for level in range(1, 10)},
}


def first_bytes(path: Path, known: str) -> bytes:
    """Read the beginning of a file that is to be read.

    Args:
        path: The file.
        known: Which formats there are, for messages.

    Returns:
        Its first bytes, as many as tell a format.

    Raises:
        InputError: If it is no file, can't be read, or has a name that no record can hold.
    """
    try:
        with path.open("rb") as file:
            start = file.read(MANY)
        str(path.resolve()).encode()  # studies are written as UTF-8
    except IsADirectoryError:
        raise InputError(f"{path}: this is a folder; give one file: {known}") from None
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file; check the path") from None
    except UnicodeEncodeError:
        raise InputError(f"{str(path)!r}: the path is not valid UTF-8; rename what it names") from None
    except OSError as error:
        raise InputError(f"{path}: the file can't be read ({error.strerror}); check its permissions") from None
    return start


def check_uncompressed(path: Path, start: bytes) -> None:
    """Refuse a compressed file.

    Args:
        path: The file.
        start: Its first bytes.

    Raises:
        InputError: If they are those of a compressed file.
    """
    for first, kind in STARTS.items():
        if start.startswith(first):
            raise InputError(f"{path}: the file is compressed ({kind}); decompress it first")


def check_file(path: Path) -> None:
    """Refuse a file that can't be written, before any work is done for it.

    Args:
        path: Where it shall go; an earlier file may be there.

    Raises:
        InputError: If it is a folder, or its own folder is not there or can't be written.
    """
    try:
        is_folder, is_there = path.is_dir(), path.parent.is_dir()
    except OSError as error:
        raise InputError(f"{path} can't be written: {error.strerror or error}") from error
    if is_folder:
        raise InputError(f"{path} is a folder; give the name of a file")
    if not is_there:
        raise InputError(f"{path}: the folder {path.parent} doesn't exist; create it first")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise InputError(f"{path}: the folder {path.parent} can't be written")
