"""Compiled specs kept on disk, so that a training that was compiled once starts without the compiler.

A file holds the experiment, what training and scoring need of its plans, and the loop in machine code. Its
name is the hash of all that these follow from: path and text of the spec, its params, every source file of
deltaplan, the versions beneath it and the processor; it tells the hashes of the other files that were read.
What a plugin in Python contributes may follow from anything, so a spec with a `use` line is never kept.

The files are pickles. They lie beside machine code, which is run without a question: in a folder of this user
alone. Nothing but classes of deltaplan is made from them, and a file that is damaged is ignored.
"""

import hashlib
import os
import pickle
import re
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from enum import Enum
from importlib import import_module
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

import deltaplan
from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.plans import Draw, Plan
from deltaplan.plugins.contracts import Contribution, Value
from deltaplan.plugins.loader import builtins_in
from deltaplan.records import dataclass
from deltaplan.runtime.backends.native.cache import cache_folder, read, write
from deltaplan.runtime.backends.native.processor import processor
from deltaplan.runtime.data.dataset import ReadFile
from deltaplan.runtime.native_loop import NativeLoop

USE = re.compile(rb"(?m)(?:^|;)\s*use\b")
BUILTIN = "deltaplan.plugins.builtin."
PLAIN = {"builtins": ("set", "frozenset", "dict"), "pathlib": ("Path", "PosixPath")}
BROKEN = (pickle.UnpicklingError, ImportError, AttributeError, TypeError, ValueError, LookupError, EOFError)


@dataclass(frozen=True, slots=True)
class Kept:
    """What training takes of a compiled spec: see `Prepared`. `files` has the hash of each file that its
    experiment depends on, besides the spec itself."""

    experiment: Experiment
    draws: tuple[Draw, ...]
    evaluate: Plan
    raw: Plan
    loop: NativeLoop
    files: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a compiled spec is kept, and the text that it belongs to."""

    path: Path
    text: bytes


def place_of(path: str | os.PathLike[str], params: Mapping[str, Value] | None) -> Place | None:
    """The place for a spec; None where nothing is kept of it."""
    folder, cpu = cache_folder(), processor()
    if folder is None or cpu is None:
        return None
    try:
        text = Path(path).read_bytes()
    except (OSError, ValueError):
        return None
    if USE.search(text):
        return None
    given = sorted((name, type(value).__name__, value) for name, value in (params or {}).items())
    parts = (os.fspath(path), text, given, sys.version, np.__version__, _library("llvmlite"), cpu, _sources())
    return Place(folder / f"{hashlib.sha256(repr(parts).encode()).hexdigest()}.spec", text)


def kept_in(place: Place) -> Kept | None:
    """What is kept in a place; None where there is nothing, or a file that it depends on has changed."""
    content = read(place.path)
    if content is None:
        return None
    try:
        found = Reader(BytesIO(content)).load()
    except BROKEN:
        return None
    whole = isinstance(found, Kept) and all(_sha256(name) == known for name, known in found.files.items())
    return found if whole else None


def keep(place: Place, kept: Kept) -> None:
    """Keeps a compiled spec, if that can be done; where the disk does not take it, nothing happens."""
    if kept.experiment.source.text.encode() != place.text:
        return  # the file has changed since its place was looked up
    content = BytesIO()
    with suppress(OSError, pickle.PicklingError, TypeError, AttributeError, RecursionError):
        Writer(content, pickle.HIGHEST_PROTOCOL).dump(kept)
        write(place.path, content.getvalue())


def files_of(experiment: Experiment, data: Iterable[ReadFile]) -> Mapping[str, str] | None:
    """The hashes of the files that an experiment depends on: those that it imports, and its data where sizes
    or class weights were measured on them; None where what was measured is no file."""
    sources = experiment.imports.values()
    found = {source.name: hashlib.sha256(source.text.encode()).hexdigest() for source in sources}
    if not (experiment.measured.sizes or experiment.measured.weights):
        return found
    read_files = {str(file.path): file.sha256 for file in data}
    known = {name: own for name, own in read_files.items() if own is not None}
    return {**found, **known} if known and len(known) == len(read_files) else None


class Writer(pickle.Pickler):
    """Names what comes with deltaplan and is code, and writes everything else."""

    def persistent_id(self, value: object) -> tuple[str, str, str] | None:
        if not isinstance(value, Contribution):
            return None
        parts = (getattr(value, name, None) for name in value.__dataclass_fields__)
        code = next((part for part in parts if callable(part)), None)
        module = getattr(code, "__module__", "")
        return (module.removeprefix(BUILTIN), value.kind, value.name) if module.startswith(BUILTIN) else None

    def reducer_override(self, value: object) -> Any:
        """A member of an enumeration by its value, and a read-only view as what it shows."""
        match value:
            case Enum():
                return type(value), (value.value,)
            case MappingProxyType():
                return dict, (dict(value),)
            case _:
                return NotImplemented


class Reader(pickle.Unpickler):
    """Makes objects of deltaplan's own classes alone."""

    def persistent_load(self, value: Any) -> Contribution:
        module, kind, name = value
        return next(c for c in builtins_in(module) if (c.kind, c.name) == (kind, name))

    def find_class(self, module: str, name: str) -> Any:
        if module.startswith("deltaplan."):
            found = getattr(import_module(module), name)
            if isinstance(found, type):
                return found
        if name in PLAIN.get(module, ()):
            return getattr(import_module(module), name)
        raise pickle.UnpicklingError(f"{module}.{name}")


def _library(name: str) -> tuple[str, int, int] | None:
    """An installed library, told from its file, since importing it takes time."""
    found = find_spec(name)
    if found is None or found.origin is None:
        return None
    status = os.stat(found.origin)
    return found.origin, status.st_mtime_ns, status.st_size


def _sources() -> list[tuple[str, int, int]]:
    """Every source file of deltaplan, with its time and size."""
    found: list[tuple[str, int, int]] = []
    for folder, names, files in os.walk(Path(deltaplan.__file__).parent):
        names[:] = sorted(name for name in names if name != "__pycache__")
        for name in sorted(files):
            status = os.stat(os.path.join(folder, name))
            found.append((os.path.join(folder, name), status.st_mtime_ns, status.st_size))
    return found


def _sha256(path: str) -> str | None:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
