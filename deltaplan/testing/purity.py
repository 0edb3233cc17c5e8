"""Loading a file twice: the same contributions, nothing printed, nothing of the process changed."""

import contextlib
import io
import json
import locale
import logging
import random
import subprocess
import sys
import warnings
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from deltaplan.plugins.contracts import Contribution, Owner
from deltaplan.plugins.expressions import Expr, walk
from deltaplan.plugins.loader import load_file, run_file
from deltaplan.testing.report import Result


def check_loading(path: Path, contribution: Contribution) -> Result:
    """Of the file that a contribution comes from: in a process of its own, and a second time in this one."""
    try:
        changed, printed = _loaded(path, contribution.owner.sha256)
    except subprocess.CalledProcessError:
        return Result("loading", "skipped", "its module cannot be loaded by itself")
    if changed:
        return Result("loading", "failed", f"it changes {changed}")
    if printed:
        return Result("loading", "failed", f"it prints {printed[:40]!r}")
    with contextlib.redirect_stderr(io.StringIO()):
        again = {(c.kind, c.name): c for c in load_file(path)}
    second = again.get((contribution.kind, contribution.name))
    if second is None or parts(second) != parts(contribution):
        return Result("loading", "failed", "loaded a second time it is another one")
    return Result("loading", "passed", "twice the same, nothing printed or changed")


CHANGES = {  # events of Python's that tell of a change, though it be to what was there before
    "os.putenv": "the environment",
    "os.unsetenv": "the environment",
    "os.chdir": "the working folder",
}


@lru_cache(maxsize=64)
def _loaded(path: Path, sha256: str) -> tuple[str, str]:
    """What a fresh process changes by loading the file, and what it prints; empty where it is nothing."""
    command = [sys.executable, "-m", "deltaplan.testing.purity", str(path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL)
    changed, printed = json.loads(ended.stdout.splitlines()[-1])
    return changed, printed


def _load_and_tell(path: Path) -> None:
    """Loads the file and writes what came of it as JSON."""
    before, printed, changed = state(), io.StringIO(), list[str]()

    def see(event: str, arguments: tuple[object, ...]) -> None:
        if event in CHANGES:
            changed.append(CHANGES[event])

    sys.addaudithook(see)
    with contextlib.redirect_stderr(printed):
        run_file(path, Owner(path.stem, str(path)), guard=lambda *_: contextlib.nullcontext())
    changed += [name for name, value in state().items() if value != before[name]]
    print(json.dumps([changed[0] if changed else "", printed.getvalue().strip()]))


def parts(contribution: Contribution) -> dict[str, Any]:
    """What is data of a contribution: functions of two loads are never equal."""
    names = [name for c in type(contribution).__mro__ for name in getattr(c, "__slots__", ())]
    found = {name: getattr(contribution, name) for name in names if name != "owner"}
    return {name: _part(value) for name, value in found.items() if not callable(value)}


def _part(value: Any) -> Any:
    if isinstance(value, Expr) and any(e.function for e in walk(value)):
        return str(value)
    return dict(value) if hasattr(value, "items") else value


def state() -> dict[str, Any]:
    """What of the process a plugin could change and should not."""
    return {
        "the random numbers of `random`": random.getstate(),
        "the random numbers of numpy": repr(np.random.get_state()),
        "how numpy treats overflow": np.geterr(),
        "how numpy prints": repr(np.get_printoptions()),
        "sys.path": list(sys.path),
        "the filters of warnings": list(warnings.filters),
        "`logging`": (logging.root.level, len(logging.root.handlers), logging.root.manager.disable),
        "the limit of recursion": sys.getrecursionlimit(),
        "the locale": locale.setlocale(locale.LC_ALL),
    }


if __name__ == "__main__":
    _load_and_tell(Path(sys.argv[1]))
