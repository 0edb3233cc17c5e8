"""Who takes part. A module has a function for each task that it can do: a workload to a contender.

The tasks are `residual` (W1 and W2), `snake` (W1-snake), `digits` (W3), `mlp` (W4), `convolution` (W5),
`norms` (W6), `landscape` (W7), `one` and `many` (W9) and `ensemble` (W10).
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec

from benchmarks import reference_c
from benchmarks.contest import Contender
from benchmarks.workloads import Workload


@dataclass(frozen=True, slots=True)
class Entry:
    """A library that takes part, where it is installed."""

    module: str
    installed: Callable[[], bool]


def package(name: str) -> Callable[[], bool]:
    return lambda: find_spec(name) is not None


OURS = "deltaplan"
ENTRIES: Mapping[str, Entry] = {
    "c": Entry("by_c", reference_c.installed),
    OURS: Entry("ours", lambda: True),
    "numpy": Entry("by_numpy", lambda: True),
    "numba": Entry("by_numba", package("numba")),
    "jax": Entry("by_jax", package("jax")),
    "torch": Entry("by_torch", package("torch")),
    "sklearn": Entry("by_sklearn", package("sklearn")),
}


def missing() -> list[str]:
    """Those that are not here."""
    return [name for name, entry in ENTRIES.items() if not entry.installed()]


def entered(task: str, work: Workload, chosen: Collection[str] = ()) -> dict[str, Contender]:
    """Who can do the task here, of those `chosen` (all if empty)."""
    found: dict[str, Contender] = {}
    for name, entry in ENTRIES.items():
        if (chosen and name not in chosen) or not entry.installed():
            continue
        make = getattr(import_module(f"benchmarks.contenders.{entry.module}"), task, None)
        if make is not None:
            found |= make(work)
    return found
