"""Rows for what comes between the plans and the first step: loops, LLVM's text, machine code.

Kernels are written as soon as they are scheduled, and compiled part by part while the next ones are, by as
many threads as there are cores: the times are the clock's, and all of it takes less than its parts.
"""

from collections.abc import Iterator
from time import perf_counter

from benchmarks.contenders import ours
from benchmarks.measure import Row, interleaved, median
from benchmarks.workloads import deep

DEPTHS = (3, 45, 1000)
BAR = 0.1  # seconds, whatever the depth


def rows(turns: int) -> Iterator[Row]:
    for depth in DEPTHS:
        stages = ours.code(deep(depth))
        times = interleaved(stages, max(3, turns // 3), perf_counter)
        for name in stages:
            taken = median(times, name)
            against = (taken / BAR, f"{BAR * 1e3:g} ms", 1.0) if name == ours.ALL else ()
            yield Row(f"{name}, {depth} layers", taken * 1e3, "ms", *against)
