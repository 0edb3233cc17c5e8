"""The numbers of an analysis in a file."""

import csv
from collections.abc import Mapping
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from deltaplan.diagnostics import DeltaplanError, Diagnostic, mistake
from deltaplan.runtime.writing import in_the_way, write_together

SUFFIXES = (".npz", ".csv")


@mistake
class NumbersUnwritten(Diagnostic):
    code: ClassVar[str] = "numbers-unwritten"
    title: ClassVar[str] = "the numbers cannot be written to `{path}`: {why}"
    help: ClassVar[str] = "{mend}"
    path: str
    why: str
    mend: str | None = None


ENDS = "its name ends with .npz or .csv"


def write_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """As numpy's npz, or as a table, by the name's end; whole or not at all."""
    check_place(path)
    write_together({path: _table(arrays) if path.suffix == ".csv" else _npz(arrays)})


def check_place(path: Path) -> None:
    """DeltaplanError where no numbers can be written to the path, before there are any."""
    if path.suffix not in SUFFIXES:
        raise DeltaplanError(
            NumbersUnwritten(path=str(path), why=f"`{path.suffix}` is no npz or csv", mend=ENDS)
        )
    if (other := in_the_way(path)) is not None:
        raise DeltaplanError(NumbersUnwritten(path=str(path), why=f"`{other}` is no folder"))


def _npz(arrays: Mapping[str, Any]) -> bytes:
    content = BytesIO()
    np.savez(content, **arrays)
    return content.getvalue()


def _table(arrays: Mapping[str, Any]) -> bytes:
    """The first array that has rows, and beside it all that have as many: a column for each number."""
    rows = next((len(array) for array in arrays.values() if array.ndim), 1)
    columns: dict[str, Any] = {}
    for name, array in arrays.items():
        if array.ndim and len(array) == rows:
            flat = array.reshape(rows, -1)
            many = array.ndim > 1
            columns |= {f"{name}[{k}]" if many else name: flat[:, k] for k in range(flat.shape[1])}
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*(column.tolist() for column in columns.values()), strict=True))
    return text.getvalue().encode()
