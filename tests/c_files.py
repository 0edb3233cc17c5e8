"""C files compiled with the strictest flags, and their functions called from Python."""

import ctypes
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

STRICT = ("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wconversion", "-Wdouble-promotion")
COMPILER = shutil.which("cc")
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="there is no C compiler")
MEMBER = re.compile(r"^ {4}(float|double|uint32_t) (\w+)(?:\[(\d+)\])?;", re.MULTILINE)
TYPES = {"float": ctypes.c_float, "double": ctypes.c_double, "uint32_t": ctypes.c_uint32}


def cc(*arguments):
    """Runs the compiler; what it says fails the test."""
    ended = subprocess.run([COMPILER, *map(str, arguments)], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def write(folder: Path, made, name: str) -> Path:
    """The file of a document and its header."""
    (folder / f"{name}.h").write_text(made.header)
    path = folder / f"{name}.c"
    path.write_text(made.code)
    return path


def built(folder: Path, documents) -> dict:
    """The files of documents by their names, compiled to one shared library at once, without optimization,
    which would take most of the time."""
    paths = {name: write(folder, made, name) for name, made in documents.items()}
    library = folder / "files.so"
    cc(*STRICT, "-O0", "-shared", "-fPIC", *paths.values(), "-o", library, "-lm")
    loaded = ctypes.CDLL(str(library))
    return {name: Library(loaded, path) for name, path in paths.items()}


def library_of(folder: Path, made, name: str = "net") -> "Library":
    """The file of one document."""
    return built(folder, {name: made})[name]


class Library:
    """A file in a shared library; arrays are those of its precision."""

    def __init__(self, library: ctypes.CDLL, path: Path) -> None:
        self.library, self.path, self.name = library, path, path.stem
        self.header = path.with_suffix(".h").read_text()
        self.real = "float" if re.search(r"\bconst float\b", self.header) else "double"
        self.dtype = np.dtype("f4" if self.real == "float" else "f8")

    def call(self, ending, *given, returns=None):
        function = getattr(self.library, f"{self.name}_{ending}")
        function.restype = returns
        return function(*(self._argument(each) for each in given))

    def _argument(self, given):
        if isinstance(given, np.ndarray):
            assert given.flags.c_contiguous
            return ctypes.c_void_p(given.ctypes.data)
        return ctypes.c_size_t(given) if isinstance(given, int) else given

    def array(self, values):
        return np.ascontiguousarray(values, self.dtype)

    def predict(self, inputs, sizes):
        """Predictions [samples, outputs] of each size for inputs [samples, numbers]."""
        given = [self.array(x) for x in inputs]
        found = [np.full((len(given[0]), size), np.nan, self.dtype) for size in sizes]
        self.call("predict_batch", len(given[0]), *given, *found)
        return found

    def state(self):
        """The struct of a training."""
        text = self.header[self.header.index("typedef struct {") :]
        fields = [
            (name, TYPES[kind] * int(count) if count else TYPES[kind])
            for kind, name, count in MEMBER.findall(text)
        ]
        return type("State", (ctypes.Structure,), {"_fields_": fields})()


def member(state, name):
    """An array of a state, as numpy sees it."""
    return np.ctypeslib.as_array(getattr(state, name))
