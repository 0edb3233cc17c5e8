"""One derivative rule for each primitive but the map, which has a module of its own."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from deltaplan.compiler.steps import (
    SLOTS,
    ArgMax,
    Conv,
    MatMul,
    Pick,
    Place,
    Pool,
    Put,
    Random,
    Reduce,
    Slice,
    Slot,
    Sparse,
    Step,
    Tensor,
    Unpool,
    View,
    slots_of,
)
from deltaplan.compiler.tape import Tape, adjoint_name
from deltaplan.compiler.windows import Window

Rule = Callable[["Tape", Any, Tensor], "Sequence[Tensor | None]"]
DERIVATIVES: dict[type[Step], Rule] = {}


def derivative(*kinds: type[Step]) -> Callable[[Rule], Rule]:
    """Registers the rule of primitives with one output: (tape, step, ȳ) → the adjoint of each input."""

    def register(rule: Rule) -> Rule:
        DERIVATIVES.update(dict.fromkeys(kinds, rule))
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


@derivative(Conv, Sparse)
def trilinear(tape: Tape, step: Conv | Sparse, adjoint: Tensor) -> Sequence[Tensor | None]:
    """A form T(x, w, y) that is linear in each: the adjoint of what the step writes takes its slot, and the
    derivative by another slot is a step of the same form."""
    known = slots_of(step) | {step.slot: adjoint}
    return [_slot(tape, step, slot, known) for slot in SLOTS if slot != step.slot]


def _slot(tape: Tape, step: Conv | Sparse, slot: Slot, known: dict[Slot, Tensor]) -> Tensor:
    target = known[slot]
    name = tape.fresh(adjoint_name(target.name)) if target.name[0] == "W" else tape.temporary()
    out = Tensor(name, target.shape, target.batched)
    inputs = tuple(known[other] for other in SLOTS if other != slot)
    return tape.emit(replace(step, slot=slot, inputs=inputs, outputs=(out,), origin=tape.origin, formula=""))


@derivative(Pool)
def pool(tape: Tape, step: Pool, adjoint: Tensor) -> Sequence[Tensor | None]:
    """Sum: ȳ to all that the window sees. Maximum: ȳ to the first of the largest."""
    (x,) = step.inputs
    if step.kind == "sum":
        out = tape.for_adjoint_of(x)
        return [tape.emit(Unpool(inputs=(adjoint,), outputs=(out,), window=step.window, origin=tape.origin))]
    index = Tensor(tape.temporary(), step.output.shape, x.batched, kind="index")
    tape.emit(ArgMax(inputs=(x,), outputs=(index,), window=step.window, origin=tape.origin))
    return [_put(tape, adjoint, index, x, step.window.axes, step.window)]


@derivative(Unpool)
def unpool(tape: Tape, step: Unpool, adjoint: Tensor) -> Sequence[Tensor | None]:
    out = tape.for_adjoint_of(step.inputs[0])
    pooled = Pool(inputs=(adjoint,), outputs=(out,), kind="sum", window=step.window, origin=tape.origin)
    return [tape.emit(pooled)]


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
    if step.reverse:
        back = Tensor(tape.temporary(), adjoint.shape, adjoint.batched)
        whole = replace(step, inputs=(adjoint,), outputs=(back,), begin=0, end=step.end - step.begin)
        adjoint = tape.emit(replace(whole, origin=tape.origin, formula=""))
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
    return [_put(tape, tape.broadcast(adjoint, step.output), index, x, step.axes), None]


def _put(
    tape: Tape, adjoint: Tensor, index: Tensor, like: Tensor, axes: int = 1, window: Window | None = None
) -> Tensor:
    out = tape.for_adjoint_of(like)
    inputs = adjoint, index
    return tape.emit(Put(inputs=inputs, outputs=(out,), axes=axes, window=window, origin=tape.origin))


@derivative(Put)
def put(tape: Tape, step: Put, adjoint: Tensor) -> Sequence[Tensor | None]:
    value, index = step.inputs
    out = tape.for_adjoint_of(value)
    picked = Pick(inputs=(adjoint, index), outputs=(out,), axes=step.axes, origin=tape.origin)
    return [tape.emit(picked), None]


@derivative(View)
def view(tape: Tape, step: View, adjoint: Tensor) -> Sequence[Tensor | None]:
    return [tape.view(adjoint, step.inputs[0])]


@derivative(Random)
def random(tape: Tape, step: Random, adjoint: Tensor) -> Sequence[Tensor | None]:
    return []


@derivative(ArgMax)
def argmax(tape: Tape, step: ArgMax, adjoint: Tensor) -> Sequence[Tensor | None]:
    return [None]
