"""Steps in a notation of their own: what is no map and no sum over a whole vector."""

import re

from deltaplan.compiler.steps import (
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
    Sparse,
    Step,
    Unpool,
)

PLACEHOLDER = re.compile(r"{(\d+)}")
AXES = "ijkl"  # of a sample, in sums over some of them


def template(step: Step) -> str | None:
    """The step with {0}, {1}, … for its inputs; None for a map whose expression says it best, and for a
    reduction of all the numbers of a sample."""
    if step.formula:
        return step.formula
    match step:
        case Conv(slot=slot):
            return {"y": "{1} ∗ {0}", "x": "{0}ᵀ ∗ {1}", "w": "{1} ⋆ {0}"}[slot]
        case Sparse(slot=slot):
            return {"y": "{1} {0}", "x": "{0}ᵀ {1}", "w": "P ⊙ ({1} {0}ᵀ)"}[slot]
        case Pool(kind=kind):
            return f"{kind}pool({{0}})"
        case Unpool():
            return "unpool({0})"
        case Slice(reverse=True):
            return "reversed({0})" if step.begin == 0 else f"reversed({{0}}[{step.begin}:{step.end}])"
        case Slice():
            return f"{{0}}[{step.begin}:{step.end}]"
        case Place():
            return _placed(step)
        case Pick():
            return "pick({0}, {1})"
        case Put():
            return "put({0}, {1})" if step.inputs[1].shape else "{0} onehot({1})"
        case ArgMax():
            return "argmaxpool({0})" if step.window else "argmax({0})"
        case Random():
            return "uniform(0, 1)"
        case MatMul():
            return "{0} {1}"
        case Reduce():
            return _reduced(step)
        case _:
            return None


def _placed(step: Place) -> str:
    """[a; b] for vectors one under the other, 0 for what is filled up."""
    parts, end = [], 0
    for position, (tensor, begin) in enumerate(zip(step.inputs, step.begins, strict=True)):
        parts += ["0"] * (begin > end) + [f"{{{position}}}"]
        end = begin + tensor.shape[step.axis]
    return f"[{'; '.join([*parts, *['0'] * (end < step.output.shape[step.axis])])}]"


def _reduced(step: Reduce) -> str | None:
    """`Σ_B {0}` over the samples, `Σ_ij {0}` over some axes."""
    every = len(step.axes) == len(step.inputs[0].shape)
    if step.batch and every and step.axes:
        return f"Σ_B {step.kind}({{0}})"
    letters = "".join(AXES[axis] for axis in step.axes)
    sign = "Σ" if step.kind == "sum" else "max"
    parts = [f"{sign}_B"] * step.batch + [f"{sign}_{letters}"] * (bool(step.axes) and not every)
    return " ".join([*parts, "{0}"]) if parts else None
