"""Rows for what comes between the plans and the first step: loops, LLVM's text, machine code.

Text is compiled part by part while the next part is written, by as many threads as there are cores: the times
are the clock's, and what the text takes alone is in that of both.
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
            yield Row(f"{name}, {depth} layers", median(times, name) * 1e3, "ms")
        whole = sum(median(times, name) for name in stages if name != ours.TEXT)
        yield Row(f"all, {depth} layers", whole * 1e3, "ms", whole / BAR, f"{BAR * 1e3:g} ms", 1.0)
