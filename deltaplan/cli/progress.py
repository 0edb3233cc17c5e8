"""Progress of training: a bar on a terminal, some lines in a pipe; of other work the time that it takes."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deltaplan.compiler.experiment import Experiment, TrainSpec
    from deltaplan.runtime.outcome import Record

LINES = 10  # about so many in a pipe
QUIET, EVERY = 3.0, 1.0  # seconds without a word, and from one to the next
ERASE = "\r\x1b[K"  # the line


@contextmanager
def shown_progress(experiment: "Experiment", silent: bool) -> Iterator["Callable[[Record], None] | None"]:
    """What `train` is to call with each record; it prints to standard error."""
    if silent or experiment.train is None:
        yield None
    elif sys.stderr.isatty():
        with _bar(experiment.train) as update:
            yield update
    else:
        yield _lines(experiment.train)


@contextmanager
def _bar(train: "TrainSpec") -> Iterator["Callable[[Record], None]"]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[told]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("training", total=None if train.exact else train.length, told="")

        def update(record: "Record") -> None:
            progress.update(task, completed=_done(train.unit, record), told=_told(train, record))

        yield update


@contextmanager
def counted(total: int, silent: bool) -> Iterator["Callable[[int], None]"]:
    """What is to be called with how many more are done; it prints to standard error."""
    if silent or not sys.stderr.isatty():
        yield lambda count: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("training"), BarColumn(bar_width=24), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("seeds", total=total)
        yield lambda count: progress.advance(task, count)


@contextmanager
def working(what: str) -> Iterator[None]:
    """Tells on a terminal how long it has been at work, where that takes some seconds."""
    if not sys.stderr.isatty():
        yield
        return
    done = Event()
    clock = Thread(target=_tell_time, args=(what, done), daemon=True)
    clock.start()
    try:
        yield
    finally:
        done.set()
        clock.join()


def _tell_time(what: str, done: Event) -> None:
    begin = monotonic()
    if done.wait(QUIET):
        return
    while not done.wait(EVERY):
        print(f"\r{what}: {monotonic() - begin:.0f} s", end="", file=sys.stderr, flush=True)
    print(ERASE, end="", file=sys.stderr, flush=True)


def _lines(train: "TrainSpec") -> "Callable[[Record], None]":
    length, unit = train.length, train.unit
    every = 1 if train.exact else max(1, length // LINES)
    reached = 0

    def update(record: "Record") -> None:
        nonlocal reached
        done = _done(unit, record)
        if done >= length or done // every > reached:
            reached = done // every
            print(_told(train, record), file=sys.stderr, flush=True)

    return update


def _done(unit: str, record: "Record") -> int:
    return record.epoch if unit == "epochs" else record.step


def _told(train: "TrainSpec", record: "Record") -> str:
    unit, length = train.unit, "" if train.exact else f"/{train.length}"
    validation = "" if record.validation_loss is None else f"  validation {record.validation_loss:.4g}"
    return f"{unit.removesuffix('s')} {_done(unit, record)}{length}  loss {record.loss:.4g}{validation}"
