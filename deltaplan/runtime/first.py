"""The θ that training begins with: drawn from the seed, or in part taken from an earlier run."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from deltaplan.compiler.experiment import Experiment, WarmStart
from deltaplan.compiler.plans import Parameter, Plans, Statistic
from deltaplan.diagnostics import DeltaplanError, Diagnostic, Note, SpecError, mistake
from deltaplan.runtime.backends.numpy.expressions import Array
from deltaplan.runtime.initial import drawn, followed
from deltaplan.runtime.prepared import Prepared
from deltaplan.runtime.runs import open_run

SHOWN = 5  # parameters that are told


@mistake
class WarmStartDoesNotFit(Diagnostic):
    code: ClassVar[str] = "warm-start-does-not-fit"
    title: ClassVar[str] = "{count} of the parameters {do} not fit `{run}`"
    help: ClassVar[str] = "`on=` names the layers whose parameters are taken"
    count: str
    do: str
    run: str


def first(experiment: Experiment, plans: Plans | Prepared | None = None) -> Array:
    """θ before the first step and the running statistics behind it, float64 [length]. DeltaplanError where
    the run of a `warm_start` cannot be read, SpecError where it does not fit."""
    train = experiment.train
    assert train is not None, "training needs a `train` block"
    prepared = plans if isinstance(plans, Prepared) else Prepared(experiment, plans=plans)
    theta = followed(drawn(prepared.draws, train.seed), prepared.evaluate.trace.statistics)
    if train.warm_start:
        take(experiment, train.warm_start, theta)
    return theta


def take(experiment: Experiment, start: WarmStart, theta: Array) -> None:
    """Writes the parameters of an earlier run into θ, or into the θ of many nets, [nets, length]."""
    from deltaplan.compiler.parameters import is_in, place_blocks

    saved = _parameters(start)
    wanted = [p for p in place_blocks(experiment.graph) if is_in(p, start.places, experiment.graph)]
    misfits = [*_misfits(wanted, saved)]
    if misfits:
        shown = [Note(text) for text in misfits[:SHOWN]]
        shown += [Note(f"and {len(misfits) - SHOWN} more")] if len(misfits) > SHOWN else []
        count, do = ("one", "does") if len(misfits) == 1 else (str(len(misfits)), "do")
        raise SpecError(
            WarmStartDoesNotFit(span=start.span, count=count, do=do, run=start.path, notes=tuple(shown))
        )
    for p in wanted:
        theta[..., p.offset : p.end] = saved[p.name].ravel()


def _parameters(start: WarmStart) -> Mapping[str, Array]:

    try:
        return open_run(Path(start.path)).parameters
    except DeltaplanError as error:
        raise SpecError(*(replace(d, span=d.span or start.span) for d in error.diagnostics)) from None


def _misfits(wanted: list[Parameter | Statistic], saved: Mapping[str, Array]) -> Iterator[str]:
    for p in wanted:
        if p.name not in saved:
            yield f"it has no `{p.name}`"
        elif saved[p.name].shape != p.tensor.shape:
            yield f"`{p.name}` has the shape {[*saved[p.name].shape]} there and {[*p.tensor.shape]} here"
