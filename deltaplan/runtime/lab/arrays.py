"""The numbers of an analysis in a file."""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from deltaplan.diagnostics import DeltaplanError, Diagnostic, mistake
from deltaplan.runtime.files import write_atomically


@mistake
class NumbersUnwritten(Diagnostic):
    code: ClassVar[str] = "numbers-unwritten"
    title: ClassVar[str] = "the numbers cannot be written to `{path}`: {why}"
    help: ClassVar[str] = "its name ends with .npz, in a folder that is there"
    path: str
    why: str


def write_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """As numpy's npz, whole or not at all."""
    check_place(path)
    content = BytesIO()
    np.savez(content, **arrays)
    write_atomically(path, content.getvalue())


def check_place(path: Path) -> None:
    """DeltaplanError where no numbers can be written to the path, before there are any."""
    if path.suffix != ".npz":
        raise DeltaplanError(NumbersUnwritten(path=str(path), why=f"`{path.suffix}` is no npz"))
    if not path.parent.is_dir():
        raise DeltaplanError(NumbersUnwritten(path=str(path), why=f"there is no folder `{path.parent}`"))
