"""Models of every layer on the native backend against numpy, buffer by buffer."""

from pathlib import Path

import pytest
from test_native_backend import PRIMES, check

import deltaplan

HERE = Path(__file__).parents[1] / "reference" / "layers"
CASES = sorted(HERE.glob("*.dl"))
WHOLE = ("conv_same", "residual_pictures", "u_net")  # specs/networks are made of these, with full effort
LIGHT = (*WHOLE, "avg_pools", "joins", "layer_norm_of_pictures", "reshape", "softmax_of_channels")


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, id=path.stem, marks=pytest.mark.light if path.stem in LIGHT else ())
        for path in CASES
    ],
)
def test_every_layer(path):
    """Every other one in single precision; the exhaustive tests have both."""
    check(deltaplan.load(path), *((5, "float64"), (18, "float32"))[CASES.index(path) % 2])


@pytest.mark.long
@pytest.mark.parametrize("batch", [*range(1, 41), *PRIMES[::4]])
def test_all_sizes_of_batches(batch):
    for path in CASES:
        for dtype in ("float64", "float32"):
            check(deltaplan.load(path), batch, dtype, every=True)
