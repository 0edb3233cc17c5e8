"""Parquet columns of every kind become what csv columns are; the rest is refused by name."""

import datetime
from decimal import Decimal

import numpy as np
import pytest

from deltaplan.plugins.api import Unreadable
from deltaplan.plugins.builtin.tables import parquet_table
from deltaplan.plugins.builtin.tables.parquet_table import read_parquet

pytest.importorskip("pyarrow")


def written(path, **columns):
    import pyarrow
    from pyarrow import parquet

    parquet.write_table(pyarrow.table(columns), path / "t.parquet")
    return path / "t.parquet"


def test_columns(tmp_path):
    import pyarrow

    table = read_parquet(
        written(
            tmp_path,
            whole=[1, None, 3],
            real=[0.5, 1.5, None],
            flag=[True, False, True],
            word=["a ", None, "b"],
            price=[Decimal("1.50"), Decimal("2.25"), None],
            kind=pyarrow.array(["u", "v", "u"]).dictionary_encode(),
            day=[datetime.date(2024, 1, 31), None, datetime.date(2024, 2, 1)],
            many=[[1, 2], [3, 4], [5, 6]],
        )
    )
    assert (table.rows, table.row_name(2)) == (3, "t.parquet, row 2")
    numbers = {name: table.columns[name].tolist() for name in ("whole", "real", "flag", "price")}
    nan = float("nan")
    wanted = {"whole": [1, nan, 3], "real": [0.5, 1.5, nan], "flag": [1, 0, 1], "price": [1.5, 2.25, nan]}
    assert str(numbers) == str({name: [float(v) for v in values] for name, values in wanted.items()})
    assert table.columns["word"].tolist() == ["a", "", "b"]
    assert table.columns["kind"].tolist() == ["u", "v", "u"]
    assert table.columns["day"].tolist() == ["2024-01-31", "", "2024-02-01"]
    assert np.array_equal(table.columns["many"], [[1, 2], [3, 4], [5, 6]])


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ([{"a": 1}], "holds neither numbers nor words"),
        ([[1, 2], [3]], "differ in length"),
        ([[1, 2], None], "differ in length"),
        ([["a"]], "something else than numbers"),
        ([], "has no rows"),
    ],
)
def test_columns_of_no_use(tmp_path, column, message):
    with pytest.raises(Unreadable, match=message):
        read_parquet(written(tmp_path, x=column))


@pytest.mark.parametrize("content", [b"", b"junk", b"PAR1" + b"\0" * 20 + b"PAR1"])
def test_files_that_are_none(tmp_path, content):
    (tmp_path / "t.parquet").write_bytes(content)
    with pytest.raises(Unreadable, match="is no parquet file"):
        read_parquet(tmp_path / "t.parquet")


def test_without_pyarrow(tmp_path, monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(parquet_table, "import_module", missing)
    (tmp_path / "t.parquet").write_bytes(b"PAR1")
    with pytest.raises(Unreadable, match="not installed") as error:
        read_parquet(tmp_path / "t.parquet")
    assert "deltaplan[data]" in error.value.help
