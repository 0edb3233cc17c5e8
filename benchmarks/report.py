"""The table, and above it all that one must know to read it."""

import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from threadpoolctl import threadpool_info

from benchmarks import reference_c
from benchmarks.contenders import missing
from benchmarks.measure import Row
from benchmarks.workloads import PRECISIONS

LIBRARIES = ("deltaplan", "numpy", "lark", "networkx", "click")
PEERS = ("llvmlite", "numba", "jax", "torch", "scikit-learn")


def header(command: str, turns: int) -> str:
    """The machine, the versions, the threads and the command."""
    versions = ", ".join(f"{name} {version(name)}" for name in (*LIBRARIES, *filter(found, PEERS)))
    lines = [
        f"`{command}`, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        f"{processor()}, {os.cpu_count()} cores, load {load():.1f}, {platform.system()}",
        f"Python {platform.python_version()}, {versions}; BLAS: {blas()}",
        f"C: {compiler()}",
        f"median of {turns} interleaved turns; a ratio is the median of the turns' ratios",
        "one thread, and the processor's time, unless said; W8 and what has more threads: the clock's",
    ]
    if absent := missing():
        lines.append(f"left out, because not installed: {', '.join(absent)}")
    return "\n".join(f"- {line}" for line in lines)


def table(title: str, rows: Iterable[Row]) -> Iterator[str]:
    """The lines of a Markdown table, one by one as the rows come."""
    yield f"\n## {title}\n"
    yield f"| {'':44} | {'median':>16} | {'ratio':>6} | {'to':30} | {'bar':>5} | {'':6} |"
    yield f"|{'-' * 46}|{'-' * 17}:|{'-' * 7}:|{'-' * 32}|{'-' * 6}:|{'-' * 8}|"
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        bar = "" if row.bar is None else f"{row.bar:g}"
        word = {True: "met", False: "missed", None: ""}[row.met]
        value = f"{row.value:,.1f} {row.unit}"
        against = row.against or row.note
        yield f"| {row.name:44} | {value:>16} | {ratio:>6} | {against:30} | {bar:>5} | {word:6} |"


def found(package: str) -> bool:
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True


def compiler() -> str:
    """The compiler of the references with its flags, and what the machine was seen to do."""
    if not reference_c.installed():
        return "no gcc, so no references"
    first = subprocess.run([reference_c.COMPILER, "--version"], capture_output=True, text=True, check=True)
    peaks = ", ".join(f"{reference_c.peak(kind) / 1e9:.0f} GFLOP/s in {kind}" for kind in PRECISIONS)
    return f"{first.stdout.splitlines()[0]}, {' '.join(reference_c.FLAGS)}; peak of a core: {peaks}"


def processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("model name"))
    return next(names, platform.machine())


def load() -> float:
    """How many programs were at work in the last minute; 0 where that is not told."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


def blas() -> str:
    found = (f"{i['internal_api']} {i['version']}" for i in threadpool_info() if i["user_api"] == "blas")
    return next(found, "unknown")


def emit(lines: Iterable[str]) -> list[str]:
    """Prints each line as it comes, and gives them all."""
    kept = []
    for line in lines:
        print(line)
        sys.stdout.flush()
        kept.append(line)
    return kept
