"""A plugin's data source at work in a process of its own, which ends when it gives nothing for too long."""

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from signal import Signals
from typing import Any, ClassVar

import numpy as np

from deltaplan.diagnostics import Diagnostic, Note, Span, SpecError, mistake
from deltaplan.plugins.contracts import DataSource, Table, Unreadable

VARIABLE = "DELTAPLAN_SOURCE_SECONDS"
SECONDS = 120.0  # without the variable
START = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from {} import main; main()"


@mistake
class SourceSilent(Diagnostic):
    code: ClassVar[str] = "source-silent"
    title: ClassVar[str] = "the data source `{name}` gave no data in {seconds:g} seconds and was ended"
    help: ClassVar[str] = "DELTAPLAN_SOURCE_SECONDS={more:g} in the environment gives it longer"
    name: str
    seconds: float
    more: float


@mistake
class SourceFailed(Diagnostic):
    code: ClassVar[str] = "source-failed"
    title: ClassVar[str] = "the data source `{name}` fails: {error}"
    name: str
    error: str


def read_in_process(
    contract: DataSource, path: Path, options: Mapping[str, Any], span: Span | None = None
) -> Table:
    """What the source gives. Unreadable as it raises it; SpecError, at `span` where the spec names it, where
    it fails, gives no table, or takes too long."""
    order = pickle.dumps((contract.owner, contract.name, path, dict(options)))
    seconds = _seconds()
    command = [sys.executable, "-c", START.format(WORKER), json.dumps(sys.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            told, _ = process.communicate(order, timeout=seconds)
        except subprocess.TimeoutExpired:
            silent = SourceSilent(name=contract.name, seconds=seconds, more=10 * seconds, span=span)
            raise SpecError(silent) from None
        finally:
            process.kill()
    return _table(contract.name, told, process.returncode, span)


WORKER = "deltaplan.runtime.data.foreign_worker"


def _seconds() -> float:
    try:
        found = float(os.environ.get(VARIABLE, SECONDS))
    except ValueError:
        return SECONDS
    return found if found > 0 else SECONDS


def _ending(code: int) -> str:
    """`exit code 7`, `SIGSEGV`"""
    return Signals(-code).name if -code in set(Signals) else f"exit code {code}"


def _table(name: str, told: bytes, code: int, span: Span | None) -> Table:
    try:
        kind, content = pickle.loads(told)
    except Exception:  # it ended in the middle of a word, or before one
        error = f"its process ended with {_ending(code)}"
        raise SpecError(SourceFailed(name=name, error=error, span=span)) from None
    match kind:
        case "table":
            columns, rows, names, warnings, shapes, unread = content
            opened = {column: _opened(values) for column, values in columns.items()}
            return Table(opened, rows, names.__getitem__, warnings, shapes, unread)
        case "unreadable":
            raise Unreadable(*content)
    error, place = content
    notes = (Note("in the plugin", place),) if place else ()
    raise SpecError(SourceFailed(name=name, error=error, span=span, notes=notes))


def _opened(values: Any) -> Any:
    """A column; one that stands in a file is opened there and not sent."""
    if isinstance(values, dict):
        return np.memmap(**values, mode="r")
    return values
