"""One step on arrays of its own, and linear maps as the matrices that they are."""

from collections.abc import Mapping
from dataclasses import replace
from math import sqrt

import numpy as np

from deltaplan.compiler.steps import (
    Conv,
    Map,
    MatMul,
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
from deltaplan.plugins.expressions import Expr, arguments, derivative
from deltaplan.records import dataclass
from deltaplan.runtime.backends.numpy.expressions import Array
from deltaplan.runtime.backends.numpy.program import Program
from deltaplan.runtime.lipschitz.norms import Norm, matrix_norm

ENTRIES = 4_000_000  # of the largest matrix that is written out

FLOAT64 = np.dtype(np.float64)


def applied(step: Step, arrays: Mapping[Tensor, Array], batch: int) -> Array:
    """What the step gives for its inputs, [*shape, batch] where batched."""
    given = {tensor: np.ascontiguousarray(arrays[tensor], FLOAT64) for tensor in step.inputs}
    program = Program([step], given, [step.output], batch, FLOAT64)
    program.run()
    return program[step.output]


@dataclass(frozen=True, slots=True)
class Linear:
    """A linear map from the numbers of one tensor to those of another: a factor for each number, [n], or a
    matrix [m, n]."""

    values: Array

    @property
    def is_diagonal(self) -> bool:
        return self.values.ndim == 1

    @property
    def inputs(self) -> int:
        return int(self.values.shape[-1])

    def norm(self) -> Norm:
        if self.is_diagonal:
            return Norm(float(np.abs(self.values).max(initial=0.0)), True)
        return matrix_norm(self.values)

    def matrix(self) -> Array | None:
        """[m, n]; None where that is too large."""
        if not self.is_diagonal:
            return self.values
        return np.diag(self.values) if self.inputs**2 <= ENTRIES else None


def identity(tensor: Tensor) -> Linear:
    return Linear(np.ones(tensor.size))


def added(a: Linear | None, b: Linear | None) -> Linear | None:
    """a + b"""
    if a is None or b is None:
        return None
    if a.is_diagonal == b.is_diagonal:
        return Linear(a.values + b.values)
    one, other = a.matrix(), b.matrix()
    return None if one is None or other is None else Linear(one + other)


def composed(outer: Linear, inner: Linear) -> Linear | None:
    """outer ∘ inner"""
    if inner.is_diagonal:
        return Linear(outer.values * inner.values)
    if outer.is_diagonal:
        return Linear(outer.values[:, None] * inner.values)
    if outer.values.shape[0] * inner.inputs > ENTRIES:
        return None
    return Linear(outer.values @ inner.values)


def through(step: Step, source: Tensor, inner: Linear, constants: Mapping[Tensor, Array]) -> Linear | None:
    """The linear part of what a step makes of one of its inputs, after `inner`; None where it is not linear,
    or too large."""
    if isinstance(step, Map):
        return _through_map(step, source, inner, constants)
    if not is_linear(step):
        return None
    if isinstance(step, View):
        return inner
    matrix = inner.matrix() if step.output.size * inner.inputs <= ENTRIES else None
    if matrix is None:
        return None
    arrays = {t: constants[t] for t in step.inputs if not t.batched}
    others = {t: np.zeros((*t.shape, inner.inputs)) for t in step.inputs if t.batched and t != source}
    column = {source: matrix.reshape(*source.shape, inner.inputs)}
    return Linear(applied(step, {**arrays, **others, **column}, inner.inputs).reshape(-1, inner.inputs))


def is_linear(step: Step) -> bool:
    """Whether what is batched goes through linearly, the rest being constants."""
    batched = sum(tensor.batched for tensor in step.inputs)
    match step:
        case MatMul() | Sparse():
            return batched == 1
        case Conv():
            return batched == 1 and step.slot != "w"
        case Pool() | Reduce():
            return step.kind == "sum" and not getattr(step, "batch", False)
        case Unpool() | Slice() | Place() | View():
            return True
    return False


def _through_map(
    step: Map, source: Tensor, inner: Linear, constants: Mapping[Tensor, Array]
) -> Linear | None:
    factors = coefficients(step, source, constants)
    if factors is None:
        return None
    shape = step.output.shape
    if source.size == step.output.size and inner.is_diagonal:
        return Linear(np.broadcast_to(factors, shape).reshape(-1) * inner.values)
    matrix = inner.matrix() if step.output.size * inner.inputs <= ENTRIES else None
    if matrix is None:
        return None
    spread = np.broadcast_to(matrix.reshape(*source.shape, inner.inputs), (*shape, inner.inputs))
    return Linear((np.broadcast_to(factors, shape)[..., None] * spread).reshape(-1, inner.inputs))


def coefficients(step: Map, source: Tensor, constants: Mapping[Tensor, Array]) -> Array | None:
    """The factor of an input in a map that is affine in all that is batched; None in another."""
    batched = {f"x{i}" for i, t in enumerate(step.inputs) if t.batched}
    total: Array = np.zeros(())
    for place, tensor in enumerate(step.inputs):
        if tensor == source:
            slope = derivative(step.expressions[0], f"x{place}")
            if batched & set(arguments(slope)):
                return None
            total = total + numbers_of(slope, step, constants)
    return total


def numbers_of(expr: Expr, step: Map, constants: Mapping[Tensor, Array]) -> Array:
    """An expression of a map's constants."""
    names = arguments(expr)
    used = [t for i, t in enumerate(step.inputs) if f"x{i}" in names]
    shape = np.broadcast_shapes(*(t.shape for t in used)) if used else ()
    out = Tensor("%number", tuple(shape))
    kept = {t: constants.get(t, np.zeros(t.shape)) if not t.batched else np.zeros(()) for t in step.inputs}
    inputs = tuple(replace(t, batched=False, shape=() if t.batched else t.shape) for t in step.inputs)
    given = {i: kept[t] for i, t in zip(inputs, step.inputs, strict=True)}
    return applied(Map(inputs=inputs, outputs=(out,), expressions=(expr,)), given, 1)


def repeats(source: Tensor, target: Tensor) -> float:
    """The factor on the norm of a tensor that is repeated up to another shape."""
    return sqrt(target.size / source.size) if source.size else 1.0


def windows_over(step: Pool) -> int:
    """The largest number of places that see one number of the sample."""
    x = step.inputs[0]
    sides = x.shape[: step.window.axes]
    one = Tensor("%one", (*step.window.places(sides), 1), batched=True)
    seen = Tensor("%seen", (*sides, 1), batched=True)
    back = Unpool(inputs=(one,), outputs=(seen,), window=step.window)
    return int(applied(back, {one: np.ones((*one.shape, 1))}, 1).max())


def pool_norm(step: Pool | Unpool) -> Norm:
    """Of a sum over windows, or its transpose, by the matrix for one channel."""
    window, whole = step.window, isinstance(step, Pool)
    tensor = step.inputs[0] if whole else step.output
    sides = tensor.shape[: window.axes]
    x = Tensor("%x", (*sides, 1), batched=True)
    y = Tensor("%y", (*window.places(sides), 1), batched=True)
    if x.size * y.size > ENTRIES:
        return Norm(
            sqrt(window.size * windows_over(Pool(inputs=(x,), outputs=(y,), kind="sum", window=window))),
            False,
        )
    down = Pool(inputs=(x,), outputs=(y,), kind="sum", window=window)
    columns = np.eye(x.size).reshape(*x.shape, x.size)
    return matrix_norm(applied(down, {x: columns}, x.size).reshape(-1, x.size))
