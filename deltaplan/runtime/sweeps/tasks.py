"""Which trials are one task: as many as can be one program, but enough tasks for all processes."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.parameters import place_parameters
from deltaplan.runtime.outcome import Backend
from deltaplan.runtime.seeds import TOGETHER
from deltaplan.runtime.sweeps.trials import Trial
from deltaplan.runtime.sweeps.work import Task

LEAST = 32  # trials of a program that is worth its making a second time


def tasks_of(
    experiment: Experiment, trials: Sequence[Trial], jobs: int, backend: Backend | None, folder: Path | None
) -> list[Task]:
    """The trials in tasks, in their order as far as that goes."""
    if not _may_be_lanes(experiment, backend):
        return [Task((trial,), folder) for trial in trials]
    families = _families(trials)
    pieces = -(-jobs // len(families)) if families else 1
    return [Task(piece, folder) for family in families for piece in _pieces(family, pieces)]


def _may_be_lanes(experiment: Experiment, backend: Backend | None) -> bool:
    """Whether trials of the spec can be trained as lanes; what is found otherwise later costs time alone."""
    train = experiment.train
    assert train is not None
    watched = train.stop_early is not None and train.stop_early.on != "loss"
    other = train.solver is not None or train.record is not None or train.warm_start is not None
    small = sum(p.size for p in place_parameters(experiment.graph)) <= TOGETHER
    return small and not watched and not other and backend != "numpy"


def _families(trials: Iterable[Trial]) -> list[tuple[Trial, ...]]:
    """Trials whose settings differ in numbers that are not whole: what is whole or a word may change the
    shape of the model."""
    found: dict[tuple[tuple[str, str], ...], list[Trial]] = {}
    for trial in trials:
        own = ((n, repr(v)) for n, v in trial.setting.items() if not isinstance(v, float))
        found.setdefault(tuple(own), []).append(trial)
    return [tuple(family) for family in found.values()]


def _pieces(family: Sequence[Trial], wanted: int) -> list[tuple[Trial, ...]]:
    count = max(1, min(wanted, len(family) // LEAST))
    size = -(-len(family) // count)
    return [tuple(family[at : at + size]) for at in range(0, len(family), size)]
