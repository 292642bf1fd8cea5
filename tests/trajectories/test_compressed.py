import bz2
import gzip
import lzma

import pytest

from limbeck._errors import InputError
from limbeck.trajectories import load_trajectories
from limbeck.trajectories._read_csv import read_csv


@pytest.mark.parametrize("ending", ["gz", "bz2", "zip", "xz", "zst", "tar"])
def test_a_plain_table_may_have_any_ending(good_table, tmp_path, ending):
    path = tmp_path / f"table.csv.{ending}"
    path.write_text(good_table().to_csv(index=False))
    assert load_trajectories(path).n_systems == 3


@pytest.mark.parametrize(
    ("kind", "compress"), [("gzip", gzip.compress), ("bzip2", bz2.compress), ("xz", lzma.compress)]
)
@pytest.mark.parametrize("name", ["table.csv", "table.csv.gz", "table", "table.nc"])
def test_compressed_files_are_refused_with_the_way_out(good_table, tmp_path, kind, compress, name):
    path = tmp_path / name
    path.write_bytes(compress(good_table().to_csv(index=False).encode()))
    with pytest.raises(InputError, match=rf"the file is compressed \({kind}\); decompress it first"):
        load_trajectories(path)
    with pytest.raises(InputError, match="decompress it first"):
        read_csv(path, ())
