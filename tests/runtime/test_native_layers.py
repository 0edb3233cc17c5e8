"""Models of every layer on the native backend against numpy, buffer by buffer."""

from pathlib import Path

import pytest
from test_native_backend import PRIMES, check

import deltaplan

HERE = Path(__file__).parents[1] / "reference" / "layers"
CASES = sorted(HERE.glob("*.dl"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_every_layer(path):
    """Every other one in single precision; the exhaustive tests have both."""
    check(deltaplan.load(path), *((5, "float64"), (18, "float32"))[CASES.index(path) % 2])


@pytest.mark.long
@pytest.mark.parametrize("batch", [*range(1, 41), *PRIMES[::4]])
def test_all_sizes_of_batches(batch):
    for path in CASES:
        for dtype in ("float64", "float32"):
            check(deltaplan.load(path), batch, dtype, every=True)
