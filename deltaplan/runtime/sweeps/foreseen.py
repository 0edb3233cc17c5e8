"""What can be told of trials before any is trained: values that the spec cannot be built with."""

from collections.abc import Callable, Iterator, Mapping
from typing import ClassVar

from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.nodes import show_value
from deltaplan.compiler.sweeps import Axis, Distribution
from deltaplan.diagnostics import DeltaplanError, Diagnostic, Note, in_order, mistake
from deltaplan.plugins.contracts import Value

MOST = 40  # values that are tried


@mistake
class WrongTrial(Diagnostic):
    code: ClassVar[str] = "wrong-trial"
    title: ClassVar[str] = "the spec is wrong with `{name} = {value}`"
    help: ClassVar[str] = "these trials of the sweep will be refused, the others are trained"
    severity: ClassVar = "warning"
    name: str
    value: str


def wrong_trials(
    experiment: Experiment, load: Callable[[Mapping[str, Value]], Experiment]
) -> tuple[Diagnostic, ...]:
    """A warning for each value of a param with which, the others as the spec has them, it cannot be built."""
    sweep = experiment.sweep
    if sweep is None:
        return ()
    found = [warning for axis in sweep.params for warning in _of_axis(experiment, axis, load)]
    return tuple(found)


def _of_axis(
    experiment: Experiment, axis: Axis, load: Callable[[Mapping[str, Value]], Experiment]
) -> Iterator[Diagnostic]:
    for value in _tried(axis):
        if value == experiment.params.get(axis.name):
            continue
        try:
            load({axis.name: value})
        except DeltaplanError as error:
            first = in_order(d for d in error.diagnostics if d.severity == "error")[0]
            notes = (Note(first.message, first.span),)
            shown = show_value(value)
            yield WrongTrial(span=axis.span, name=axis.name, value=shown, notes=notes)


def _tried(axis: Axis) -> list[Value]:
    """The values of an axis, or both ends where they are very many."""
    match axis.values:
        case Distribution(low=low, high=high, whole=whole):
            return [int(low), int(high)] if whole else [low, high]
        case values if len(values) > MOST:
            return [values[0], values[-1]]
        case values:
            return [*values]
