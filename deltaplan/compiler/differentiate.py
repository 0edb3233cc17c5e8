"""Reverse-mode differentiation of a list of steps: one rule for each primitive.

The result is again a list of steps over the same primitives, so it can be differentiated once more.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace as replace_fields
from functools import cache
from typing import TypeVar

from deltaplan.compiler.steps import (
    ArgMax,
    Map,
    MatMul,
    Pick,
    Place,
    Put,
    Random,
    Reduce,
    Slice,
    Step,
    Tensor,
    View,
)
from deltaplan.plugins.expressions import Expr, Op, argument, arguments, const, gradient, replace, substitute

S = TypeVar("S", bound=Step)
Rule = Callable[["Tape", Step, Tensor], "Sequence[Tensor | None]"]
DERIVATIVES: dict[type[Step], Rule] = {}


def derivative(kind: type[S]) -> Callable[[Callable[["Tape", S, Tensor], Sequence[Tensor | None]]], object]:
    """Registers the rule of a primitive with one output: (tape, step, ȳ) → the adjoint of each input."""

    def register(rule: Callable[["Tape", S, Tensor], Sequence[Tensor | None]]) -> object:
        DERIVATIVES[kind] = rule  # type: ignore[assignment]
        return rule

    return register


def differentiate(
    steps: Sequence[Step],
    seeds: Mapping[Tensor, Tensor | None],
    wrt: Iterable[Tensor],
    taken: Iterable[str] = (),
) -> tuple[tuple[Step, ...], dict[Tensor, Tensor]]:
    """The backward steps of `steps`, and the adjoint of each tensor of `wrt` that the seeded ones depend on.

    `seeds` maps an output to its adjoint, None for 1 (an output of shape () without a batch). Only what lies
    between `wrt` and the seeds is differentiated. `taken` are names that new tensors must not have.
    """
    wrt = tuple(wrt)
    tape = Tape(steps, taken)
    active = dependents(steps, wrt)
    for output, seed in seeds.items():
        tape.add(output, seed if seed is not None else tape.one(output))
    for step in reversed(steps):
        if not any(tensor in active for tensor in step.inputs):
            continue
        adjoints = [tape.adjoint(tensor) for tensor in step.outputs]
        if any(adjoint is not None for adjoint in adjoints):
            tape.backward(step, adjoints, active)
    found = {t: a for t in wrt if (a := tape.adjoint(t)) is not None}
    named = tape.final_names()
    return (
        tuple(rename(step, named) for step in tape.steps),
        {t: named.get(a, a) for t, a in found.items()},
    )


def rename(step: Step, names: Mapping[Tensor, Tensor]) -> Step:
    """The step with some of its tensors under other names."""
    return replace_fields(
        step,
        inputs=tuple(names.get(t, t) for t in step.inputs),
        outputs=tuple(names.get(t, t) for t in step.outputs),
    )


def dependents(steps: Iterable[Step], roots: Iterable[Tensor]) -> frozenset[Tensor]:
    """The roots and every tensor that is computed from them."""
    found = set(roots)
    for step in steps:
        if any(tensor in found for tensor in step.inputs):
            found.update(step.outputs)
    return frozenset(found)


class Tape:
    """The backward steps as they are written, and the contributions to each adjoint."""

    def __init__(self, steps: Iterable[Step], taken: Iterable[str]) -> None:
        self.steps: list[Step] = []
        self._names = {t.name for s in steps for t in (*s.inputs, *s.outputs)} | set(taken)
        self._parts: dict[Tensor, list[Tensor]] = {}
        self._sums: dict[Tensor, Tensor] = {}
        self._count = 0
        self.origin = ""

    def one(self, like: Tensor) -> Tensor:
        out = Tensor(self.fresh("one"), like.shape, like.batched)
        self.steps.append(Map(inputs=(), outputs=(out,), expressions=(const(1.0),), formula="1"))
        return out

    def add(self, tensor: Tensor, adjoint: Tensor) -> None:
        """One more contribution to the adjoint of `tensor`."""
        self._parts.setdefault(tensor, []).append(adjoint)

    def adjoint(self, tensor: Tensor) -> Tensor | None:
        """The sum of the contributions, written where it is first asked for."""
        if tensor not in self._sums:
            parts = self._parts.get(tensor)
            if not parts:
                return None
            self._sums[tensor] = parts[0] if len(parts) == 1 else self._sum(tensor, parts)
        return self._sums[tensor]

    def backward(self, step: Step, adjoints: Sequence[Tensor | None], active: frozenset[Tensor]) -> None:
        self.origin = step.origin
        if isinstance(step, Map):
            contributions: Sequence[Tensor | None] = map_adjoints(self, step, adjoints, active)
        else:
            (adjoint,) = adjoints
            if adjoint is None:
                return
            contributions = DERIVATIVES[type(step)](self, step, adjoint)
        for tensor, contribution in zip(step.inputs, contributions, strict=True):
            if contribution is not None and tensor in active:
                self.add(tensor, contribution)

    def emit(self, step: Step) -> Tensor:
        self.steps.append(step)
        return step.output

    def fresh(self, name: str) -> str:
        while name in self._names:
            name += "\N{PRIME}"
        self._names.add(name)
        return name

    def temporary(self) -> str:
        self._count += 1
        return self.fresh(f"%b{self._count}")

    def final_names(self) -> dict[Tensor, Tensor]:
        """A temporary that is the whole adjoint of a named tensor gets its name."""
        owners: dict[Tensor, Tensor] = {}
        for tensor, parts in self._parts.items():
            if len(parts) == 1 and parts[0].name[0] == "%" and tensor.name[0] != "%":
                owners.setdefault(parts[0], tensor)
        return {
            part: replace_fields(part, name=self.fresh(adjoint_name(tensor.name)))
            for part, tensor in owners.items()
        }

    def for_adjoint_of(self, tensor: Tensor) -> Tensor:
        """A new tensor for a contribution to the adjoint of `tensor`."""
        return Tensor(self.temporary(), tensor.shape, tensor.batched)

    def _sum(self, tensor: Tensor, parts: Sequence[Tensor]) -> Tensor:
        out = Tensor(self.fresh(adjoint_name(tensor.name)), tensor.shape, tensor.batched)
        terms = [argument(f"x{i}") for i in range(len(parts))]
        total = sum(terms[1:], terms[0])
        formula = " + ".join(f"{{{i}}}" for i in reversed(range(len(parts))))
        return self.emit(
            Map(
                inputs=tuple(parts), outputs=(out,), expressions=(total,), origin=self.origin, formula=formula
            )
        )


def adjoint_name(name: str) -> str:
    """∂L/∂(name) in the lecture's notation: δ for z, ∂W for W, dv for v."""
    match name[0], name[1:].isdecimal():
        case "z", True:
            return "δ" + name[1:]
        case "W" | "b", True:
            return "∂" + name
        case _:
            return "d" + name


def map_adjoints(
    tape: Tape, step: Map, adjoints: Sequence[Tensor | None], active: frozenset[Tensor]
) -> list[Tensor | None]:
    """x̄ᵢ = Σ_k ȳ_k ∂f_k/∂xᵢ, then summed over the axes along which xᵢ was broadcast."""
    results: list[Tensor | None] = []
    for position, tensor in enumerate(step.inputs):
        if tensor not in active:
            results.append(None)
            continue
        parts = [
            part
            for output, expression, adjoint in zip(step.outputs, step.expressions, adjoints, strict=True)
            if adjoint is not None
            and (part := _partial(tape, step, position, output, expression, adjoint)) is not None
        ]
        results.append(tape._sum(tensor, parts) if len(parts) > 1 else parts[0] if parts else None)
    return results


def _partial(
    tape: Tape, step: Map, position: int, output: Tensor, expression: Expr, adjoint: Tensor
) -> Tensor | None:
    slope = _vjp(expression, f"x{position}")
    if slope.op is Op.CONST and slope.value == 0:
        return None
    tensor = step.inputs[position]
    if slope.op is Op.ARG and slope.name == "g" and _same_axes(adjoint, output):
        return _sum_to(tape, adjoint, tensor)
    slope = replace(slope, {expression: argument("y")}) if expression.args else slope
    return _sum_to(tape, _slope_step(tape, step, output, slope, adjoint, tensor), tensor)


def _slope_step(
    tape: Tape, step: Map, output: Tensor, slope: Expr, adjoint: Tensor, tensor: Tensor
) -> Tensor:
    """Writes the map of ȳ · ∂f/∂x, over those of g (ȳ), y and the forward inputs that it needs."""
    known = {"g": adjoint, "y": output} | {f"x{i}": t for i, t in enumerate(step.inputs)}
    used = arguments(slope)
    inputs = tuple(dict.fromkeys(known[name] for name in used))
    renamed = {name: argument(f"x{inputs.index(known[name])}") for name in used}
    name = tape.fresh(adjoint_name(tensor.name)) if tensor.name[0] == "v" else tape.temporary()
    out = Tensor(name, output.shape, output.batched)
    return tape.emit(
        Map(
            inputs=inputs,
            outputs=(out,),
            expressions=(substitute(slope, renamed),),
            origin=tape.origin,
            formula=_slope_formula(step, inputs, adjoint),
        )
    )


def _slope_formula(step: Map, inputs: Sequence[Tensor], adjoint: Tensor) -> str:
    """`δ ⊙ σ'(v)` for the slope of a function σ of one argument."""
    if not step.formula.endswith("({0})") or adjoint not in inputs:
        return ""
    function = step.formula.removesuffix("({0})")
    if step.inputs[0] not in inputs and step.outputs[0] not in inputs:
        return ""
    return f"{{{inputs.index(adjoint)}}} ⊙ {function}'({step.inputs[0]})"


@cache
def _vjp(expression: Expr, name: str) -> Expr:
    return gradient(expression, (name,), argument("g"))[0]


def _same_axes(adjoint: Tensor, output: Tensor) -> bool:
    return adjoint.shape == output.shape and adjoint.batched == output.batched


def _sum_to(tape: Tape, adjoint: Tensor, like: Tensor) -> Tensor:
    """Sums over the axes along which `like` was broadcast to the shape of `adjoint`."""
    extra = len(adjoint.shape) - len(like.shape)
    axes = tuple(
        axis
        for axis, length in enumerate(adjoint.shape)
        if axis < extra or (length > 1 and like.shape[axis - extra] == 1)
    )
    batch = adjoint.batched and not like.batched
    if not axes and not batch:
        return adjoint if adjoint.shape == like.shape else _view(tape, adjoint, like)
    dropped = set(axes)
    shape = tuple(length for axis, length in enumerate(adjoint.shape) if axis not in dropped)
    name = tape.fresh(adjoint_name(like.name)) if shape == like.shape else tape.temporary()
    out = Tensor(name, shape, adjoint.batched and not batch)
    formula = "Σ_B {0}" if batch and not axes else ""
    summed = tape.emit(
        Reduce(
            inputs=(adjoint,),
            outputs=(out,),
            kind="sum",
            axes=axes,
            batch=batch,
            origin=tape.origin,
            formula=formula,
        )
    )
    return summed if shape == like.shape else _view(tape, summed, like)


def _view(tape: Tape, tensor: Tensor, like: Tensor) -> Tensor:
    out = Tensor(tape.temporary(), like.shape, tensor.batched)
    return tape.emit(View(inputs=(tensor,), outputs=(out,), origin=tape.origin))


def _broadcast(tape: Tape, adjoint: Tensor, like: Tensor) -> Tensor:
    """A map that writes `adjoint` out in the shape of `like`."""
    if _same_axes(adjoint, like):
        return adjoint
    out = Tensor(tape.temporary(), like.shape, like.batched)
    return tape.emit(
        Map(
            inputs=(adjoint,),
            outputs=(out,),
            expressions=(argument("x0"),),
            origin=tape.origin,
            formula="{0}",
        )
    )


@derivative(MatMul)
def matmul(tape: Tape, step: MatMul, adjoint: Tensor) -> Sequence[Tensor | None]:
    """c = ab: ā = c̄bᵀ, b̄ = aᵀc̄; the same form with the operands in other places where one was transposed."""
    a, b = step.inputs
    ta, tb = step.transpose_a, step.transpose_b
    left = (b, adjoint, tb, True) if ta else (adjoint, b, False, not tb)
    right = (adjoint, a, True, ta) if tb else (a, adjoint, not ta, False)
    return [_product(tape, a, *left), _product(tape, b, *right)]


def _product(tape: Tape, target: Tensor, a: Tensor, b: Tensor, ta: bool, tb: bool) -> Tensor:
    name = tape.fresh(adjoint_name(target.name)) if target.name[0] == "W" else tape.temporary()
    out = Tensor(name, target.shape, target.batched)
    formula = f"{{0}}{'ᵀ' if ta else ''} {{1}}{'ᵀ' if tb else ''}"
    return tape.emit(
        MatMul(
            inputs=(a, b),
            outputs=(out,),
            transpose_a=ta,
            transpose_b=tb,
            origin=tape.origin,
            formula=formula,
        )
    )


@derivative(Reduce)
def reduce(tape: Tape, step: Reduce, adjoint: Tensor) -> Sequence[Tensor | None]:
    """Sum: ȳ to every summand. Maximum of a vector: ȳ to the first of the largest."""
    (x,) = step.inputs
    if step.stop:
        return [None]
    if step.kind == "max":
        assert (len(x.shape), step.axes, step.batch) == (1, (0,), False), "a maximum is that of a vector"
        index = Tensor(tape.temporary(), (), x.batched, kind="index")
        tape.emit(ArgMax(inputs=(x,), outputs=(index,), origin=tape.origin))
        return [_put(tape, _broadcast(tape, adjoint, step.output), index, x)]
    if step.axes:
        shape = tuple(1 if i in step.axes else n for i, n in enumerate(x.shape))
        adjoint = _view(tape, adjoint, Tensor("", shape))
    return [_broadcast(tape, adjoint, x)]


@derivative(Slice)
def slice_(tape: Tape, step: Slice, adjoint: Tensor) -> Sequence[Tensor | None]:
    (x,) = step.inputs
    out = tape.for_adjoint_of(x)
    return [
        tape.emit(
            Place(
                inputs=(adjoint,),
                outputs=(out,),
                axis=step.axis,
                begins=(step.begin,),
                origin=tape.origin,
            )
        )
    ]


@derivative(Place)
def place(tape: Tape, step: Place, adjoint: Tensor) -> Sequence[Tensor | None]:
    return [
        tape.emit(
            Slice(
                inputs=(adjoint,),
                outputs=(tape.for_adjoint_of(x),),
                axis=step.axis,
                begin=begin,
                end=begin + x.shape[step.axis],
                origin=tape.origin,
            )
        )
        for x, begin in zip(step.inputs, step.begins, strict=True)
    ]


@derivative(Pick)
def pick(tape: Tape, step: Pick, adjoint: Tensor) -> Sequence[Tensor | None]:
    x, index = step.inputs
    return [_put(tape, _broadcast(tape, adjoint, step.output), index, x), None]


def _put(tape: Tape, adjoint: Tensor, index: Tensor, like: Tensor) -> Tensor:
    out = tape.for_adjoint_of(like)
    return tape.emit(Put(inputs=(adjoint, index), outputs=(out,), origin=tape.origin))


@derivative(Put)
def put(tape: Tape, step: Put, adjoint: Tensor) -> Sequence[Tensor | None]:
    value, index = step.inputs
    out = tape.for_adjoint_of(value)
    return [tape.emit(Pick(inputs=(adjoint, index), outputs=(out,), origin=tape.origin)), None]


@derivative(View)
def view(tape: Tape, step: View, adjoint: Tensor) -> Sequence[Tensor | None]:
    return [_view(tape, adjoint, step.inputs[0])]


@derivative(Random)
def random(tape: Tape, step: Random, adjoint: Tensor) -> Sequence[Tensor | None]:
    return []


@derivative(ArgMax)
def argmax(tape: Tape, step: ArgMax, adjoint: Tensor) -> Sequence[Tensor | None]:
    return [None]
