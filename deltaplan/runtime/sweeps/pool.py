"""Tasks, handed to processes one after the other; a process that dies loses the trials at hand alone."""

import json
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO, Any

from deltaplan.runtime.outcome import Backend
from deltaplan.runtime.sweeps.rows import Row, best_of, ranked_by, score_of
from deltaplan.runtime.sweeps.trials import Values
from deltaplan.runtime.sweeps.work import Batch, Task
from deltaplan.runtime.sweeps.worker import batch_of, task_data

START = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from {} import main; main()"
LISTEN = 0.2  # seconds after which Ctrl-C is seen at the latest


@dataclass(frozen=True, slots=True)
class Order:
    """What a process is told first."""

    spec: Path
    params: Values
    backend: Backend | None
    threads: int

    def to_data(self) -> dict[str, Any]:
        own = {"backend": self.backend, "threads": self.threads}
        return {"spec": str(self.spec), "params": dict(self.params), **own}


def in_processes(order: Order, tasks: Iterable[Task], jobs: int, bar: float) -> Iterator[Batch]:
    """The batches of all tasks as they come, from `jobs` processes. They end with the iteration."""
    shared = Shared(deque(tasks), bar=bar)
    keepers = [threading.Thread(target=_keep, args=(order, shared), daemon=True) for _ in range(jobs)]
    for keeper in keepers:
        keeper.start()
    try:
        while any(keeper.is_alive() for keeper in keepers) or not shared.found.empty():
            try:
                batch = shared.found.get(timeout=LISTEN)
            except Empty:
                continue
            best = best_of(batch.rows, ranked_by(batch.rows))
            if best:
                shared.bar = min(shared.bar, score_of(best, ranked_by(batch.rows)))
            yield batch
    finally:
        shared.end()
        for keeper in keepers:
            keeper.join()


@dataclass(slots=True)
class Shared:
    """What the threads that keep a process each have in common. `bar` is the best score so far."""

    tasks: deque[Task]
    found: "SimpleQueue[Batch]" = field(default_factory=SimpleQueue)
    bar: float = inf
    ended: bool = False
    running: list["subprocess.Popen[str]"] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next(self) -> Task | None:
        with self.lock:
            return self.tasks.popleft() if self.tasks and not self.ended else None

    def started(self, process: "subprocess.Popen[str]") -> None:
        with self.lock:
            self.running.append(process)
            if self.ended:
                process.kill()

    def end(self) -> None:
        """No more tasks; what runs is killed."""
        with self.lock:
            self.ended = True
            for process in self.running:
                process.kill()


def _keep(order: Order, shared: Shared) -> None:
    """Gives tasks to a process, and to a new one where it died."""
    task = shared.next()
    while task is not None:
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as told:
            process = _started(order, told)
            shared.started(process)
            with process:
                task = _served(process, shared, task, told)


def _started(order: Order, told: IO[str]) -> "subprocess.Popen[str]":
    """A process that Ctrl-C does not reach."""
    words = [sys.executable, "-c", START.format("deltaplan.runtime.sweeps.worker"), json.dumps(sys.path)]
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        words, stdin=pipe, stdout=pipe, stderr=told, encoding="utf-8", start_new_session=True
    )
    _send(process, order.to_data())
    return process


def _send(process: "subprocess.Popen[str]", data: dict[str, Any]) -> None:
    assert process.stdin is not None
    try:
        process.stdin.write(json.dumps(data) + "\n")
        process.stdin.flush()
    except OSError:  # it died: what is read from it next says so
        return


def _served(
    process: "subprocess.Popen[str]", shared: Shared, task: Task | None, told: IO[str]
) -> Task | None:
    """Until there is no task, or the process has died: then the next task, for another one."""
    assert process.stdout is not None
    while task is not None:
        left = {trial.number: trial for trial in task.trials}
        _send(process, task_data(replace(task, bar=shared.bar)))
        for line in process.stdout:
            data = json.loads(line)
            if "done" in data:
                break
            batch = batch_of(data)
            for row in batch.rows:
                left.pop(row.trial.number, None)
            shared.found.put(batch)
        else:
            if not shared.ended:
                why = _why(process.wait(), told)
                shared.found.put(Batch(tuple(Row(trial, "failed", why) for trial in left.values())))
            return shared.next()
        task = shared.next()
    assert process.stdin is not None
    process.stdin.close()
    return None


def _why(code: int, told: IO[str]) -> str:
    """Why a process died, as far as it said so."""
    told.seek(0)
    last = next((line.strip() for line in reversed(told.read().splitlines()) if line.strip()), "")
    how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
    return f"its process {how}" + (f": {last}" if last else "")
