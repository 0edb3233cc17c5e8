"""Rows for W1, W2 and W3: µs a step of the plan and of a whole training, against numpy by hand and peers."""

from collections.abc import Iterator

import numpy as np

from benchmarks.measure import Row, interleaved, median, ratio
from benchmarks.peers import peers_of
from benchmarks.workloads import by_hand, plan_steps, whole_training, workloads
from deltaplan.runtime.threads import one_blas_thread


def rows(turns: int) -> Iterator[Row]:
    with np.errstate(all="ignore"), one_blas_thread():
        for work in workloads():
            runs = {"by hand": by_hand(work), "plan": plan_steps(work), "train": whole_training(work)}
            peers = peers_of(work)
            times = interleaved(runs | peers, turns)
            micro = {name: median(times, name) / work.steps * 1e6 for name in times}
            yield Row(f"{work.name}: numpy by hand", micro["by hand"], "µs/step")
            against = "numpy by hand"
            yield Row(
                f"{work.name}: plan", micro["plan"], "µs/step", ratio(times, "plan", "by hand"), against, 1.0
            )
            yield Row(
                f"{work.name}: whole training", micro["train"], "µs/step",
                ratio(times, "train", "by hand"), against,
            )  # fmt: skip
            for name in peers:
                yield Row(f"{work.name}: {name}", micro[name], "µs/step", ratio(times, name, "plan"), "plan")
