"""What a spec must state before something can be done with it."""

from typing import ClassVar, Literal

from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.nodes import Loss
from deltaplan.diagnostics import Diagnostic, SpecError, mistake


@mistake
class MissingPart(Diagnostic):
    code: ClassVar[str] = "missing-part"
    title: ClassVar[str] = "`{file}` {what}, and that is needed here"
    help: ClassVar[str] = "{mend}"
    file: str
    what: str
    mend: str


PARTS = {
    "data": ("has no `data` block", 'add `data { csv "…"; inputs …; targets … }`'),
    "train": ("has no `train` block", "add `train { minimize …; optimizer …; epochs … }`"),
    "sweep": ("has no `sweep` block", "add `sweep { hidden = [3, 5]; seed = 0..9 }`"),
    "minimize": ("states no problem", "add `minimize mean(squared_error)` to its `train` block"),
}


def require(experiment: Experiment, *parts: Literal["data", "train", "minimize", "sweep"]) -> None:
    """SpecError for each part that the spec does not state."""
    stated = {
        "data": experiment.data is not None,
        "train": experiment.train is not None,
        "minimize": bool(experiment.graph.of(Loss)),
        "sweep": experiment.sweep is not None,
    }
    stated["minimize"] |= "train" in parts and not stated["train"]  # one mistake, told once
    missing = [PARTS[part] for part in parts if not stated[part]]
    if missing:
        name = experiment.source.name
        raise SpecError(*(MissingPart(file=name, what=what, mend=mend) for what, mend in missing))
