"""Columns as numbers against the model: inputs, targets and classes whose number is another."""

from collections.abc import Iterator
from math import prod
from typing import ClassVar

from deltaplan.compiler.graph import Graph
from deltaplan.compiler.nodes import Input
from deltaplan.diagnostics import Diagnostic, Note, mistake
from deltaplan.runtime.data.features import widths
from deltaplan.runtime.data.raw import Raw
from deltaplan.runtime.data.targets import listed


@mistake
class InputSize(Diagnostic):
    code: ClassVar[str] = "input-size"
    title: ClassVar[str] = "input `{name}` takes {size} numbers, and its columns give {given}"
    help: ClassVar[str] = "write `input {given}`"
    name: str
    size: int
    given: int


@mistake
class TargetSize(Diagnostic):
    code: ClassVar[str] = "target-size"
    title: ClassVar[str] = "output `{name}` gives {size} numbers, and its columns have {given}"
    help: ClassVar[str] = "write `output {given}`"
    name: str
    size: int
    given: int


@mistake
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


def misfits(graph: Graph, raw: Raw) -> Iterator[Diagnostic]:
    """A mistake for each input and each target that does not fit its node."""
    for name, features in raw.inputs.items():
        node, given = graph[name], raw.data.window * sum(feature.width for feature in features)
        if isinstance(node, Input) and prod(node.shape) != given:
            columns = raw.data.inputs[name]
            window = (Note(f"each is there for {raw.data.window} rows"),) if raw.data.window > 1 else ()
            yield InputSize(
                name=name,
                size=prod(node.shape),
                given=given,
                span=columns[0].span if columns else raw.data.span,
                notes=(Note("the input", node.span), *widths(features), *window),
            )
    for output in raw.data.targets:
        yield from _target_misfits(graph, raw, output)


def _target_misfits(graph: Graph, raw: Raw, output: str) -> Iterator[Diagnostic]:
    column = raw.data.targets[output][0]
    units, classes = prod(graph.shapes[output]), raw.classes(output)
    notes = (Note("the output", graph[output].span),)
    given = _given(raw, output)
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


def _given(raw: Raw, output: str) -> int:
    """How many numbers the columns of an output have; one that is read from two labels has one."""
    if output in raw.data.mirrors:
        return raw.data.window * sum(f.width for f in raw.inputs[raw.data.mirrors[output]])
    return sum(feature.width for feature in raw.targets[output])
