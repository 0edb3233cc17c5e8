"""Passes over steps keep every number; what they drop or merge is what nothing reads."""

import numpy as np
from hypothesis import given
from programs import LEAVES, random_values, run, step_lists

from deltaplan.compiler.differentiate import differentiate
from deltaplan.compiler.fuse import fuse, prune, tidy
from deltaplan.compiler.steps import Map, Reduce, Tensor
from deltaplan.plugins.expressions import argument, const, sin

x0, x1 = argument("x0"), argument("x1")
Z, B = Tensor("z", (3,), batched=True), Tensor("b", (3,))
REALS = [t for t in LEAVES if t.kind == "real"]


def vector(name):
    return Tensor(name, (3,), batched=True)


def mapped(expression, *inputs, out):
    return Map(inputs=inputs, outputs=(out,), expressions=(expression,))


def with_gradient(steps):
    """The steps with their backward pass, and what is wanted of them."""
    backward, adjoints = differentiate(steps, {steps[-1].output: None}, REALS)
    return (*steps, *backward), (steps[-1].output, *dict.fromkeys(adjoints.values()))


@given(step_lists(smooth=False))
def test_passes_keep_the_numbers(steps):
    steps, wanted = with_gradient(steps)
    values = random_values(LEAVES, spread=0.5)
    expected = run(steps, values, wanted, reuse=False)
    shortened = prune(tidy(steps), wanted)
    for passed in (shortened, fuse(shortened, wanted), fuse(steps, wanted)):
        for a, b in zip(run(passed, values, wanted), expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-12 * max(1.0, np.abs(b).max()))


@given(step_lists(smooth=False))
def test_every_tensor_of_the_fused_steps_is_that_of_the_unfused(steps):
    steps, wanted = with_gradient(steps)
    values = random_values(LEAVES, spread=0.5)
    fused = fuse(prune(tidy(steps), wanted), wanted)
    kept = [t for step in fused for t in step.outputs if t.kind == "real"]
    expected = run(steps, values, kept, reuse=False)
    for a, b in zip(run(fused, values, kept, reuse=False), expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-12 * max(1.0, np.abs(b).max(initial=0)))


@given(step_lists(smooth=False))
def test_fused_steps_are_in_order_and_written_once(steps):
    steps, wanted = with_gradient(steps)
    fused = fuse(prune(tidy(steps), wanted), wanted)
    written = set(LEAVES)
    for step in fused:
        assert set(step.inputs) <= written
        assert not set(step.outputs) & written
        written |= set(step.outputs)
    assert set(wanted) <= written


def test_prune_drops_what_nothing_wanted_reads():
    a, b, c = map(vector, "abc")
    needed, dropped = mapped(sin(x0), Z, out=a), mapped(x0 + x1, a, Z, out=b)
    last = mapped(x0 * x1, a, Z, out=c)
    assert prune((needed, dropped, last), [c]) == (needed, last)


def test_maps_in_a_row_become_one():
    a, b, c = map(vector, "abc")
    steps = (mapped(sin(x0), Z, out=a), mapped(x0 + x1, a, B, out=b), mapped(x0 * x0, b, out=c))
    (only,) = fuse(steps, [c])
    assert only.inputs == (Z, B)
    assert only.expressions == ((sin(x0) + x1) * (sin(x0) + x1),)


def test_what_is_read_elsewhere_stays_an_output():
    a, b, total = vector("a"), vector("b"), Tensor("total", (), batched=True)
    steps = (
        mapped(sin(x0), Z, out=a),
        mapped(x0 + x1, a, B, out=b),
        Reduce(inputs=(a,), outputs=(total,), kind="sum", axes=(0,)),
    )
    merged, _ = fuse(steps, [b, total])
    assert merged.outputs == (a, b)


def test_an_output_whose_readers_are_all_merged_into_one_map_is_gone():
    a, b, c = map(vector, "abc")
    steps = (mapped(sin(x0), Z, out=a), mapped(x0 * x1, a, B, out=b), mapped(x0 + x1, a, b, out=c))
    (only,) = fuse(steps, [c])
    assert only.outputs == (c,)


def test_what_another_step_reads_first_is_not_moved_behind_it():
    """The first reader is a sum: its input cannot be written by a later map."""
    a, b, total = vector("a"), vector("b"), Tensor("total", (), batched=True)
    steps = (
        mapped(sin(x0), Z, out=a),
        Reduce(inputs=(a,), outputs=(total,), kind="sum", axes=(0,)),
        mapped(x0 + x1, a, B, out=b),
    )
    assert fuse(steps, [b, total]) == steps


def test_maps_of_other_shapes_are_left_apart():
    a, b = Tensor("a", (3,)), vector("b")
    steps = (mapped(sin(x0), B, out=a), mapped(x0 + x1, a, Z, out=b))
    assert fuse(steps, [b]) == steps


def test_constants_go_into_the_maps_that_read_them():
    one, out = vector("one"), vector("out")
    steps = tidy((mapped(const(2.0), out=one), mapped(x0 * x1, Z, one, out=out)))
    (only,) = prune(steps, [out])
    assert (only.inputs, only.expressions) == ((Z,), (x0 * 2,))


def test_copies_that_only_broadcast_are_read_through():
    total, copied, out = Tensor("t", (), batched=True), vector("copied"), vector("out")
    steps = tidy((mapped(x0, total, out=copied), mapped(x0 * x1, copied, Z, out=out)))
    (only,) = prune(steps, [out])
    assert only.inputs == (total, Z)
