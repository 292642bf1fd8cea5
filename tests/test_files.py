"""Files of users that can't be read or written: one clear error before any work."""

import os
from pathlib import Path

import pytest

from limbeck._errors import InputError
from limbeck._files import check_file, first_bytes

LONG = 300 * "x"  # longer than a file system allows


def test_what_can_not_be_read_is_refused(tmp_path):
    for path, message in (
        (tmp_path, "this is a folder; give one file: known is CSV"),
        (tmp_path / "none.csv", "there is no such file"),
        (tmp_path / LONG, "can't be read"),
    ):
        with pytest.raises(InputError, match=message):
            first_bytes(path, "known is CSV")


def test_a_name_that_no_record_can_hold_is_refused(tmp_path):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/dat\xff.csv"))
    try:
        path.write_text("x,y\n")
    except OSError:
        pytest.skip("this file system has no such names")
    with pytest.raises(InputError, match="not valid UTF-8"):
        first_bytes(path, "known is CSV")


def test_what_can_not_be_written_is_refused(tmp_path):
    check_file(tmp_path / "new.csv")
    for path, message in (
        (tmp_path, "is a folder"),
        (tmp_path / "none" / "new.csv", "doesn't exist; create it first"),
        (tmp_path / LONG, "can't be written"),
    ):
        with pytest.raises(InputError, match=message):
            check_file(path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
@pytest.mark.parametrize("mode", [0o500, 0o600])
def test_a_folder_has_to_be_open(tmp_path, mode):
    folder = tmp_path / "shut"
    folder.mkdir(mode=mode)
    with pytest.raises(InputError, match="can't be written"):
        check_file(folder / "new.csv")
