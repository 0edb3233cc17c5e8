"""A layer: the first input that it takes, its gradient, and training with it."""

from collections.abc import Iterator
from itertools import product

from deltaplan.diagnostics import DeltaplanError
from deltaplan.plugins.contracts import Layer
from deltaplan.plugins.settings import lines
from deltaplan.testing.nets import Net, check_gradient, check_training
from deltaplan.testing.report import Result

INPUTS = ("6", "8x4", "8x8x4")  # of one sample: a vector, a sequence, an image


def checks(layer: Layer) -> Iterator[Result]:
    refusals = []
    for own, shape in product(_lines(layer), INPUTS):
        net = Net(layer, layers=f"{own}\n    flatten", input=shape)
        try:
            net.experiment()
        except DeltaplanError as error:
            refusals.append(f"`{own}` on [{shape}]: {error.diagnostics[0].message}")
            continue
        yield Result("input", "passed", f"it takes [{shape}] as `{own}`")
        yield check_gradient(net)
        yield from check_training(net)
        return
    yield Result("input", "failed", f"it takes nothing that was tried; {refusals[0]}")


def _lines(layer: Layer) -> list[str]:
    found = list(lines(layer.name, layer.attributes))
    return found if layer.trained else [*found, f"apply {layer.name}"]
