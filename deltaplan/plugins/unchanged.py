"""What belongs to the process, and is no plugin's to change: kept while its code is loaded."""

import contextlib
import os
import random
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from deltaplan.diagnostics import PluginError, Span
from deltaplan.plugins.faults import ChangesProcess

State = tuple[str, Callable[[], Any], Callable[[Any], object]]  # in words, how it is read and set
QUIET = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}  # numpy's, as it is loaded
WARNING = 30  # the level at which `logging` begins


@contextlib.contextmanager
def unchanged(path: Path, span: Span | None) -> Iterator[None]:
    """Sets back what the code inside changes. PluginError that says what it was.

    Environment, filters of warnings and `logging` are set back without a word: packages change them when
    they are imported, and the plugin did no more than import one.
    """
    told = [(words, read(), read, write) for words, read, write in _states()]
    environment, logged = dict(os.environ), _logging()
    try:
        with warnings.catch_warnings():
            yield
    finally:
        changed = [words for words, was, read, write in told if _set_back(was, read, write)]
        _set_back(environment, lambda: dict(os.environ), _set_environment)
        _set_back(logged, _logging, _set_logging)
    if changed:
        raise PluginError(ChangesProcess(path=str(path), what=_joined(changed), span=span))


def _set_back(was: Any, read: Callable[[], Any], write: Callable[[Any], object]) -> bool:
    """Whether it had changed."""
    if read() == was:
        return False
    write(was)
    return True


def _joined(words: list[str]) -> str:
    """`a, b and c`"""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def _states() -> Iterator[State]:
    yield "the working directory", os.getcwd, os.chdir
    yield "the state of `random`", random.getstate, random.setstate
    yield "the recursion limit", sys.getrecursionlimit, sys.setrecursionlimit
    yield "`sys.path`", lambda: list(sys.path), _set_path
    yield "numpy's way with floating-point errors", _numpy_errors, _set_numpy_errors
    if "numpy" in sys.modules:  # where it is not loaded yet, these two are not known
        yield "the state of `numpy.random`", _legacy_state, _set_legacy_state
        yield "how numpy prints", _numpy_printing, _set_numpy_printing


def _set_path(was: list[str]) -> None:
    sys.path[:] = was


def _set_environment(was: dict[str, str]) -> None:
    for name in os.environ.keys() - was.keys():
        del os.environ[name]
    os.environ.update(was)


def _logging() -> tuple[int, list[Any], int]:
    """Level and handlers of the root, and what is turned off."""
    logging = sys.modules.get("logging")
    if logging is None:
        return WARNING, [], 0
    return logging.root.level, list(logging.root.handlers), logging.root.manager.disable


def _set_logging(was: tuple[int, list[Any], int]) -> None:
    logging = sys.modules["logging"]
    level, handlers, disabled = was
    logging.root.setLevel(level)
    logging.root.handlers[:] = handlers
    logging.disable(disabled)


def _numpy_errors() -> dict[str, str]:
    numpy = sys.modules.get("numpy")
    return dict(numpy.geterr()) if numpy is not None else QUIET


def _set_numpy_errors(was: dict[str, str]) -> None:
    sys.modules["numpy"].seterr(**was)


def _numpy_printing() -> dict[str, Any]:
    return dict(sys.modules["numpy"].get_printoptions())


def _set_numpy_printing(was: dict[str, Any]) -> None:
    sys.modules["numpy"].set_printoptions(**was)


def _legacy_state() -> Any:
    """As bytes, which can be compared."""
    import pickle

    return pickle.dumps(sys.modules["numpy"].random.get_state())


def _set_legacy_state(was: bytes) -> None:
    import pickle

    sys.modules["numpy"].random.set_state(pickle.loads(was))
