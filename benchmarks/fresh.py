"""W8: fresh processes, from the command to a trained W1; time by the clock, and the most memory."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from benchmarks.contenders import ours
from benchmarks.measure import Row
from benchmarks.workloads import ROOT

LIBRARIES = "import numpy, networkx, lark"
EMPTY, WARM = "fresh process to a trained W1, empty cache", "the same, warm cache"
BARS = {EMPTY: 2.0, WARM: 1.2}
MEMORY = 120.0  # MiB
STATUS = Path("/proc/self/status")  # rusage would count the memory of the process that forked


@dataclass(frozen=True, slots=True)
class Life:
    """A process: its seconds, and the most memory that it held in MiB, None where that is not told."""

    seconds: float
    memory: float | None


def rows(turns: int) -> Iterator[Row]:
    with TemporaryDirectory() as folder:
        lives = lived(turns, Path(folder))
    libraries = [life.seconds for life in lives[LIBRARIES]]
    yield Row(LIBRARIES, median(libraries) * 1e3, "ms")
    for name, bar in BARS.items():
        seconds = [life.seconds for life in lives[name]]
        ratio = median(a / b for a, b in zip(seconds, libraries, strict=True))
        yield Row(name, median(seconds) * 1e3, "ms", ratio, LIBRARIES, bar)
        memory = [life.memory for life in lives[name] if life.memory is not None]
        if memory:
            yield Row("its peak memory", max(memory), "MiB", max(memory) / MEMORY, f"{MEMORY:g} MiB", 1.0)


def lived(turns: int, folder: Path) -> Mapping[str, list[Life]]:
    """Each process in every turn, after one that does not count: it fills the warm cache."""
    lives: dict[str, list[Life]] = {name: [] for name in (LIBRARIES, *BARS)}
    for turn in range(-1, turns):
        found = {
            LIBRARIES: live(LIBRARIES, {}),
            EMPTY: live(ours.TRAIN_W1, ours.cache_in(folder / str(turn))),
            WARM: live(ours.TRAIN_W1, ours.cache_in(folder / "warm")),
        }
        for name, life in found.items():
            if turn >= 0:
                lives[name].append(life)
    return lives


def live(code: str, environment: Mapping[str, str]) -> Life:
    """A process that runs this code and tells its status at the end."""
    told = f"; print(open({str(STATUS)!r}).read())" if STATUS.exists() else ""
    # Bytecode is kept, as an installed package's is.
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    begin = perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code + told],
        cwd=ROOT, env={**inherited, **environment}, check=True, capture_output=True, text=True,
    )  # fmt: skip
    seconds = perf_counter() - begin
    peaks = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("VmHWM:")]
    return Life(seconds, int(peaks[0]) / 1024 if peaks else None)
