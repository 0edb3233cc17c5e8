"""Products with a large transposed matrix, whose columns are put side by side first."""

import pytest
from effort import FULL
from native_programs import assert_as_numpy, targets
from nests import AVX2, AVX512

from deltaplan.compiler.loops.calls import Spot
from deltaplan.compiler.loops.nest import Store, statements
from deltaplan.compiler.loops.program import program
from deltaplan.compiler.loops.schedule.axes import Axes
from deltaplan.compiler.steps import Map, MatMul, Tensor
from deltaplan.plugins.expressions import argument
from deltaplan.runtime.backends.native.target import named

pytestmark = pytest.mark.light

x0, x1 = argument("x0"), argument("x1")


def back(inner, rows):
    """The gradient of what a layer takes in, and a map of its rows."""
    w, d, z = Tensor("W", (inner, rows)), Tensor("d", (inner,), True), Tensor("z", (rows,), True)
    v, y = Tensor("v", (rows,), True), Tensor("y", (rows,), True)
    product = MatMul(inputs=(w, d), outputs=(v,), transpose_a=True)
    return (product, Map(inputs=(v, z), outputs=(y,), expressions=(x0 + 2 * x1,))), (w, d, z)


def kernel(inner, rows, machine, batch=64):
    steps, leaves = back(inner, rows)
    places = {t: Spot(f"leaf {t.name}", 0) for t in leaves}
    made = program(steps, places, steps[-1].outputs, Axes(batch, machine), {})
    return made.kernels[0], made.scratch


# panels of 48 rows in blocks of 6; one of them, whole ones, a rest of a block and of a single row
@pytest.mark.skipif("avx2" not in targets(), reason="this processor has no AVX2")
@pytest.mark.parametrize("batch", [1, 7, pytest.param(16, marks=FULL), 40])
@pytest.mark.parametrize("shape", [(900, 40), (350, 96), (257, 131), (331, 103)], ids=str)
def test_they_give_what_numpy_gives(shape, batch):
    steps, leaves = back(*shape)
    for dtype in ("float32", "float64"):
        assert_as_numpy(steps, leaves, batch, dtype, inner="samples", target=named("avx2"))


def test_a_panel_lies_in_memory_of_its_own():
    made, scratch = kernel(350, 96, AVX2["float32"])
    assert scratch == 350 * 48
    stored = {s.buffer.name for s in statements(made.body) if isinstance(s, Store)}
    assert "scratch" in stored


def test_small_matrices_are_read_where_they_lie():
    assert kernel(64, 64, AVX2["float32"])[1] == 0
    assert kernel(512, 512, AVX512["float32"])[1] == 0
