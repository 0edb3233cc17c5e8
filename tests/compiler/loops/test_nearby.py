"""Statements in an order of their own do the same, and keep few numbers at once."""

import pytest
from nests import AVX2, carried_out, most_at_once
from programs import experiment

from deltaplan.compiler.loops.groups import Group
from deltaplan.compiler.loops.nest import Buffer, Compute, Load, MultiplyAdd, Store, at
from deltaplan.compiler.loops.schedule.axes import SAMPLE, Axes
from deltaplan.compiler.loops.schedule.blocks import columns_at_once, rows_at_once
from deltaplan.compiler.loops.schedule.nearby import nearby, written_by
from deltaplan.compiler.loops.schedule.samples import Samples
from deltaplan.compiler.loops.schedule.signature import Names
from deltaplan.compiler.plan import compile_plans
from deltaplan.compiler.steps import Map, MatMul
from deltaplan.plugins.expressions import argument, sqrt


def layer(width):
    """The statements of a layer with its activation, for two samples."""
    lines = (f"input {width}", f"dense {width} leaky_relu residual", "output 1")
    steps = compile_plans(experiment(*lines, inputs=width)).predict.steps
    axes = Axes(8, AVX2["float32"], nets=8)
    begin = next(n for n, step in enumerate(steps) if isinstance(step, MatMul))
    end = next(n for n, step in enumerate(steps) if n > begin and not isinstance(step, Map))
    group = Group("samples", list(steps[begin:end]))
    return Samples(group, axes, Names(group, axes, {}), (SAMPLE, at(SAMPLE, 1))).statements()


@pytest.mark.parametrize("width", [1, 3, 5, 8])
def test_another_order_does_the_same(width):
    body = layer(width)
    stored = carried_out(nearby(body))
    assert stored == carried_out(body)
    assert len(stored) == 2 * 2 * width  # v and z of two samples


def test_what_is_read_on_both_sides_of_a_store_is_read_again():
    body = nearby(layer(5))
    loads = [(s.buffer, s.index) for s in body if isinstance(s, Load)]
    weights, inputs = ([place for place in loads if place[0].name == name] for name in ("p0", "p1"))
    assert len(weights) == len(set(weights)) == 25
    assert len(set(inputs)) == 2 * 5
    assert len(inputs) >= 2 * 2 * 5  # for the product, then for the skip
    names = [name for s in body for name in written_by(s)]
    assert len(names) == len(set(names))


def test_what_several_read_is_computed_once():
    """Here 1/√c, where c is read from memory: two that follow from products are ready when it is made."""
    place = Buffer("p", (9,))
    body = (
        *(Load(name, place, (n,)) for n, name in enumerate("abc")),
        MultiplyAdd("m", None, "a", "b"),
        Compute(("r",), (1 / sqrt(argument("x0")),), ("c",)),
        *(
            Compute((name,), (n * argument("x0") * argument("x1"),), ("m", "r"))
            for n, name in enumerate("st")
        ),
        *(Store(place, (7 + n,), name) for n, name in enumerate("st")),
    )
    names = [name for s in nearby(body) for name in written_by(s)]
    assert sorted(names) == ["a", "b", "c", "m", "r", "s", "t"]


@pytest.mark.parametrize("registers", [16, 32])
@pytest.mark.parametrize("rows", range(1, 17))
def test_blocks_fit_into_the_registers(rows, registers):
    columns = columns_at_once(rows, registers, (4, 2, 1))
    high = rows_at_once(rows, columns, registers)
    assert high * columns + columns + 1 <= registers
    assert rows <= high * -(-rows // high) < rows + -(-rows // high)  # blocks of about one size


def test_a_layer_of_five_has_all_its_rows_at_once():
    assert columns_at_once(5, 16, (4, 2, 1)) == 2
    assert rows_at_once(5, 2, 16) == 5


def test_numbers_are_used_up_as_soon_as_they_are_there():
    """A layer of width 5 on two samples: its sums, two inputs and a weight fit into 16 registers."""
    body = layer(5)
    assert most_at_once(nearby(body)) <= 16
    assert most_at_once(body) >= 20
