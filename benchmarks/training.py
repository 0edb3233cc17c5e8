"""Rows for the numpy backend: the time of a step of the plan in W1, W2 and W3, against numpy by hand."""

from collections.abc import Iterator

import numpy as np

from benchmarks.contenders.by_numpy import NAME, digits, residual
from benchmarks.contest import Contender, Runner, contest
from benchmarks.measure import Row
from benchmarks.workloads import PRECISIONS, Workload, w1, w2, w3
from deltaplan.runtime.numpy_trainer import Trainer
from deltaplan.runtime.threads import blas_threads

PLAN = "plan"


def rows(turns: int) -> Iterator[Row]:
    """Many short turns: the machine's own ups and downs are slower than these."""
    with np.errstate(all="ignore"), blas_threads():
        for precision in PRECISIONS:
            yield from steps(w1(precision), 4 * turns)
            yield from steps(w2(precision), 4 * turns)
        yield from steps(w3(), 4 * turns)


def steps(work: Workload, turns: int) -> Iterator[Row]:
    by_hand = residual(work) if work.settings.batch is None else digits(work)
    results = contest({**by_hand, PLAN: Contender(plan(work), work.length, work.steps)}, turns)
    hand, ours = results[NAME], results[PLAN]
    yield Row(f"{work.name}: {NAME}", hand.median * 1e6, "µs/step")
    yield Row(f"{work.name}: {PLAN}", ours.median * 1e6, "µs/step", ours.ratio(hand), NAME, 1.0)


def plan(work: Workload) -> Runner:
    """The compiled plan and the update, step by step, without what the trainer looks at in between."""
    trainer = Trainer(work.experiment, work.dataset, work.plans)

    def run(units: int) -> None:
        step = 0
        for epoch in range(units):
            for chosen in trainer.batches.epoch(epoch):
                trainer._load(chosen).run()
                step += 1
                trainer.update.run(step)

    return run
