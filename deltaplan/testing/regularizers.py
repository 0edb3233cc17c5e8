"""A regularizer: its part of one number, its value at rest, and a net with it."""

from collections.abc import Iterator
from math import isfinite

from deltaplan.plugins.contracts import Regularizer
from deltaplan.plugins.expressions import evaluate, split_reductions, substitute
from deltaplan.plugins.expressions.transform import arguments
from deltaplan.plugins.settings import call, numbers
from deltaplan.runtime.slopes import Function
from deltaplan.testing.nets import Net, check_gradient, check_training
from deltaplan.testing.report import Result
from deltaplan.testing.scalar import check_function

BLOCKS = ([0.0, 0.0, 0.0], [0.5, -1.0, 2.0], [1e3, -1e3, 0.0], [1e-300, 0.0, -1e-300])


def checks(regularizer: Regularizer) -> Iterator[Result]:
    given = numbers(regularizer)
    cut = split_reductions(substitute(regularizer.expression, given))
    if [s.kind for s in cut.stages] == ["sum"] and set(arguments(cut.stages[0].element)) == {"w"}:
        yield from check_function([Function("Ω", cut.stages[0].element, "w")])
    for block in BLOCKS:
        value = evaluate(regularizer.expression, {**given, "w": block})
        if not (isinstance(value, float) and isfinite(value)):
            yield Result("values", "failed", f"Ω is {value} at w = {block}")
            break
    else:
        yield Result("values", "passed")
    net = Net(regularizer, penalty=call(regularizer))
    yield check_gradient(net)
    yield from check_training(net)
