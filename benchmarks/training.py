"""Rows for W1, W2 and W3: the time of a step of the plan, and of whole trainings, against numpy by hand."""

from collections.abc import Iterator

import numpy as np

from benchmarks.measure import Row, interleaved, median, ratio
from benchmarks.peers import peers_of
from benchmarks.workloads import Workload, by_hand, plan_steps, whole_training, workloads
from deltaplan.runtime.threads import blas_threads


def rows(turns: int) -> Iterator[Row]:
    with np.errstate(all="ignore"), blas_threads():
        for work in workloads(whole=False):
            yield from steps(work, 8 * turns)
        for work in workloads(whole=True):
            yield from trainings(work, max(3, turns // 3))


def steps(work: Workload, turns: int) -> Iterator[Row]:
    """Many short turns: the machine's own ups and downs are slower than these."""
    times = interleaved({"by hand": by_hand(work), "plan": plan_steps(work)}, turns)
    yield Row(f"{work.name}: numpy by hand", micro(work, median(times, "by hand")), "µs/step")
    yield Row(
        f"{work.name}: plan", micro(work, median(times, "plan")), "µs/step",
        ratio(times, "plan", "by hand"), "numpy by hand", 1.0,
    )  # fmt: skip


def trainings(work: Workload, turns: int) -> Iterator[Row]:
    """All that `deltaplan.train` does once the data are read, and the peers that are installed."""
    runs = {"by hand": by_hand(work), "ours": whole_training(work), **peers_of(work)}
    times = interleaved(runs, turns)
    for name in times:
        against, label = ("by hand", "numpy by hand") if name == "ours" else ("ours", "deltaplan")
        if name != "by hand":
            title = f"{work.name}: {'training' if name == 'ours' else name}, {work.steps:,} steps"
            yield Row(title, micro(work, median(times, name)), "µs/step", ratio(times, name, against), label)


def micro(work: Workload, seconds: float) -> float:
    """Microseconds a step."""
    return seconds / work.steps * 1e6
