"""A loss: its part of one output as a function of one number, a net, and what it says of itself."""

from collections.abc import Iterator
from math import isnan, nan

from deltaplan.plugins.contracts import Loss
from deltaplan.plugins.expressions import evaluate, split_reductions, substitute
from deltaplan.plugins.expressions.transform import arguments
from deltaplan.plugins.settings import call, numbers
from deltaplan.runtime.slopes import Function
from deltaplan.testing.nets import check_gradient, check_training, net_for
from deltaplan.testing.report import Result
from deltaplan.testing.scalar import check_function

TARGETS = {"real": (-1.0, 0.0, 2.5), "binary": (0.0, 0.3, 1.0), "sign": (-1.0, 1.0), "class": (0.0, 2.0)}
OUTPUTS = ((0.3, -1.2, 0.7), (2.0, 1.9, -3.0), (-40.0, 0.0, 5.0), (1e3, -1e3, 0.5), (0.0, 0.0, 0.0))


def checks(loss: Loss) -> Iterator[Result]:
    functions = list(_of_one_output(loss))
    if functions:
        yield from check_function(functions)
    yield _check_values(loss)
    yield _check_nan(loss)
    yield _check_convex(loss)
    net = net_for(loss, call(loss))
    yield check_gradient(net)
    yield from check_training(net)


def _of_one_output(loss: Loss) -> Iterator[Function]:
    """What is summed over the outputs, where that is all there is."""
    cut = split_reductions(substitute(loss.expression, numbers(loss)))
    if (
        len(cut.stages) != 1
        or not {"u", "y"} >= set(arguments(cut.stages[0].element))
        or loss.target == "class"
    ):
        return
    for y in TARGETS[loss.target]:
        element = substitute(cut.stages[0].element, {"y": y})
        if not element.scalar:
            yield Function("L", element, "u", f"y = {y:g}")


def _value(loss: Loss, u: tuple[float, ...], y: float) -> float:
    target = y if loss.target == "class" else [y] * len(u)
    value = evaluate(loss.expression, {**numbers(loss), "u": list(u), "y": target})
    assert isinstance(value, float)
    return value


def _check_values(loss: Loss) -> Result:
    """A number for outputs as large as a net's first steps make them."""
    for u in OUTPUTS:
        for y in TARGETS[loss.target]:
            if isnan(_value(loss, u, y)):
                return Result("values", "failed", f"L is no number at u = {_vector(u)}, y = {y:g}")
    return Result("values", "passed")


def _check_nan(loss: Loss) -> Result:
    y = TARGETS[loss.target][0]
    value = _value(loss, (0.5, nan, 0.5), y)
    if not isnan(value):
        return Result("lost output", "failed", f"L is {value:g}, which hides a mistake")
    return Result("lost output", "passed")


def _check_convex(loss: Loss) -> Result:
    """L((u + v)/2) ≤ (L(u) + L(v))/2 at many pairs, where it says that it is convex."""
    if not loss.convex:
        return Result("convex", "skipped", "it does not say so")
    for y in TARGETS[loss.target]:
        for u in OUTPUTS:
            for v in OUTPUTS:
                middle = tuple((a + b) / 2 for a, b in zip(u, v, strict=True))
                chord = (_value(loss, u, y) + _value(loss, v, y)) / 2
                if _value(loss, middle, y) > chord + 1e-9 * max(1.0, abs(chord)):
                    ends = f"u = {_vector(u)} and {_vector(v)}, y = {y:g}"
                    return Result("convex", "failed", f"it is not, between {ends}: say convex=False")
    return Result("convex", "passed", f"at {len(OUTPUTS) ** 2 * len(TARGETS[loss.target])} pairs")


def _vector(u: tuple[float, ...]) -> str:
    return f"[{', '.join(f'{x:g}' for x in u)}]"
