"""What one call does to try a spec with many values: the sweep that it states."""

import os
import shutil
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

from deltaplan.compiler.experiment import Experiment
from deltaplan.runtime.outcome import Backend
from deltaplan.runtime.requirements import require
from deltaplan.runtime.run import name_of
from deltaplan.runtime.session import Params, samples_of
from deltaplan.runtime.sweeps.folder import Earlier, Keeper, earlier, identity, known_rows, new_folder, renew
from deltaplan.runtime.sweeps.pool import Order, in_processes
from deltaplan.runtime.sweeps.result import Swept
from deltaplan.runtime.sweeps.rows import Row, best_of, ranked_by, score_of
from deltaplan.runtime.sweeps.tasks import tasks_of
from deltaplan.runtime.sweeps.trials import Trial, trials
from deltaplan.runtime.sweeps.work import Batch, Spec, Task, carried_out
from deltaplan.runtime.threads import cores

Heard = Callable[[Sequence[Row], int], None]  # more rows, and how many trials there are in all


def sweep(
    spec: str | os.PathLike[str],
    x: Any = None,
    y: Any = None,
    *,
    params: Params = None,
    runs: str | os.PathLike[str] | None = None,
    jobs: int | None = None,
    backend: Backend | None = None,
    anew: bool = False,
    heard: Heard = lambda rows, total: None,
    told: Callable[[Earlier | None, int], None] = lambda before, known: None,
) -> Swept:
    """Trains a spec, the path of a .dl file, once for each trial of its `sweep` block.

    `x`, `y` and `params` are those of `train`; a param that is given is swept no more. With `runs` the sweep
    has a folder there; where one of the same spec, values and data is there already it goes on, and what it
    has is not trained again, unless it is to begin `anew`. `jobs` are processes, as many as there are cores
    if None; samples in memory are trained on in this one. Ctrl-C ends the sweep and keeps what ended:
    `interrupted` says so. `heard` is called with rows as they come, `told` with the folder that was there.

    Raises SpecError where the spec states no sweep, or is wrong with the values of its own params. A trial
    that cannot be made or diverges is a row that says why.
    """
    path, (x, y) = Path(spec), samples_of(x, y)
    source = Spec(path, params or {}, x, y)
    experiment = source.load({})
    require(experiment, *(() if x is not None else ("data",)), "train", "minimize", "sweep")
    assert experiment.sweep is not None
    every = trials(experiment.sweep)
    folder, known = _folder(experiment, params, None if runs is None else Path(runs), every, anew, told)
    left = [trial for trial in every if trial.number not in {row.trial.number for row in known}]
    heard(known, len(every))
    plan = Plan(source, experiment, params or {}, backend, _jobs(jobs, x, len(left)))
    return _swept(plan, left, known, Keeper(folder), len(every), heard)


def _jobs(wanted: int | None, x: Any, trials: int) -> int:
    return 1 if x is not None else max(1, min(wanted or cores(), trials))


def _folder(
    experiment: Experiment,
    params: Params,
    runs: Path | None,
    every: Sequence[Trial],
    anew: bool,
    told: Callable[[Earlier | None, int], None],
) -> tuple[Path | None, list[Row]]:
    """Where rows are kept, and those that are there."""
    if runs is None:
        return None, []
    own = identity(experiment, params or {})
    before = None if anew else earlier(runs, experiment, own)
    if before is None or not before.same:
        told(before, 0)
        return new_folder(runs, experiment, own), []
    known = known_rows(before.folder, every)
    told(before, len(known))
    renew(before.folder, experiment)
    return before.folder, known


@dataclass(frozen=True, slots=True)
class Plan:
    """How trials are carried out."""

    spec: Spec
    experiment: Experiment
    params: Any
    backend: Backend | None
    jobs: int

    def batches(self, left: Sequence[Trial], folder: Path | None, bar: float) -> Generator[Batch, None, None]:
        """The rows of the trials as they come."""
        tasks = tasks_of(self.experiment, left, self.jobs, self.backend, folder)
        jobs = min(self.jobs, len(tasks))
        if jobs > 1:
            threads = max(1, cores() // jobs)
            order = Order(Path(self.experiment.source.name), self.params, self.backend, threads)
            yield from in_processes(order, tasks, jobs, bar)
            return
        bench = self.spec.bench(self.backend, None if self.jobs > 1 else 1)
        for task in tasks:
            for batch in carried_out(bench, Task(task.trials, folder, bar)):
                bar = min(bar, _lowest(batch.rows))
                yield batch


def _lowest(rows: Sequence[Row]) -> float:
    column = ranked_by(rows)
    best = best_of(rows, column)
    return score_of(best, column) if best else inf


def _swept(
    plan: Plan, left: Sequence[Trial], known: list[Row], keeper: Keeper, total: int, heard: Heard
) -> Swept:
    found, interrupted, lowest = list(known), False, _lowest(known)
    try:
        with closing(plan.batches(left, keeper.folder, lowest)) as batches:
            for batch in batches:
                keeper.add(batch.rows)
                _keep_run(keeper, batch, lowest)
                lowest = min(lowest, _lowest(batch.rows))
                found += batch.rows
                heard(batch.rows, total)
    except KeyboardInterrupt:
        interrupted = True
    ordered = tuple(sorted(found, key=lambda row: row.trial.number))
    result = Swept(plan.experiment, ordered, total, keeper.folder, interrupted)
    keeper.finish(ordered, _picture(result))
    return result


def _keep_run(keeper: Keeper, batch: Batch, bar: float) -> None:
    """The run of a batch's best trial, where it is the best of all."""
    if batch.run and _lowest(batch.rows) < bar:
        keeper.keep_best(batch.run)
    elif batch.run:
        shutil.rmtree(batch.run, ignore_errors=True)


def _picture(result: Swept) -> str | None:
    """What the sweep says, drawn; None before a trial has ended."""
    from deltaplan.runtime.svg.trials import Dot, trials_picture

    if not result.found:
        return None
    losses = [score_of(row, result.column) for row in result.found]
    dots = [
        Dot(row.trial.setting, loss if loss < inf else None)
        for row, loss in zip(result.found, losses, strict=True)
    ]
    label = result.column.replace("train", "training").replace("_", " ")
    return trials_picture(dots, label, f"{name_of(result.experiment)}: {label} of {len(dots)} trials")
