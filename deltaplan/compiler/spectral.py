"""The largest singular value σ of a matrix, as steps: matrix products that converge to its singular vectors.

For a matrix whose smaller side has up to SQUARED numbers, P = G^(2^ROUNDS) with G = WᵀW or WWᵀ, brought to
the trace 1 in each round, is the projector on the first singular vectors, and σ² = Σ P ∘ G. P counts as a
constant, so that the derivative of σ by W is u vᵀ  (Yoshida and Miyato, 2017). For a larger matrix the power
method v ← Wᵀ(W v) runs from a fixed vector, and σ = |W v| from below; the derivative is that of this number.
"""

from collections.abc import Callable
from math import ceil, log2

from deltaplan.compiler.steps import Map, MatMul, Place, Reduce, Shape, Slice, Step, Tensor, View
from deltaplan.plugins.expressions import Expr, argument, const, sqrt, where

SQUARED = 64
ROUNDS = 12  # (σ₂/σ₁)^8192 is what is left of the second vector
STEPS = 20  # of the power method: a part of (σ₂/σ₁)^80 is missing

Emit = Callable[[Step], Tensor]
X, Y = argument("x0"), argument("x1")


class Spectral:
    """Writes the steps with the functions of a writer: `emit`, and `name` for a new temporary."""

    def __init__(self, emit: Emit, name: Callable[[], str]) -> None:
        self._emit, self._name = emit, name

    def norm(self, w: Tensor, rows: int) -> Tensor:
        """σ of the numbers of w, row by row."""
        columns = w.size // rows
        if min(rows, columns) == 1:
            return self._map(sqrt(X), self._sum(self._map(X * X, w)))
        matrix = self._view(w, (rows, columns))
        tall = rows >= columns
        return (
            self._by_squaring(matrix, tall) if min(rows, columns) <= SQUARED else self._by_power(matrix, tall)
        )

    def _by_squaring(self, w: Tensor, tall: bool) -> Tensor:
        gram = self._product(w, w, transpose_a=tall, transpose_b=not tall)
        power = self._scaled(gram, self._sum(self._map(X * X, w)))
        for _ in range(ROUNDS):
            power = self._scaled(self._product(power, power), self._sum(self._map(X * X, power)))
        projector = self._constant(power)
        return self._map(sqrt(X), self._sum(self._map(X * Y, projector, gram)))

    def _by_power(self, w: Tensor, tall: bool) -> Tensor:
        """On the side of fewer numbers: v ← A(Aᵀ v) with A = Wᵀ for a tall matrix, else W."""
        side = w.shape[1] if tall else w.shape[0]
        v = self._start(side)
        for _ in range(STEPS):
            other = self._product(w, v, transpose_a=not tall)
            v = self._unit(self._product(w, other, transpose_a=tall))
        last = self._product(w, v, transpose_a=not tall)
        return self._map(sqrt(X), self._sum(self._map(X * X, last)))

    def _start(self, size: int) -> Tensor:
        """[size], no two numbers alike: doubled ⌈log₂ size⌉ times, the second half with another factor."""
        v = self._out((1,))
        self._emit(Map(inputs=(), outputs=(v,), expressions=(const(1.0),)))
        for bit in range(ceil(log2(size))):
            half = self._map((-1.0) ** bit * (0.9 - 0.07 * bit) * X, v)
            both = self._out((2 * v.shape[0],))
            v = self._emit(Place(inputs=(v, half), outputs=(both,), axis=0, begins=(0, v.shape[0])))
        if v.shape[0] == size:
            return v
        return self._emit(Slice(inputs=(v,), outputs=(self._out((size,)),), axis=0, begin=0, end=size))

    def _unit(self, v: Tensor) -> Tensor:
        total = self._sum(self._map(X * X, v))
        return self._map(where(Y > 0, X / sqrt(Y), 0), v, total)

    def _scaled(self, matrix: Tensor, trace: Tensor) -> Tensor:
        """matrix / trace; 0 for W = 0."""
        return self._map(where(Y > 0, X / Y, 0), matrix, trace)

    def _product(self, a: Tensor, b: Tensor, transpose_a: bool = False, transpose_b: bool = False) -> Tensor:
        rows = a.shape[1] if transpose_a else a.shape[0]
        out = self._out((rows, *(b.shape[:1] if transpose_b else b.shape[1:])))
        formula = f"{{0}}{'ᵀ' * transpose_a} {{1}}{'ᵀ' * transpose_b}"
        return self._emit(
            MatMul(
                inputs=(a, b),
                outputs=(out,),
                transpose_a=transpose_a,
                transpose_b=transpose_b,
                formula=formula,
            )
        )

    def _constant(self, t: Tensor) -> Tensor:
        """The same numbers, with the derivative stopped."""
        deep = self._view(t, (*t.shape, 1))
        out = self._out(t.shape)
        return self._emit(
            Reduce(inputs=(deep,), outputs=(out,), kind="sum", axes=(2,), stop=True, formula="{0}")
        )

    def _sum(self, t: Tensor) -> Tensor:
        axes, out = tuple(range(len(t.shape))), self._out((), t.batched)
        return self._emit(Reduce(inputs=(t,), outputs=(out,), kind="sum", axes=axes))

    def _map(self, expression: Expr, *inputs: Tensor) -> Tensor:
        out = self._out(inputs[0].shape, inputs[0].batched)
        return self._emit(Map(inputs=inputs, outputs=(out,), expressions=(expression,)))

    def _view(self, t: Tensor, shape: Shape) -> Tensor:
        return t if t.shape == shape else self._emit(View(inputs=(t,), outputs=(self._out(shape),)))

    def _out(self, shape: Shape, batched: bool = False) -> Tensor:
        return Tensor(self._name(), shape, batched)
