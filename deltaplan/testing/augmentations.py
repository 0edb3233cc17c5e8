"""An augmentation: the first input that it takes, and training with it."""

from collections.abc import Iterator

from deltaplan.diagnostics import DeltaplanError
from deltaplan.plugins.contracts import Augmentation
from deltaplan.plugins.settings import call
from deltaplan.testing.nets import Net, check_training
from deltaplan.testing.report import Result

INPUTS = (("3", ""), ("8x8x1", "flatten\n    "))  # of one sample: numbers, a picture


def checks(augmentation: Augmentation) -> Iterator[Result]:
    refusals = []
    for shape, before in INPUTS:
        net = Net(
            augmentation, layers=f"{before}dense 4 tanh", input=shape, data=f"augment {call(augmentation)}"
        )
        try:
            net.experiment()
        except DeltaplanError as error:
            refusals.append(error.diagnostics[0].message)
            continue
        yield Result("input", "passed", f"it takes [{shape}]")
        yield from check_training(net)
        return
    yield Result("input", "failed", f"it takes nothing that was tried; {refusals[0]}")
