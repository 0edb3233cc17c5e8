"""The arena: tensors that live at the same time lie apart, and nothing is read before it is written."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from programs import LEAVES, program, random_values, run, step_lists

from deltaplan.compiler.buffers import ALIGNMENT, FreeList, layout
from deltaplan.compiler.differentiate import differentiate
from deltaplan.compiler.fuse import fuse, prune, tidy
from deltaplan.compiler.steps import Map, MatMul, Tensor, View, numbers
from deltaplan.plugins.expressions import argument, sin

REALS = [t for t in LEAVES if t.kind == "real"]
batches = st.sampled_from([1, 3, 17])


@st.composite
def plans(draw):
    """Steps with their backward pass, fused or not, and what is kept of them."""
    steps = draw(step_lists(smooth=False))
    backward, adjoints = differentiate(steps, {steps[-1].output: None}, REALS)
    wanted = (steps[-1].output, *dict.fromkeys(adjoints.values()))
    steps = prune(tidy((*steps, *backward)), wanted)
    return (fuse(steps, wanted) if draw(st.booleans()) else steps), wanted


def owners(steps):
    """For each tensor the one whose memory it shows."""
    owner = {}
    for step in steps:
        for tensor in step.outputs:
            shown = step.inputs[0] if isinstance(step, View) else tensor
            owner[tensor] = owner.get(shown, shown)
    return owner


def lives(steps, kept):
    """Each written tensor's first and last step, by the tensor that owns the memory."""
    owner = owners(steps)
    first, last = {}, {}
    for index, step in enumerate(steps):
        for tensor in step.inputs:
            last[owner.get(tensor, tensor)] = index
        for tensor in step.outputs:
            first.setdefault(owner[tensor], index)
            last.setdefault(owner[tensor], index)
    for tensor in kept:
        last[owner.get(tensor, tensor)] = len(steps)
    return {t: (first[t], last[t]) for t in first if t not in LEAVES}


def span(arena, tensor, batch, itemsize):
    offset = arena.slots[tensor.name].offset
    return offset, offset + numbers(tensor, batch) * (8 if tensor.kind == "index" else itemsize)


@given(plans(), batches, st.sampled_from([4, 8]))
def test_what_lives_at_the_same_time_lies_apart(plan, batch, itemsize):
    steps, kept = plan
    arena = layout(steps, LEAVES, kept, batch, itemsize)
    alive = lives(steps, kept)
    assert {slot.tensor for slot in arena.slots.values()} == set(alive)
    for a, b in combinations(sorted(alive, key=lambda t: alive[t]), 2):
        begin, end = max(alive[a][0], alive[b][0]), min(alive[a][1], alive[b][1])
        (low_a, high_a), (low_b, high_b) = (span(arena, t, batch, itemsize) for t in (a, b))
        if begin <= end and low_a < high_b and low_b < high_a:
            handed_over = alive[a][1] == alive[b][0] and isinstance(steps[alive[b][0]], Map)
            assert handed_over, f"{a} and {b} share memory"
            assert (low_a, high_a) == (low_b, high_b)
            assert a in [owners(steps).get(t, t) for t in steps[alive[b][0]].inputs]


@given(plans(), batches)
def test_slots_are_aligned_and_inside_the_arena(plan, batch):
    steps, kept = plan
    arena = layout(steps, LEAVES, kept, batch, 8)
    for slot in arena.slots.values():
        assert slot.offset % ALIGNMENT == 0
        assert span(arena, slot.tensor, batch, 8)[1] <= arena.bytes


@given(plans(), batches)
def test_without_reuse_every_tensor_has_memory_of_its_own(plan, batch):
    steps, kept = plan
    arena = layout(steps, LEAVES, kept, batch, 8, reuse=False)
    spans = sorted(span(arena, slot.tensor, batch, 8) for slot in arena.slots.values())
    assert all(before[1] <= after[0] for before, after in pairwise(spans))


@given(plans())
def test_memory_is_no_more_than_without_reuse(plan):
    steps, kept = plan
    assert layout(steps, LEAVES, kept, 3, 8).bytes <= layout(steps, LEAVES, kept, 3, 8, reuse=False).bytes


@given(plans(), st.sampled_from([1, 3]))
def test_nothing_is_read_before_it_is_written(plan, batch):
    """An arena full of NaN gives the same bits, with reuse and without, twice in a row."""
    steps, kept = plan
    values = random_values(LEAVES, batch, spread=0.5)
    expected = run(steps, values, kept, batch=batch, reuse=False)
    for reuse in (True, False):
        bound = program(steps, values, kept, batch=batch, reuse=reuse, poisoned=True)
        for _ in range(2):
            bound.run()
            for tensor, numbers_ in zip(kept, expected, strict=True):
                np.testing.assert_array_equal(bound[tensor], numbers_)


@given(plans())
def test_leaves_are_left_as_they_are(plan):
    steps, kept = plan
    values = random_values(LEAVES, spread=0.5)
    bound = program(steps, values, kept)
    bound.run()
    for tensor, value in values.items():
        np.testing.assert_array_equal(bound[tensor], value)


def test_only_a_map_writes_over_its_input():
    w, z, v, a = Tensor("W", (3, 3)), *(Tensor(n, (3,), batched=True) for n in "zva")
    x0 = argument("x0")
    steps = (
        Map(inputs=(z,), outputs=(v,), expressions=(sin(x0),)),
        Map(inputs=(v,), outputs=(a,), expressions=(x0 * x0,)),
        MatMul(inputs=(w, a), outputs=(Tensor("out", (3,), batched=True),)),
    )
    slots = layout(steps, (w, z), [steps[-1].output], 4, 8).slots
    assert slots["a"].offset == slots["v"].offset
    assert slots["out"].offset != slots["a"].offset


def test_a_view_keeps_the_memory_that_it_shows():
    z, v, seen, a, b = (
        Tensor(n, s, batched=True) for n, s in zip("zvsab", [(3,), (3,), (1, 3), (3,), (1, 3)], strict=True)
    )
    x0, x1 = argument("x0"), argument("x1")
    steps = (
        Map(inputs=(z,), outputs=(v,), expressions=(sin(x0),)),
        View(inputs=(v,), outputs=(seen,)),
        Map(inputs=(v,), outputs=(a,), expressions=(x0 * x0,)),
        Map(inputs=(seen, a), outputs=(b,), expressions=(x0 + x1,)),
    )
    arena = layout(steps, (z,), [b], 4, 8)
    assert arena.slots["a"].offset != arena.slots["v"].offset
    assert arena.root(seen) == v
    assert "s" not in arena.slots


@pytest.mark.parametrize("depth", [10, 100])
def test_a_chain_of_maps_needs_the_memory_of_one(depth):
    tensors = [Tensor(f"t{i}", (5,), batched=True) for i in range(depth)]
    steps = tuple(
        Map(inputs=(a,), outputs=(b,), expressions=(sin(argument("x0")),)) for a, b in pairwise(tensors)
    )
    assert layout(steps, tensors[:1], tensors[-1:], 8, 8).bytes == 5 * 8 * 8


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 9)), max_size=40))
def test_free_ranges_never_overlap_what_is_taken(orders):
    free, taken = FreeList(), []
    for take, size in orders:
        if take or not taken:
            taken.append((free.take(64 * size), 64 * size))
        else:
            free.give(*taken.pop(size % len(taken)))
        spans = sorted(taken)
        assert all(a + n <= b for (a, n), (b, _) in pairwise(spans))
        assert all(a + n <= free.end for a, n in spans)
    for offset, size in taken:
        free.give(offset, size)
    if free.end:
        assert free.take(free.end) == 0
