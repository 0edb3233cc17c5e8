"""One derivative rule for each primitive but the map, which has a module of its own."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from deltaplan.compiler.steps import (
    ArgMax,
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
from deltaplan.compiler.tape import Tape, adjoint_name

S = TypeVar("S", bound=Step)
Rule = Callable[["Tape", Step, Tensor], "Sequence[Tensor | None]"]
DERIVATIVES: dict[type[Step], Rule] = {}


def derivative(kind: type[S]) -> Callable[[Callable[["Tape", S, Tensor], Sequence[Tensor | None]]], object]:
    """Registers the rule of a primitive with one output: (tape, step, ȳ) → the adjoint of each input."""

    def register(rule: Callable[["Tape", S, Tensor], Sequence[Tensor | None]]) -> object:
        DERIVATIVES[kind] = rule  # type: ignore[assignment]
        return rule

    return register


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
        return [_put(tape, tape.broadcast(adjoint, step.output), index, x)]
    if step.axes:
        shape = tuple(1 if i in step.axes else n for i, n in enumerate(x.shape))
        adjoint = tape.view(adjoint, Tensor("", shape))
    return [tape.broadcast(adjoint, x)]


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
    return [_put(tape, tape.broadcast(adjoint, step.output), index, x), None]


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
    return [tape.view(adjoint, step.inputs[0])]


@derivative(Random)
def random(tape: Tape, step: Random, adjoint: Tensor) -> Sequence[Tensor | None]:
    return []


@derivative(ArgMax)
def argmax(tape: Tape, step: ArgMax, adjoint: Tensor) -> Sequence[Tensor | None]:
    return [None]
