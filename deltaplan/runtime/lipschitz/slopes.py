"""How much longer a step can make a difference of its inputs: a factor on the norm of each."""

from collections.abc import Mapping, Sequence
from math import inf, prod, sqrt
from typing import Literal

import numpy as np

from deltaplan.compiler.steps import (
    Conv,
    Map,
    MatMul,
    Pick,
    Place,
    Pool,
    Reduce,
    Slice,
    Sparse,
    Step,
    Tensor,
    Unpool,
    View,
)
from deltaplan.plugins.expressions import Expr, Op, arguments, derivative, replace, walk
from deltaplan.plugins.expressions.analysis import lipschitz
from deltaplan.records import dataclass
from deltaplan.runtime.backends.numpy.expressions import Array
from deltaplan.runtime.lipschitz.arithmetic import Box, bounds
from deltaplan.runtime.lipschitz.boxes import Boxes, Constants, argument_box, everything
from deltaplan.runtime.lipschitz.linear import (
    ENTRIES,
    coefficients,
    identity,
    is_linear,
    pool_norm,
    repeats,
    through,
    windows_over,
)
from deltaplan.runtime.lipschitz.norms import SIDE, Norm, conv_bound, matrix_norm


@dataclass(frozen=True, slots=True)
class Stretch:
    """A bound of what a step makes of differences: |Δy| ≤ Σ factors·|Δx|, or √Σ(factors·|Δx|)² where the
    inputs stand side by side. `everywhere`: for all x, else for x in the data's box."""

    factors: Mapping[Tensor, float]
    combine: Literal["sum", "root"] = "sum"
    exact: bool = True
    everywhere: bool = True

    def of(self, lengths: Mapping[Tensor, Array]) -> Array:
        """The bound for inputs that are so long, each by the inputs of the model."""
        parts = [_scaled(factor, lengths[t]) for t, factor in self.factors.items()]
        if self.combine == "root":
            return np.asarray(np.sqrt(np.sum(np.square(parts), axis=0)))
        return np.asarray(np.sum(parts, axis=0))


def _scaled(factor: float, lengths: Array) -> Array:
    return np.where(lengths == 0, 0.0, factor * lengths)  # what nothing reaches is not stretched


def stretch(step: Step, found: Boxes, constants: Constants) -> Stretch:
    """Of one step, the bounds of whose inputs are in `found`."""
    batched = tuple(dict.fromkeys(t for t in step.inputs if t.batched))
    match step:
        case Map():
            return _of_map(step, batched, found, constants)
        case MatMul() | Sparse() | Conv() if is_linear(step):
            norm = _weight_norm(step, batched[0], constants)
            return Stretch({batched[0]: norm.value}, exact=norm.exact)
        case Pool(kind="max"):
            return Stretch({batched[0]: sqrt(windows_over(step))})
        case Pool() | Unpool():
            norm = pool_norm(step)
            return Stretch({batched[0]: norm.value}, exact=norm.exact)
        case Reduce(kind="sum", batch=False):
            return Stretch({batched[0]: sqrt(prod(step.inputs[0].shape[axis] for axis in step.axes))})
        case Reduce(batch=False) | View() | Slice():
            return Stretch({batched[0]: 1.0})
        case Place():
            return Stretch({t: sqrt(step.inputs.count(t)) for t in batched}, "root")
        case Pick() if not step.inputs[1].batched:
            return Stretch({batched[0]: 1.0})
    return Stretch(dict.fromkeys(batched, inf), exact=False)


def _weight_norm(step: Step, x: Tensor, constants: Constants) -> Norm:
    """Of the matrix that a step with weights is; where that is too large, a bound by the weights."""
    if isinstance(step, MatMul):
        (w,) = (t for t in step.inputs if not t.batched)
        return matrix_norm(constants[w].reshape(w.shape[0], -1))
    if min(x.size, step.output.size) <= SIDE and x.size * step.output.size <= ENTRIES:
        matrix = through(step, x, identity(x), constants)
        if matrix is not None:
            return matrix.norm()
    (w,) = (t for t in step.inputs if not t.batched)
    if isinstance(step, Conv) and step.slot == "y":
        return conv_bound(step, constants[w])
    return Norm(float(np.linalg.norm(constants[w])), False) if isinstance(step, Sparse) else Norm(inf, False)


def _of_map(step: Map, batched: tuple[Tensor, ...], found: Boxes, constants: Constants) -> Stretch:
    factors, exact, everywhere = dict[Tensor, float](), True, True
    for tensor in batched:
        factor, sure, always = _slope(step, tensor, found, constants)
        factors[tensor] = factor * repeats(tensor, step.output)
        exact, everywhere = exact and sure, everywhere and always
    return Stretch(factors, exact=exact and len(batched) == 1, everywhere=everywhere)


def _slope(step: Map, tensor: Tensor, found: Boxes, constants: Constants) -> tuple[float, bool, bool]:
    """A bound of |∂y/∂x| over all numbers, whether it is reached, and whether it holds for all x."""
    factors = coefficients(step, tensor, constants)
    if factors is not None:
        return float(np.abs(factors).max(initial=0.0)), True, True
    expr = step.expressions[0]
    if len(step.inputs) == 1:
        return lipschitz(expr, "x0"), True, True
    places = [i for i, t in enumerate(step.inputs) if t == tensor]
    varying = {f"x{i}" for i, t in enumerate(step.inputs) if t.batched}
    if not continuous(expr, varying, step, constants):
        return inf, False, True
    slopes = [derivative(expr, f"x{i}") for i in places]
    steepest = _steepest(slopes, step, _unbounded(found), constants)
    if steepest < inf:
        return steepest, False, True
    return _steepest(slopes, step, found, constants), False, False


def _steepest(slopes: Sequence[Expr], step: Map, found: Boxes, constants: Constants) -> float:
    arguments = {f"x{i}": argument_box(t, found, constants) for i, t in enumerate(step.inputs)}
    return sum(_largest(bounds(slope, arguments)) for slope in slopes)


def _unbounded(found: Boxes) -> Boxes:
    return {t: (np.full_like(low, -inf), np.full_like(high, inf)) for t, (low, high) in found.items()}


def _largest(box: Box) -> float:
    return float(max(np.abs(box[0]).max(initial=0.0), np.abs(box[1]).max(initial=0.0)))


def continuous(expr: Expr, varying: set[str], step: Map, constants: Constants) -> bool:
    """Whether every switch on a varying argument has the same value on both sides: where(x > 0, x, αx)."""
    for e in walk(expr):
        names = set(arguments(e)) & varying
        if not names or e.op not in (Op.WHERE, Op.SIGN):
            continue
        if e.op is Op.SIGN or not _meets(e, varying, step, constants):
            return False
    return True


def _meets(switch: Expr, varying: set[str], step: Map, constants: Constants) -> bool:
    condition, a, b = switch.args
    if not set(arguments(condition)) & varying:
        return True
    if condition.op not in (Op.GT, Op.GE):
        return False
    for x, level in (condition.args, condition.args[::-1]):
        if x.op is Op.ARG and not set(arguments(level)) & varying:
            gap = replace(a - b, {x: level})
            free = {t: everything(t) for t in step.inputs if t.batched}
            boxes = {f"x{i}": argument_box(t, free, constants) for i, t in enumerate(step.inputs)}
            return _largest(bounds(gap, boxes)) <= 1e-12
    return False
