"""What a saved run keeps of plugins: expressions as plain data, and of code the file that it stands in."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, TypeGuard, get_args

from deltaplan.plugins.contracts import (
    Activation,
    Contribution,
    Decision,
    Link,
    Loss,
    Metric,
    Optimizer,
    Origin,
    Owner,
    Parameter,
    Regularizer,
    Schedule,
    Target,
)
from deltaplan.plugins.expressions import from_data, to_data, walk
from deltaplan.records import dataclass

Saved = Activation | Loss | Regularizer | Optimizer | Schedule | Metric


@dataclass(frozen=True, slots=True)
class Code:
    """A contribution that is code (a layer, an initializer, a metric, a source of data): its plugin, and the
    file with the checksum that it had when it was run."""

    kind: str
    name: str
    plugin: str
    version: str
    file: Path
    sha256: str
    origin: Origin = "file"
    distribution: str = ""


def is_saved(contribution: Contribution) -> TypeGuard[Saved]:
    """Whether a contribution is all expression; layers and host objects are code, which is never saved, and
    so are the plain functions that an expression may hold."""
    if not isinstance(contribution, Saved) or getattr(contribution, "function", None) is not None:
        return False
    whole = getattr(contribution, "expression", None)
    return whole is None or not any(e.function for e in walk(whole))


def contribution_to_data(contribution: Saved) -> dict[str, Any]:
    """Plain data for JSON."""
    common = {
        "kind": contribution.kind,
        "name": contribution.name,
        "doc": contribution.doc,
        "owner": asdict(contribution.owner),
        "parameters": [asdict(parameter) for parameter in contribution.parameters],
    }
    match contribution:
        case Optimizer():
            update = {name: to_data(expression) for name, expression in contribution.update.items()}
            return {**common, "state": list(contribution.state), "update": update}
        case Loss():
            words = ("target", "link", "decision", "convex")
            given = {word: getattr(contribution, word) for word in words}
            return {**common, **given, "expression": to_data(contribution.expression)}
        case Metric():
            assert contribution.result is not None, "a metric that is code is not saved"
            given = {word: getattr(contribution, word) for word in ("of", "better")}
            sums = {name: to_data(element) for name, element in contribution.sums.items()}
            return {**common, **given, "sums": sums, "result": to_data(contribution.result)}
        case _:
            return {**common, "expression": to_data(contribution.expression)}


def contribution_from_data(data: Mapping[str, Any]) -> Saved:
    """The inverse. KeyError, TypeError or ValueError where the data are none of ours."""
    common: dict[str, Any] = {
        "name": str(data["name"]),
        "parameters": tuple(Parameter(**parameter) for parameter in data["parameters"]),
        "doc": str(data["doc"]),
        "owner": Owner(**{"origin": "file", **data["owner"]}),
    }
    match data["kind"]:
        case "activation":
            return Activation(**common, expression=from_data(data["expression"]))
        case "regularizer":
            return Regularizer(**common, expression=from_data(data["expression"]))
        case "schedule":
            return Schedule(**common, expression=from_data(data["expression"]))
        case "optimizer":
            update = {str(name): from_data(rows) for name, rows in data["update"].items()}
            return Optimizer(**common, state=tuple(map(str, data["state"])), update=update)
        case "loss":
            return _loss(common, data)
        case "metric":
            return _metric(common, data)
    raise ValueError(f"no expression is of the kind {data['kind']!r}")


def _loss(common: Mapping[str, Any], data: Mapping[str, Any]) -> Loss:
    return Loss(
        **common,
        expression=from_data(data["expression"]),
        target=_one_of(Target, data["target"]),
        link=_one_of(Link, data["link"]),
        decision=_one_of(Decision, data["decision"]),
        convex=bool(data["convex"]),
    )


def _metric(common: Mapping[str, Any], data: Mapping[str, Any]) -> Metric:
    return Metric(
        **common,
        of=_one_of(Literal["values", "classes", "members", "scores"], data["of"]),
        better=_one_of(Literal["higher", "lower"], data["better"]),
        sums={str(name): from_data(rows) for name, rows in data["sums"].items()},
        result=from_data(data["result"]),
    )


def _one_of(words: Any, value: Any) -> Any:
    if value not in get_args(words):
        raise ValueError(f"{value!r} is none of {get_args(words)}")
    return value
