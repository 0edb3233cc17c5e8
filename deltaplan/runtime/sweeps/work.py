"""A part of the trials, and what carries it out: in this process or in one of its own."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.load import load
from deltaplan.plugins.contracts import Value
from deltaplan.runtime.data.dataset import Dataset
from deltaplan.runtime.data.measuring import measure_memory
from deltaplan.runtime.data.memory import dataset_from_memory
from deltaplan.runtime.data.prepare import load_dataset
from deltaplan.runtime.loading import measure
from deltaplan.runtime.outcome import Backend
from deltaplan.runtime.sweeps.rows import Row, best_of, ranked_by, score_of
from deltaplan.runtime.sweeps.training import Bench, results, shares_data
from deltaplan.runtime.sweeps.trials import Trial, Values

CANDIDATE = "candidate"  # the folder of a run that may be the best


@dataclass(frozen=True, slots=True)
class Task:
    """Trials. The run of one that is better than `bar` is written to a new folder in `folder`, if any."""

    trials: tuple[Trial, ...]
    folder: Path | None = None
    bar: float = inf


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows that came at once; `run` is the folder of the best of them, where it was better than the bar."""

    rows: tuple[Row, ...]
    run: Path | None = None


def carried_out(bench: Bench, task: Task) -> Iterator[Batch]:
    """The rows of all trials as they come. What no one foresaw is the row of the trials that it hit."""
    bar, left = task.bar, {trial.number: trial for trial in task.trials}
    try:
        for found in results(bench, task.trials):
            rows = [row for row, _ in found]
            best, run = best_of(rows, ranked_by(rows)), None
            if task.folder and best and score_of(best, ranked_by(rows)) < bar:
                bar = score_of(best, ranked_by(rows))
                make = next(make for row, make in found if row is best)
                run = make().save(task.folder, CANDIDATE).folder if make else None
            for row in rows:
                del left[row.trial.number]
            yield Batch(tuple(rows), run)
    except Exception as error:  # the rest of the sweep goes on
        why = f"{type(error).__name__}: {error}".splitlines()[0]
        yield Batch(tuple(Row(trial, "failed", why) for trial in left.values()))


class Spec:
    """A spec file that is loaded with many values, on its own data or on samples in memory; what neighbours
    share is read once."""

    def __init__(self, path: Path, params: Values, x: Any = None, y: Any = None) -> None:
        self._path, self._params, self._samples = path, params, (x, y)
        self._measure = measure if x is None else measure_memory(x, y)
        self._loaded: dict[tuple[tuple[str, str], ...], Experiment] = {}
        self._read: tuple[Experiment, Dataset] | None = None

    def bench(self, backend: Backend | None, threads: int | None) -> Bench:
        return Bench(self.load, self.data, backend, threads)

    def load(self, values: Values) -> Experiment:
        """SpecError where the spec is wrong with these values."""
        key = Trial(0, values).key
        if key not in self._loaded:
            given: dict[str, Value] = {**self._params, **values}
            self._loaded = {key: load(self._path, given, measure=self._measure)}
        return self._loaded[key]

    def data(self, experiment: Experiment) -> Dataset:
        """SpecError where the data are wrong."""
        if self._read is None or not shares_data(self._read[0], experiment):
            x, y = self._samples
            dataset = load_dataset(experiment, Path()) if x is None else dataset_from_memory(experiment, x, y)
            self._read = experiment, dataset
        return self._read[1]
