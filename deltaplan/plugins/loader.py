"""Turns modules into contributions: the built-ins, and a file that a spec names with `use`."""

import contextlib
import functools
import hashlib
import importlib
import os
import pkgutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import CodeType, ModuleType

from deltaplan.diagnostics import Note, PluginError, Span, nearest
from deltaplan.plugins import builtin
from deltaplan.plugins.contracts import Contribution, Owner
from deltaplan.plugins.faults import (
    ForeignCodeOff,
    PluginChanged,
    PluginEmpty,
    PluginFailed,
    PluginNotFound,
    PluginSyntax,
)
from deltaplan.plugins.places import failed_span, in_words, line_span
from deltaplan.plugins.registry import Registry
from deltaplan.plugins.unchanged import unchanged

Guard = Callable[[Path, Span | None], contextlib.AbstractContextManager[None]]
OFF = "DELTAPLAN_NO_PLUGINS"  # the environment variable that turns foreign code off, unless it is 0


@functools.cache
def builtin_registry() -> Registry:
    """What comes with deltaplan: every module of plugins/builtin."""
    names = sorted(m.name for m in pkgutil.iter_modules(builtin.__path__) if not m.ispkg)
    return Registry.of(c for name in names for c in builtins_in(name))


@functools.cache
def builtins_in(name: str) -> tuple[Contribution, ...]:
    """What one module of plugins/builtin contributes: `metrics`."""
    module = importlib.import_module(f"{builtin.__name__}.{name}")
    return tuple(contributions(module, Owner("deltaplan")))


def contributions(module: ModuleType, owner: Owner) -> Iterator[Contribution]:
    """What was marked in this module or in those inside it, not what it imported, in the order of writing."""
    for value in list(vars(module).values()):
        if isinstance(value, Contribution) and f"{value.owner.plugin}.".startswith(f"{module.__name__}."):
            line = value.owner.line if value.owner.location == owner.location else 0
            yield replace(value, owner=replace(owner, line=line))


def load_file(path: Path, span: Span | None = None, sha256: str | None = None) -> tuple[Contribution, ...]:
    """The contributions of a Python file, which is run; only the file of that `sha256`, where one is given.
    `span` is where the spec asks for it.

    PluginError where it cannot be read, is another file, is not Python, fails, or contributes nothing; then
    it leaves no module behind. What it prints goes to the error stream.
    """
    refuse_when_off(path.name, span)
    found_sha256 = hashlib.sha256(_read(path, span)).hexdigest()
    if sha256 is not None and sha256 != found_sha256:
        raise PluginError(PluginChanged(path=str(path), span=span))
    return run_file(path, Owner(path.stem, str(path), sha256=found_sha256, origin="file"), span)


def run_file(
    path: Path, owner: Owner, span: Span | None = None, guard: Guard = unchanged
) -> tuple[Contribution, ...]:
    """The contributions of a Python file, or of the package whose `__init__.py` it is, which is run."""
    content = _read(path, span)
    code, module = _compiled(content, path, span), ModuleType(_private_name(path))
    module.__file__ = str(path)
    if path.name == "__init__.py":
        module.__path__, module.__package__ = [str(path.parent)], module.__name__
    with _known_to_python(module):
        with running(path, span, guard):
            exec(code, module.__dict__)
        found = tuple(contributions(module, owner))
        if not found:
            raise PluginError(PluginEmpty(path=str(path), span=span))
    return found


def refuse_when_off(name: str, span: Span | None = None) -> None:
    """PluginError where the environment turns foreign code off."""
    if os.environ.get(OFF, "") not in ("", "0"):
        raise PluginError(ForeignCodeOff(name=name, span=span))


def _read(path: Path, span: Span | None) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise PluginError(_not_found(path, error, span)) from None


def _compiled(content: bytes, path: Path, span: Span | None) -> CodeType:
    try:
        return compile(content, str(path), "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        place = line_span(str(path), getattr(error, "lineno", None) or 0)
        why = getattr(error, "msg", None) or in_words(error)
        raise PluginError(
            PluginSyntax(path=str(path), why=why, span=place or span, notes=_used(span))
        ) from None


def _not_found(path: Path, error: OSError, span: Span | None) -> PluginNotFound:
    why = (error.strerror or str(error)).lower()
    others = [other.name for other in path.parent.glob("*.py")]
    return PluginNotFound(path=str(path), why=why, similar=nearest(path.name, others), span=span)


@contextlib.contextmanager
def running(path: Path, span: Span | None, guard: Guard = unchanged) -> Iterator[None]:
    """While a plugin's code runs: what it prints goes to the error stream, what it raises is a PluginError
    at its line, and what belongs to the process it leaves as it was."""
    with guard(path, span):
        try:
            with contextlib.redirect_stdout(sys.stderr):
                yield
        except KeyboardInterrupt:
            raise
        except PluginError as error:
            notes = _used(span)
            raise PluginError(*(replace(d, notes=(*d.notes, *notes)) for d in error.diagnostics)) from None
        except BaseException as error:
            place = failed_span(error, str(path)) or span
            raise PluginError(
                PluginFailed(path=str(path), error=in_words(error), span=place, notes=_used(span))
            ) from None


def _private_name(path: Path) -> str:
    """Two files of one name must not share a module."""
    return f"deltaplan_plugin_{path.stem}_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]}"


@contextlib.contextmanager
def _known_to_python(module: ModuleType) -> Iterator[None]:
    """In sys.modules, where dataclasses and pickle look for it; if it fails, what was there comes back."""
    before = sys.modules.get(module.__name__)
    sys.modules[module.__name__] = module
    try:
        yield
    except BaseException:
        sys.modules.pop(module.__name__, None)
        if before is not None:
            sys.modules[module.__name__] = before
        raise


def _used(span: Span | None) -> tuple[Note, ...]:
    return (Note("used here", span),) if span else ()
