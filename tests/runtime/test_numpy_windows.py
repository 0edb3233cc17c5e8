"""Convolution, pooling and sparse products of any geometry against loops that say what they mean."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from programs import convolution, random_values, run, sparse_product, windows

from deltaplan.compiler.steps import ArgMax, Pool, Tensor, Unpool
from deltaplan.compiler.windows import Window
from deltaplan.runtime.patterns import cells


def seen(made, sides):
    """Each place of a window with the numbers that it sees: (place, offset, number)."""
    for place in np.ndindex(made.places(sides)):
        for offset in np.ndindex(made.kernel):
            parts = zip(place, offset, made.stride, made.dilation, made.before, strict=True)
            number = tuple(i * s + o * d - b for i, o, s, d, b in parts)
            if all(0 <= n < side for n, side in zip(number, sides, strict=True)):
                yield place, offset, number


@given(windows(), st.sampled_from([(1, 1, 1), (2, 4, 2), (3, 2, 1), (3, 3, 3)]), st.booleans())
def test_the_three_slots_of_a_convolution(geometry, channels, is_batched):
    made, sides = geometry
    inputs, outputs, groups = channels
    for slot in "xwy":
        step = convolution(slot, sides, made.places(sides), (inputs, outputs), made, groups, is_batched)
        values = random_values(step.inputs)
        given_values = {t.name: v for t, v in values.items()} | {
            slot: np.zeros(random_values([step.output])[step.output].shape)
        }
        x, w, y = (given_values[each] for each in "xwy")
        per, out_per = inputs // groups, outputs // groups
        for (place, offset, number), o in product(seen(made, sides), range(outputs)):
            first = o // out_per * per
            for c in range(per):
                if slot == "y":
                    y[(*place, o)] += w[(o, *offset, c)] * x[(*number, first + c)]
                elif slot == "x":
                    x[(*number, first + c)] += w[(o, *offset, c)] * y[(*place, o)]
                else:
                    w[(o, *offset, c)] += (y[(*place, o)] * x[(*number, first + c)]).sum()
        (found,) = run((step,), values, step.outputs, poisoned=True)
        np.testing.assert_allclose(found, given_values[slot], rtol=1e-12, atol=1e-13)


@given(windows(padding="less"))
def test_pools_and_their_adjoint(geometry):
    made, sides = geometry
    x, y = Tensor("x", (*sides, 2), True), Tensor("y", (*made.places(sides), 2), True)
    values = random_values([x, y])
    largest = np.full(values[y].shape, -np.inf)
    total, spread, where = (
        np.zeros(values[y].shape),
        np.zeros(values[x].shape),
        np.zeros(values[y].shape, int),
    )
    for place, _, number in seen(made, sides):
        total[place] += values[x][number]
        spread[number] += values[y][place]
        flat = int(np.ravel_multi_index(number, sides))
        where[place] = np.where(values[x][number] > largest[place], flat, where[place])
        largest[place] = np.maximum(largest[place], values[x][number])
    index = Tensor("i", y.shape, True, "index")
    expected = {
        Pool(inputs=(x,), outputs=(y,), kind="sum", window=made): total,
        Pool(inputs=(x,), outputs=(y,), kind="max", window=made): largest,
        Unpool(inputs=(y,), outputs=(x,), window=made): spread,
        ArgMax(inputs=(x,), outputs=(index,), window=made): where,
    }
    for step, result in expected.items():
        (found,) = run((step,), {t: values[t] for t in step.inputs}, step.outputs, poisoned=True)
        np.testing.assert_allclose(found, result, rtol=1e-12, atol=1e-13)


@given(st.integers(1, 6), st.integers(1, 6), st.floats(0, 1), st.integers(0, 5))
def test_the_three_slots_of_a_sparse_product(rows, columns, density, seed):
    entries = max(round(density * rows * columns), rows)
    for slot in "xwy":
        step = sparse_product(slot, rows, columns, entries, seed=seed)
        values = {t.name: v for t, v in random_values(step.inputs).items()}
        places, matrix = cells(step.pattern), np.zeros((rows, columns))
        matrix[places] = values.get("w", 0)
        expected = {
            "y": lambda matrix=matrix, values=values: matrix @ values["x"],
            "x": lambda matrix=matrix, values=values: matrix.T @ values["y"],
            "w": lambda values=values, places=places: (values["y"] @ values["x"].T)[places],
        }[slot]()
        (found,) = run((step,), {t: values[t.name] for t in step.inputs}, step.outputs, poisoned=True)
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)


def test_a_large_sparse_product_goes_in_pieces():
    step = sparse_product("y", 500, 400, 20_000)
    values = random_values(step.inputs, batch=64)
    matrix = np.zeros((500, 400))
    matrix[cells(step.pattern)] = values[step.inputs[1]]
    (found,) = run((step,), values, step.outputs, batch=64, poisoned=True)
    np.testing.assert_allclose(found, matrix @ values[step.inputs[0]], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("kernel", "stride", "sides", "places"), [((3,), 1, (5,), 3), ((2,), 2, (5,), 2)])
def test_a_window_stops_where_it_would_look_beyond(kernel, stride, sides, places):
    assert Window(kernel, (stride,), (1,), (0,), (0,)).places(sides) == (places,)
