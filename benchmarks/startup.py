"""Rows for starting: fresh processes, from the command to its end."""

import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from benchmarks.measure import Row, Times, interleaved, median, ratio

ROOT = Path(__file__).parents[1]
SCRIPT = str(Path(sysconfig.get_path("scripts")) / "deltaplan")
LIBRARIES = "import click, lark, networkx"
MODULES = (
    "import deltaplan.cli.check, deltaplan.cli.console, deltaplan.compiler.load, deltaplan.compiler.lower\n"
    "import deltaplan.dsl.convert, deltaplan.dsl.reader\n"
    "from deltaplan.plugins.loader import builtin_registry; builtin_registry()"
)

PLUGINS = 200
MANIFEST = """\
api = 1
name = "{name}"
version = "1.0"
description = "one of many"
module = "{name}"

[contributes]
activation = ["{name}"]
"""


def process(command: Sequence[str]) -> None:
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def children() -> float:
    """The processor's seconds of the processes that have ended."""
    times = os.times()
    return times.children_user + times.children_system


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


COMMANDS = {
    "python -c pass": python("pass"),
    "import click": python("import click"),
    LIBRARIES: python(LIBRARIES),
    "import all that check imports": python(MODULES),
    "deltaplan --help": [SCRIPT, "--help"],
    "deltaplan check specs/wave.dl": [SCRIPT, "check", "specs/wave.dl"],
}


def rows(turns: int) -> Iterator[Row]:
    runs = {name: lambda c=c: process(c) for name, c in COMMANDS.items()}
    times = interleaved(runs, turns, perf_counter if os.name == "nt" else children)
    names = list(COMMANDS)
    for name in names[:4]:
        yield Row(name, median(times, name) * 1e3, "ms")
    yield held(times, "deltaplan --help", "import click", 5.0)
    check = "deltaplan check specs/wave.dl"
    yield held(times, check, "import all that check imports", 1.5)
    yield held(times, check, LIBRARIES, 1.5)
    yield from plugin_rows(turns)


def plugin_rows(turns: int) -> Iterator[Row]:
    """`plugins list` with two hundred installed plugins beside it with none."""
    with TemporaryDirectory() as folder:
        for number in range(PLUGINS):
            install(Path(folder), f"plugin{number:03}")
        paths = {"none": str(ROOT), f"{PLUGINS}": os.pathsep.join([str(ROOT), folder])}
        code = "from deltaplan.cli import main; main(['plugins', 'list'])"
        runs = {
            f"plugins list, {name} installed": lambda p=p: process(
                ["env", f"PYTHONPATH={p}", *python(code)]  # the plugins are found on the path
            )
            for name, p in paths.items()
        }
        times = interleaved(runs, turns, perf_counter if os.name == "nt" else children)
    none, many = runs
    yield Row(none, median(times, none) * 1e3, "ms")
    yield held(times, many, none, 2.0)


def install(site: Path, name: str) -> None:
    """What an installer leaves of a package with one plugin."""
    (site / name).mkdir()
    (site / name / "__init__.py").write_text("raise SystemExit  # nobody imports it\n")
    (site / name / "plugin.toml").write_text(MANIFEST.format(name=name))
    info = site / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[deltaplan.plugins]\n{name} = {name}\n")


def held(times: Times, name: str, against: str, bar: float) -> Row:
    return Row(name, median(times, name) * 1e3, "ms", ratio(times, name, against), against, bar)
