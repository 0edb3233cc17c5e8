"""Which rows a sample is made of."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from deltaplan.records import dataclass
from deltaplan.runtime.data.cells import Floats

Rows = NDArray[np.intp]
Marks = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Samples:
    """Sample i has as inputs the `window` rows that end at row `ends[i]`, the oldest first, and its target
    `ahead` rows later. Without windows it is row `ends[i]`."""

    ends: Rows
    window: int = 1
    ahead: int = 0

    @classmethod
    def of(cls, lengths: Iterable[int], window: int = 1, ahead: int = 0) -> Self:
        """All samples of tables that stand one below the other; none spans two of them."""
        begin, ends = 0, []
        for length in lengths:
            ends.append(np.arange(begin + window - 1, max(begin + window - 1, begin + length - ahead)))
            begin += length
        return cls(np.concatenate(ends) if ends else np.empty(0, np.intp), window, ahead)

    def __len__(self) -> int:
        return len(self.ends)

    def chosen(self, which: NDArray[Any]) -> Self:
        """Some of them, by place or by marks."""
        return replace(self, ends=self.ends[which])

    @property
    def aims(self) -> Rows:
        """The rows of the targets."""
        return self.ends + self.ahead

    @property
    def later(self) -> Self:
        """The samples `ahead` rows later: what their windows look like then."""
        return replace(self, ends=self.aims)

    def read(self, rows: int) -> Marks:
        """[rows], true where a row is in the window of some sample."""
        edges = np.zeros(rows + 1, np.intp)
        np.add.at(edges, self.ends - self.window + 1, 1)
        np.add.at(edges, self.ends + 1, -1)
        return np.asarray(edges[:-1].cumsum() > 0)

    def touch(self, marked: Marks) -> Marks:
        """For each sample whether a row of its window is marked."""
        before = np.concatenate([[0], np.cumsum(marked)])
        return np.asarray(before[self.ends + 1] > before[self.ends - self.window + 1])

    def windows(self, values: Floats) -> Floats:
        """[numbers, rows] to [window · numbers, samples]: all numbers of the oldest row first."""
        if self.window == 1:
            return values if len(self.ends) == values.shape[1] else values[:, self.ends]
        rows = self.ends + np.arange(1 - self.window, 1)[:, None]
        return values[:, rows].transpose(1, 0, 2).reshape(-1, len(self.ends))
