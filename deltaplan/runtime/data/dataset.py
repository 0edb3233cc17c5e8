"""Samples ready for a plan: features are rows, samples are columns."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from deltaplan.diagnostics import Diagnostic
from deltaplan.runtime.data.columns import Floats
from deltaplan.runtime.data.preprocessing import Preprocessing

PartName = Literal["train", "validation", "test"]


@dataclass(frozen=True, slots=True)
class Part:
    """Some of the samples, in the order of the source.

    `x` holds each input as float64 [features, N], `y` each output's target: float64 [outputs, N] or int64 [N]
    of class indices. Both are preprocessed and C-contiguous. `rows` are the samples' rows in the source.
    """

    x: Mapping[str, Floats]
    y: Mapping[str, NDArray[Any]]
    rows: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True)
class Dataset:
    """The parts that the spec asks for, and how they were made. `path` and `sha256` are those of the file,
    None for data from memory."""

    parts: Mapping[PartName, Part]
    preprocessing: Preprocessing
    path: Path | None = None
    sha256: str | None = None
    warnings: tuple[Diagnostic, ...] = ()
