"""Kernels for few samples, [batch, features]: the features of a sample are the lanes of vectors."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import Any

from deltaplan.compiler.loops.groups import Group, Joins, is_product
from deltaplan.compiler.loops.nest import For, Statement
from deltaplan.compiler.loops.schedule import kernel_sums, rows, samples, sparse, sums, vectors, wide
from deltaplan.compiler.loops.schedule.axes import Axes, Machine
from deltaplan.compiler.loops.schedule.few_products import outer_product, product
from deltaplan.compiler.loops.schedule.reductions import reduce_nest
from deltaplan.compiler.loops.schedule.signature import Names
from deltaplan.compiler.steps import Conv, Map, MatMul, Reduce, Sparse, Step, Tensor

Nest = tuple[Statement, ...]
FEW = 8  # numbers up to which each is a local of its own
MOST = 4  # samples
WIDE = 256  # weights of a layer from which vectors along its features are faster than along so few samples


def axes_of(steps: Sequence[Step], batch: int, machine: Machine) -> Axes:
    """The order of memory that suits steps on so many samples: features are inside where samples are few and
    a layer is wide."""
    widest = max((step.inputs[0].size for step in steps if is_product(step)), default=0)
    return Axes(batch, machine, inner="features" if batch <= MOST and widest >= WIDE else "samples")


class FewJoins(Joins):
    """A product with the maps of its rows, or one pass along the features of each sample."""

    def __init__(self, alias: Mapping[str, Tensor]) -> None:
        self.alias = alias

    def samples(self, group: Group, step: Step) -> bool:
        if is_product(step) and not _is_tiny(step):
            return False
        if is_tiny(group):
            return _is_tiny(step) and len(group.steps) < 64
        if is_product(group.steps[0]):
            return isinstance(step, Map) and rows.may_follow(group, step)
        # A view of a single number that the pass makes is that number.
        seen = tuple(self.alias.get(t.name, t) for t in step.inputs)
        return vectors.may_follow(group, replace(step, inputs=seen))

    def sums(self, group: Group, step: Step) -> bool:
        tiny = _is_small(step) and all(map(_is_small, group.steps))
        return tiny and step.inputs[0] in {t for s in group.steps for t in s.inputs}

    def flat(self, group: Group, step: Step) -> bool:
        return vectors.may_follow(group, step)

    def in_memory(self, group: Group, step: Step) -> bool:
        """What a product gives is read again by the maps that follow it."""
        return is_product(step) and not is_tiny(group)


def is_tiny(group: Group) -> bool:
    return all(map(_is_tiny, group.steps))


def _is_tiny(step: Step) -> bool:
    """Whether plain numbers are as good as vectors."""
    if any(t.size > FEW for t in (*step.outputs, *step.inputs) if t.batched):
        return False
    if not samples.is_written_out(step):
        return False
    return all(t.size <= FEW * FEW for t in step.inputs)


def _is_small(step: Step) -> bool:
    if not isinstance(step, MatMul | Reduce):
        return False
    return prod(step.output.shape) <= 2 * FEW and not sums.over_features(step)


def samples_nest(group: Group, axes: Axes, names: Names) -> Nest:
    """The kernel of a group on samples."""
    if is_tiny(group):
        return samples.statements(group, axes, names)
    (first, *more) = group.steps
    if is_product(first):
        return _affine(first, more, group, axes, names)  # type: ignore[arg-type]
    if all(vectors.length_of(step) is not None for step in group.steps):
        return axes.each_sample(vectors.vector_pass(group, axes, names))
    if isinstance(first, Reduce):
        return reduce_nest(first, axes, names)
    return wide.step_nest(first, axes, names)


def sums_nest(group: Group, axes: Axes, names: Names) -> Nest:
    """The kernel of sums over the samples."""
    if all(map(_is_small, group.steps)):
        return sums.statements(group, axes, names)
    (step,) = group.steps
    return SUMS[type(step)](step, axes, names)


def _affine(step: MatMul, maps: Sequence[Step], group: Group, axes: Axes, names: Names) -> Nest:
    """A product into memory, then what is made of it, a vector of features at a time."""
    nest = product(step, axes, names)
    if not maps:
        return nest
    writer = rows.Rows(group, axes, names)
    body: list[Statement] = []
    for each in maps:
        assert isinstance(each, Map)
        writer.map(each, 0, body)
    along = For(rows.ROW, step.output.size, tuple(body), "lanes")
    return (*nest, *axes.each_sample((along,)))


SUMS: Mapping[type[Step], Callable[[Any, Axes, Names], Nest]] = {
    MatMul: outer_product,
    Reduce: reduce_nest,
    Conv: kernel_sums.statements,
    Sparse: sparse.statements,
}
