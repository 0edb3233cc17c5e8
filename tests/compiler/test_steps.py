"""What a step says of itself: sizes and counts."""

import pytest
from programs import convolution, sparse_product, window

from deltaplan.compiler.steps import (
    Map,
    MatMul,
    Pool,
    Reduce,
    Slice,
    Tensor,
    Unpool,
    flops,
    matrix,
    numbers,
)
from deltaplan.plugins.expressions import argument, sin

W, Z, V = Tensor("W", (5, 3)), Tensor("z", (3,), batched=True), Tensor("v", (5,), batched=True)
x0, x1 = argument("x0"), argument("x1")


def test_a_batch_is_one_more_axis():
    assert (numbers(Z, 7), numbers(W, 7), Z.size) == (21, 15, 3)
    assert (matrix(Z, 7), matrix(W, 7), matrix(Tensor("b", (4,)), 7)) == ((3, 7), (5, 3), (4, 1))


def test_a_multiply_add_is_two_operations():
    assert flops(MatMul(inputs=(W, Z), outputs=(V,)), 7) == 2 * 5 * 3 * 7
    assert flops(MatMul(inputs=(W, V), outputs=(Z,), transpose_a=True), 7) == 2 * 5 * 3 * 7
    assert flops(MatMul(inputs=(V, Z), outputs=(W,), transpose_b=True), 7) == 2 * 5 * 3 * 7


@pytest.mark.parametrize("slot", ["x", "w", "y"])
def test_every_slot_of_a_form_costs_the_same(slot):
    """5x4 places, 6 outputs in 2 groups of 3 channels, a kernel of 3x2, 7 samples."""
    step = convolution(slot, (7, 5), (5, 4), (6, 6), window(3, 2), groups=2)
    assert flops(step, 7) == 2 * 5 * 4 * 6 * 3 * 2 * 3 * 7
    assert flops(sparse_product(slot, 4, 5, 9), 7) == 2 * 9 * 7


def test_pools_count_what_their_windows_see():
    wide, narrow, pairs = Tensor("z", (6, 3), True), Tensor("v", (3, 3), True), window(2, stride=2)
    assert flops(Pool(inputs=(wide,), outputs=(narrow,), kind="max", window=pairs), 7) == 2 * 3 * 3 * 7
    assert flops(Unpool(inputs=(narrow,), outputs=(wide,), window=pairs), 7) == 2 * 3 * 3 * 7


def test_maps_count_each_operation_once():
    shared = sin(x0)
    step = Map(inputs=(Z, Z), outputs=(Z, Z), expressions=(shared * x1, shared + 2))
    assert flops(step, 7) == 3 * 21


def test_sums_count_what_they_read_and_moves_nothing():
    total = Tensor("total", ())
    assert flops(Reduce(inputs=(Z,), outputs=(total,), kind="sum", axes=(0,), batch=True), 7) == 21
    part = Tensor("part", (2,), batched=True)
    assert flops(Slice(inputs=(Z,), outputs=(part,), axis=0, begin=0, end=2), 7) == 0


def test_only_a_step_of_one_output_has_an_output():
    two = Map(inputs=(Z,), outputs=(Z, Tensor("y", (3,), batched=True)), expressions=(x0, sin(x0)))
    with pytest.raises(ValueError, match="too many"):
        _ = two.output
