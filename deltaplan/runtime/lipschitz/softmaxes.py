"""A softmax written in primitives, as in a layer of one's own: as a quotient it is bounded far too high."""

from collections.abc import Mapping

import numpy as np

from deltaplan.compiler.steps import Map, Reduce, Step, Tensor, View
from deltaplan.plugins.expressions import Expr, argument, exp

X0, X1 = argument("x0"), argument("x1")
QUOTIENT, POWERS, SHIFTED = X0 / X1, exp(X0), exp(X0 - X1)

Made = Mapping[Tensor, Step]


def softmax_of(step: Step, made: Made) -> Tensor | None:
    """The u of which a step is exp(u)/Σ exp(u), the sum over axes of u; None where it is no such quotient.
    u may be shifted by its maximum over the same axes. `made` has the steps by what they write."""
    if not _is(step, QUOTIENT):
        return None
    powers, total = step.inputs
    source, summed = made.get(powers), _reduced(total, made)
    if source is None or summed is None or (summed.kind, summed.inputs) != ("sum", (powers,)):
        return None
    if _is(source, POWERS):
        shift: Tensor | None = None
    elif _is(source, SHIFTED) and _is_maximum(source, summed, made):
        shift = source.inputs[1]
    else:
        return None
    u = source.inputs[0]
    whole = u.shape == powers.shape == step.output.shape
    return u if whole and all(_is_of_group(t, summed) for t in (total, shift) if t is not None) else None


def _is(step: Step, expression: Expr) -> bool:
    return isinstance(step, Map) and step.expressions == (expression,)


def _reduced(tensor: Tensor, made: Made) -> Reduce | None:
    """The step behind a tensor that is a sum or a maximum, or a view of it."""
    step = made.get(tensor)
    while isinstance(step, View):
        step = made.get(step.inputs[0])
    return step if isinstance(step, Reduce) and not step.batch else None


def _is_maximum(source: Step, summed: Reduce, made: Made) -> bool:
    u, shift = source.inputs
    found = _reduced(shift, made)
    return found is not None and (found.kind, found.inputs, found.axes) == ("max", (u,), summed.axes)


def _is_of_group(tensor: Tensor, summed: Reduce) -> bool:
    """Whether each number of what was reduced meets the result of its own group in a map."""
    (whole,) = summed.inputs
    groups = np.arange(whole.size).reshape(whole.shape).min(axis=summed.axes)
    own = np.broadcast_to(np.expand_dims(groups, summed.axes), whole.shape)
    try:
        met = np.broadcast_to(groups.reshape(tensor.shape), whole.shape)
    except ValueError:
        return False
    return bool((met == own).all())
