"""Samples ready for a plan: features are rows, samples are columns."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltaplan.compiler.experiment import PartName as PartName
from deltaplan.diagnostics import Diagnostic
from deltaplan.records import dataclass
from deltaplan.runtime.data.cells import Floats
from deltaplan.runtime.data.preprocessing import Preprocessing


@dataclass(frozen=True, slots=True)
class Part:
    """Some of the samples, in the order of the source.

    `x` holds each input as float64 [features, N], `y` each output's target: float64 [outputs, N] or int64 [N]
    of class indices. Both are preprocessed and C-contiguous; an input that is too large for memory is a
    numpy.memmap in the precision of training instead, sample after sample. `rows` are the samples' rows in
    the source, for a window the last of its rows.
    """

    x: Mapping[str, Floats]
    y: Mapping[str, NDArray[Any]]
    rows: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A file that was read, and the checksum of its bytes; None for what is no single file."""

    path: Path
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Dataset:
    """The parts that the spec asks for, and how they were made. `files` are those that were read: none for
    data from memory."""

    parts: Mapping[PartName, Part]
    preprocessing: Preprocessing
    files: tuple[ReadFile, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()
