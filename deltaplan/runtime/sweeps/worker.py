"""A process of its own that carries out trials: tasks come by standard input, rows go to standard output,
a line of JSON for each.

The first line says what the spec is. The end of standard input ends the process at once: whoever started it
is gone or wants it to stop.
"""

import json
import os
import sys
import threading
from math import inf
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TextIO

from deltaplan.runtime.sweeps.rows import row_of, trial_of
from deltaplan.runtime.sweeps.trials import Trial
from deltaplan.runtime.sweeps.work import Batch, Spec, Task, carried_out

DONE = {"done": True}
Data = dict[str, Any]


def main() -> None:
    """Runs until the input ends. What plugins print goes to standard error."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    lines: SimpleQueue[Data] = SimpleQueue()
    threading.Thread(target=_read, args=(lines,), daemon=True).start()
    order = lines.get()
    spec = Spec(Path(order["spec"]), order["params"])
    bench = spec.bench(order["backend"], order["threads"])
    while True:
        for batch in carried_out(bench, task_of(lines.get())):
            _write(out, batch_data(batch))
        _write(out, DONE)


def _read(lines: "SimpleQueue[Data]") -> None:
    for line in sys.stdin:
        lines.put(json.loads(line))
    os._exit(0)


def _write(out: TextIO, data: Data) -> None:
    out.write(json.dumps(data, allow_nan=False) + "\n")
    out.flush()


def task_data(task: Task) -> Data:
    """A task as plain data."""
    return {
        "trials": [trial_data(trial) for trial in task.trials],
        "folder": str(task.folder) if task.folder else None,
        "bar": task.bar if task.bar < inf else None,
    }


def task_of(data: Data) -> Task:
    folder, bar = data["folder"], data["bar"]
    trials = tuple(trial_of(each) for each in data["trials"])
    return Task(trials, Path(folder) if folder else None, inf if bar is None else bar)


def trial_data(trial: Trial) -> Data:
    return {"number": trial.number, "setting": dict(trial.setting), "seed": trial.seed}


def batch_data(batch: Batch) -> Data:
    """A batch as plain data."""
    return {"rows": [row.to_data() for row in batch.rows], "run": str(batch.run) if batch.run else None}


def batch_of(data: Data) -> Batch:
    return Batch(tuple(row_of(each) for each in data["rows"]), Path(data["run"]) if data["run"] else None)
