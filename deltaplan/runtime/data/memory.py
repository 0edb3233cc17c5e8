"""Samples in memory to what training, scoring and prediction take: the door for notebooks."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import Any, ClassVar

from deltaplan.compiler.experiment import Column, DataFile, DataSpec, Experiment, Split
from deltaplan.compiler.nodes import Input, Target, Use
from deltaplan.diagnostics import Diagnostic, Span, SpecError, mistake
from deltaplan.plugins.contracts import DataSource, Table
from deltaplan.records import dataclass
from deltaplan.runtime.data.cells import Floats
from deltaplan.runtime.data.dataset import Dataset, Part
from deltaplan.runtime.data.prepare import part_of, prepare
from deltaplan.runtime.data.preprocessing import InputColumns, Preprocessing
from deltaplan.runtime.data.stack import stacked
from deltaplan.runtime.data.tables import (
    ColumnCount,
    Columns,
    Given,
    NotATable,
    columns_of,
    is_frame,
    plain,
    table_of,
)

Names = Mapping[str, Sequence[str]]  # of the columns, by input or by output


@mistake
class OtherInputs(Diagnostic):
    code: ClassVar[str] = "data-other-inputs"
    title: ClassVar[str] = "`{name}` is given for {given}, and the model has {wanted}"
    help: ClassVar[str] = "give a mapping with an array [samples, features] for each"
    name: str
    given: str
    wanted: str


@mistake
class SharedColumn(Diagnostic):
    code: ClassVar[str] = "data-shared-column"
    title: ClassVar[str] = "column `{column}` is given twice"
    label: ClassVar[str] = "in {places}"
    column: str
    places: str


def dataset_from_memory(experiment: Experiment, x: Any, y: Any = None) -> Dataset:
    """The dataset of samples in memory, split and scaled as the spec's data block says.

    `x` is an array [N, features], a data frame, a mapping of columns, or one of these for each input by its
    name; `y` the same for the outputs ([N] for one column), None where `x` has the columns of the targets.
    Columns with names are found by them where the spec names columns; those of an array are taken in the
    spec's order. A spec without a data block trains on all rows as they are. SpecError where they do not fit.
    """
    nodes = Nodes(
        tuple(node.name for node in experiment.graph.of(Input)),
        tuple(node.output for node in experiment.graph.of(Target)),
        experiment.graph.of(Input)[0].span,
    )
    data, table = block_of(experiment.data, nodes, x, y)
    complete = replace(experiment, data=data)
    _check_targets(complete, table)
    return prepare(complete, stacked([table], [None], [("", None)]))


@dataclass(frozen=True, slots=True)
class Nodes:
    """The inputs of a model and those of its outputs that are compared with something, and a place in its
    spec."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    span: Span


def block_of(data: DataSpec | None, nodes: Nodes, x: Any, y: Any) -> tuple[DataSpec, Table]:
    """The data block that holds for samples in memory, made up where the spec has none, and their table."""
    names_x = _names(data.inputs) if data else dict.fromkeys(nodes.inputs, ())
    names_y = _aims(data) if data else dict.fromkeys(nodes.outputs, ())
    given_x, given_y = _groups("X", x, names_x), _groups("y", y, names_y) if y is not None else {}
    if data is None:
        data = _without_block(nodes, given_x, given_y)
        names_x, names_y = _names(data.inputs), _aims(data)
    return data, _joined([*_found(given_x, names_x, "X", data.rest), *_found(given_y, names_y, "y")])


def part_from_memory(experiment: Experiment, preprocessing: Preprocessing, x: Any, y: Any = None) -> Part:
    """All samples as one part, with the preprocessing and the classes of a trained model."""
    names_x = {name: columns.sources for name, columns in preprocessing.inputs.items()}
    names_y = {name: c.sources for name, c in preprocessing.targets.items() if not c.mirrors}
    given_x, given_y = _groups("X", x, names_x), _groups("y", y, names_y) if y is not None else {}
    table = _joined([*_found(given_x, names_x, "X"), *_found(given_y, names_y, "y")])
    _check_sizes(preprocessing, table)
    data = experiment.data or _block(experiment.graph.of(Input)[0].span, names_x, names_y)
    return part_of(replace(experiment, data=data), preprocessing, table)


def inputs_from_memory(preprocessing: Preprocessing, x: Any) -> dict[str, Floats]:
    """The model's inputs [features, N], scaled: for prediction. Other columns of a frame are left alone."""
    names = {name: columns.sources for name, columns in preprocessing.inputs.items()}
    table = _joined(_found(_groups("X", x, names), names, "X"))
    _check_sizes(preprocessing, table)
    return preprocessing.apply_inputs(table)


def _groups(name: str, data: Any, nodes: Names) -> dict[str, Given]:
    """What was given for each node; for all of them together under the key ''."""
    if not isinstance(data, Mapping) or not _is_by_node(name, data, nodes):
        return {"": columns_of(name, data)}
    if set(data) != set(nodes):
        raise SpecError(OtherInputs(name=name, given=_listed(data), wanted=_listed(nodes)))
    return {node: columns_of(node, data[node]) for node in nodes}


def _is_by_node(name: str, data: Mapping[Any, Any], nodes: Names) -> bool:
    """Whether a mapping has a table for each node, not one column for each key."""
    columns = {column for names in nodes.values() for column in names}
    if set(data) <= columns:
        return False
    tables = any(is_frame(v) or isinstance(v, Mapping) or plain(name, v).ndim > 1 for v in data.values())
    return tables or set(data) <= set(nodes)


def _found(given: Mapping[str, Given], names: Names, what: str, rest: str | None = None) -> list[Columns]:
    """The columns under the names that the spec or the trained model has for them."""
    found = []
    for node, own in given.items():
        wanted = names[node] if node else [name for group in names.values() for name in group]
        alone = what == "y" and len(own.columns) == len(wanted) == 1  # whatever it is called, it is y
        keep = (own.named and not alone) or (rest is not None and not own.named and not node)
        found.append(own.columns if keep else own.under(wanted, node or what))
    return found


def _joined(parts: Iterable[Columns]) -> Table:
    """One table. A frame with the targets among its columns may be given for both sides."""
    columns: Columns = {}
    for part in parts:
        columns |= part
    return table_of(columns)


def _check_sizes(preprocessing: Preprocessing, table: Table) -> None:
    """The numbers of each column are as many as those that were trained on."""
    for name, spec in preprocessing.inputs.items():
        wanted, given = _widths(spec, table)
        if given != wanted:
            what = f"{given} feature{'s' * (given != 1)}"
            raise SpecError(ColumnCount(name="X", given=what, wanted=wanted, asker=f"input `{name}`"))


def _widths(spec: InputColumns, table: Table) -> tuple[int, int]:
    """How many numbers the plain columns gave in training, and how many they give now."""
    plain = [f for f in spec.features if f.categories is None and f.expression is None]
    found = [(f.width, table.columns[f.reads[0]]) for f in plain if f.reads[0] in table.columns]
    given = sum(column.shape[1] if column.ndim > 1 else 1 for _, column in found)
    return sum(width for width, _ in found), given


def _check_targets(experiment: Experiment, table: Table) -> None:
    """As many columns of real targets as the output has numbers: what a data block says of them is checked
    when it is read, the width of an array is not."""
    assert experiment.data is not None
    for target in experiment.graph.of(Target):
        if target.output in experiment.data.mirrors:
            continue
        columns = [table.columns.get(c.name) for c in experiment.data.targets.get(target.output, ())]
        given = sum(1 if c is None or c.ndim == 1 else c.shape[1] for c in columns)
        wanted = prod(experiment.graph.shapes[target.output])
        if target.kind == "real" and given != wanted:
            what = f"{given} column{'s' * (given != 1)}"
            node = experiment.graph[target.output]
            raise SpecError(
                ColumnCount(
                    name="y", given=what, wanted=wanted, asker=f"output `{target.output}`", span=node.span
                )
            )


def _names(groups: Mapping[str, Sequence[Column]]) -> dict[str, tuple[str, ...]]:
    """The columns of the data that each node needs, in the order of their first use."""
    return {
        name: tuple(dict.fromkeys(read for column in columns for read in column.reads))
        for name, columns in groups.items()
    }


def _aims(data: DataSpec) -> dict[str, tuple[str, ...]]:
    return _names({name: columns for name, columns in data.targets.items() if name not in data.mirrors})


def _without_block(nodes: Nodes, given_x: Mapping[str, Given], given_y: Mapping[str, Given]) -> DataSpec:
    """A data block for a spec that has none: all of X is the input, all of y the target, on all rows."""
    if not given_y:
        raise SpecError(
            NotATable(name="y", why="it is missing, and the spec has no `data` block that names targets")
        )
    inputs = _by_node("X", given_x, nodes.inputs)
    targets = _by_node("y", given_y, nodes.outputs)
    seen: dict[str, str] = {}
    for node, names in [*inputs.items(), *targets.items()]:
        for name in names:
            if name in seen:
                raise SpecError(SharedColumn(column=name, places=f"`{seen[name]}` and `{node}`"))
            seen[name] = node
    return _block(nodes.span, inputs, targets)


def _by_node(name: str, given: Mapping[str, Given], nodes: Sequence[str]) -> dict[str, list[str]]:
    """The names of the columns of each node; what was given without a node belongs to the only one."""
    if "" not in given:
        return {node: list(own.columns) for node, own in given.items()}
    if len(nodes) != 1:
        raise SpecError(OtherInputs(name=name, given="all at once", wanted=_listed(nodes)))
    return {nodes[0]: list(given[""].columns)}


def _block(span: Span, inputs: Names, targets: Names) -> DataSpec:
    source = Use(DataSource("memory", (), "", attributes=(), read=_never), {"path": ""}, span)
    columns = [{node: _columns(names, span) for node, names in of.items()} for of in (inputs, targets)]
    return DataSpec((DataFile(source),), columns[0], columns[1], Split(1.0, 0.0, 0.0, 0), (), span)


def _columns(names: Sequence[str], span: Span) -> tuple[Column, ...]:
    return tuple(Column(name, span) for name in names)


def _listed(names: Iterable[Any]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _never(path: str) -> Table:
    raise AssertionError("data from memory are not read from a path")
