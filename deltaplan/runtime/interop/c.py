"""A trained model, or a spec, as one C file."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

import deltaplan
from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.loops.c.document import Document, document
from deltaplan.compiler.loops.c.names import prefix
from deltaplan.compiler.loops.c.ports import InputPort, OutputPort, Sample, Scale, Source
from deltaplan.compiler.loops.c.refusals import refuse_training
from deltaplan.compiler.nodes import Input, Target
from deltaplan.compiler.steps import Pattern
from deltaplan.diagnostics import Diagnostic, SpecError, mistake
from deltaplan.runtime.data.dataset import Dataset
from deltaplan.runtime.data.prepare import load_dataset
from deltaplan.runtime.data.preprocessing import InputColumns, Preprocessing
from deltaplan.runtime.data.scaling import Scaling
from deltaplan.runtime.first import first
from deltaplan.runtime.initial import initial, with_statistics
from deltaplan.runtime.model import Model
from deltaplan.runtime.patterns import cells
from deltaplan.runtime.random import Purpose, key, normal
from deltaplan.runtime.requirements import require
from deltaplan.runtime.run import Run, open_
from deltaplan.runtime.writing import write_together

Precision = Literal["float32", "float64"]
CHECKS = 4  # samples that a file can be checked with
UNTRAINED = "not trained: the parameters are those that training begins with"


@mistake
class NotACFile(Diagnostic):
    code: ClassVar[str] = "not-a-c-file"
    title: ClassVar[str] = "`{path}` does not end in `.c`"
    help: ClassVar[str] = "the model is written as C99, with a header beside it: `{mend}`"
    path: str
    mend: str


def export(
    source: Path,
    file: Path,
    *,
    params: Mapping[str, float | int | bool | str] | None = None,
    train: bool = False,
    precision: Precision | None = None,
    run_plugins: bool = False,
) -> tuple[Path, Path]:
    """Writes a run folder, or a .dl file with the parameters that training begins with, as `file` and its
    header, and gives their paths; either both are written or none.

    `precision` is that of training if None. With `train` there is a function for a step of training too.
    DeltaplanError where the source cannot be read, has no form in C, or the files cannot be written.
    """
    if file.suffix != ".c" or not file.stem:
        raise SpecError(NotACFile(path=str(file), mend=str(file.with_suffix(".c"))))
    if source.suffix == ".dl" or source.is_file():
        model, samples, notes = of_spec(deltaplan.load(source, params), source)
    else:
        model, samples, notes = of_run(open_(source, run_plugins), train)
    made = document_of(model, file.stem, precision, train, samples, notes)
    header = file.with_suffix(".h")
    write_together({file: made.code.encode(), header: made.header.encode()})
    return file, header


def of_spec(experiment: Experiment, path: Path) -> tuple[Model, int | None, tuple[str, ...]]:
    """The model at the start of training, how many samples there are, and what is to be told of it."""
    dataset = load_dataset(experiment, Path()) if experiment.data else None
    theta = (
        first(experiment)
        if experiment.train
        else with_statistics(experiment.graph, initial(experiment.graph, 0))
    )
    precision = experiment.train.precision if experiment.train else "float32"
    prepared = dataset.preprocessing if dataset else _bare(experiment)
    model = Model(experiment, theta.astype(precision), prepared)
    return model, _count(dataset), (f"{experiment.name} of {path.name}, {UNTRAINED}.",)


def of_run(run: Run, train: bool) -> tuple[Model, int | None, tuple[str, ...]]:
    """The trained model. How many samples there were matters for training with a sum over mini-batches, and
    needs the data."""
    spec = run.experiment.train
    needed = train and spec is not None and spec.average == "sum" and spec.batch is not None
    steps = f"{run.saved.step:,} steps, {run.ended}"
    folder = run.folder.name if run.folder else run.saved.name
    return run.model, _count(run.dataset()) if needed else None, (f"{folder}: {steps}.",)


def _count(dataset: Dataset | None) -> int | None:
    return len(dataset.parts["train"]) if dataset else None


def _bare(experiment: Experiment) -> Preprocessing:
    """Of a spec without data: numbers as they are."""
    return Preprocessing({node.name: InputColumns((), Scaling.none()) for node in experiment.graph.of(Input)})


def document_of(
    model: Model,
    file: str,
    precision: Precision | None = None,
    train: bool = False,
    samples: int | None = None,
    notes: tuple[str, ...] = (),
) -> Document:
    """The texts of `file.c` and `file.h`. SpecError for what has no form in C."""
    experiment = model.experiment
    if train:
        require(experiment, "train", "minimize")
        refuse_training(experiment)
    chosen: Precision = precision or ("float64" if model.theta.dtype == np.float64 else "float32")
    model = replace(model, theta=model.theta.astype(chosen))
    seed = experiment.train.seed if experiment.train else 0
    words = key(seed, Purpose.DROPOUT)
    source = Source(
        experiment=experiment,
        file=file,
        name=prefix(file),
        precision=chosen,
        values=[float(value) for value in model.theta],
        inputs=tuple(_input_ports(model)),
        outputs=tuple(_output_ports(model)),
        checks=_checks(model),
        notes=(*notes, f"Written by deltaplan {deltaplan.__version__}; {chosen}."),
        key=(int(words[0]), int(words[1])),
        samples=samples,
        cells=_cells,
    )
    return document(source, train)


def _cells(pattern: Pattern) -> tuple[list[int], list[int]]:
    rows, columns = cells(pattern)
    return rows.tolist(), columns.tolist()


def _input_ports(model: Model) -> Iterator[InputPort]:
    for node in model.experiment.graph.of(Input):
        columns = model.preprocessing.inputs[node.name]
        yield InputPort(node.name, prod(node.shape), columns.labels, _scale(columns.scaling))


def _output_ports(model: Model) -> Iterator[OutputPort]:
    graph = model.experiment.graph
    kinds = {node.output: node.kind for node in graph.of(Target)}
    for name in model.outputs:
        target, decision = model.preprocessing.targets.get(name), model.decision(name)
        size = prod(graph.shapes[name])
        yield OutputPort(
            node=name,
            size=size,
            kind=target.kind if target else kinds.get(name, "real"),
            decision="argmax" if decision == "argmax" else "positive" if decision == "positive" else "none",
            names=model.target_names(name),
            classes=target.classes if target else (),
            scale=_scale(target.scaling) if target else Scale(),
        )


def _scale(scaling: Scaling) -> Scale:
    return Scale() if scaling.is_identity else Scale(scaling.means, scaling.scales)


def _checks(model: Model) -> tuple[Sample, ...]:
    """Samples around the means of the training part, and what the model makes of them."""
    raw, scaled = {}, {}
    for number, node in enumerate(model.experiment.graph.of(Input)):
        scaling, size = model.preprocessing.inputs[node.name].scaling, prod(node.shape)
        drawn = normal(Purpose.PROBE, 0, 0, number, (CHECKS, size)).T
        raw[node.name] = scaling.undo(drawn).astype(model.theta.dtype).astype(np.float64)
        scaled[node.name] = scaling.apply(raw[node.name])
    found = model.predict_columns(scaled)
    return tuple(
        Sample(
            {name: [float(v) for v in values[:, i]] for name, values in raw.items()},
            {name: [float(v) for v in values[:, i]] for name, values in found.items()},
        )
        for i in range(CHECKS)
    )
