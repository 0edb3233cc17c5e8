"""The trials of a sweep: which values each gives the params and the seed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product
from math import floor

from deltaplan.compiler.sweeps import Axis, Distribution, Sweep
from deltaplan.plugins.contracts import Value
from deltaplan.runtime.random import Purpose, uniform

DIGITS = 4  # of numbers that are drawn: a person can type them again
Values = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Trial:
    """One training. `number` counts from 1 in the order of the spec; `setting` are the values of params,
    `seed` is that of training, None where the spec's own holds."""

    number: int
    setting: Values
    seed: int | None = None

    @property
    def given(self) -> dict[str, Value]:
        """What the spec is loaded with."""
        return {**self.setting} if self.seed is None else {**self.setting, "seed": self.seed}

    @property
    def key(self) -> tuple[tuple[str, str], ...]:
        """What tells it from other trials of the same spec."""
        return key_of(self.given)


def key_of(values: Values) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, repr(value)) for name, value in values.items()))


def trials(sweep: Sweep) -> tuple[Trial, ...]:
    """All trials: settings in their order, each with its seeds one after the other."""
    seeds: list[int | None] = [int(str(seed)) for seed in sweep.seeds] or [None]
    pairs = ((setting, seed) for setting in settings(sweep) for seed in seeds)
    return tuple(Trial(number, setting, seed) for number, (setting, seed) in enumerate(pairs, 1))


def settings(sweep: Sweep) -> Iterator[Values]:
    """The values of the params: all combinations, the last axis fastest, or so many that are drawn."""
    wanted, combinations = sweep.random, sweep.combinations
    if wanted is None or (combinations is not None and combinations <= wanted):
        yield from _grid(sweep.params)
    else:
        yield from islice(_drawn(sweep), wanted)


def _grid(axes: Sequence[Axis]) -> Iterator[Values]:
    for values in product(*(_listed(axis) for axis in axes)):
        yield dict(zip((axis.name for axis in axes), values, strict=True))


def _listed(axis: Axis) -> Sequence[Value]:
    match axis.values:
        case Distribution(low=low, high=high):
            return range(int(low), int(high) + 1)
        case values:
            return values


def _drawn(sweep: Sweep) -> Iterator[Values]:
    """Settings without end, none twice; a longer sweep begins with those of a shorter one."""
    seen: set[tuple[tuple[str, str], ...]] = set()
    draw = 0
    while True:
        found = {axis.name: _value(sweep, draw, place) for place, axis in enumerate(sweep.params)}
        draw += 1
        if key_of(found) not in seen:
            seen.add(key_of(found))
            yield found


def _value(sweep: Sweep, draw: int, place: int) -> Value:
    """The value of one axis in one draw."""
    share = float(uniform(Purpose.SWEEP, sweep.seed, draw, place, (1, 1))[0, 0])
    match sweep.params[place].values:
        case Distribution() as distribution:
            return _number(distribution, share)
        case values:
            return values[floor(share * len(values))]


def _number(distribution: Distribution, share: float) -> int | float:
    """The number below which a `share` of the distribution lies."""
    low, high = distribution.low, distribution.high + distribution.whole
    is_log = distribution.name == "log_uniform"
    found = low * (high / low) ** share if is_log else low + (high - low) * share
    if distribution.whole:
        return min(floor(found), int(distribution.high))
    return min(max(float(f"{found:.{DIGITS}g}"), distribution.low), distribution.high)
