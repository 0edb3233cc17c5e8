"""A run: what training reached, in memory and in its folder."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from deltaplan.compiler.experiment import Experiment
from deltaplan.diagnostics import DeltaplanError, Diagnostic, Span, SpecError, mistake
from deltaplan.records import dataclass
from deltaplan.runtime.backends.numpy.expressions import Array
from deltaplan.runtime.data.dataset import Dataset, Part, PartName
from deltaplan.runtime.data.prepare import load_dataset, load_part
from deltaplan.runtime.first_use import check_first_use
from deltaplan.runtime.fitted import Samples, fitted
from deltaplan.runtime.foreign import code_of, contributions_of, saved_of
from deltaplan.runtime.model import Model, Table
from deltaplan.runtime.outcome import Backend, Outcome, Progress, Start
from deltaplan.runtime.prepared import Prepared
from deltaplan.runtime.recorded import Recorded
from deltaplan.runtime.requirements import require
from deltaplan.runtime.runs import RunDamaged, SavedRun, open_run, save
from deltaplan.runtime.train import train as solve

if TYPE_CHECKING:
    from deltaplan.runtime.predictor import Predictor
    from deltaplan.runtime.trace import SampleTrace

RUNS = Path("runs")


@mistake
class NoSuchPart(Diagnostic):
    code: ClassVar[str] = "no-such-part"
    title: ClassVar[str] = "the run's data has no part `{part}`"
    label: ClassVar[str] = "it has {parts}"
    help: ClassVar[str] = "`split train=70% validation=15% test=15%` in the `data` block makes one"
    part: str
    parts: str


@mistake
class DataNotKept(Diagnostic):
    code: ClassVar[str] = "data-not-kept"
    title: ClassVar[str] = "`{run}` was trained on data from memory, which a run does not keep"
    help: ClassVar[str] = "give the data: a file for `evaluate` and `predict`, arrays for `Run.score(X, y)`"
    run: str


@dataclass(frozen=True, slots=True)
class Run:
    """A trained model with its history and metrics; `folder` is None where nothing was written.

    `metrics` has the scores of each part (`train`, `validation`, `test`). `divergence` tells why training
    stopped early, if it did, `failed` which assertions about trained weights do not hold. `draw` makes its
    `pictures`.
    """

    model: Model
    saved: SavedRun
    folder: Path | None = None
    divergence: Diagnostic | None = None
    failed: tuple[Diagnostic, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()
    draw: Callable[[], Mapping[str, str]] = dict

    @property
    def pictures(self) -> Mapping[str, str]:
        """SVG texts by file name, drawn when they are asked for."""
        return self.draw()

    @property
    def experiment(self) -> Experiment:
        return self.model.experiment

    @property
    def theta(self) -> Array:
        """The flat vector of parameters, in the precision of training."""
        from deltaplan.compiler.parameters import place_parameters

        return self.model.theta[: sum(p.size for p in place_parameters(self.experiment.graph))]

    @property
    def statistics(self) -> Array:
        """The running statistics of the layers that keep some, in their order: what `problem` takes."""
        return self.model.theta[len(self.theta) :]

    @property
    def history(self) -> Sequence[Mapping[str, Any]]:
        return self.saved.history

    @property
    def metrics(self) -> Mapping[str, Any]:
        return self.saved.metrics

    @property
    def recorded(self) -> Recorded | None:
        """θ along the way, where the spec says `record parameters`."""
        return self.saved.recorded

    @property
    def ended(self) -> str:
        """`complete`, `interrupted` or `diverged`."""
        return self.saved.ended

    def predict(self, inputs: Any, backend: Backend | None = None) -> Any:
        """Predictions [N, outputs] in the data's units for inputs [N, features]: see `Model.predict`."""
        return self.model.predict(inputs, backend)

    def predictor(self, backend: Backend | None = None) -> "Predictor":
        """A prepared predictor, for one sample in a microsecond or for many at full speed: see `Predictor`.
        It has its own memory, parameters included; threads need one each."""
        from deltaplan.runtime.predicting import predictor_of

        return predictor_of(self.model, backend)

    def decide(self, inputs: Any, backend: Backend | None = None) -> Any:
        """The class of each sample: see `Model.decide`."""
        return self.model.decide(inputs, backend)

    def score(self, x: Any, y: Any = None, backend: Backend | None = None) -> dict[str, float]:
        """Loss and metrics on samples in memory: as for training, [N, features] and [N, outputs] or [N], or a
        data frame with the columns that were trained on. SpecError where they do not fit."""
        return self.model.score(self._part(x, y), backend)

    def tables(self, x: Any, y: Any = None, backend: Backend | None = None) -> dict[str, Table]:
        """The confusion matrix on samples in memory, given as to `score`, by the name `confusion`."""
        return self.model.tables(self._part(x, y), backend)

    def _part(self, x: Any, y: Any) -> Part:
        from deltaplan.runtime.data.memory import part_from_memory

        return part_from_memory(self.experiment, self.model.preprocessing, x, y)

    def save(self, runs: str | os.PathLike[str] = RUNS, name: str | None = None) -> "Run":
        """Writes the run to a new folder in `runs`, which begins with its name unless another is given; the
        run that comes back knows its folder."""
        from deltaplan.compiler.render import render

        saved = replace(self.saved, resolved=self.saved.resolved or render(self.experiment))
        return replace(self, saved=saved, folder=save(saved, Path(runs), self.pictures, name))

    def dataset(self, path: Path | None = None) -> Dataset:
        """The data of the run, read again from its file or from another one. SpecError for a run that was
        trained on data from memory, which are not kept."""
        if path is None and _was_in_memory(self):
            raise SpecError(DataNotKept(run=str(self.folder or self.saved.name)))
        return load_dataset(self.experiment, Path(), path or [file.path for file in self.saved.data])

    def trace(self, number: int | None = None) -> "SampleTrace":
        """The recursions with the numbers of one sample of the run's data: see `runtime.trace`."""
        from deltaplan.runtime.trace import trace

        return trace(self.experiment, self.model.theta, self.dataset(), number)

    def _repr_html_(self) -> str:
        from deltaplan.runtime.notebook import run_html

        return run_html(self.saved, str(self.folder) if self.folder else None)

    def __repr__(self) -> str:
        where = f" in {self.folder}" if self.folder else ""
        return f"<run `{self.saved.name}`, {self.saved.step} steps, {self.ended}{where}>"


def train(
    experiment: Experiment,
    dataset: Dataset | None = None,
    *,
    runs: str | os.PathLike[str] | None = RUNS,
    progress: Progress | None = None,
    resume: "Run | None" = None,
    threads: int | None = None,
    backend: Backend | None = None,
    prepared: Prepared | None = None,
) -> Run:
    """Trains a spec and writes the run to a new folder in `runs`; with None nothing is written.

    Ctrl-C and divergence end training early; the run then holds what was reached. `resume` is a run to go on
    from, with its bits: see `resume.start_of`. For `threads` and `backend` see `runtime.train.train`.
    `prepared` has the spec's plans.
    """
    require(experiment, *(() if dataset else ("data",)), "train", "minimize")
    dataset = dataset or load_dataset(experiment, Path())
    check_first_use(experiment, dataset)
    start = _start(resume, experiment, dataset) if resume else None
    prepared = prepared or Prepared(experiment)
    outcome = solve(experiment, dataset, prepared, progress, start, threads, backend)
    run = run_of(experiment, dataset, outcome, resume, prepared)
    prepared.keep(dataset)
    return run if runs is None else run.save(runs)


def run_of(
    experiment: Experiment,
    dataset: Dataset,
    outcome: Outcome,
    resumed: "Run | None" = None,
    prepared: Prepared | None = None,
) -> Run:
    """The run that training gave, not written yet."""
    model = Model(experiment, outcome.theta, dataset.preprocessing, prepared or Prepared(experiment))
    saved = _saved(model, dataset, outcome, resumed)
    draw = partial(_pictures, model, fitted(model, dataset), saved)
    return Run(
        model=model,
        saved=saved,
        divergence=outcome.divergence,
        failed=_failed(experiment, outcome, dataset),
        warnings=(*dataset.warnings, *outcome.warnings, *_not_checked(experiment, outcome)),
        draw=draw,
    )


def _failed(experiment: Experiment, outcome: Outcome, dataset: Dataset) -> tuple[Diagnostic, ...]:
    if outcome.ended in UNFINISHED or not experiment.claims:
        return ()
    from deltaplan.runtime.claims import check_claims

    return check_claims(experiment, outcome.theta, dataset.parts["train"].x)


def _not_checked(experiment: Experiment, outcome: Outcome) -> tuple[Diagnostic, ...]:
    if outcome.ended not in UNFINISHED or not experiment.claims:
        return ()
    from deltaplan.runtime.claims import unchecked

    return unchecked(experiment, f"training {UNFINISHED[outcome.ended]}")


UNFINISHED = {"diverged": "diverged", "interrupted": "was interrupted"}


def _start(resume: "Run", experiment: Experiment, dataset: Dataset) -> Start:
    from deltaplan.runtime.resume import start_of

    return start_of(resume, experiment, dataset)


def _pictures(model: Model, samples: Samples | None, saved: SavedRun) -> Mapping[str, str]:
    from deltaplan.runtime.pictures import pictures  # most runs are not drawn, and the start is to be short

    return pictures(model, samples, saved)


def _saved(model: Model, dataset: Dataset, outcome: Outcome, resumed: "Run | None") -> SavedRun:
    experiment, spec, prepared = model.experiment, model.experiment.train, model.prepared
    assert spec is not None
    assert prepared is not None, "it was trained"
    parts: dict[str, Any] = {name: model.score(part) for name, part in dataset.parts.items()}
    certificate = {} if outcome.gradient_norm is None else {"gradient_norm": outcome.gradient_norm}
    split = {"split": experiment.data.split.seed} if experiment.data else {}
    return SavedRun(
        name=resumed.saved.name if resumed else name_of(experiment),
        spec=experiment.source.text,
        parameters=blocks(prepared, outcome.theta),
        state=outcome.states,
        counters=outcome.counters,
        recorded=_way(resumed, outcome),
        step=outcome.step,
        ended=outcome.ended,
        seeds={"train": spec.seed, **split},
        preprocessing=dataset.preprocessing,
        history=[*(resumed.history if resumed else ()), *(record.to_data() for record in outcome.history)],
        metrics={"ended": outcome.ended, "step": outcome.step, **certificate, **parts},
        contributions=saved_of(experiment),
        code=code_of(experiment),
        params=dict(experiment.params),
        data=dataset.files,
        measured=experiment.measured,
        imports={path: source.text for path, source in experiment.imports.items()},
    )


def _way(resumed: "Run | None", outcome: Outcome) -> Recorded | None:
    earlier, later = resumed.recorded if resumed else None, outcome.recorded
    return earlier.then(later) if earlier and later else later or earlier


def name_of(experiment: Experiment) -> str:
    """The name of a run: that of the spec's file, else that of the model."""
    path = Path(experiment.source.name)
    return path.stem if path.suffix == ".dl" else experiment.name


def blocks(prepared: Prepared, theta: Array) -> dict[str, Array]:
    """θ and the running statistics as named blocks in their shapes: `dense1.W` [out, in]."""
    return {b.name: theta[b.offset : b.end].reshape(b.tensor.shape) for b in prepared.blocks}


def open_(folder: str | os.PathLike[str], run_plugins: bool = False) -> Run:
    """A run from its folder. Its plugins are not needed where all that they gave are expressions; their code
    is run with `run_plugins` alone, and only where the file is the one that the run was trained with.

    Raises DeltaplanError where the folder is no run, is damaged, does not fit its own spec, or needs code.
    """
    from deltaplan.compiler.load import restore

    folder = Path(folder)
    saved = open_run(folder)
    contributions = contributions_of(saved, folder, run_plugins)
    name = str(folder / "spec.dl")
    experiment = restore(saved.spec, name, saved.params, contributions, saved.measured, saved.imports)
    theta = _theta(experiment, saved, folder)
    return Run(Model(experiment, theta, saved.preprocessing), saved, folder)


def _theta(experiment: Experiment, saved: SavedRun, folder: Path) -> Array:
    from deltaplan.compiler.parameters import place_blocks

    wanted = {block.name: block.tensor.shape for block in place_blocks(experiment.graph)}
    given = {name: array.shape for name, array in saved.parameters.items()}
    if wanted != given:
        what = "does not have the parameters of the spec beside it"
        raise DeltaplanError(RunDamaged(file=str(folder / "model.safetensors"), what=what))
    return np.concatenate([saved.parameters[name].ravel() for name in wanted])


def score(run: Run, part: PartName | None = None, path: Path | None = None) -> dict[str, dict[str, float]]:
    """Loss and metrics of the run's parts, or of all rows of another file."""
    return {name: run.model.score(samples) for name, samples in samples_of(run, part, path).items()}


def samples_of(run: Run, part: PartName | None = None, path: Path | None = None) -> dict[str, Part]:
    """The run's parts, one of them, or all rows of another file, by name."""
    if path is not None:
        require(run.experiment, "data")
        return {str(path): load_part(run.experiment, run.saved.preprocessing, path)}
    parts = run.dataset().parts
    if part is not None and part not in parts:
        raise SpecError(
            NoSuchPart(part=part, parts=", ".join(f"`{name}`" for name in parts), span=_split(run))
        )
    return {name: samples for name, samples in parts.items() if part in (None, name)}


def _split(run: Run) -> Span | None:
    data = run.experiment.data
    return (data.split.span or data.span) if data else None


def _was_in_memory(run: Run) -> bool:
    """Whether no file and no bundled set stands behind the run."""
    data = run.experiment.data
    named = data is not None and getattr(data.source.contract, "named", False)
    return not run.saved.data and not named
