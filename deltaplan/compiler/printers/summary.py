"""What `show` prints: the model as a table, its figures, the problem, the data and the solver."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from textwrap import wrap
from typing import Any

from deltaplan.compiler.costs import Memory, depth, training_memory, work
from deltaplan.compiler.experiment import (
    EVERYWHERE,
    DataFile,
    DataSpec,
    Experiment,
    Split,
    TrainSpec,
    WarmStart,
)
from deltaplan.compiler.nodes import Loss, Use, call_text, show_value
from deltaplan.compiler.plan import Plans, compile_plans
from deltaplan.compiler.printers.problem import problem
from deltaplan.compiler.printers.rows import rows
from deltaplan.compiler.printers.table import Entry, entries, table
from deltaplan.compiler.steps import Step
from deltaplan.compiler.sweeps import Sweep

WIDTH = 80
Passes = tuple[tuple[Step, ...], tuple[Step, ...]]
NAMES = 12  # columns for what a figure is called


def summary(experiment: Experiment, plans: Plans, samples: int | None = None) -> str:
    """The summary at 80 columns. `plans` are those that run, `samples` is the size of the training part."""
    lines = [experiment.name]
    if experiment.graph.of(Loss):
        lines += ["", *_figure("minimize", problem(experiment))]
    passes = _passes(experiment)
    lines += ["", *table(entries(rows(experiment.graph), passes[0])), ""]
    lines += _figures(experiment, plans, passes, samples)
    if experiment.data or experiment.train or experiment.sweep:
        lines.append("")
    if experiment.data:
        lines += _figure("data", _data(experiment.data))
    if experiment.train:
        lines += _figure("solver", _solver(experiment.train))
    if experiment.sweep:
        lines += _figure("sweep", sweep_text(experiment.sweep))
    return "\n".join(lines) + "\n"


def summary_of(experiment: Experiment) -> str:
    """The summary of an experiment whose data are not read."""
    return summary(experiment, compile_plans(experiment))


def _passes(experiment: Experiment) -> Passes:
    """The steps of the forward and the backward pass, each of one node."""
    plans = compile_plans(experiment, fused=False)
    return (plans.train.forward, plans.train.backward) if plans.train else (plans.predict.forward, ())


def _figure(name: str, text: str) -> list[str]:
    return wrap(
        text,
        WIDTH,
        initial_indent=f"{name:<{NAMES}}",
        subsequent_indent=" " * NAMES,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _figures(experiment: Experiment, plans: Plans, passes: Passes, samples: int | None) -> Iterator[str]:
    yield from _figure("parameters", _parameters(plans, samples))
    for span, have, of in experiment.skips:
        yield from _figure("skips", f"on {have} of {of} layers of line {span.line}")
    layers = depth(experiment.graph)
    yield from _figure("depth", f"{layers} affine layer{'s' * (layers != 1)} on the longest path")
    yield from _figure("FLOPs", _operations(*map(work, passes)))
    if experiment.train and plans.train:
        batch = experiment.train.batch or samples
        memory = training_memory(experiment, plans, batch or 1)
        yield from _figure("memory", _bytes(memory, experiment.train))


def _parameters(plans: Plans, samples: int | None) -> str:
    size, update = plans.predict.trace.size, plans.update
    trained = sum(part.end - part.begin for part in update.parts) if update else size
    part = f"; {trained:,} are trained" if trained < size else ""
    return _against(size, samples) + part


def _against(count: int, samples: int | None) -> str:
    if not samples:
        return f"{count:,}"
    return f"{count:,}, {count / samples:.3g} times the {samples:,} samples of training"


def _operations(forward: tuple[int, int], backward: tuple[int, int]) -> str:
    text = f"{forward[1]:,} forward"
    if backward[1]:
        text += f", {forward[1] + backward[1]:,} forward and backward"
    rest = forward[0] + backward[0]
    return f"{text} for each sample" + (f"; {rest:,} for each batch" if rest else "")


def _bytes(memory: Memory, train: TrainSpec) -> str:
    parts = [f"parameters {memory.parameters:,}", f"gradient {memory.gradient:,}"]
    parts += [f"{train.optimizer.name} {memory.state:,}"] if memory.state else []
    on = f"{memory.batch:,} sample{'s' * (memory.batch != 1)}"
    parts.append(f"layers {memory.arena:,} on {on}")
    return f"{memory.total:,} bytes in training: {', '.join(parts)}"


def _data(data: DataSpec) -> str:
    parts = [", ".join(_file(file) for file in data.files)]
    parts.append(_columns("inputs", data.inputs.values(), data.rest))
    parts += [f"windows of {data.window} rows"] if data.window > 1 else []
    parts += _mirrors(data) or [_columns("targets", data.targets.values())]
    parts += [f"{data.ahead} row{'s' * (data.ahead > 1)} ahead"] if data.ahead else []
    parts += _split(data.split)
    parts += [f"standardize {', '.join(data.standardize)}"] if data.standardize else []
    parts += [f"multiply {part} {show_value(factor)}" for part, factor in data.multiply.items()]
    parts += [f"augment {', '.join(map(str, uses))}" for uses in data.augment.values()]
    given = [f"{name}={strategy}" for name, (strategy, _) in data.missing.columns.items()]
    gaps = [*([data.missing.default] if data.missing.default else []), *given]
    parts += [f"missing {' '.join(gaps)}"] if gaps else []
    return "; ".join(part for part in parts if part)


def _file(file: DataFile) -> str:
    return f"{file.use.name} {Path(file.path).name}" + (f" ({file.part})" if file.part else "")


def _split(split: Split) -> Iterator[str]:
    shares = {part: getattr(split, part) for part in ("train", "validation", "test")}
    if shares["train"] < 1:
        text = "split " + " ".join(f"{part} {share:.4g}" for part, share in shares.items() if share)
        text += " in the order of time" if split.in_time else ""
        text += f" by {split.by.name}" if split.by else ""
        text += f", fold {split.fold} of {split.folds}" if split.folds else ""
        yield text


def _columns(word: str, groups: Iterable[Iterable[Any]], rest: str | None = None) -> str:
    names = [column.name for group in groups for column in group]
    if len(names) > 8:
        names = [*names[:3], f"… {len(names)} in all"]
    names += ["rest"] if rest else []
    return f"{word} {', '.join(names)}" if names else ""


def _solver(train: TrainSpec) -> str:
    unit = train.unit if train.length != 1 else train.unit.removesuffix("s")
    given: dict[str, str] = {} if train.exact else {train.unit: f"{train.length:,} {unit}"}
    given |= {"batch": f"batch {train.batch or 'full'}"}
    given |= {"seed": f"seed {train.seed}", "precision": train.precision}
    settings = [
        f"{text} (default)" if train.origin.get(name) == "default" else text for name, text in given.items()
    ]
    settings += [f"clip norm={show_value(train.clip)}"] if train.clip else []
    settings += [f"only {', '.join(train.only)}"] if train.only != EVERYWHERE else []
    settings += [f"lr_scale {show_value(rate.factor)} on {', '.join(rate.places)}" for rate in train.rates]
    if train.warm_start:
        settings.append(f"warm_start {train.warm_start.path} on {', '.join(train.warm_start.places)}")
    settings += [f"record parameters every {train.record} {train.unit}"] if train.record else []
    return ", ".join([call_text(train.optimizer), *settings])


def sweep_text(sweep: Sweep) -> str:
    """`60 trials: hidden = [3, 5], seed = 0..9`"""
    drawn = f", {sweep.random:,} settings drawn by seed {sweep.seed}" if sweep.random else ""
    return f"{sweep.trials:,} trials{drawn}: {', '.join(map(str, sweep.axes))}"


def summary_data(experiment: Experiment, plans: Plans, samples: int | None = None) -> dict[str, Any]:
    """The same for machines: every layer, no roll-up; FLOPs are [for a batch, for each sample]."""
    passes = _passes(experiment)
    forward, backward = map(work, passes)
    return {
        "name": experiment.name,
        "problem": problem(experiment) if experiment.graph.of(Loss) else None,
        "layers": [_layer_data(entry) for entry in entries(rows(experiment.graph), passes[0])],
        "parameters": plans.predict.trace.size,
        "samples": samples,
        "depth": depth(experiment.graph),
        "skips": [{"line": span.line, "skips": have, "layers": of} for span, have, of in experiment.skips],
        "flops": {"forward": list(forward), "backward": list(backward)},
        "memory": _memory_data(experiment, plans, samples),
        "data": data_facts(experiment.data) if experiment.data else None,
        "train": train_facts(experiment.train) if experiment.train else None,
        "sweep": sweep_facts(experiment.sweep) if experiment.sweep else None,
    }


def _layer_data(entry: Entry) -> dict[str, Any]:
    row = entry.row
    return {
        "name": row.name,
        "line": row.line,
        "text": row.text,
        "from": list(row.sources),
        "skips": [{"from": skip.source, "as": skip.word} for skip in row.skips],
        "shape": list(row.shape),
        "parameters": row.parameters,
        "flops": entry.flops,
    }


def _memory_data(experiment: Experiment, plans: Plans, samples: int | None) -> dict[str, int] | None:
    if experiment.train is None or plans.train is None:
        return None
    memory = training_memory(experiment, plans, experiment.train.batch or samples or 1)
    names = ("batch", "parameters", "gradient", "state", "arena", "total")
    return {name: getattr(memory, name) for name in names}


def _mirrors(data: DataSpec) -> list[str]:
    """What outputs are compared with where that are inputs."""
    if not data.mirrors:
        return []
    if len(data.inputs) == 1:
        return ["targets inputs"]
    return [f"targets {', '.join(f'{output}=inputs.{name}' for output, name in data.mirrors.items())}"]


def data_facts(data: DataSpec) -> dict[str, Any]:
    """What a data block says, as plain data."""
    split = data.split
    return {
        "source": data.source.name,
        "path": data.path,
        "files": [{"source": f.use.name, "path": f.path, "part": f.part} for f in data.files],
        "inputs": {name: [c.name for c in columns] for name, columns in data.inputs.items()},
        "rest": data.rest,
        "window": data.window,
        "targets": {name: [c.name for c in columns] for name, columns in data.targets.items()},
        "mirrors": dict(data.mirrors),
        "ahead": data.ahead,
        "split": {
            **{part: getattr(split, part) for part in ("train", "validation", "test", "seed")},
            "by": split.by.name if split.by else None,
            "order": "time" if split.in_time else "random",
            **({"folds": split.folds, "fold": split.fold} if split.folds else {}),
        },
        "standardize": list(data.standardize),
        "multiply": dict(data.multiply),
        "augment": {name: [_use_data(use) for use in uses] for name, uses in data.augment.items()},
        "missing": {
            "default": data.missing.default,
            **{name: strategy for name, (strategy, _) in data.missing.columns.items()},
        },
    }


def train_facts(train: TrainSpec) -> dict[str, Any]:
    """How the problem is solved, as plain data."""
    return {
        "optimizer": _use_data(train.optimizer),
        **({} if train.exact else {train.unit: train.length}),
        "batch": train.batch or "full",
        "seed": train.seed,
        "precision": train.precision,
        "average": train.average,
        "record": train.record,
        "warm_start": _warm_start_data(train.warm_start) if train.warm_start else None,
        "clip": train.clip,
        "only": list(train.only),
        "lr_scale": [{"factor": rate.factor, "on": list(rate.places)} for rate in train.rates],
        "origin": dict(train.origin),
    }


def sweep_facts(sweep: Sweep) -> dict[str, Any]:
    """What trials differ in, as plain data."""
    drawn = {"random": sweep.random, "seed": sweep.seed} if sweep.random else {}
    return {"trials": sweep.trials, **drawn, "axes": [str(axis) for axis in sweep.axes]}


def _warm_start_data(start: WarmStart) -> dict[str, Any]:
    return {"run": start.path, "on": list(start.places)}


def _use_data(use: Use) -> dict[str, Any]:
    values = {p.name: use.values.get(p.name, p.default) for p in use.contract.parameters}
    return {"name": use.name} | {n: _use_data(v) if isinstance(v, Use) else v for n, v in values.items()}
