"""Interval bounds of every tensor of a net, from those of its inputs.

A linear step takes the middle of its input through the map and half the width through its absolute values.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache

import numpy as np

from deltaplan.compiler.steps import Conv, Map, MatMul, Pool, Reduce, Sparse, Step, Tensor
from deltaplan.plugins.expressions import Expr
from deltaplan.plugins.expressions.analysis import lipschitz, slope_range, value_range
from deltaplan.runtime.backends.numpy.expressions import Array
from deltaplan.runtime.lipschitz.arithmetic import INF, Box, bounds, widened
from deltaplan.runtime.lipschitz.linear import applied, is_linear

Boxes = dict[Tensor, Box]
Constants = Mapping[Tensor, Array]


def everything(tensor: Tensor) -> Box:
    return np.full(tensor.shape, -INF), np.full(tensor.shape, INF)


def boxes(steps: Iterable[Step], constants: Constants, inputs: Boxes) -> Boxes:
    """Of every tensor that depends on the inputs, each [*shape] of a sample."""
    found = dict(inputs)
    with np.errstate(all="ignore"):
        for step in steps:
            if any(tensor in found for tensor in step.inputs):
                found[step.output] = box_of(step, found, constants)
    return found


def box_of(step: Step, found: Boxes, constants: Constants) -> Box:
    """Of what one step gives."""
    match step:
        case Map():
            return _mapped(step, found, constants)
        case MatMul() | Conv() | Sparse() if is_linear(step):
            return _weighed(step, found, constants)
        case Pool() | Reduce() if step.kind == "max" or is_linear(step):
            return _each_end(step, found, constants)
        case _ if is_linear(step):
            return _each_end(step, found, constants)
    return everything(step.output)


def _each_end(step: Step, found: Boxes, constants: Constants) -> Box:
    """Of a step that never falls in any of its numbers."""
    low, high = (
        applied(step, {t: found[t][end][..., None] if t in found else constants[t] for t in step.inputs}, 1)
        for end in (0, 1)
    )
    terms = max(1, sum(t.size for t in step.inputs) // max(1, step.output.size))
    box = _unbatched(step, low), _unbatched(step, high)
    return widened(box, 4 + 2 * terms) if isinstance(step, Pool | Reduce) and step.kind == "sum" else box


def _weighed(step: Step, found: Boxes, constants: Constants) -> Box:
    """W x for a constant W."""
    (x,) = (t for t in step.inputs if t.batched)
    weights = {t: constants[t] for t in step.inputs if t != x}
    low, high = found[x]
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        return everything(step.output)
    middle, half = low + (high - low) / 2, (high - low) / 2
    sizes = {t: np.abs(w) for t, w in weights.items()}
    centre = applied(step, {**weights, x: middle[..., None]}, 1)
    reach = applied(step, {**sizes, x: half[..., None]}, 1)
    most = applied(step, {**sizes, x: (np.abs(middle) + half)[..., None]}, 1)
    slack = most * (2 * x.size + 8) * 2.0**-53
    return _unbatched(step, centre - reach - slack), _unbatched(step, centre + reach + slack)


def _unbatched(step: Step, array: Array) -> Array:
    return np.asarray(array.reshape(step.output.shape), np.float64)


def _mapped(step: Map, found: Boxes, constants: Constants) -> Box:
    shape, expr = step.output.shape, step.expressions[0]
    arguments = {f"x{i}": argument_box(t, found, constants) for i, t in enumerate(step.inputs)}
    box = bounds(expr, arguments)
    if len(step.inputs) == 1 and step.inputs[0].batched:
        box = _closer(expr, arguments["x0"], box)
    low, high = (np.broadcast_to(end, shape).astype(np.float64) for end in box)
    return low, high


def argument_box(tensor: Tensor, found: Boxes, constants: Constants) -> Box:
    """Of an argument of a map: a constant is as wide as nothing."""
    return found[tensor] if tensor in found else (constants[tensor], constants[tensor])


def _closer(expr: Expr, u: Box, box: Box) -> Box:
    """The box of a function of one number, cut to the range of its values and to what its slope allows from
    the middle on."""
    (least, most), (falling, rising) = ranges(expr)
    low, high = np.maximum(box[0], least), np.minimum(box[1], most)
    if not (np.isfinite(falling) and np.isfinite(rising)):
        return low, high
    half = (u[1] - u[0]) / 2
    middle = u[0] + half
    at = bounds(expr, {"x0": (middle, middle)})
    steep = max(abs(falling), abs(rising))
    if falling >= 0:
        ends = bounds(expr, {"x0": (u[0], u[0])})[0], bounds(expr, {"x0": (u[1], u[1])})[1]
    else:
        ends = widened((at[0] - steep * half, at[1] + steep * half), 16)
    ends = np.where(np.isnan(ends[0]), -INF, ends[0]), np.where(np.isnan(ends[1]), INF, ends[1])
    return np.maximum(low, ends[0]), np.minimum(high, ends[1])


@lru_cache(maxsize=64)
def ranges(expr: Expr) -> tuple[tuple[float, float], tuple[float, float]]:
    """Of the values and of the slopes of a function of x0; a function that may jump has no slope."""
    slopes = slope_range(expr, "x0") if lipschitz(expr, "x0") < INF else (-INF, INF)
    return value_range(expr, "x0"), slopes
