"""CSV files as they are in the world, and every one that cannot be read told by its place."""

import os
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deltaplan.plugins.api import Unreadable
from deltaplan.plugins.builtin.tables import csv_table
from deltaplan.plugins.builtin.tables.csv_table import read_csv

SIMPLE = "t,y\n1,2.5\n-3e2,.5\n"


@pytest.fixture
def file(tmp_path):
    def write(content):
        path = tmp_path / "a.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def as_lists(table):
    return {name: column.tolist() for name, column in table.columns.items()}


WANTED = {"t": [1.0, -300.0], "y": [2.5, 0.5]}


@pytest.mark.parametrize(
    "content",
    [
        SIMPLE,
        SIMPLE.replace("\n", "\r\n"),
        SIMPLE.replace("\n", "\r"),
        SIMPLE.rstrip("\n"),
        SIMPLE.replace(",", ";"),
        SIMPLE.replace(",", "\t"),
        SIMPLE.replace(",", "|"),
        SIMPLE.replace(",", " , "),
        "\n\n t , y\n\n1,2.5\n\n\n-3e2,.5\n\n",
        '"t","y"\n"1","2.5"\n"-3e2",".5"\n',
        "\ufeff" + SIMPLE,
        SIMPLE.encode("utf-16"),
        b"\xfe\xff" + SIMPLE.encode("utf-16-be"),
        SIMPLE + "\x1a",
    ],
    ids=repr,
)
def test_one_table_in_many_dresses(file, content):
    assert as_lists(read_csv(file(content))) == WANTED


def test_decimal_comma(file):
    path = file("t;y\n1;2,5\n-3e2;,5\n")
    assert as_lists(read_csv(path, decimal="comma")) == WANTED
    assert as_lists(read_csv(path))["y"] == ["2,5", ",5"]


def test_a_thousands_point_is_not_guessed_at(file):
    assert as_lists(read_csv(file("t;y\n1;1.234,5\n"), decimal="comma"))["y"] == ["1.234,5"]


def test_a_given_delimiter_is_taken(file):
    assert list(read_csv(file("a,b;c\n1,2;3\n"), delimiter="semicolon").columns) == ["a,b", "c"]


def test_words_and_quotes(file):
    table = read_csv(file('name,size\n"Smith, J.",1\n"a ""b""",2\n"two\nlines",3\nβ,4\n'))
    assert as_lists(table) == {"name": ["Smith, J.", 'a "b"', "two\nlines", "β"], "size": [1, 2, 3, 4]}
    assert [table.row_name(row) for row in range(4)] == ["a.csv:2", "a.csv:3", "a.csv:4", "a.csv:6"]


def test_rows_are_named_by_their_lines_across_blank_ones(file):
    plain = read_csv(file("\nt\n\n1\n\n\n2\n"))
    assert [plain.row_name(row) for row in range(plain.rows)] == ["a.csv:4", "a.csv:7"]
    exact = read_csv(file("\nt\n\n1\n\n\nx\n"))
    assert [exact.row_name(row) for row in range(exact.rows)] == ["a.csv:4", "a.csv:7"]


def test_empty_cells_of_numbers_are_nan(file):
    np.testing.assert_array_equal(read_csv(file("t,y\n1,\n,2\n")).columns["y"], [np.nan, 2])


@pytest.mark.parametrize("cell", ["nan", "NaN", "inf", "-Infinity", "1e999", "1_000", "0x10", "1,000", "--1"])
def test_what_is_no_finite_number_makes_a_column_of_words(file, cell):
    assert as_lists(read_csv(file(f't\n1\n"{cell}"\n'), delimiter="comma"))["t"] == ["1", cell]


def test_a_word_that_comes_late(file, monkeypatch):
    monkeypatch.setattr(csv_table, "BLOCK", 4)
    cells = [*map(str, range(20)), "end"]
    assert as_lists(read_csv(file("t\n" + "\n".join(cells))))["t"] == cells


def test_latin_1_is_read_with_a_warning(file):
    table = read_csv(file("größe\n1\n".encode("latin-1")))
    assert list(table.columns) == ["größe"]
    assert "Latin-1" in table.warnings[0]


def test_a_column_without_a_name_is_named_by_its_place(file):
    assert list(read_csv(file(",a\n0,1\n")).columns) == ["#1", "a"]


@pytest.mark.parametrize(
    ("content", "message", "place"),
    [
        ("", "empty", ""),
        (" \n\n", "empty", ""),
        ("t,y\n", "no rows", ""),
        ("1.5,2.5\n3,4\n", "no header row", "a.csv:1"),
        ("t,y,t\n1,2,3\n", "two columns named `t`", "a.csv:1"),
        ('t,y\n1,2\n"3,4\n', "not closed", "a.csv:3"),
        ('t,y\n1,2\n"3"x,4\n', "after its closing quote", "a.csv:3"),
        ('t\n"' + "a" * 200_000 + '"\n', "not closed", "a.csv:2"),
        ("t,y\n1,2\n3,\x014\n", "control character", "a.csv:3"),
        (b"\x00\x01\xff\xfe" * 100, "not text", ""),
        (b"\xff\xfe\x00", "not text", ""),
        (b"PK\x03\x04rest", "not text", ""),
        (b"t\n" + b"1" * 2**21, "2,097,152 characters", "a.csv:2"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_unreadable_files(file, content, message, place):
    with pytest.raises(Unreadable) as error:
        read_csv(file(content))
    assert message in error.value.message
    assert error.value.place == place


def test_ragged_rows_are_told_together(file):
    rows = ["1,2", "3", "4,5,6", "7,8", *["9"] * 5]
    with pytest.raises(Unreadable) as error:
        read_csv(file("t,y\n" + "\n".join(rows)))
    assert (
        error.value.message == "7 rows have another number of cells than the header of `a.csv`, which has 2"
    )
    assert error.value.notes[:2] == ("a.csv:3: 1 cell", "a.csv:4: 3 cells")
    assert len(error.value.notes) == 6
    assert error.value.notes[-1] == "and 2 more"


def test_a_missing_file_and_its_neighbour(file):
    path = file(SIMPLE)
    with pytest.raises(Unreadable, match="no file") as error:
        read_csv(path.with_name("aa.csv"))
    assert error.value.help == "similar name: `a.csv`"


def test_what_is_not_a_file(tmp_path):
    with pytest.raises(Unreadable, match="folder"):
        read_csv(tmp_path)
    with pytest.raises(Unreadable, match="cannot be read"):
        read_csv(tmp_path / "a\0b")


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="a device of POSIX")
def test_a_device_is_not_read(tmp_path):
    (tmp_path / "a.csv").symlink_to("/dev/zero")
    with pytest.raises(Unreadable, match="not a file"):
        read_csv(tmp_path / "a.csv")


@pytest.mark.parametrize(
    "line", [b"1," * 5_000_000, b"[" * 10_000_000, b"\x00" * 10_000_000], ids=["commas", "junk", "nul"]
)
def test_ten_megabytes_on_one_line_are_refused_within_bounds(file, line):
    path = file(line)
    tracemalloc.start()
    with pytest.raises(Unreadable):
        read_csv(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100e6


@given(st.binary(max_size=200))
def test_any_bytes_are_a_table_or_unreadable(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(content)
    try:
        table = read_csv(path)
    except Unreadable:
        return
    assert all(len(column) == table.rows for column in table.columns.values())


@given(
    st.lists(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=2), min_size=1)
)
def test_numbers_come_back_to_the_bit(tmp_path_factory, rows):
    path = tmp_path_factory.getbasetemp() / "numbers.csv"
    path.write_text("t,y\n" + "".join(f"{t!r},{y!r}\n" for t, y in rows))
    table = read_csv(path)
    assert [list(pair) for pair in zip(*as_lists(table).values(), strict=True)] == rows
    path.write_text('t,y\n"' + '"\n"'.join(f'{t!r}","{y!r}' for t, y in rows) + '"\n')
    assert as_lists(read_csv(path)) == as_lists(table)
