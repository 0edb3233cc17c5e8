"""What the training part says about scaling."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltaplan.compiler.graph import Graph
from deltaplan.compiler.nodes import Input
from deltaplan.diagnostics import Problems, Span
from deltaplan.runtime.data.cells import Floats
from deltaplan.runtime.data.features import Feature
from deltaplan.runtime.data.gaps import Fills
from deltaplan.runtime.data.mapped import fitted_in_pieces
from deltaplan.runtime.data.preprocessing import InputColumns, Preprocessing, TargetColumns
from deltaplan.runtime.data.problems import ConstantColumn, constant_columns
from deltaplan.runtime.data.raw import Raw
from deltaplan.runtime.data.scaling import Scaling, by_channel

Rows = NDArray[np.intp]


def fitted_preprocessing(
    graph: Graph,
    raw: Raw,
    fills: Fills,
    inputs: Mapping[str, Floats],
    targets: Mapping[str, NDArray[Any]],
    train: tuple[Rows, Rows],
    problems: Problems,
) -> Preprocessing:
    """Scaling from the training part alone: `train` are the rows that its samples read, and those of their
    targets."""
    data, (rows, target_rows) = raw.data, train
    given = {
        name: InputColumns(
            features,
            _input_scaling(graph, raw, name, inputs.get(name), rows, problems),
            data.window,
        )
        for name, features in raw.inputs.items()
    }
    aims = {
        name: TargetColumns(
            raw.kinds[name],
            features,
            _target_scaling(raw, name, targets[name], target_rows, problems),
            raw.classes(name),
        )
        for name, features in raw.targets.items()
    }
    for output, node in data.mirrors.items():
        own = given[node]
        aims[output] = TargetColumns(
            raw.kinds[output], own.features, own.scaling, mirrors=node, window=own.window
        )
    return Preprocessing(given, {name: aims[name] for name in data.targets}, fills, data.ahead)


def _input_scaling(
    graph: Graph, raw: Raw, name: str, numbers: Floats | None, rows: Rows, problems: Problems
) -> Scaling:
    """Of the numbers [numbers, rows], None for an input that stays in its file."""
    data = raw.data
    if "inputs" in data.multiply:
        return Scaling.factor(data.multiply["inputs"])
    if "inputs" not in data.standardize:
        return Scaling.none()
    channels = _channels(graph, name)
    if numbers is None:
        return fitted_in_pieces(raw.mapped[name], rows, channels)
    values = numbers[:, rows]
    if channels and len(values) % channels == 0 and data.window == 1:
        return Scaling.fitted(by_channel(values, channels))
    problems.extend(_constant_columns(values, raw.inputs[name], raw.spans))
    return Scaling.fitted(values)


def _channels(graph: Graph, name: str) -> int | None:
    """How many channels an image or a sequence has; None for a vector."""
    node = graph[name]
    return node.shape[-1] if isinstance(node, Input) and len(node.shape) > 1 else None


def _target_scaling(raw: Raw, name: str, values: NDArray[Any], rows: Rows, problems: Problems) -> Scaling:
    data = raw.data
    if raw.kinds[name] != "real":
        return Scaling.none()
    if "targets" in data.multiply:
        return Scaling.factor(data.multiply["targets"])
    if "targets" not in data.standardize:
        return Scaling.none()
    problems.extend(_constant_columns(values[:, rows], raw.targets[name], raw.spans))
    return Scaling.fitted(values[:, rows])


def _constant_columns(
    values: Floats, features: Sequence[Feature], spans: Mapping[str, Span]
) -> list[ConstantColumn]:
    """One warning for all of them. Nothing for a column of several numbers: a pixel at the edge of every
    image is no mistake."""
    found, at = [], 0
    for feature in features:
        row = values[at]
        if feature.width == 1 and feature.categories is None and row.min() == row.max():
            found.append((feature.name, float(row[0]), spans[feature.name]))
        at += feature.width
    return [constant_columns(found)] if found else []
