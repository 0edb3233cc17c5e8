"""Assertions about trained weights, checked when training has ended."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import ClassVar

from deltaplan.compiler.build.assertions import QUANTITIES
from deltaplan.compiler.build.values import DivisionByZero
from deltaplan.compiler.claims import Assertion, DividedByZero, shown, verdict
from deltaplan.compiler.experiment import Experiment
from deltaplan.diagnostics import Diagnostic, Note, mistake
from deltaplan.dsl import tree
from deltaplan.runtime.backends.numpy.expressions import Array
from deltaplan.runtime.threads import blas_threads


@mistake
class ClaimFailed(Diagnostic):
    code: ClassVar[str] = "claim-failed"
    title: ClassVar[str] = "`{text}` does not hold of the trained weights"
    label: ClassVar[str] = "{found}"
    help: ClassVar[str] = "{mend}"
    text: str
    found: str
    mend: str | None = None


@mistake
class ClaimUnchecked(Diagnostic):
    code: ClassVar[str] = "claim-unchecked"
    title: ClassVar[str] = "`{text}` was not checked: {why}"
    severity = "warning"
    text: str
    why: str


Samples = Mapping[str, Array]


def check_claims(experiment: Experiment, vector: Array, samples: Samples) -> tuple[Diagnostic, ...]:
    """The assertions about trained weights that do not hold of `vector`, θ with the running statistics behind
    it; `samples` [features, N] by input are those that it was trained on."""
    if not experiment.claims:
        return ()
    values: dict[str, float] = {}

    def quantity(name: str, value: tree.Value) -> float:
        if name not in values:
            values[name] = _measured(experiment, vector, samples)(name)
        return values[name]

    with blas_threads(1):
        found = [_failure(claim, quantity, experiment, vector, samples) for claim in experiment.claims]
    return tuple(failure for failure in found if failure)


def unchecked(experiment: Experiment, why: str) -> tuple[Diagnostic, ...]:
    """A warning for each assertion about trained weights, where none is looked at."""
    return tuple(ClaimUnchecked(span=c.value.span, text=c.text, why=why) for c in experiment.claims)


def _measured(experiment: Experiment, vector: Array, samples: Samples) -> Callable[[str], float]:
    from deltaplan.runtime.lipschitz.measure import upper_bound  # of the specs that ask for it alone

    def measured(name: str) -> float:
        if name == "lipschitz":
            return upper_bound(experiment.graph, vector, samples)
        return QUANTITIES[name](experiment)

    return measured


def _failure(
    claim: Assertion,
    quantity: Callable[[str, tree.Value], float],
    experiment: Experiment,
    vector: Array,
    samples: Samples,
) -> Diagnostic | None:
    span = claim.value.span
    try:
        holds, found = verdict(claim, quantity)
    except DividedByZero as fault:
        return DivisionByZero(span=fault.span)
    if holds:
        return None
    failure = ClaimFailed(span=span, text=claim.text, found=shown(found))
    if claim.value.op not in ("<", "<="):
        return failure
    mend = "a larger factor of `spectral` or `l2` on the weights lowers it"
    return replace(failure, mend=mend, notes=(Note(_beside(experiment, vector, samples)),))


def _beside(experiment: Experiment, vector: Array, samples: Samples) -> str:
    """What the net does reach, beside the bound."""
    from deltaplan.runtime.lipschitz.measure import reached

    slope = reached(experiment.graph, vector, samples)
    return f"lipschitz is a proven bound; the steepest slope that was found on the data is {slope:.6g}"
