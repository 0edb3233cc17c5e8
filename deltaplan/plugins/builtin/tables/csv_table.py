"""Tables of text as they are in the world: delimiter, decimal comma, encodings, quotes, blank lines."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltaplan.plugins.api import Table, Unreadable
from deltaplan.plugins.builtin.tables import cells
from deltaplan.plugins.builtin.tables.decode import read_text

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
DECIMALS = {"point": ".", "comma": ","}
LONGEST_LINE = 2**20
SNIFFED_ROWS = 20
BLOCK = 2**17  # cells that are taken apart at once
QUOTES = 'a cell with a quote in it stands in quotes, and the quote is written twice: `"5"" pipe"`'
TOLD = 5  # places that are named for one mistake; the rest is counted


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file's text and how to take it apart: `body` begins at line `first`, after the header."""

    name: str
    header: tuple[str, ...]
    body: str
    first: int
    delimiter: str
    decimal: str
    empty: str | None = None


def read_csv(
    path: Path, delimiter: str | None = None, decimal: str = "point", empty: str | None = None
) -> Table:
    """A file with a header row to columns of float64 or of words (an object array of str).

    A column whose cells are all finite numbers or empty is one of numbers, with NaN for the empty ones; any
    other is one of words. A cell that says `empty` is an empty one. A column without a name is `#2` by its
    place. Raises Unreadable.
    """
    text, warnings = read_text(path)
    sheet = _sheet(path.name, text, delimiter, decimal, empty)
    columns, lines = _fast(sheet) or _exact(sheet)
    if not lines:
        raise Unreadable(f"`{path.name}` has a header and no rows")
    named = dict(zip(sheet.header, columns, strict=True))
    return Table(named, len(lines), lambda row: f"{path.name}:{lines[row]}", warnings)


def _sheet(name: str, text: str, delimiter: str | None, decimal: str, empty: str | None) -> Sheet:
    _check_lines(name, text)
    mark = DELIMITERS.get(delimiter, delimiter) if delimiter else _sniff(text)
    rows = csv.reader(StringIO(text), delimiter=mark, strict=True, skipinitialspace=True)
    header = _names(name, _next_row(name, rows))
    position = _after_line(text, rows.line_num)
    point = DECIMALS.get(decimal, decimal)
    return Sheet(name, header, text[position:], rows.line_num + 1, mark, point, empty)


def _check_lines(name: str, text: str) -> None:
    """Refuses a line so long that it is no table's, before anything takes it apart."""
    begin, number = 0, 1
    while begin < len(text):
        end = text.find("\n", begin)
        end = len(text) if end < 0 else end
        if end - begin > LONGEST_LINE:
            message = f"a line of `{name}` has {end - begin:,} characters, and {LONGEST_LINE:,} are allowed"
            raise Unreadable(message, f"{name}:{number}")
        begin, number = end + 1, number + 1


def _sniff(text: str) -> str:
    """The delimiter under which most of the first rows have as many cells as the header, more than one."""

    def agreement(mark: str) -> tuple[int, int]:
        try:
            rows = [row for row in islice(csv.reader(StringIO(text), delimiter=mark), SNIFFED_ROWS) if row]
        except csv.Error:
            return 0, 0
        width = len(rows[0])
        return (sum(len(row) == width for row in rows), width) if width > 1 else (0, 0)

    return max(DELIMITERS.values(), key=agreement)


def _next_row(name: str, rows: Any) -> list[str]:
    """The first row that is not blank."""
    try:
        return next(row for row in rows if "".join(row).strip())
    except csv.Error as error:
        raise _quoting(name, rows.line_num, error) from None


def _names(name: str, cells_: Sequence[str]) -> tuple[str, ...]:
    names = tuple(cell.strip() or f"#{place}" for place, cell in enumerate(cells_, 1))
    if all(map(cells.is_number, names)) and not all(n.isdigit() for n in names):
        help = "write the columns' names into the first line"
        raise Unreadable(f"`{name}` has no header row: its first line holds numbers", f"{name}:1", help)
    twice = [n for n in dict.fromkeys(names) if names.count(n) > 1] if len(set(names)) < len(names) else []
    if twice:
        raise Unreadable(f"`{name}` has two columns named `{twice[0]}`", f"{name}:1")
    return names


def _after_line(text: str, number: int) -> int:
    position = 0
    for _ in range(number):
        end = text.find("\n", position)
        if end < 0:
            return len(text)
        position = end + 1
    return position


def _fast(sheet: Sheet) -> tuple[list[NDArray[Any]], Sequence[int]] | None:
    """Plain numbers through numpy's own parser; None where anything is not plain."""
    body = sheet.body
    if sheet.empty is not None:
        return None
    if '"' in body or not body.strip() or (sheet.decimal == "," and "." in body):
        return None
    if sheet.decimal == ",":
        body = body.replace(",", ".")
    try:
        values = np.loadtxt(StringIO(body), delimiter=sheet.delimiter, comments=None, ndmin=2)
    except ValueError:
        return None
    if values.shape[1] != len(sheet.header) or not np.isfinite(values).all():
        return None
    return list(np.ascontiguousarray(values.T)), _lines_of_rows(sheet, len(values))


def _lines_of_rows(sheet: Sheet, rows: int) -> Sequence[int]:
    lines = sheet.body.rstrip("\n").split("\n")
    if len(lines) == rows:
        return range(sheet.first, sheet.first + rows)
    return [sheet.first + i for i, line in enumerate(lines) if line]


def _exact(sheet: Sheet) -> tuple[list[NDArray[Any]], Sequence[int]]:
    """Cell by cell. Where a word comes late in a column that began with numbers, all is read again."""
    text: set[int] = set()
    while True:
        columns, lines, late = _gather(sheet, text)
        if not late:
            return columns, lines


def _gather(sheet: Sheet, text: set[int]) -> tuple[list[NDArray[Any]], list[int], bool]:
    """Columns, the line of each row, and whether a column turned to words late; such columns go to `text`."""
    gathered: list[list[NDArray[Any]]] = [[] for _ in sheet.header]
    lines: list[int] = []
    late = False
    for block in _blocks(sheet, lines):
        for place, cells_ in enumerate(zip(*block, strict=True)):
            column = cells_ if sheet.empty is None else cells.without(cells_, sheet.empty)
            values = None if place in text else cells.numbers(column, sheet.decimal)
            late |= values is None and place not in text and bool(gathered[place])
            if values is None:
                text.add(place)
            gathered[place].append(cells.words(column) if values is None else values)
    return [np.concatenate(c) if c else np.empty(0) for c in gathered], lines, late


def _blocks(sheet: Sheet, lines: list[int]) -> Iterator[list[list[str]]]:
    """The rows in blocks, their lines added to `lines`. Rows of another length are told at the end."""
    rows = _rows(sheet)
    ragged, told = 0, list[tuple[int, int]]()
    while chunk := list(islice(rows, max(1, BLOCK // len(sheet.header)))):
        good = [(line, row) for line, row in chunk if len(row) == len(sheet.header)]
        ragged += len(chunk) - len(good)
        if len(told) < TOLD:
            told += [(line, len(row)) for line, row in chunk if len(row) != len(sheet.header)][:TOLD]
        lines += [line for line, _ in good]
        yield [row for _, row in good]
    if ragged:
        raise _ragged(sheet, ragged, told[:TOLD])


def _rows(sheet: Sheet) -> Iterator[tuple[int, list[str]]]:
    """Each row that is not blank, with the line on which it begins."""
    reader = csv.reader(StringIO(sheet.body), delimiter=sheet.delimiter, strict=True, skipinitialspace=True)
    line = sheet.first
    try:
        for row in reader:
            if len(row) > 1 or (row and row[0].strip()):
                yield line, row
            line = sheet.first + reader.line_num
    except csv.Error as error:
        raise _quoting(sheet.name, line, error) from None


def _ragged(sheet: Sheet, count: int, told: Sequence[tuple[int, int]]) -> Unreadable:
    wrong = "1 row has" if count == 1 else f"{count:,} rows have"
    message = (
        f"{wrong} another number of cells than the header of `{sheet.name}`, which has {len(sheet.header)}"
    )
    notes = [f"{sheet.name}:{line}: {width} cell{'s' * (width != 1)}" for line, width in told]
    rest = [f"and {count - len(told):,} more"] if count > len(told) else []
    help = f"a cell that holds `{sheet.delimiter}` stands in quotes" if sheet.delimiter != "\t" else ""
    return Unreadable(message, help=help, notes=[*notes, *rest])


def _quoting(name: str, line: int, error: csv.Error) -> Unreadable:
    if "unexpected end" in str(error) or "field larger" in str(error):
        return Unreadable(f"a quote that is opened in `{name}` is not closed", f"{name}:{line}", QUOTES)
    return Unreadable(f"a cell of `{name}` goes on after its closing quote", f"{name}:{line}", QUOTES)
