"""A run to its folder."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from deltaplan.diagnostics import DeltaplanError
from deltaplan.runtime.contributions import Code, contribution_to_data
from deltaplan.runtime.files import new_run_folder, write_atomically
from deltaplan.runtime.runs.mistakes import not_written
from deltaplan.runtime.runs.saved import FORMAT, OPTIMIZER, RECORDED, TRAINER, Arrays, SavedRun


def save(
    run: SavedRun, base: Path, pictures: Mapping[str, str] | None = None, name: str | None = None
) -> Path:
    """Writes the run to the new folder `base/<name>-<n>`, by default of its own name, and returns its path;
    `pictures` are SVG texts by file name. DeltaplanError where the disk does not take it; then nothing
    stays."""
    files = {**_files(run), **{name: text.encode() for name, text in (pictures or {}).items()}}
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    record = _json(_record(run, base, sums))

    def fill(folder: Path) -> None:
        for name, content in {**files, "run.json": record}.items():
            write_atomically(folder / name, content)

    try:
        return new_run_folder(base, name or run.name, fill)
    except OSError as error:
        raise DeltaplanError(not_written(base, error)) from None


def _files(run: SavedRun) -> dict[str, bytes]:
    state = {OPTIMIZER + name: vector for name, vector in run.state.items()}
    state |= {TRAINER + name: array for name, array in run.counters.items()}
    history = "".join(json.dumps(_finite(dict(record)), ensure_ascii=False) + "\n" for record in run.history)
    recorded = run.recorded
    more = {RECORDED: _tensors({"step": recorded.steps, "theta": recorded.theta})} if recorded else {}
    return {
        **more,
        "spec.dl": run.spec.encode(),
        "resolved.dl": run.resolved.encode(),
        "model.safetensors": _tensors(run.parameters),
        "state.safetensors": _tensors({**state, "step": np.array(run.step, np.int64)}),
        "history.jsonl": history.encode(),
        "metrics.json": _json(_finite(dict(run.metrics))),
    }


def _record(run: SavedRun, base: Path, sums: Mapping[str, str]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "name": run.name,
        "ended": run.ended,
        "seeds": dict(run.seeds),
        "params": dict(run.params),
        "data": [{"path": _relative(file.path, base), "sha256": file.sha256} for file in run.data],
        "preprocessing": run.preprocessing.to_data(),
        "imports": dict(run.imports),
        "measured": {
            "sizes": {name: list(shape) for name, shape in run.measured.sizes.items()},
            "weights": {name: list(weights) for name, weights in run.measured.weights.items()},
        },
        "parameters": list(run.parameters),
        "contributions": [contribution_to_data(c) for c in run.contributions],
        "code": [_code(code, base) for code in run.code],
        "environment": dict(run.environment),
        "sha256": dict(sums),
    }


def _code(code: Code, base: Path) -> dict[str, str]:
    return {**asdict(code), "file": _relative(code.file, base)}


def _relative(path: Path, base: Path) -> str:
    """The path as seen from a folder in `base`; an absolute one if none leads there (other drive)."""
    try:
        return Path(os.path.relpath(path.resolve(), base.resolve() / "run")).as_posix()
    except ValueError:
        return path.resolve().as_posix()


def _tensors(arrays: Arrays) -> bytes:
    from safetensors import numpy as safetensors  # a run that is not saved starts without it

    return safetensors.save({name: np.array(array, order="C") for name, array in arrays.items()})


def _json(data: Any) -> bytes:
    return (json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _finite(data: Any) -> Any:
    match data:
        case dict():
            return {name: _finite(value) for name, value in data.items()}
        case list() | tuple():
            return [_finite(value) for value in data]
        case float() | np.floating():
            return float(data) if isfinite(data) else None
        case np.integer():
            return int(data)
        case _:
            return data
