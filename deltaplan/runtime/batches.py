"""Which samples each step sees."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from deltaplan.records import dataclass
from deltaplan.runtime.random import Purpose, permutation


@dataclass(frozen=True, slots=True)
class Batches:
    """Epochs over `samples` samples in batches of `size`, None for all at once.

    Every epoch visits each sample once, in a new order that depends on the seed and the epoch alone; the last
    batch may be smaller. Full batches keep the order of the data.
    """

    samples: int
    size: int | None
    seed: int

    @property
    def per_epoch(self) -> int:
        """Steps in an epoch."""
        return 1 if self.size is None else -(-self.samples // self.size)

    def epoch(self, number: int, done: int = 0) -> Iterator[NDArray[np.intp] | None]:
        """The samples of each step of an epoch (0 is the first) that is not `done` yet; None for all."""
        if self.size is None:
            yield None
            return
        order = permutation(self.samples, self.seed, Purpose.SHUFFLE, step=number)
        for begin in range(done * self.size, self.samples, self.size):
            yield order[begin : begin + self.size]
