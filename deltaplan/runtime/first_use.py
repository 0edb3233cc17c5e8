"""Foreign code is checked when a spec trains with it for the first time: what a wrong derivative does is hard
to see in the training itself."""

from collections.abc import Iterator
from math import isfinite
from typing import ClassVar

import deltaplan
from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.used import used
from deltaplan.diagnostics import DeltaplanError, Diagnostic, mistake
from deltaplan.plugins.contracts import Activation, Contribution, Kind
from deltaplan.plugins.places import line_span
from deltaplan.runtime.backends.native.cache import cached
from deltaplan.runtime.data.dataset import Dataset

DIFFERENTIATED: tuple[Kind, ...] = ("activation", "loss", "regularizer", "layer")
SAMPLES, NUMBERS = 4, 120  # of the training part, and of θ: a moment even for large nets


@mistake
class WrongDerivative(Diagnostic):
    code: ClassVar[str] = "wrong-derivative"
    title: ClassVar[str] = "the derivative of {what} is wrong: {found}"
    help: ClassVar[str] = "`deltaplan plugins check` on its file, or `deltaplan gradcheck`, tells more"
    what: str
    found: str


def check_first_use(experiment: Experiment, dataset: Dataset) -> None:
    """Checks the gradient of a spec with foreign code whose bytes were not checked here before, and remembers
    that it was right in the user's cache. DeltaplanError names what is wrong, with the worst point."""
    new = [c for c in used(experiment) if c.owner.foreign and c.kind in DIFFERENTIATED]
    for contribution in new:
        cached(_key(contribution), lambda: _checked(experiment, dataset, new))


def _key(contribution: Contribution) -> tuple[str, ...]:
    owner = contribution.owner
    return ("gradient", deltaplan.__version__, owner.sha256, contribution.kind, contribution.name)


def _checked(experiment: Experiment, dataset: Dataset, new: list[Contribution]) -> bytes:
    """Something to remember."""
    wrong = [*_wrong_slopes(experiment)] or [*_wrong_blocks(experiment, dataset, new)]
    if wrong:
        raise DeltaplanError(*wrong)
    return b"right"


def _wrong_slopes(experiment: Experiment) -> Iterator[WrongDerivative]:
    """Of activations, as functions of one number."""
    from deltaplan.compiler.optimize import given
    from deltaplan.compiler.used import uses
    from deltaplan.plugins.expressions import substitute
    from deltaplan.runtime.slopes import Function, slopes_of

    for use in uses(experiment):
        contract = use.contract
        if isinstance(contract, Activation) and contract.owner.foreign:
            own = substitute(contract.expression, given(use))
            found = slopes_of([Function("σ", own, "u")])
            if not found.right:
                yield _wrong(contract, found.where)


def _wrong_blocks(
    experiment: Experiment, dataset: Dataset, new: list[Contribution]
) -> Iterator[WrongDerivative]:
    """Of the whole net, at the parameters that training begins with."""
    from deltaplan.runtime.arrays import arrays_of
    from deltaplan.runtime.gradcheck import gradcheck
    from deltaplan.runtime.initial import initial

    assert experiment.train is not None
    part = dataset.parts["train"]
    data = {name: array[..., :SAMPLES] for name, array in arrays_of(part).items()}
    scale = 1 / min(SAMPLES, len(part)) if experiment.train.average == "mean" else 1.0
    seed = experiment.train.seed
    rows = gradcheck(experiment.graph, initial(experiment.graph, seed), data, scale, seed, NUMBERS)
    worst = max(rows, key=lambda row: row.error, default=None)
    if worst is not None and not worst.passed and (isfinite(worst.derived) or isfinite(worst.difference)):
        place = f"∂J/∂{worst.block}{list(worst.index)}"
        yield _wrong(new[0], f"{place} is {worst.derived:.9g}, by differences {worst.difference:.9g}", new)


def _wrong(one: Contribution, found: str, suspects: list[Contribution] | None = None) -> WrongDerivative:
    what = " or ".join(f"{c.kind} `{c.name}`" for c in suspects or [one])
    return WrongDerivative(what=what, found=found, span=line_span(one.owner.location, one.owner.line))
