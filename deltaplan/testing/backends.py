"""Functions of one number on every backend: plain floats, numpy, machine code, C."""

import ctypes
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from deltaplan.compiler.loops.c.expressions import Piece, Writer, helper_texts
from deltaplan.compiler.loops.c.numbers import Real
from deltaplan.compiler.loops.calls import Spot
from deltaplan.compiler.loops.llvm.run import write_run
from deltaplan.compiler.loops.program import program
from deltaplan.compiler.loops.schedule.axes import Axes
from deltaplan.compiler.steps import Map, Tensor
from deltaplan.plugins.expressions import Expr, argument, evaluate, substitute
from deltaplan.runtime.backends.numpy.expressions import Array, Scratch, calls

X = Tensor("x", (1,), batched=True)


def by_floats(expr: Expr, name: str, points: Sequence[float]) -> Array:
    """The definition."""
    found = evaluate(expr, {name: list(points)})
    return np.array(found if isinstance(found, list) else [found] * len(points))


def by_numpy(exprs: Sequence[Expr], name: str, points: Array) -> list[Array]:
    """On an array of any shape, in its precision."""
    outs = [np.empty(points.shape, points.dtype) for _ in exprs]
    with np.errstate(all="ignore"):
        for expr, out in zip(exprs, outs, strict=True):
            for call in calls([expr], {name: points}, [out], Scratch(points.dtype)):
                call()
    return outs


def by_machine(exprs: Sequence[Expr], name: str, points: Array) -> list[Array]:
    """In machine code, as in training."""
    from deltaplan.runtime.backends.native.engine import objects_of
    from deltaplan.runtime.backends.native.library import Library
    from deltaplan.runtime.backends.native.memory import zeros
    from deltaplan.runtime.backends.native.target import host

    target, dtype = host(), points.dtype
    outs = [Tensor(f"y{i}", (1,), batched=True) for i in range(len(exprs))]
    written = tuple(substitute(expr, {name: argument("x0")}) for expr in exprs)
    step = Map(inputs=(X,), outputs=tuple(outs), expressions=written)
    axes = Axes(len(points), target.schedule(dtype.itemsize))
    made = program([step], {t: Spot(t.name, 0) for t in (X, *outs)}, outs, axes, {})
    memory = {t.name: zeros(len(points), dtype) for t in (X, *outs)}
    memory |= {"arena": zeros(made.arena, dtype), "scratch": zeros(made.scratch, dtype)}
    memory["x"][:] = points
    write = partial(write_run, made, {8: "double", 4: "float"}[dtype.itemsize], target.width)
    table = np.array([memory[space].ctypes.data for space in made.spaces], np.uintp)
    library = Library(objects_of(write, target), target)
    library.function("run", ["ptr"])(table.ctypes.data)
    return [memory[t.name].copy() for t in outs]


@cache
def c_compiler() -> str | None:
    """The system's C compiler, None where there is none."""
    return shutil.which("cc")


def by_c(exprs: Sequence[Expr], name: str, points: Array) -> list[Array]:
    """As `export c` writes it, by the system's compiler."""
    real = Real("double" if points.dtype == np.float64 else "float")
    given, outs = np.ascontiguousarray(points), [np.empty_like(points) for _ in exprs]
    writer = Writer(real)
    functions = [_c_function(writer, i, expr, name) for i, expr in enumerate(exprs)]
    text = "\n".join([HEADERS, *helper_texts(real, writer.helpers), *functions])
    with TemporaryDirectory() as folder:
        source, library = Path(folder, "functions.c"), Path(folder, "functions.so")
        source.write_text(text)
        options = ["-O1", "-shared", "-fPIC", str(source), "-o", str(library), "-lm"]
        subprocess.run([str(c_compiler()), *options], check=True)
        loaded = ctypes.CDLL(str(library))
        for i, out in enumerate(outs):
            pointers = (ctypes.c_void_p(a.ctypes.data) for a in (given, out))
            loaded[f"apply{i}"](ctypes.c_size_t(len(given)), *pointers)
    return outs


HEADERS = "#include <math.h>\n#include <stddef.h>\n"


def _c_function(writer: Writer, number: int, expr: Expr, name: str) -> str:
    real, locals_ = writer.real.type, list[str]()

    def declare(text: str) -> str:
        locals_.append(f"        const {real} t{len(locals_)} = {text};")
        return f"t{len(locals_) - 1}"

    (result,) = writer.write([expr], {name: Piece("x[i]")}, declare)
    body = "\n".join([*locals_, f"        y[i] = {result.text};"])
    signature = f"void apply{number}(size_t n, const {real} *x, {real} *y)"
    return f"{signature}\n{{\n    for (size_t i = 0; i < n; i++) {{\n{body}\n    }}\n}}\n"
