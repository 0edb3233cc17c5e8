"""x ↦ (x − mean) / scale, fitted on the training part and undone for predictions."""

from collections.abc import Mapping
from math import fsum, sqrt
from typing import Any, Self

import numpy as np

from deltaplan.records import dataclass
from deltaplan.runtime.data.cells import Floats


@dataclass(frozen=True, slots=True)
class Scaling:
    """x ↦ (x − mean) / scale for each of some numbers; mean 0 and scale 1 leave a number as it is.

    Where there are more numbers than means, these repeat: number i has mean i modulo their count. That is so
    for images, which have one for each channel, and for windows, which have one for each column.
    """

    means: tuple[float, ...]
    scales: tuple[float, ...]

    @classmethod
    def none(cls, count: int = 1) -> Self:
        return cls((0.0,) * count, (1.0,) * count)

    @classmethod
    def factor(cls, factor: float) -> Self:
        """x ↦ factor · x"""
        return cls((0.0,), (1 / factor,))

    @classmethod
    def fitted(cls, values: Floats) -> Self:
        """Mean and population standard deviation of each row of [numbers, samples]; 1 for a constant one.

        The sums are exactly rounded (math.fsum), so they do not depend on the order of the samples.
        """
        pairs = [_mean_and_scale(row) for row in values]
        return cls(tuple(mean for mean, _ in pairs), tuple(scale for _, scale in pairs))

    @property
    def is_identity(self) -> bool:
        return not any(self.means) and all(scale == 1 for scale in self.scales)

    def apply(self, values: Floats) -> Floats:
        """[numbers, samples] to the same shape, C-contiguous; what overflows is infinite."""
        if self.is_identity:
            return np.ascontiguousarray(values, np.float64)
        grouped = values.reshape(-1, len(self.means), values.shape[-1])
        with np.errstate(over="ignore"):
            scaled = (grouped - np.array(self.means)[:, None]) / np.array(self.scales)[:, None]
        return np.ascontiguousarray(scaled.reshape(values.shape))

    def undo(self, values: Floats) -> Floats:
        if self.is_identity:
            return np.ascontiguousarray(values, np.float64)
        grouped = values.reshape(-1, len(self.means), values.shape[-1])
        with np.errstate(over="ignore", invalid="ignore"):
            back = grouped * np.array(self.scales)[:, None] + np.array(self.means)[:, None]
        return np.ascontiguousarray(back.reshape(values.shape))

    def to_data(self) -> dict[str, Any]:
        return {"means": list(self.means), "scales": list(self.scales)}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """The inverse; KeyError, TypeError or ValueError where the data are none of ours."""
        means, scales = (tuple(map(float, data[name])) for name in ("means", "scales"))
        if len(means) != len(scales) or 0.0 in scales:
            raise ValueError("means and scales do not fit together")
        return cls(means, scales)


def by_channel(values: Floats, channels: int) -> Floats:
    """[places · channels, samples] as [channels, places · samples]: the numbers of one channel in a row."""
    count = values.shape[-1]
    return values.reshape(-1, channels, count).transpose(1, 0, 2).reshape(channels, -1)


def _mean_and_scale(row: Floats) -> tuple[float, float]:
    if row.min() == row.max():
        return float(row[0]), 1.0
    # The power of two below the largest: division is exact, no square overflows, and it is a float for any.
    unit = 2.0 ** (int(np.frexp(np.abs(row).max())[1]) - 1)
    small = row / unit
    mean = fsum(small) / len(small)
    return mean * unit, sqrt(fsum((small - mean) ** 2) / len(small)) * unit
