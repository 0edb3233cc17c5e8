"""What two specs say differently: layers, sizes, problem, data and solver, whatever way each is written."""

from collections.abc import Iterable, Iterator, Mapping
from difflib import SequenceMatcher
from itertools import groupby
from pathlib import Path
from typing import Any

from deltaplan.compiler.costs import depth
from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.nodes import Loss, show_shape, show_value
from deltaplan.compiler.parameters import place_parameters
from deltaplan.compiler.printers.problem import problem
from deltaplan.compiler.printers.rows import rows
from deltaplan.compiler.printers.summary import data_facts, sweep_facts, train_facts
from deltaplan.compiler.printers.table import Entry, entries
from deltaplan.compiler.used import used
from deltaplan.plugins import contracts
from deltaplan.plugins.contracts import Activation, Contribution, Metric, Optimizer, Regularizer, Schedule
from deltaplan.plugins.expressions import Expr
from deltaplan.records import dataclass


@dataclass(frozen=True, slots=True)
class Change:
    """A fact that differs: None where one spec does not have it."""

    what: str  # `parameters`, `train.epochs`
    first: str | None
    second: str | None


@dataclass(frozen=True, slots=True)
class Moved:
    """Layers of one spec alone: how often in a row, in words with the shape that they give, and the line."""

    mark: str  # `-` of the first, `+` of the second
    times: int
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Differences:
    """Facts and layers that differ, in the order in which they are read."""

    facts: tuple[Change, ...]
    layers: tuple[Moved, ...]

    def __bool__(self) -> bool:
        return bool(self.facts or self.layers)

    def to_data(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "same": not self,
            "facts": [{"what": c.what, "first": c.first, "second": c.second} for c in self.facts],
            "layers": [
                {"mark": m.mark, "times": m.times, "text": m.text, "line": m.line} for m in self.layers
            ],
        }


def differences(first: Experiment, second: Experiment) -> Differences:
    """What the second says otherwise than the first."""
    facts = [dict(_facts(experiment)) for experiment in (first, second)]
    names = dict.fromkeys([*facts[0], *facts[1]])
    changed = (Change(name, facts[0].get(name), facts[1].get(name)) for name in names)
    return Differences(
        tuple(change for change in changed if change.first != change.second), tuple(_layers(first, second))
    )


def _facts(experiment: Experiment) -> Iterator[tuple[str, str]]:
    yield from ((f"param {name}", show_value(value)) for name, value in experiment.params.items())
    for contribution in used(experiment):
        if contribution.owner.origin != "built-in" and (said := _mathematics(contribution)):
            yield f"{contribution.kind} {contribution.name}", said
    yield "parameters", f"{sum(p.size for p in place_parameters(experiment.graph)):,}"
    yield "depth", str(depth(experiment.graph))
    yield "skips", str(sum(have for _, have, _ in experiment.skips))
    losses = experiment.graph.of(Loss)
    if losses:
        yield "minimize", problem(experiment)
    for loss in losses:
        if loss.weights:
            yield f"weights of {loss.use.name}", ", ".join(map(show_value, loss.weights))
    if experiment.data:
        folder = Path(experiment.source.name).parent
        yield from _flat("data", _with_relative_paths(data_facts(experiment.data), folder))
    if experiment.train:
        monitored = [each.label for each in experiment.train.monitor]
        stop = experiment.train.stop_early
        told = {
            "monitor": monitored,
            "keep": experiment.train.keep,
            "stop_early": f"{stop.on}, patience {stop.patience}, {stop.min_change:g}" if stop else None,
        }
        yield from _flat("train", {**train_facts(experiment.train), **told, "origin": None})
    if experiment.sweep:
        yield from _flat("sweep", sweep_facts(experiment.sweep))


def _mathematics(contribution: Contribution) -> str:
    """What an expression of a plugin or of the spec itself says; the same name may stand for another."""
    match contribution:
        case Optimizer():
            return ", ".join(f"{name}′ = {value}" for name, value in contribution.update.items())
        case Metric(result=Expr() as result):
            return ", ".join([str(result), *(f"{name} = {e}" for name, e in contribution.sums.items())])
        case Activation() | contracts.Loss() | Regularizer() | Schedule():
            return str(contribution.expression)
    return ""


def _with_relative_paths(facts: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Paths as seen from the spec."""
    files = [{**file, "path": _relative(file["path"], folder)} for file in facts["files"]]
    return {**facts, "files": files, "path": None, "source": None}


def _relative(path: str, folder: Path) -> str:
    """As the spec says it; that of a run is so already."""
    found = Path(path)
    return (found.relative_to(folder) if found.is_relative_to(folder) else found).as_posix()


def _flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """`train.optimizer.lr`; what is None or empty is not said."""
    match value:
        case dict():
            for key, inner in value.items():
                yield from _flat(f"{name}.{key}", inner)
        case list() if value and all(isinstance(each, dict) for each in value):
            for number, each in enumerate(value, 1):
                yield from _flat(f"{name}.{number}" if len(value) > 1 else name, each)
        case None | [] | "":
            return
        case list():
            yield name, ", ".join(map(str, value))
        case bool() | int() | float() | str():
            yield name, show_value(value)


def _layers(first: Experiment, second: Experiment) -> Iterator[Moved]:
    old, new = (entries(rows(experiment.graph), ()) for experiment in (first, second))
    keys = [[_text(entry) for entry in side] for side in (old, new)]
    for kind, a, b, c, d in SequenceMatcher(None, keys[0], keys[1], autojunk=False).get_opcodes():
        if kind != "equal":
            yield from _moved("-", old[a:b])
            yield from _moved("+", new[c:d])


def _moved(mark: str, side: Iterable[Entry]) -> Iterator[Moved]:
    for text, group in groupby(side, _text):
        same = list(group)
        yield Moved(mark, len(same), text, same[0].row.line)


def _text(entry: Entry) -> str:
    return f"{entry.text} : {show_shape(entry.row.shape)}"
