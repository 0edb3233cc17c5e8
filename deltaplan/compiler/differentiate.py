"""Reverse-mode differentiation of a list of steps.

The result is again a list of steps over the same primitives, so it can be differentiated once more.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from deltaplan.compiler.map_rule import map_adjoints
from deltaplan.compiler.rules import DERIVATIVES
from deltaplan.compiler.steps import Map, Step, Tensor
from deltaplan.compiler.tape import Tape


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
            _backward(tape, step, adjoints, active)
    found = {t: a for t in wrt if (a := tape.adjoint(t)) is not None}
    named = tape.final_names()
    return (
        tuple(rename(step, named) for step in tape.steps),
        {t: named.get(a, a) for t, a in found.items()},
    )


def _backward(tape: Tape, step: Step, adjoints: Sequence[Tensor | None], active: frozenset[Tensor]) -> None:
    """Writes what one step contributes to the adjoints of its inputs."""
    tape.origin = step.origin
    if isinstance(step, Map):
        contributions: Sequence[Tensor | None] = map_adjoints(tape, step, adjoints, active)
    else:
        (adjoint,) = adjoints
        if adjoint is None:
            return
        contributions = DERIVATIVES[type(step)](tape, step, adjoint)
    for tensor, contribution in zip(step.inputs, contributions, strict=True):
        if contribution is not None and tensor in active:
            tape.add(tensor, contribution)


def dependents(steps: Iterable[Step], roots: Iterable[Tensor]) -> frozenset[Tensor]:
    """The roots and every tensor that is computed from them."""
    found = set(roots)
    for step in steps:
        if any(tensor in found for tensor in step.inputs):
            found.update(step.outputs)
    return frozenset(found)


def rename(step: Step, names: Mapping[Tensor, Tensor]) -> Step:
    """The step with some of its tensors under other names."""
    return replace(
        step,
        inputs=tuple(names.get(t, t) for t in step.inputs),
        outputs=tuple(names.get(t, t) for t in step.outputs),
    )
