"""Columns as numbers against the model: inputs, targets and classes whose number is another."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar

from numpy.typing import NDArray

from deltaplan.compiler.experiment import Column, DataSpec
from deltaplan.compiler.graph import Graph
from deltaplan.compiler.nodes import Input
from deltaplan.diagnostics import Diagnostic, Note
from deltaplan.runtime.data.columns import Floats
from deltaplan.runtime.data.preprocessing import Kind
from deltaplan.runtime.data.targets import listed


@dataclass(frozen=True, slots=True)
class Raw:
    """Columns as numbers, not scaled yet: inputs [features, rows], targets as `encode` gives them."""

    inputs: Mapping[str, Floats]
    targets: Mapping[str, NDArray[Any]]
    kinds: Mapping[str, Kind]
    classes: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class InputSize(Diagnostic):
    code: ClassVar[str] = "input-size"
    title: ClassVar[str] = "input `{name}` takes {size} numbers, and its columns give {given}"
    help: ClassVar[str] = "write `input {given}`"
    name: str
    size: int
    given: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetSize(Diagnostic):
    code: ClassVar[str] = "target-size"
    title: ClassVar[str] = "output `{name}` gives {size} numbers, and its columns have {given}"
    help: ClassVar[str] = "write `output {given}`"
    name: str
    size: int
    given: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassCount(Diagnostic):
    code: ClassVar[str] = "class-count"
    title: ClassVar[str] = "column `{column}` has {classes} classes, and `{output}` gives {units} numbers"
    label: ClassVar[str] = "{names}"
    help: ClassVar[str] = "write `output {classes}`"
    column: str
    classes: int
    output: str
    units: int
    names: str


def misfits(graph: Graph, data: DataSpec, raw: Raw) -> Iterator[Diagnostic]:
    """A mistake for each input and each target that does not fit its node."""
    for name, values in raw.inputs.items():
        node = graph[name]
        if isinstance(node, Input) and prod(node.shape) != len(values):
            columns = data.inputs[name]
            yield InputSize(
                name=name,
                size=prod(node.shape),
                given=len(values),
                span=columns[0].span if columns else data.span,
                notes=(Note("the input", node.span),),
            )
    for output in raw.targets:
        yield from _target_misfits(graph, data.targets[output][0], raw, output)


def _target_misfits(graph: Graph, column: Column, raw: Raw, output: str) -> Iterator[Diagnostic]:
    units, classes, given = prod(graph.shapes[output]), raw.classes[output], len(raw.targets[output])
    notes = (Note("the output", graph[output].span),)
    if raw.kinds[output] != "class":
        if units != given:
            yield TargetSize(name=output, size=units, given=given, span=column.span, notes=notes)
    elif units != len(classes):
        yield ClassCount(
            column=column.name,
            classes=len(classes),
            output=output,
            units=units,
            names=listed(classes),
            span=column.span,
            notes=notes,
        )
