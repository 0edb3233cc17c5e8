"""Writes steps: maps, sums, and expressions with reductions."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import accumulate, groupby

from deltaplan.compiler.spectral import Spectral
from deltaplan.compiler.steps import Map, Pick, Place, Reduce, Shape, Step, Tensor, View
from deltaplan.plugins.expressions import (
    CONDITIONS,
    COUNT,
    Expr,
    Stage,
    argument,
    arguments,
    const,
    split_reductions,
    substitute,
    walk,
)
from deltaplan.plugins.expressions import replace as replace_parts


class StepWriter:
    """The steps written so far, and the node that those to come belong to."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.origin = ""
        self._count = 0

    def emit(self, step: Step) -> Tensor:
        self.steps.append(replace(step, origin=self.origin))
        return step.output

    def temporary(self) -> str:
        self._count += 1
        return f"%{self._count}"

    def elementwise(
        self, name: str, expressions: tuple[Expr], inputs: Sequence[Tensor], formula: str = ""
    ) -> Tensor:
        """A map with one output, to which the inputs broadcast."""
        shape, batched = broadcast(inputs)
        out = Tensor(name, shape, batched)
        return self.emit(Map(inputs=tuple(inputs), outputs=(out,), expressions=expressions, formula=formula))

    def sum(self, name: str, tensors: Sequence[Tensor]) -> Tensor:
        """The sum of tensors of one shape; 0 where there are none."""
        total = sum((argument(f"x{i}") for i in range(len(tensors))), const(0.0))
        return self.elementwise(name, (total,), tensors, " + ".join(f"{{{i}}}" for i in range(len(tensors))))

    def constants(self, values: Sequence[float], shape: Shape) -> Tensor:
        """These numbers, row by row, as a tensor of the shape: the same for each sample."""
        runs = [(value, len(list(group))) for value, group in groupby(values)]
        parts = [self._constant(value, count) for value, count in runs]
        if len(parts) == 1:
            vector = parts[0]
        else:
            begins = tuple(accumulate((count for _, count in runs[:-1]), initial=0))
            out = Tensor(self.temporary(), (len(values),))
            vector = self.emit(Place(inputs=tuple(parts), outputs=(out,), axis=0, begins=begins))
        if vector.shape == shape:
            return vector
        return self.emit(View(inputs=(vector,), outputs=(Tensor(self.temporary(), shape),)))

    def _constant(self, value: float, count: int) -> Tensor:
        out = Tensor(self.temporary(), (count,))
        return self.emit(Map(inputs=(), outputs=(out,), expressions=(const(value),)))

    def reduced(
        self, name: str, expression: Expr, tensors: Mapping[str, Tensor], count: int, rows: int = 1
    ) -> Tensor:
        """An expression with reductions over the numbers of one sample, as map, reduce, map. As a matrix the
        numbers are so many rows."""
        cut = split_reductions(expression)
        known = dict(tensors)
        shared = shared_scalars([*(stage.element for stage in cut.stages), cut.result])
        made: dict[Expr, Expr] = {}
        for stage in cut.stages:
            element = replace_parts(stage.element, made)
            known[stage.result] = self._stage(replace(stage, element=element), known, count, rows)
            for part in shared:
                if part not in made and set(arguments(part)) <= known.keys():
                    own = self._over(self.temporary(), part, known, count)
                    known[own.name] = own
                    made[part] = argument(own.name, scalar=True)
        return self._over(name, replace_parts(cut.result, made), known, count)

    def _stage(self, stage: Stage, known: Mapping[str, Tensor], count: int, rows: int) -> Tensor:
        element = self._over(self.temporary(), stage.element, known, count, plain=True)
        if stage.kind == "spectral":
            return Spectral(self.emit, self.temporary).norm(element, 1 if element.batched else rows)
        out = Tensor(self.temporary(), (), element.batched)
        if stage.kind == "pick":
            return self.emit(Pick(inputs=(element, self._index(stage, known)), outputs=(out,)))
        axes = tuple(range(len(element.shape)))
        return self.emit(
            Reduce(inputs=(element,), outputs=(out,), kind=stage.kind, axes=axes, stop=stage.stop)
        )

    def _index(self, stage: Stage, known: Mapping[str, Tensor]) -> Tensor:
        """The tensor that a pick takes its index from: an argument as it is."""
        assert stage.index is not None, "a pick has an index"
        name = arguments(stage.index)[0]
        if stage.index is not argument(name, scalar=True):
            raise NotImplementedError(f"pick() takes the class itself, not {stage.index}")
        return known[name]

    def _over(
        self, name: str, expression: Expr, known: Mapping[str, Tensor], count: int, plain: bool = False
    ) -> Tensor:
        """A map of `expression` over the tensors that it names; with `plain`, a bare name is that tensor."""
        expression = substitute(expression, {COUNT: count})
        used = arguments(expression)
        if plain and len(used) == 1 and expression is argument(used[0], scalar=expression.scalar):
            return known[used[0]]
        renamed = {name: argument(f"x{i}") for i, name in enumerate(used)}
        return self.elementwise(name, (substitute(expression, renamed),), [known[n] for n in used])


def shared_scalars(expressions: Sequence[Expr]) -> tuple[Expr, ...]:
    """The largest scalar parts that several of the expressions hold: they are computed once."""
    counts = Counter(node for e in expressions for node in walk(e) if node.scalar and node.args)
    often = [node for node, times in counts.items() if times > 1 and node.op not in CONDITIONS]
    inner = {part for node in often for part in walk(*node.args)}
    return tuple(node for node in often if node not in inner)


def broadcast(tensors: Sequence[Tensor]) -> tuple[Shape, bool]:
    """The shape to which samples broadcast, and whether any has a batch."""
    rank = max((len(t.shape) for t in tensors), default=0)
    padded = [(1,) * (rank - len(t.shape)) + t.shape for t in tensors]
    return tuple(max(lengths) for lengths in zip(*padded, strict=True)), any(t.batched for t in tensors)
