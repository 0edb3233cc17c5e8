"""The squared norm of each sample's gradient, without the gradients where their form gives it.

A block's gradient is a sum over the samples, which the backward plan takes in its last step: δ zᵀ of a dense
layer, whose norm is ‖δ‖·‖z‖, a sum of slopes for a bias, the entries of δ zᵀ on a pattern. For these the plan
goes on with the norm in primitives. Kernels of convolutions are left as their factors x and y.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from deltaplan.compiler.differentiate import differentiate
from deltaplan.compiler.fuse import fuse, prune, tidy
from deltaplan.compiler.lower import Trace
from deltaplan.compiler.parameters import Parameter
from deltaplan.compiler.plan import Plan, stored_parts
from deltaplan.compiler.steps import Conv, Map, MatMul, Reduce, Sparse, Step, Tensor, View, slots_of
from deltaplan.plugins.expressions import argument, const

Contraction = MatMul | Conv | Sparse | Reduce  # what sums over the samples


@dataclass(frozen=True, slots=True)
class Norms:
    """`plan` ends with `squared`, [B], which lacks the `kernels`: for each such block the steps whose sum is
    its gradient, by the factors that the plan ends with too."""

    plan: Plan
    squared: Tensor
    kernels: tuple[tuple[Conv, ...], ...]


def norms_plan(trace: Trace) -> Norms | None:
    """For the gradient of each sample's loss by all parameters; None where a block's gradient has another
    form."""
    assert trace.loss is not None, "a gradient needs a problem"
    backward, adjoints = differentiate(trace.steps, {trace.loss: None}, [p.tensor for p in trace.parameters])
    writers = {tensor: step for step in backward for tensor in step.outputs}
    found = _blocks(trace.parameters, adjoints, writers)
    if found is None:
        return None
    squares, kernels = _Squares(), []
    for terms in found:
        if all(isinstance(term, Conv) for term in terms):
            kernels.append(tuple(term for term in terms if isinstance(term, Conv)))
        else:
            squares.add(terms)
    squared = squares.total()
    factors = dict.fromkeys(tensor for block in kernels for step in block for tensor in step.inputs)
    wanted = (squared, *factors)
    one = Map(inputs=(), outputs=(trace.scale,), expressions=(const(1.0),))
    steps = fuse(prune(tidy((one, *trace.steps, *backward, *squares.steps)), wanted), wanted)
    return Norms(
        Plan("evaluate", trace, steps, (), tuple(stored_parts(trace)), wanted), squared, tuple(kernels)
    )


def _blocks(
    parameters: Sequence[Parameter], adjoints: Mapping[Tensor, Tensor], writers: Mapping[Tensor, Step]
) -> list[tuple[Contraction, ...]] | None:
    """The contractions whose sum is each block's gradient; None where one is more than that."""
    blocks = []
    for parameter in parameters:
        if (adjoint := adjoints.get(parameter.tensor)) is None:
            continue
        terms = tuple(_terms(adjoint, writers))
        if None in terms or len({type(term) for term in terms}) > 1:
            return None
        blocks.append(tuple(term for term in terms if term is not None))
    return blocks


def _terms(tensor: Tensor, writers: Mapping[Tensor, Step]) -> Iterator[Contraction | None]:
    """What is added up to the tensor; None for what is no sum over the samples."""
    match writers.get(tensor):
        case View(inputs=(source,)):
            yield from _terms(source, writers)
        case Map(inputs=inputs, expressions=(expression,)) if expression is _sum_of(len(inputs)):
            for source in inputs:
                yield from _terms(source, writers)
        case MatMul() | Conv() | Sparse() as step if all(t.batched for t in step.inputs):
            yield step
        case Reduce(kind="sum", batch=True) as step:
            yield step
        case _:
            yield None


def _sum_of(count: int) -> object:
    terms = [argument(f"x{i}") for i in range(count)]
    return sum(terms[1:], terms[0]) if terms else None


class _Squares:
    """Writes the squared norms of blocks, [B], and adds them up."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self._squares: list[Tensor] = []

    def add(self, terms: Sequence[Contraction]) -> None:
        """‖Σ terms‖², by the products of all pairs."""
        if isinstance(terms[0], Reduce):
            vector = self._map("+", [self._summed(term) for term in terms if isinstance(term, Reduce)])
            self._squares.append(self._dot(vector, vector))
            return
        for one, other in product(terms, repeat=2):
            if isinstance(one, MatMul) and isinstance(other, MatMul):
                self._squares.append(self._outer(one, other))
            elif isinstance(one, Sparse) and isinstance(other, Sparse):
                self._squares.append(self._patterned(one, other))

    def total(self) -> Tensor:
        if not self._squares:
            zero = self._tensor(())
            self.steps.append(Map(inputs=(), outputs=(zero,), expressions=(const(0.0),)))
            return zero
        return self._map("+", self._squares)

    def _outer(self, one: MatMul, other: MatMul) -> Tensor:
        """⟨a bᵀ, c dᵀ⟩ = ⟨a, c⟩⟨b, d⟩"""
        (a, b), (c, d) = one.inputs, other.inputs
        return self._map("*", [self._dot(a, c), self._dot(b, d)])

    def _patterned(self, one: Sparse, other: Sparse) -> Tensor:
        """The same on a pattern P: ⟨δ ⊙ δ′, P (z ⊙ z′)⟩."""
        ones = Tensor(self._name(), (one.pattern.entries,))
        self.steps.append(Map(inputs=(), outputs=(ones,), expressions=(const(1.0),)))
        z = self._map("*", [slots_of(one)["x"], slots_of(other)["x"]])
        seen = self._tensor((one.pattern.rows,))
        self.steps.append(Sparse(inputs=(z, ones), outputs=(seen,), slot="y", pattern=one.pattern))
        return self._dot(self._map("*", [slots_of(one)["y"], slots_of(other)["y"]]), seen)

    def _summed(self, step: Reduce) -> Tensor:
        """A sum over the samples without that over the samples."""
        (source,) = step.inputs
        if not step.axes:
            return source
        out = self._tensor(step.output.shape)
        self.steps.append(Reduce(inputs=(source,), outputs=(out,), kind="sum", axes=step.axes))
        return out

    def _dot(self, a: Tensor, b: Tensor) -> Tensor:
        product, out = self._map("*", [a, b]), self._tensor(())
        axes = tuple(range(len(a.shape)))
        if not axes:
            return product
        self.steps.append(Reduce(inputs=(product,), outputs=(out,), kind="sum", axes=axes))
        return out

    def _map(self, sign: str, tensors: Sequence[Tensor]) -> Tensor:
        inputs = tuple(dict.fromkeys(tensors))
        terms = [argument(f"x{inputs.index(t)}") for t in tensors]
        value = terms[0]
        for term in terms[1:]:
            value = value + term if sign == "+" else value * term
        out = self._tensor(tensors[0].shape)
        self.steps.append(Map(inputs=inputs, outputs=(out,), expressions=(value,)))
        return out

    def _tensor(self, shape: tuple[int, ...]) -> Tensor:
        return Tensor(self._name(), shape, batched=True)

    def _name(self) -> str:
        return f"%n{len(self.steps)}_{len(self._squares)}"
