"""An activation: all that holds of a function of one number, and a net with it."""

from collections.abc import Iterator

from deltaplan.plugins.contracts import Activation
from deltaplan.plugins.expressions import substitute
from deltaplan.plugins.settings import call, numbers
from deltaplan.runtime.slopes import Function
from deltaplan.testing.nets import Net, check_gradient, check_training
from deltaplan.testing.report import Result
from deltaplan.testing.scalar import check_function


def checks(activation: Activation) -> Iterator[Result]:
    given = numbers(activation)
    at = ", ".join(f"{name} = {value:g}" for name, value in given.items())
    yield from check_function([Function("σ", substitute(activation.expression, given), "u", at)])
    net = Net(activation, layers=f"dense 4, 4 {call(activation)}")
    yield check_gradient(net)
    yield from check_training(net)
