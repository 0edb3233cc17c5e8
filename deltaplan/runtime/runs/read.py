"""A folder to the run that it holds, or to a word on why it holds none."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from numpy.typing import NDArray

from deltaplan.compiler.measured import Measured
from deltaplan.diagnostics import DeltaplanError, nearest
from deltaplan.plugins.contracts import Origin
from deltaplan.runtime.contributions import Code, contribution_from_data
from deltaplan.runtime.data.dataset import ReadFile
from deltaplan.runtime.data.preprocessing import Preprocessing
from deltaplan.runtime.recorded import Recorded
from deltaplan.runtime.runs.mistakes import RunDamaged, RunNotFound, RunTooNew
from deltaplan.runtime.runs.saved import FORMAT, OPTIMIZER, RECORDED, TRAINER, Arrays, SavedRun

FILES = (
    "spec.dl",
    "resolved.dl",
    "model.safetensors",
    "state.safetensors",
    "history.jsonl",
    "metrics.json",
)
NOT_OF_THE_FORM = (
    KeyError,
    TypeError,
    ValueError,
    AttributeError,
    RecursionError,
    StopIteration,
    DeltaplanError,
)


def open_run(folder: Path) -> SavedRun:
    """Reads a run folder. DeltaplanError where it is none, damaged, or written in a newer format."""
    record = _read_record(folder)
    files = {name: _read_file(folder, name, record["sha256"]) for name in FILES}
    model = _read_tensors(folder, "model.safetensors", files)
    state = _read_tensors(folder, "state.safetensors", files)
    recorded = _read_recorded(folder, record["sha256"])
    try:
        return replace(_run(folder, record, model, state, files), recorded=_recorded(recorded))
    except NOT_OF_THE_FORM as error:
        raise _damaged(folder / "run.json", f"is not of its form: {_reason(error)}") from None


def _read_record(folder: Path) -> Mapping[str, Any]:
    path = folder / "run.json"
    try:
        record = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise DeltaplanError(_not_found(folder)) from None
    except OSError as error:
        raise _damaged(path, f"cannot be read: {_reason(error)}") from None
    except (ValueError, RecursionError) as error:
        raise _damaged(path, f"is no JSON: {_reason(error)}") from None
    if not isinstance(record, dict) or not isinstance(record.get("format"), int):
        raise _damaged(path, "has no format version")
    if record["format"] > FORMAT:
        raise DeltaplanError(_too_new(path, record))
    if not isinstance(record.get("sha256"), dict):
        raise _damaged(path, "has no checksums")
    return record


def _not_found(folder: Path) -> RunNotFound:
    if folder.is_dir():
        return RunNotFound(path=str(folder), why="it has no `run.json`", similar=None)
    if folder.exists():
        return RunNotFound(path=str(folder), why="it is a file", similar=None)
    names = [path.name for path in folder.parent.iterdir()] if folder.parent.is_dir() else []
    return RunNotFound(path=str(folder), why="it does not exist", similar=nearest(folder.name, names))


def _too_new(path: Path, record: Mapping[str, Any]) -> RunTooNew:
    written = record.get("environment")
    writer = str(written["deltaplan"]) if isinstance(written, dict) and "deltaplan" in written else None
    return RunTooNew(path=str(path), found=record["format"], known=FORMAT, writer=writer)


def _read_file(folder: Path, name: str, sums: Mapping[str, Any]) -> bytes:
    try:
        content = (folder / name).read_bytes()
    except OSError as error:
        raise _damaged(folder / name, f"cannot be read: {_reason(error)}") from None
    if hashlib.sha256(content).hexdigest() != sums.get(name):
        raise _damaged(folder / name, "does not have the checksum that `run.json` names")
    return content


def _read_tensors(folder: Path, name: str, files: Mapping[str, bytes]) -> dict[str, NDArray[Any]]:
    from safetensors import SafetensorError
    from safetensors import numpy as safetensors

    try:
        return safetensors.load(files[name])
    except (SafetensorError, KeyError, ValueError) as error:
        raise _damaged(folder / name, f"is no safetensors file: {_reason(error)}") from None


def _read_recorded(folder: Path, sums: Mapping[str, Any]) -> Arrays | None:
    if RECORDED not in sums:
        return None
    return _read_tensors(folder, RECORDED, {RECORDED: _read_file(folder, RECORDED, sums)})


def _recorded(arrays: Arrays | None) -> Recorded | None:
    if arrays is None:
        return None
    steps, theta = arrays["step"], arrays["theta"]
    if theta.ndim != 2 or steps.shape != theta.shape[:1]:
        raise ValueError(f"`{RECORDED}` has {steps.shape} steps for parameters {theta.shape}")
    return Recorded(steps, theta)


def _run(
    folder: Path, record: Mapping[str, Any], model: Arrays, state: Arrays, files: Mapping[str, bytes]
) -> SavedRun:
    return SavedRun(
        name=str(record["name"]),
        spec=files["spec.dl"].decode(),
        resolved=files["resolved.dl"].decode(),
        parameters={name: model[name] for name in record["parameters"]},
        state={n.removeprefix(OPTIMIZER): v for n, v in state.items() if n.startswith(OPTIMIZER)},
        counters={n.removeprefix(TRAINER): v for n, v in state.items() if n.startswith(TRAINER)},
        step=int(state["step"]),
        ended=str(record["ended"]),
        seeds={str(name): int(seed) for name, seed in record["seeds"].items()},
        preprocessing=Preprocessing.from_data(record["preprocessing"]),
        history=tuple(dict(json.loads(line)) for line in files["history.jsonl"].splitlines()),
        metrics=dict(json.loads(files["metrics.json"])),
        contributions=tuple(contribution_from_data(c) for c in record["contributions"]),
        code=tuple(_code(folder, code) for code in record["code"]),
        params=dict(record["params"]),
        data=tuple(ReadFile(_beside(folder, file["path"]), file["sha256"]) for file in record["data"]),
        measured=_measured(record["measured"]),
        imports={str(path): str(text) for path, text in record["imports"].items()},
        environment={str(name): str(value) for name, value in record["environment"].items()},
    )


def _measured(data: Mapping[str, Any]) -> Measured:
    weights = {str(name): tuple(map(float, values)) for name, values in data["weights"].items()}
    return Measured({str(name): tuple(map(int, shape)) for name, shape in data["sizes"].items()}, weights)


def _code(folder: Path, data: Mapping[str, str]) -> Code:
    texts = {key: str(data[key]) for key in ("kind", "name", "plugin", "version", "sha256")}
    origin = next(known for known in get_args(Origin) if known == data.get("origin", "file"))
    distribution = str(data.get("distribution", ""))
    return Code(**texts, file=_beside(folder, data["file"]), origin=origin, distribution=distribution)


def _beside(folder: Path, path: str) -> Path:
    """A path that is written as seen from the run's folder."""
    if "\0" in path:
        raise ValueError("a path holds a zero byte")
    return Path(os.path.normpath(folder / path))


def _damaged(file: Path, what: str) -> DeltaplanError:
    return DeltaplanError(RunDamaged(file=str(file), what=what))


def _reason(error: Exception) -> str:
    match error:
        case KeyError():
            return f"there is no `{error.args[0]}`"
        case OSError():
            return (error.strerror or str(error)).lower()
        case DeltaplanError():
            return error.diagnostics[0].message
        case RecursionError():
            return "it is nested too deeply"
        case json.JSONDecodeError():
            return f"it breaks off or is wrong at line {error.lineno}, column {error.colno}"
        case _:
            return str(error)[:200]
