"""Going on from where an earlier run ended."""

from typing import TYPE_CHECKING, ClassVar

from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.parameters import place_blocks
from deltaplan.diagnostics import Diagnostic, SpecError, mistake
from deltaplan.runtime.batches import Batches
from deltaplan.runtime.data.dataset import Dataset
from deltaplan.runtime.outcome import Start

if TYPE_CHECKING:
    from deltaplan.runtime.run import Run


@mistake
class CannotResume(Diagnostic):
    code: ClassVar[str] = "cannot-resume"
    title: ClassVar[str] = "`{run}` cannot go on: {why}"
    help: ClassVar[str] = "{mend}"
    run: str
    why: str
    mend: str | None = None


def start_of(run: "Run", experiment: Experiment, dataset: Dataset) -> Start:
    """Where `experiment` goes on from. SpecError where it does not fit the run, or the run is at its end.

    The spec may differ from the run's in what does not change the parameters or the optimizer's vectors: in
    its length, say.
    """
    why = _difference(run, experiment, dataset)
    if why:
        raise SpecError(CannotResume(run=str(run.folder or run.saved.name), why=why[0], mend=why[1]))
    saved = run.saved
    return Start(saved.step, run.theta, saved.state, saved.counters)


def _difference(run: "Run", experiment: Experiment, dataset: Dataset) -> tuple[str, str | None] | None:
    saved, spec = run.saved, experiment.train
    assert spec is not None, "a spec that is trained has a `train` block"
    shapes = {block.name: block.tensor.shape for block in place_blocks(experiment.graph)}
    if shapes != {name: array.shape for name, array in saved.parameters.items()}:
        return "the spec has other parameters than the run", "another model is a new run"
    if str(run.theta.dtype) != spec.precision:
        mend = f"write `precision {run.theta.dtype}`"
        return f"it was trained in {run.theta.dtype}, and the spec says {spec.precision}", mend
    if run.experiment.train is None or spec.optimizer.name != run.experiment.train.optimizer.name:
        return "the spec has another optimizer", "another optimizer is a new run"
    if spec.solver:
        why = f"`{spec.optimizer.name}` leaves nothing to go on from"
        return why, "`warm_start` with the run's folder begins where it ended"
    if [file.sha256 for file in saved.data] != [file.sha256 for file in dataset.files]:
        files = ", ".join(f"`{file.path}`" for file in saved.data) or "the data"
        return f"{files} is not what it was trained on", "other data are a new run"
    if saved.ended == "stopped early":
        return "it stopped early", "a larger `patience` is a new run"
    batches = Batches(len(dataset.parts["train"]), spec.batch, spec.seed)
    steps = spec.length * (batches.per_epoch if spec.unit == "epochs" else 1)
    if saved.step >= steps:
        return f"it has made its {saved.step:,} steps", f"a spec with more {spec.unit} goes on from there"
    return None
