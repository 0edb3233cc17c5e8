"""What belongs to the process, and is no plugin's to change: kept while its code is loaded."""

import contextlib
import os
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from deltaplan.diagnostics import PluginError, Span
from deltaplan.plugins.faults import ChangesProcess

State = tuple[str, Callable[[], Any], Callable[[Any], object]]  # in words, how it is read and set


@contextlib.contextmanager
def unchanged(path: Path, span: Span | None) -> Iterator[None]:
    """Sets back what the code inside changes. PluginError that says what it was."""
    before = [(words, read(), read, write) for words, read, write in _states()]
    try:
        yield
    finally:
        changed = [words for words, was, read, write in before if _set_back(was, read, write)]
    if changed:
        raise PluginError(ChangesProcess(path=str(path), what=" and ".join(changed), span=span))


def _set_back(was: Any, read: Callable[[], Any], write: Callable[[Any], object]) -> bool:
    """Whether it had changed."""
    if read() == was:
        return False
    write(was)
    return True


def _states() -> Iterator[State]:
    yield "the working directory", os.getcwd, os.chdir
    yield "the state of `random`", random.getstate, random.setstate
    yield "the recursion limit", sys.getrecursionlimit, sys.setrecursionlimit
    numpy = sys.modules.get("numpy")  # where it is not loaded, nothing of it can be relied on
    if numpy is not None:
        yield "numpy's way with floating-point errors", numpy.geterr, lambda was: numpy.seterr(**was)
        yield "the state of `numpy.random`", _legacy_state, _set_legacy_state


def _legacy_state() -> Any:
    """As bytes, which can be compared."""
    import pickle

    return pickle.dumps(sys.modules["numpy"].random.get_state())


def _set_legacy_state(was: bytes) -> None:
    import pickle

    sys.modules["numpy"].random.set_state(pickle.loads(was))
