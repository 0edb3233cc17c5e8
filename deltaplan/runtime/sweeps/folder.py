"""A sweep's folder: its spec, the rows as they came, the table, the picture, and the run of the best trial.

runs/<spec>-sweep-<n>/
    sweep.json       what the trials have in common: a sweep goes on where this is the same
    spec.dl          as written; resolved.dl has every default
    trials.jsonl     a line for each trial that ended, in the order in which they did
    results.csv      the table; sweep.svg, the picture
    best/            the run folder of the best trial
"""

import csv
import hashlib
import io
import json
import os
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from deltaplan.compiler.build.imports import spliced
from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.nodes import show_value
from deltaplan.compiler.render import render
from deltaplan.diagnostics import DeltaplanError
from deltaplan.dsl import parse, spec_text, tree
from deltaplan.runtime.files import new_run_folder, write_atomically
from deltaplan.runtime.foreign import code_of
from deltaplan.runtime.run import name_of
from deltaplan.runtime.runs.mistakes import not_written
from deltaplan.runtime.runs.saved import environment
from deltaplan.runtime.sweeps.rows import Row, columns_of, row_of
from deltaplan.runtime.sweeps.trials import Trial, Values

FORMAT = 1
ROWS = "trials.jsonl"
BEST = "best"
TRIED_AGAIN = ("failed", "refused")


def identity(experiment: Experiment, params: Values) -> dict[str, Any]:
    """What all trials have in common: the spec without its sweep, the values that are given from outside, the
    bytes of the data and of the plugins' code."""
    whole = spliced(parse(experiment.source)[0], experiment.imports)
    lines = tuple(line for line in whole.lines if not _is_sweep(line))
    text = spec_text(tree.Spec(lines, whole.source))
    files = [Path(file.path) for file in experiment.data.files] if experiment.data else []
    swept = {axis.name for axis in experiment.sweep.axes} if experiment.sweep else set()
    return {
        "spec": hashlib.sha256(text.encode()).hexdigest(),
        "params": {name: value for name, value in params.items() if name not in swept},
        "data": [_sum(path) for path in files],
        "code": sorted({code.sha256 for code in code_of(experiment)}),
    }


def _is_sweep(line: tree.Line) -> bool:
    return isinstance(line.head, tree.Name) and line.head.text == "sweep"


def _sum(path: Path) -> str | None:
    with suppress(OSError), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
    return None


@dataclass(frozen=True, slots=True)
class Earlier:
    """The newest folder of a spec; `same` says whether its trials are those of the spec as it is now."""

    folder: Path
    same: bool


def earlier(runs: Path, experiment: Experiment, own: Mapping[str, Any]) -> Earlier | None:
    """The newest sweep of the spec's name in `runs`; None without one that can be read."""
    name = re.sub(r"[^\w.-]+", "-", _name(experiment)).strip(".-")
    numbered = re.compile(re.escape(name) + r"-(\d{1,15})", re.ASCII)
    with suppress(OSError):
        found = [(int(m[1]), path) for path in runs.iterdir() if (m := numbered.fullmatch(path.name))]
        for _, folder in sorted(found, reverse=True):
            with suppress(OSError, ValueError):
                record = json.loads((folder / "sweep.json").read_text(encoding="utf-8"))
                if isinstance(record, dict) and record.get("format") == FORMAT:
                    return Earlier(folder, record.get("identity") == dict(own))
    return None


def _name(experiment: Experiment) -> str:
    return f"{name_of(experiment)}-sweep"


def new_folder(runs: Path, experiment: Experiment, own: Mapping[str, Any]) -> Path:
    """A new folder in `runs`, without rows. DeltaplanError where the disk does not take it."""
    record = {
        "format": FORMAT,
        "kind": "sweep",
        "name": name_of(experiment),
        "identity": dict(own),
        "environment": environment(),
    }

    def fill(folder: Path) -> None:
        for file, text in {**_texts(experiment), "sweep.json": json.dumps(record, indent=1) + "\n"}.items():
            write_atomically(folder / file, text)

    try:
        return new_run_folder(runs, _name(experiment), fill)
    except OSError as error:
        raise DeltaplanError(not_written(runs, error)) from None


def _texts(experiment: Experiment) -> dict[str, str]:
    return {"spec.dl": experiment.source.text, "resolved.dl": render(experiment)}


def renew(folder: Path, experiment: Experiment) -> None:
    """Puts the spec as it is now into a folder that a sweep goes on in, and clears away what an end by force
    left behind."""
    for file, text in _texts(experiment).items():
        write_atomically(folder / file, text)
    for path in folder.iterdir():
        if path.is_dir() and path.name != BEST:
            shutil.rmtree(path, ignore_errors=True)


def known_rows(folder: Path, trials: Iterable[Trial]) -> list[Row]:
    """The rows of these trials that are in the folder. A line that was cut by an end by force is none; what
    failed is tried again."""
    numbered = {trial.key: trial for trial in trials}
    found: dict[int, Row] = {}
    with suppress(OSError):
        for line in (folder / ROWS).read_text(encoding="utf-8", errors="replace").splitlines():
            with suppress(ValueError, KeyError, TypeError, AttributeError):
                row = row_of(json.loads(line))
                trial = numbered.get(row.trial.key)
                if trial and row.ended not in TRIED_AGAIN:
                    found[trial.number] = replace(row, trial=trial)
    return [found[number] for number in sorted(found)]


class Keeper:
    """Writes what comes to the folder, or keeps nothing where there is none."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder

    def add(self, rows: Sequence[Row]) -> None:
        """The rows, before anything is told of them."""
        if self.folder and rows:
            text = "".join(json.dumps(row.to_data(), allow_nan=False) + "\n" for row in rows)
            with self._told(), (self.folder / ROWS).open("a+b") as file:
                file.write(_broken_off(file) + text.encode())

    def keep_best(self, run: Path) -> None:
        """Puts a run in the place of the best one."""
        assert self.folder is not None
        best = self.folder / BEST
        with self._told():
            shutil.rmtree(best, ignore_errors=True)
            os.replace(run, best)

    def finish(self, rows: Sequence[Row], picture: str | None) -> None:
        """The table and the picture."""
        if self.folder:
            with self._told():
                write_atomically(self.folder / "results.csv", csv_text(rows))
                if picture:
                    write_atomically(self.folder / "sweep.svg", picture)

    def _told(self) -> Any:
        return _Told(self.folder or Path())


class _Told:
    """An error of the disk as a mistake that is told."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, OSError):
            raise DeltaplanError(not_written(self._folder, error)) from None


def _broken_off(file: Any) -> bytes:
    """The line end that an end by force left out."""
    end = file.seek(0, os.SEEK_END)
    if not end:
        return b""
    file.seek(end - 1)
    return b"" if file.read(1) == b"\n" else b"\n"


def csv_text(rows: Sequence[Row]) -> str:
    """The table: values as the spec says them, empty where there is none."""
    columns = columns_of(rows)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        cells = row.columns()
        writer.writerow([_cell(cells.get(name)) for name in columns])
    return text.getvalue()


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return show_value(value)
        case float() if value != value:
            return ""
        case _:
            return str(value)
