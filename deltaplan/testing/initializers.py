"""An initializer: a spread for every layer, and first values."""

from collections.abc import Iterator
from math import isfinite

from deltaplan.plugins.contracts import Initializer
from deltaplan.plugins.settings import call, numbers, settings
from deltaplan.testing.nets import Net, check_training
from deltaplan.testing.report import Result

FANS = ((1, 1), (3, 2), (784, 100), (1, 10_000), (10_000, 1))


def checks(initializer: Initializer) -> Iterator[Result]:
    given = settings(initializer) | _range(initializer)
    for fan_in, fan_out in FANS:
        for gain in (1.0, 1.4, 1.9):
            spread, again = (initializer.spread(fan_in, fan_out, gain, **given) for _ in range(2))
            found = spread if isinstance(spread, tuple) else (spread,)
            if spread != again:
                yield Result("spread", "failed", f"the same call gives {spread}, then {again}")
                return
            if not all(isfinite(n) for n in found) or (len(found) == 1 and found[0] < 0):
                text = f"it is {spread} for fan_in = {fan_in}, fan_out = {fan_out}, gain = {gain}"
                yield Result("spread", "failed", text)
                return
    yield Result("spread", "passed", f"for {len(FANS)} shapes")
    yield from check_training(Net(initializer, layers=f"dense 4 tanh init={call(initializer, given)}"))


def _range(initializer: Initializer) -> dict[str, float]:
    """`low` below `high`, where both must be given."""
    return {"low": -0.5, "high": 0.5} if {"low", "high"} <= set(numbers(initializer)) else {}
