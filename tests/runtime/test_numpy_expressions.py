"""Every operation on arrays against its definition on plain floats, and maps that write over their inputs."""

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deltaplan.plugins.expressions import (
    LEAVES,
    OPAQUE,
    REDUCTIONS,
    Expr,
    Op,
    argument,
    arity,
    const,
    erf,
    evaluate,
    maximum,
    minimum,
    sigmoid,
    sign,
    tanh,
    where,
)
from deltaplan.runtime.backends.numpy.expressions import KERNELS, Scratch, calls, shorter

x0, x1, x2 = (argument(f"x{i}") for i in range(3))
GRID = [
    *(0.0, -0.0, math.inf, -math.inf, math.nan, 1e3, -1e3, 5e-324, -5e-324, 1e-310, 1e-40, -1e-40),
    *(0.5, -0.5, 1.0, -1.0, 2.0, -2.0, 3.0, 36.5, -36.5, 88.0, -104.0, 700.0, 1e-8, -1e-8, 1e30),
]
TOLERANCE = {"float64": 1e-14, "float32": 1e-6}
FEW_NUMBERS = {Op.SIN: 1e5, Op.COS: 1e5}  # up to where float32 tells a sine from noise


def compute(expressions, arguments, outs):
    dtype = next(iter(outs)).dtype
    with np.errstate(all="ignore"):
        for call in calls(expressions, arguments, outs, Scratch(dtype)):
            call()
    return outs


def of_arrays(expression, *arrays):
    """The expression of x0, x1, … in arrays of its own."""
    arguments = {f"x{i}": np.array(a) for i, a in enumerate(arrays)}
    shape = np.broadcast_shapes(*(a.shape for a in arrays))
    (out,) = compute([expression], arguments, [np.full(shape, 123, arrays[0].dtype)])
    return out


def points(op, dtype):
    """All tuples of the grid as they are in this precision."""
    limit = FEW_NUMBERS.get(op, math.inf)
    with np.errstate(all="ignore"):
        grid = [float(np.dtype(dtype).type(x)) for x in GRID]
    grid = [x for x in grid if not math.isfinite(x) or abs(x) < limit]
    rows = list(product(grid, repeat=arity(op)))
    return rows[:: max(1, len(rows) // 1500)]


def applied(op):
    """The operation on x0, x1, …; conditions where it takes them."""
    operands = [argument(f"x{i}") for i in range(arity(op))]
    if op in (Op.NOT, Op.AND, Op.OR):
        operands = [Expr(Op.GT, (o, const(0.5))) for o in operands]
    if op is Op.WHERE:
        operands[0] = Expr(Op.GT, (operands[0], const(0.5)))
    return Expr(op, tuple(operands))


def test_the_table_has_every_operation_that_stands_in_a_map():
    assert set(KERNELS) == set(Op) - LEAVES - REDUCTIONS - OPAQUE


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("op", KERNELS)
def test_each_operation_against_plain_floats(op, dtype):
    rows, expression = points(op, dtype), applied(op)
    found = of_arrays(expression, *np.array(rows, dtype).T.copy())
    exact = [evaluate(expression, {f"x{i}": x for i, x in enumerate(row)}) for row in rows]
    with np.errstate(all="ignore"):
        expected = np.array(exact, dtype)
    smallest = np.finfo(dtype).smallest_normal  # below it, digits are few
    np.testing.assert_allclose(found, expected, rtol=TOLERANCE[dtype], atol=smallest)


@pytest.mark.parametrize("op", KERNELS)
def test_each_operation_on_single_numbers(op):
    """Scalars have no axis at all."""
    row = (0.75, 0.25, 0.5)[: arity(op)]
    found = of_arrays(applied(op), *(np.array(x) for x in row))
    assert found.shape == ()
    assert found == pytest.approx(evaluate(applied(op), {f"x{i}": x for i, x in enumerate(row)}))


@pytest.mark.parametrize("exponent", [-2.0, -1.0, 0.5, 2.0, 3.0])
def test_powers_of_constant_exponents(exponent):
    grid = [x for x in GRID if exponent != 0.5 or x != -math.inf]  # numpy takes a root: NaN, and pow gives ∞
    expected = [evaluate(x0**exponent, {"x0": x}) for x in grid]
    np.testing.assert_allclose(of_arrays(x0**exponent, np.array(grid)), expected, rtol=1e-14)


def test_signed_zeros_of_sums_and_products():
    zeros = np.array([0.0, -0.0, 0.0, -0.0]), np.array([0.0, 0.0, -0.0, -0.0])
    for expression in (x0 + x1, x0 - x1, x0 * x1, -x0):
        expected = [
            evaluate(expression, {"x0": float(a), "x1": float(b)}) for a, b in zip(*zeros, strict=True)
        ]
        assert np.signbit(of_arrays(expression, *zeros)).tolist() == [
            math.copysign(1, e) < 0 for e in expected
        ]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("factor", [0.01, 0.2, 0.999999999999, 1.0, 1.5, -0.5, -2.0, math.inf, -math.inf])
def test_a_shorter_leaky_relu_keeps_every_value(factor, dtype):
    """Zeros keep their signs too."""
    product = Expr(Op.MUL, (const(factor), x0))
    expression = Expr(Op.WHERE, (Expr(Op.GT, (x0, const(0))), x0, product))
    with np.errstate(all="ignore"):
        u = np.array(GRID, dtype)
        expected = np.where(u > 0, u, np.dtype(dtype).type(factor) * u)
    found = of_arrays(expression, u)
    np.testing.assert_array_equal(found, expected)
    known = ~np.isnan(found)
    np.testing.assert_array_equal(np.signbit(found)[known], np.signbit(expected)[known])


def test_leaky_relu_is_one_maximum():
    leaky = where(x0 > 0, x0, 0.01 * x0)
    assert shorter(leaky) is maximum(x0, 0.01 * x0)
    assert shorter(sigmoid(leaky)) is sigmoid(maximum(x0, 0.01 * x0))


@pytest.mark.parametrize(
    "expression",
    [
        where(x0 > 0, x0, x0 * x0),
        where(x0 > 0, x0, x1 * x0),
        where(x0 > 1, x0, 0.1 * x0),
        where(x1 > 0, x0, 0.1 * x0),
        where(x0 > 0, x0, 0.1 * x1),
        where(x0 >= 0, x0, 0.1 * x0),
        where(x0 > 0, x0, tanh(x0)),
    ],
)
def test_other_choices_stay(expression):
    assert shorter(expression) is expression
    a, b = np.array([-2.0, 0.5, 3.0]), np.array([0.3, -0.7, 0.9])
    expected = evaluate(expression, {"x0": a.tolist(), "x1": b.tolist()})
    np.testing.assert_allclose(of_arrays(expression, a, b), expected, rtol=1e-15)


UNARY = (lambda u: -u, tanh, sigmoid, abs, sign, lambda u: u * u, lambda u: 0.5 * u, erf)
BINARY = (
    lambda a, b: a + b,
    lambda a, b: a * b,
    lambda a, b: a - b,
    maximum,
    minimum,
    lambda a, b: where(a > b, a, b * 0.5),
    lambda a, b: where((a > 0) & ~(b > 0.1), b, a),
    lambda a, b: a > b,
)


def expressions(depth=4):
    leaves = st.sampled_from([x0, x1, x2, const(0.75)])
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.builds(lambda f, u: f(u), st.sampled_from(UNARY), inner),
            st.builds(lambda f, a, b: f(a, b), st.sampled_from(BINARY), inner, inner),
        ),
        max_leaves=depth,
    )


SHAPES = [((2, 3), (2, 3), (2, 3)), ((2, 3), (3,), ()), ((2, 1), (2, 3), (1, 3)), ((), (2, 3), (2, 3))]


@st.composite
def aliased_maps(draw):
    """Expressions, their arguments, and for each output the argument in whose memory it lies, or None."""
    outputs = draw(st.lists(expressions(), min_size=1, max_size=4))
    if draw(st.booleans()):
        outputs.append(draw(st.sampled_from([*outputs, x0, x1, x2])))
    shapes = draw(st.sampled_from(SHAPES))
    homes = [name for name, shape in zip(("x0", "x1", "x2"), shapes, strict=True) if shape == (2, 3)]
    order = draw(st.permutations(homes))
    places = [order[i] if i < len(order) and draw(st.booleans()) else None for i in range(len(outputs))]
    return outputs, shapes, places


@given(aliased_maps())
def test_outputs_may_lie_in_the_memory_of_any_argument(given_map):
    outputs, shapes, places = given_map
    random = np.random.default_rng(0)
    originals = {f"x{i}": random.normal(size=shape) for i, shape in enumerate(shapes)}
    apart = [
        compute([e], {n: a.copy() for n, a in originals.items()}, [np.full((2, 3), np.nan)])[0]
        for e in outputs
    ]
    arguments = {name: a.copy() for name, a in originals.items()}
    outs = [np.full((2, 3), np.nan) if p is None else arguments[p] for p in places]
    for out, expected in zip(compute(outputs, arguments, outs), apart, strict=True):
        np.testing.assert_allclose(out, expected, rtol=1e-13, atol=1e-13)


@given(aliased_maps())
def test_arguments_of_which_no_output_has_the_memory_stay(given_map):
    outputs, shapes, places = given_map
    random = np.random.default_rng(0)
    arguments = {f"x{i}": random.normal(size=shape) for i, shape in enumerate(shapes)}
    before = {name: a.copy() for name, a in arguments.items()}
    compute(outputs, arguments, [np.empty((2, 3)) if p is None else arguments[p] for p in places])
    for name in set(arguments) - set(places):
        np.testing.assert_array_equal(arguments[name], before[name])


def test_arguments_change_places():
    a, b = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    compute([x0, x1], {"x0": a, "x1": b}, [b, a])
    assert (a.tolist(), b.tolist()) == ([3, 4], [1, 2])


def test_an_argument_is_kept_for_the_output_that_it_is():
    a, b, out = np.array([1.0, 2.0]), np.array([3.0, 4.0]), np.zeros(2)
    compute([x0 + x1, x0], {"x0": a, "x1": b}, [a, out])
    assert (a.tolist(), out.tolist()) == ([4, 6], [1, 2])


def test_a_condition_may_be_an_output_and_choose():
    a, out, chosen = np.array([-1.0, 2.0]), np.zeros(2), np.zeros(2)
    compute([x0 > 0, where(x0 > 0, x0, 7)], {"x0": a}, [out, chosen])
    assert (out.tolist(), chosen.tolist()) == ([0, 1], [7, 2])


def test_calls_allocate_nothing_of_the_size_of_the_arrays():
    import tracemalloc

    a, out = np.ones(100_000), np.zeros(100_000)
    made = calls([where(x0 > 0, tanh(x0) * 2, x0 * sigmoid(x0))], {"x0": a}, [out], Scratch(a.dtype))
    tracemalloc.start()
    for call in made:
        call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100_000
