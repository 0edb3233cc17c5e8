"""The content of a run folder as a value."""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltaplan import __version__
from deltaplan.compiler.measured import Measured
from deltaplan.records import dataclass
from deltaplan.runtime.contributions import Code, Saved
from deltaplan.runtime.data.dataset import ReadFile
from deltaplan.runtime.data.preprocessing import Preprocessing
from deltaplan.runtime.recorded import Recorded

FORMAT = 1
RECORDED = "recorded.safetensors"
OPTIMIZER = "optimizer."  # stands before the names of the optimizer's vectors
TRAINER = "trainer."  # and this before those of the counters
Arrays = Mapping[str, NDArray[Any]]


def environment() -> dict[str, str]:
    """Versions and machine of this process."""
    return {
        "deltaplan": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "system": f"{platform.system()} {platform.machine()}".strip(),
        "cpu": cpu_name(),
    }


def cpu_name() -> str:
    """The processor's name as far as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine() or "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedRun:
    """The content of a run folder, pictures aside.

    `resolved` is the spec with every default, which is not written out before the run is saved.
    `parameters` are blocks by name in their order, `state` the optimizer's vectors, flat as θ is; `counters`
    are what else a run needs to go on (see `Outcome`); `recorded` is θ along the way;
    `contributions` are the expressions of plugins, `code` what else it takes of them;
    `params` are those that were given from outside the spec; `data` are the files that were read,
    `measured` is what the spec left to them, `imports` are the texts that it imports, by their paths.
    `ended` says why training did: `complete`, `converged`, `stopped early`, `interrupted`, `diverged`.
    """

    name: str
    spec: str
    parameters: Arrays
    state: Arrays
    step: int
    ended: str
    seeds: Mapping[str, int]
    preprocessing: Preprocessing
    history: Sequence[Mapping[str, Any]]
    metrics: Mapping[str, Any]
    resolved: str = ""
    counters: Arrays = field(default_factory=dict)
    recorded: Recorded | None = None
    contributions: tuple[Saved, ...] = ()
    code: tuple[Code, ...] = ()
    params: Mapping[str, Any] = field(default_factory=dict)
    data: tuple[ReadFile, ...] = ()
    measured: Measured = field(default_factory=Measured)
    imports: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=environment)
