"""Each primitive on arrays against numpy said plainly, and steps bound to memory."""

import numpy as np
import pytest
from programs import convolution, random_values, run, sparse_product, window

from deltaplan.compiler.buffers import ALIGNMENT
from deltaplan.compiler.steps import (
    PRIMITIVES,
    ArgMax,
    Map,
    MatMul,
    Pick,
    Place,
    Pool,
    Put,
    Random,
    Reduce,
    Slice,
    Tensor,
    Unpool,
    View,
)
from deltaplan.plugins.expressions import argument
from deltaplan.runtime.backends.numpy.kernels import KERNELS
from deltaplan.runtime.backends.numpy.program import Program, aligned
from deltaplan.runtime.patterns import cells

BATCH = 3
x0, x1 = argument("x0"), argument("x1")


def batched(name, *shape):
    return Tensor(name, shape, batched=True)


def plain(name, *shape):
    return Tensor(name, shape)


def index(name, *shape):
    return Tensor(name, shape, batched=True, kind="index")


def dense(w, _):
    """The entries of a 3 by 4 matrix with six of them as the matrix."""
    matrix = np.zeros((3, 4))
    matrix[cells(sparse_product("y", 3, 4, 6).pattern)] = w
    return matrix


CASES = {
    "matmul": (
        MatMul(inputs=(plain("w", 2, 4), batched("x", 4)), outputs=(batched("y", 2),)),
        lambda w, x: np.einsum("mk,kb->mb", w, x),
    ),
    "matmul, transposed": (
        MatMul(inputs=(plain("w", 4, 2), batched("x", 4)), outputs=(batched("y", 2),), transpose_a=True),
        lambda w, x: np.einsum("km,kb->mb", w, x),
    ),
    "matmul over samples": (
        MatMul(inputs=(batched("d", 2), batched("x", 4)), outputs=(plain("y", 2, 4),), transpose_b=True),
        lambda d, x: np.einsum("mb,kb->mk", d, x),
    ),
    "outer product": (
        MatMul(inputs=(plain("w", 4, 1), batched("x", 1)), outputs=(batched("y", 4),)),
        lambda w, x: w * x,
    ),
    "map": (
        Map(inputs=(batched("x", 2), plain("b", 2)), outputs=(batched("y", 2),), expressions=(x0 * x1,)),
        lambda x, b: x * b[:, None],
    ),
    "map, aligned at the end": (
        Map(
            inputs=(batched("x", 2, 4), batched("z", 4), plain("b", 2, 1)),
            outputs=(batched("y", 2, 4),),
            expressions=(x0 * x1 + argument("x2"),),
        ),
        lambda x, z, b: x * z + b[..., None],
    ),
    "sum": (
        Reduce(inputs=(batched("x", 2, 4),), outputs=(batched("y", 4),), kind="sum", axes=(0,)),
        lambda x: x.sum(0),
    ),
    "sum of all": (
        Reduce(inputs=(batched("x", 2, 4),), outputs=(plain("y"),), kind="sum", axes=(0, 1), batch=True),
        lambda x: x.sum(),
    ),
    "max": (
        Reduce(inputs=(batched("x", 4),), outputs=(batched("y"),), kind="max", axes=(0,)),
        lambda x: x.max(0),
    ),
    "slice": (
        Slice(inputs=(batched("x", 2, 4),), outputs=(batched("y", 2, 2),), axis=1, begin=1, end=3),
        lambda x: x[:, 1:3],
    ),
    "slice in reverse": (
        Slice(
            inputs=(batched("x", 2, 4),),
            outputs=(batched("y", 2, 2),),
            axis=1,
            begin=1,
            end=3,
            reverse=True,
        ),
        lambda x: x[:, 2:0:-1],
    ),
    "place": (
        Place(inputs=(batched("x", 2), batched("z", 1)), outputs=(batched("y", 5),), axis=0, begins=(0, 3)),
        lambda x, z: np.concatenate([x, 0 * z, z, 0 * z]),
    ),
    "pick": (
        Pick(inputs=(batched("x", 4), index("i")), outputs=(batched("y"),)),
        lambda x, i: np.array([x[i[b], b] for b in range(BATCH)]),
    ),
    "put": (
        Put(inputs=(batched("x"), index("i")), outputs=(batched("y", 4),)),
        lambda x, i: np.array([[x[b] if i[b] == k else 0 for b in range(BATCH)] for k in range(4)]),
    ),
    "pick of many": (
        Pick(inputs=(batched("x", 2, 3, 2), index("i", 4, 2)), outputs=(batched("y", 4, 2),), axes=2),
        lambda x, i: np.take_along_axis(x.reshape(6, 2, BATCH), i, 0),
    ),
    "put of many, some at one place": (
        Put(inputs=(batched("x", 5, 2), index("i", 5, 2)), outputs=(batched("y", 3, 2),)),
        lambda x, i: np.array([np.where(i == k, x, 0).sum(0) for k in range(3)]),
    ),
    "convolution": (
        convolution("y", (3, 3), (2, 2), (2, 4), window(2, 2)),
        lambda x, w: sum(
            np.einsum("oc,hwcb->hwob", w[:, i, j], x[i : i + 2, j : j + 2]) for i in (0, 1) for j in (0, 1)
        ),
    ),
    "transposed convolution": (
        convolution("x", (3,), (2,), (2, 4), window(2)),
        lambda w, y: np.array([w[:, 0].T @ y[0], w[:, 1].T @ y[0] + w[:, 0].T @ y[1], w[:, 1].T @ y[1]]),
    ),
    "kernel of a convolution": (
        convolution("w", (3,), (2,), (2, 4), window(2)),
        lambda x, y: np.stack([np.einsum("tob,tcb->oc", y, x[k : k + 2]) for k in (0, 1)], axis=1),
    ),
    "sparse": (sparse_product("y", 3, 4, 6), lambda x, w: dense(w, x) @ x),
    "sparse, transposed": (sparse_product("x", 3, 4, 6), lambda w, y: dense(w, y).T @ y),
    "sparse, entries": (
        sparse_product("w", 3, 4, 6),
        lambda x, y: (y @ x.T)[cells(sparse_product("y", 3, 4, 6).pattern)],
    ),
    "sum pool": (
        Pool(
            inputs=(batched("x", 4, 2),),
            outputs=(batched("y", 2, 2),),
            kind="sum",
            window=window(2, stride=2),
        ),
        lambda x: x[::2] + x[1::2],
    ),
    "max pool": (
        Pool(
            inputs=(batched("x", 3, 2),), outputs=(batched("y", 3, 2),), kind="max", window=window(2, after=1)
        ),
        lambda x: np.maximum(x, x[[1, 2, 2]]),
    ),
    "upsampling": (
        Unpool(
            inputs=(batched("x", 2, 2, 2),), outputs=(batched("y", 4, 4, 2),), window=window(2, 2, stride=2)
        ),
        lambda x: x.repeat(2, 0).repeat(2, 1),
    ),
    "argmax of windows": (
        ArgMax(inputs=(batched("x", 4, 2),), outputs=(index("y", 3, 2),), window=window(2)),
        lambda x: np.arange(3)[:, None, None] + (x[1:] > x[:-1]),
    ),
    "argmax": (ArgMax(inputs=(batched("x", 4),), outputs=(index("y"),)), lambda x: x.argmax(0)),
    "view": (
        View(inputs=(batched("x", 2, 4),), outputs=(batched("y", 8),)),
        lambda x: x.reshape(8, BATCH),
    ),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", CASES)
def test_each_kernel(name, dtype):
    step, expected = CASES[name]
    values = {
        t: v if t.kind == "index" else v.astype(dtype) for t, v in random_values(step.inputs, BATCH).items()
    }
    (found,) = run((step,), values, step.outputs, batch=BATCH, dtype=dtype, poisoned=True)
    assert found.dtype == (np.intp if step.output.kind == "index" else dtype)
    whole = expected(*values.values())
    floor = 10 * np.finfo(dtype).eps * np.abs(whole).max()  # of sums that nearly cancel
    np.testing.assert_allclose(found, whole, rtol=10 * np.finfo(dtype).eps, atol=floor)


def test_no_primitive_lacks_a_kernel():
    assert set(KERNELS) == set(PRIMITIVES)


@pytest.mark.parametrize("kind", ["sum", "max"])
def test_not_a_number_goes_through_reductions(kind):
    x, y = batched("x", 3), batched("y")
    step = Reduce(inputs=(x,), outputs=(y,), kind=kind, axes=(0,))
    values = [[1.0, np.nan], [np.nan, 2.0], [3.0, 4.0]]
    assert np.isnan(run((step,), {x: values}, [y], batch=2)[0]).all()


@pytest.mark.parametrize("kind", ["sum", "max"])
def test_not_a_number_goes_through_pools(kind):
    x, y = batched("x", 4, 1), batched("y", 2, 1)
    step = Pool(inputs=(x,), outputs=(y,), kind=kind, window=window(2, stride=2))
    values = np.array([1.0, np.nan, np.nan, 2.0]).reshape(4, 1, 1)
    assert np.isnan(run((step,), {x: values}, [y], batch=1)[0]).all()


def test_the_first_of_equal_numbers_is_the_largest_of_a_window():
    x, y = batched("x", 2, 3, 1), index("y", 1, 2, 1)
    step = ArgMax(inputs=(x,), outputs=(y,), window=window(2, 2))
    values = np.array([[0.0, 3.0, 3.0], [3.0, 1.0, 3.0]]).reshape(2, 3, 1, 1)
    assert run((step,), {x: values}, [y], batch=1)[0].ravel().tolist() == [1, 1]
    everywhere = np.full((2, 3, 1, 1), -np.inf)
    assert run((step,), {x: everywhere}, [y], batch=1)[0].ravel().tolist() == [0, 1]


def test_the_first_of_equal_numbers_is_the_largest():
    x, y = batched("x", 4), index("y")
    step = ArgMax(inputs=(x,), outputs=(y,))
    assert run((step,), {x: [[1, 3], [2, 3], [2, 3], [0, 3]]}, [y], batch=2)[0].tolist() == [1, 0]


def test_random_steps_ask_for_their_numbers_in_every_run():
    drawn, y = [], batched("y", 2)

    def draw(node, out):
        drawn.append((node, out.shape))
        out.fill(len(drawn))

    bound = Program((Random(inputs=(), outputs=(y,), node=4),), {}, [y], 5, np.dtype(float), draw)
    bound.run()
    bound.run()
    assert drawn == [(4, (2, 5))] * 2
    assert (bound[y] == 2).all()


def test_a_view_shows_the_same_memory():
    x, y = batched("x", 2, 3), batched("y", 6)
    values = np.zeros((2, 3, 4))
    bound = Program((View(inputs=(x,), outputs=(y,)),), {x: values}, [y], 4, np.dtype(float))
    values[1, 2, 3] = 7
    assert bound[y][5, 3] == 7


def test_memory_begins_at_a_multiple_of_the_alignment():
    for length in (1, 5, 1000):
        assert aligned(length, np.dtype(np.float32)).ctypes.data % ALIGNMENT == 0


@pytest.mark.parametrize("name", CASES)
def test_results_do_not_depend_on_other_samples(name):
    """What is computed for each sample is the same in a batch and alone."""
    step, _ = CASES[name]
    if not step.outputs[0].batched:
        return
    values = random_values(step.inputs, BATCH)
    (whole,) = run((step,), values, step.outputs, batch=BATCH)
    for sample in range(BATCH):
        alone = {t: v[..., sample : sample + 1] if t.batched else v for t, v in values.items()}
        (one,) = run((step,), alone, step.outputs, batch=1)
        np.testing.assert_allclose(one[..., 0], whole[..., sample], rtol=1e-14, atol=1e-15)
