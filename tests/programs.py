"""Lists of steps run on given numbers, random ones among them, and specs in short."""

from itertools import combinations

import numpy as np
from hypothesis import strategies as st

import deltaplan
from deltaplan.compiler.steps import (
    SLOTS,
    Conv,
    Map,
    MatMul,
    Pattern,
    Pick,
    Place,
    Pool,
    Put,
    Reduce,
    Slice,
    Sparse,
    Tensor,
    View,
)
from deltaplan.compiler.windows import Window
from deltaplan.plugins.expressions import argument, const, cos, maximum, sigmoid, sin, tanh, where
from deltaplan.runtime.backends.numpy.program import Program

SPEC = """
model net {{
    {model}
}}

data {{
    csv "samples.csv"
    inputs {inputs}
    targets {targets}
}}

train {{
    minimize {minimize}
    optimizer {optimizer}
    {length}
    {more}
    batch {batch}
    seed {seed}
    precision {precision}
}}
"""


def spec(*model, inputs=1, targets=1, minimize="mean(squared_error)", optimizer="sgd(lr=0.1)", **options):
    """The text of a spec with these lines in its model; inputs and targets are columns or their number."""
    values = {"length": "steps 10", "batch": "full", "seed": 7, "precision": "float64", "more": ""} | options
    values |= {"inputs": columns("i", inputs), "targets": columns("t", targets)}
    lines = "\n    ".join(model)
    return SPEC.format(model=lines, minimize=minimize, optimizer=optimizer, **values)


def columns(letter, given):
    return given if isinstance(given, str) else ", ".join(f"{letter}{i}" for i in range(given))


def experiment(*model, **options):
    return deltaplan.loads(spec(*model, **options))


def program(steps, values, kept=(), batch=3, dtype=np.float64, reuse=True, poisoned=False):
    """The steps bound to `values`, copies of which lie outside the arena.

    Poisoned memory shows what is read before it is written: it is full of NaN.
    """
    outside = {t: np.array(v, np.intp if t.kind == "index" else dtype) for t, v in values.items()}
    bound = Program(steps, outside, kept, batch, np.dtype(dtype), reuse=reuse)
    if poisoned:
        bound.memory.fill(0xFF)
    return bound


def run(steps, values, wanted, **options):
    """The values of the wanted tensors."""
    bound = program(steps, values, wanted, **options)
    with np.errstate(all="ignore"):
        bound.run()
    return [bound[tensor].copy() for tensor in wanted]


def random_values(tensors, batch=3, seed=0, spread=1.0):
    """Normal numbers for each tensor, [*shape, batch] where batched; 0, 1, 2 for an index."""
    random = np.random.default_rng(seed)
    shapes = {t: (*t.shape, batch) if t.batched else t.shape for t in tensors}
    return {
        t: random.integers(0, 3, shape) if t.kind == "index" else random.normal(size=shape) * spread
        for t, shape in shapes.items()
    }


def window(*kernel, stride=1, dilation=1, before=0, after=0, width=None):
    """The same on each axis; `width` are the pads of the second one, where it has others."""
    pads = [(each,) * len(kernel) if width is None else (each, width) for each in (before, after)]
    return Window(kernel, (stride,) * len(kernel), (dilation,) * len(kernel), *pads)


@st.composite
def windows(draw, padding="any"):
    """The sides of a sample and a window that fits them."""
    axes = draw(st.integers(1, 2))

    def each(low, high):
        return tuple(draw(st.integers(low, high)) for _ in range(axes))

    kernel, dilation = each(1, 3), each(1, 2)
    most = min(kernel) - 1 if padding == "less" else 3  # a pool must see a number of the sample everywhere
    made = Window(
        kernel, each(1, 3), dilation if padding == "any" else (1,) * axes, each(0, most), each(0, most)
    )
    parts = zip(made.reach, made.before, made.after, strict=True)
    sides = tuple(draw(st.integers(max(1, r - b - a), 5)) for r, b, a in parts)
    return made, sides


def convolution(slot, sides, places, channels, window, groups=1, batched=True):
    """A convolution of a sample [*sides, channels[0]] to [*places, channels[1]]."""
    tensors = {
        "x": Tensor("x", (*sides, channels[0]), batched),
        "w": Tensor("w", (channels[1], *window.kernel, channels[0] // groups)),
        "y": Tensor("y", (*places, channels[1]), batched),
    }
    inputs = tuple(tensors[each] for each in SLOTS if each != slot)
    return Conv(inputs=inputs, outputs=(tensors[slot],), slot=slot, window=window, groups=groups)


def sparse_product(slot, rows, columns, entries, batched=True, seed=1):
    """A product with a sparse matrix [rows, columns]."""
    tensors = {
        "x": Tensor("x", (columns,), batched),
        "w": Tensor("w", (entries,)),
        "y": Tensor("y", (rows,), batched),
    }
    inputs = tuple(tensors[each] for each in SLOTS if each != slot)
    pattern = Pattern(rows, columns, entries, seed, 0)
    return Sparse(inputs=inputs, outputs=(tensors[slot],), slot=slot, pattern=pattern)


x0, x1 = argument("x0"), argument("x1")
ONE = (sin(x0), tanh(x0), 0.5 * x0 * x0, sigmoid(x0), -x0, x0, cos(x0) + 1, const(2.0) * x0)
TWO = (x0 + x1, x0 * x1, x0 - x1, sin(x0) * x1, x0 / (2 + cos(x1)), x1)
KINKED = (maximum(x0, x1), where(x0 > x1, x0, 0.1 * x1))
LEAVES = (
    Tensor("W", (3, 3)),
    Tensor("z", (3,), batched=True),
    Tensor("b", (3,)),
    Tensor("s", ()),
    Tensor("t", (), batched=True),
    Tensor("M", (2, 3), batched=True),
    Tensor("K", (2, 2, 3)),
    Tensor("i", (), batched=True, kind="index"),
)


@st.composite
def step_lists(draw, smooth=True, longest=9):
    """A random list of steps over LEAVES; its last output is a scalar that all that is not used goes into."""
    steps, pool = [], [t for t in LEAVES if t.kind == "real"]
    kinds = [*MAKERS] if smooth else [*MAKERS, _largest]
    for number in range(draw(st.integers(1, longest))):
        made = draw(st.sampled_from(kinds))(draw, pool, f"r{number}", smooth)
        if made is not None:
            steps.append(made)
            pool.extend(made.outputs)
    used = {t for step in steps for t in step.inputs}
    totals = []
    for tensor in pool:
        if tensor not in used:
            totals.append(Tensor(f"total {tensor.name}", ()))
            axes = tuple(range(len(tensor.shape)))
            steps.append(
                Reduce(inputs=(tensor,), outputs=(totals[-1],), kind="sum", axes=axes, batch=tensor.batched)
            )
    goal = Tensor("goal", ())
    terms = [sin(argument(f"x{i}")) for i in range(len(totals))]
    steps.append(Map(inputs=tuple(totals), outputs=(goal,), expressions=(sum(terms[1:], terms[0]),)))
    return tuple(steps)


def _map(draw, pool, name, smooth):
    return _mapped(draw, pool, (name,), smooth)


def _map_of_two_outputs(draw, pool, name, smooth):
    return _mapped(draw, pool, (name, f"{name}b"), smooth)


def _mapped(draw, pool, names, smooth):
    inputs = draw(st.lists(st.sampled_from(pool), min_size=1, max_size=2))
    try:
        shape = np.broadcast_shapes(*(t.shape for t in inputs))
    except ValueError:
        return None
    if np.prod(shape) > 30:
        return None
    table = ONE if len(inputs) == 1 else TWO if smooth else TWO + KINKED
    batched = any(t.batched for t in inputs)
    outputs = tuple(Tensor(name, shape, batched) for name in names)
    expressions = tuple(draw(st.sampled_from(table)) for _ in names)
    return Map(inputs=tuple(inputs), outputs=outputs, expressions=expressions)


def _product(draw, pool, name, smooth):
    matrices = [t for t in pool if len(t.shape) == 2 and not t.batched]
    a, transposed = draw(st.sampled_from(matrices)), draw(st.booleans())
    rows, inner = reversed(a.shape) if transposed else a.shape
    vectors = [t for t in pool if t.shape == (inner,)]
    if not vectors:
        return None
    b = draw(st.sampled_from(vectors))
    out = Tensor(name, (rows,), b.batched)
    return MatMul(inputs=(a, b), outputs=(out,), transpose_a=transposed)


def _outer(draw, pool, name, smooth):
    vectors = [t for t in pool if len(t.shape) == 1 and t.batched]
    a, b = draw(st.sampled_from(vectors)), draw(st.sampled_from(vectors))
    return MatMul(inputs=(a, b), outputs=(Tensor(name, a.shape + b.shape),), transpose_b=True)


def _sum(draw, pool, name, smooth):
    x = draw(st.sampled_from(pool))
    subsets = [c for n in range(len(x.shape) + 1) for c in combinations(range(len(x.shape)), n)]
    axes, batch = draw(st.sampled_from(subsets)), x.batched and draw(st.booleans())
    shape = tuple(n for axis, n in enumerate(x.shape) if axis not in axes)
    out = Tensor(name, shape, x.batched and not batch)
    return Reduce(inputs=(x,), outputs=(out,), kind="sum", axes=axes, batch=batch)


def _largest(draw, pool, name, smooth):
    x = draw(st.sampled_from([t for t in pool if len(t.shape) == 1]))
    return Reduce(inputs=(x,), outputs=(Tensor(name, (), x.batched),), kind="max", axes=(0,))


def _slice(draw, pool, name, smooth):
    x = draw(st.sampled_from([t for t in pool if t.shape]))
    axis = draw(st.integers(0, len(x.shape) - 1))
    begin = draw(st.integers(0, x.shape[axis] - 1))
    end = draw(st.integers(begin + 1, x.shape[axis]))
    shape = (*x.shape[:axis], end - begin, *x.shape[axis + 1 :])
    return Slice(inputs=(x,), outputs=(Tensor(name, shape, x.batched),), axis=axis, begin=begin, end=end)


def _place(draw, pool, name, smooth):
    parts = [draw(st.sampled_from([t for t in pool if len(t.shape) == 1 and t.batched])) for _ in range(2)]
    gaps = [draw(st.integers(0, 1)) for _ in range(3)]
    begins = (gaps[0], gaps[0] + parts[0].shape[0] + gaps[1])
    out = Tensor(name, (begins[1] + parts[1].shape[0] + gaps[2],), batched=True)
    return Place(inputs=tuple(parts), outputs=(out,), axis=0, begins=begins)


def _view(draw, pool, name, smooth):
    x = draw(st.sampled_from(pool))
    shapes = {(x.size,), (1, *x.shape), (*x.shape, 1), tuple(reversed(x.shape))}
    out = Tensor(name, draw(st.sampled_from(sorted(shapes))), x.batched)
    return View(inputs=(x,), outputs=(out,))


def _pick(draw, pool, name, smooth):
    x = draw(
        st.sampled_from([t for t in pool if len(t.shape) == 1 and t.batched and t.shape[0] > 2] or [None])
    )
    return x and Pick(inputs=(x, LEAVES[-1]), outputs=(Tensor(name, (), batched=True),))


def _convolution(draw, pool, name, smooth):
    """Of a sequence of places with three channels, by K, whose kernel has two."""
    x = draw(st.sampled_from([t for t in pool if t.shape[1:] == (3,) and t.batched]))
    made = window(2, before=draw(st.integers(0, 1)), after=1)
    out = Tensor(name, (*made.places(x.shape[:1]), 2), batched=True)
    kernel = next(t for t in pool if t.name == "K")
    return Conv(inputs=(x, kernel), outputs=(out,), slot="y", window=made)


def _sparse(draw, pool, name, smooth):
    x, w = (
        draw(st.sampled_from([t for t in pool if t.shape == (3,) and t.batched is b])) for b in (True, False)
    )
    pattern = Pattern(2, 3, 3, draw(st.integers(0, 2)), 0)
    return Sparse(inputs=(x, w), outputs=(Tensor(name, (2,), batched=True),), slot="y", pattern=pattern)


def _pool(draw, pool, name, smooth):
    x = draw(st.sampled_from([t for t in pool if len(t.shape) == 2 and t.shape[0] > 1]))
    made = window(2, stride=draw(st.integers(1, 2)))
    out = Tensor(name, (*made.places(x.shape[:1]), x.shape[1]), x.batched)
    return Pool(
        inputs=(x,),
        outputs=(out,),
        kind="sum" if smooth else draw(st.sampled_from(["sum", "max"])),
        window=made,
    )


def _put(draw, pool, name, smooth):
    value = draw(st.sampled_from([t for t in pool if t.shape == () and t.batched]))
    return Put(inputs=(value, LEAVES[-1]), outputs=(Tensor(name, (3,), batched=True),))


MAKERS = (
    *(_map, _map, _map, _map_of_two_outputs, _product, _outer, _convolution, _sparse, _pool),
    *(_sum, _slice, _place, _view, _pick, _put),
)
