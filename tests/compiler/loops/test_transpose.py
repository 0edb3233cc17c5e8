"""Matrices turned over their diagonal by shuffles."""

import numpy as np
import pytest
from native_programs import KINDS, Guarded

from deltaplan.compiler.loops.calls import Call, Spot
from deltaplan.compiler.loops.llvm.run import write_run
from deltaplan.compiler.loops.nest import Buffer, Kernel, Transpose
from deltaplan.compiler.loops.program import Program
from deltaplan.compiler.loops.schedule.axes import Axes
from deltaplan.runtime.backends.native.engine import compile_text
from deltaplan.runtime.backends.native.library import Library
from deltaplan.runtime.backends.native.target import host

SHAPES = [(1, 1), (1, 9), (9, 1), (2, 3), (5, 5), (8, 78), (16, 16), (17, 33), (64, 10), (10, 64), (40, 3)]


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_rows_become_columns(shape, dtype):
    rows, columns = shape
    turned = Transpose(Buffer("a", (rows, columns)), Buffer("b", (columns, rows)))
    kernel = Kernel("turn", (turned.source, turned.target), (turned,))
    call = Call(kernel, (Spot("a", 0), Spot("b", 0)), ("a", "b"))
    program = Program((call,), {}, 0, 0, Axes(1, host().schedule(np.dtype(dtype).itemsize)))
    library = Library([compile_text(write_run(program, KINDS[dtype], host().width), host())], host())
    source, target = Guarded(rows * columns, dtype), Guarded(rows * columns, dtype)
    source.numbers[:] = np.arange(rows * columns)
    table = np.array([source.numbers.ctypes.data, target.numbers.ctypes.data], np.uintp)
    library.function("run", ["ptr"])(table.ctypes.data)
    expected = source.numbers.reshape(rows, columns).T
    np.testing.assert_array_equal(target.numbers.reshape(columns, rows), expected)
    assert source.intact
    assert target.intact
