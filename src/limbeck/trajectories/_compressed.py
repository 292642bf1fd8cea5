"""Files that are compressed: told by their first bytes, and refused with the way out."""

from pathlib import Path

from limbeck._errors import InputError

STARTS = {
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "zip",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    **{b"BZh%d1AY&SY" % level: "bzip2" for level in range(1, 10)},
}


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
