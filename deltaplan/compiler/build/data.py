"""`data { … }`: the source, which columns are inputs and targets, and what is done to them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from math import prod
from typing import ClassVar

from deltaplan.compiler.build.augment import check_augment, read_augment
from deltaplan.compiler.build.cleaning import (
    check_missing,
    check_scaled_once,
    read_missing,
    read_multiply,
    read_standardize,
)
from deltaplan.compiler.build.columns import Chosen, read_columns
from deltaplan.compiler.build.context import Context, Told
from deltaplan.compiler.build.files import read_files
from deltaplan.compiler.build.model import Model
from deltaplan.compiler.build.names import unknown
from deltaplan.compiler.build.places import DATA, Read, Rule, head_span, missing, read_lines
from deltaplan.compiler.build.scope import Scope, Wire
from deltaplan.compiler.build.splits import read_split
from deltaplan.compiler.experiment import Column, DataSpec, Missing
from deltaplan.compiler.nodes import Target
from deltaplan.diagnostics import Diagnostic, Note, mistake
from deltaplan.dsl import tree
from deltaplan.plugins.contracts import DataSource
from deltaplan.records import dataclass


@mistake
class ColumnsDoNotFit(Diagnostic):
    code: ClassVar[str] = "columns-do-not-fit"
    title: ClassVar[str] = "`{node}` takes {takes} and gets {count}"
    help: ClassVar[str] = "{mend}"
    node: str
    takes: str
    count: int
    mend: str | None = None


@mistake
class TargetIsInput(Diagnostic):
    code: ClassVar[str] = "target-is-input"
    title: ClassVar[str] = "the column `{name}` is a target and an input"
    name: str


@mistake
class StandardizedLabels(Diagnostic):
    code: ClassVar[str] = "standardized-labels"
    title: ClassVar[str] = "the targets of `{loss}` are {kind} and cannot be {what}"
    loss: str
    kind: str
    what: str


@mistake
class WhichMirrored(Diagnostic):
    code: ClassVar[str] = "which-mirrored"
    title: ClassVar[str] = "the model has several inputs, and `inputs` does not say which is the target"
    label: ClassVar[str] = "write `{example}`"
    example: str


@mistake
class MirroredLabels(Diagnostic):
    code: ClassVar[str] = "mirrored-labels"
    title: ClassVar[str] = "`targets inputs` compares with numbers, and the loss takes {kind}"
    kind: str


@mistake
class OverlappingWindows(Diagnostic):
    code: ClassVar[str] = "overlapping-windows"
    title: ClassVar[str] = "windows overlap, and a split at random has rows of each in several parts"
    help: ClassVar[str] = "`order=time` cuts the series in order: later rows validate and test"
    severity: ClassVar = "warning"


@dataclass(frozen=True, slots=True)
class Block:
    """A data block without the model, and its lines by their heads."""

    data: DataSpec
    lines: Mapping[str, Read]


def build_data(context: Context, scope: Scope, model: Model | None, data: tree.Line) -> DataSpec | None:
    """The data block; every mistake is told, and None given where one was."""
    given, aims = (model.inputs, model.outputs) if model else ({}, {})
    block = context.attempt(read_block, context, scope, given, aims, data)
    if block is None or model is None:
        return None
    check_columns(context, model, block.data)
    _check_windows(context, block)
    _check_cleaning(context, model, block)
    _check_mirrors(context, model, block)
    check_augment(context, model.inputs, block.data.augment)
    return block.data


def read_block(
    context: Context,
    scope: Scope,
    given: Mapping[str, Wire],
    aims: Mapping[str, Wire],
    data: tree.Line,
) -> Block:
    """The block for these inputs and outputs, whatever their sizes. Raises Told."""
    assert data.body is not None, "the table of the file asks for braces"
    before = len(context.problems.errors)
    more = dict.fromkeys(context.registry.names("data source"), Rule())
    reads = list(read_lines(context, DATA, data.body.lines, more))
    files = read_files(context, scope, [read for read in reads if read.head in more])
    lines = {read.head: read for read in reads}
    inputs = context.attempt(read_columns, context, scope, given, lines.get("inputs"))
    targets = context.attempt(read_columns, context, scope, aims, lines.get("targets"))
    cleaned = _with_cleaning(context, scope, reads)
    split = context.attempt(read_split, context, scope, files, lines.get("split"))
    augment = context.attempt(
        read_augment, context, scope, given, [read for read in reads if read.head == "augment"]
    )
    if len(context.problems.errors) == before and not any(line.broken for line in data.body.lines):
        if not files:
            missing(context, DATA, head_span(data), (), {"csv": 'csv "table.csv"'})
        missing(context, DATA, head_span(data), lines, {"inputs": "inputs t", "targets": "targets y"})
    if len(context.problems.errors) > before or not (files and inputs and targets and split):
        raise Told
    whole = _whole(DataSpec(files, inputs.columns, targets.columns, split, (), data.span), inputs, targets)
    whole = replace(whole, augment=augment or {})
    return Block(_with_mirrors(context, cleaned(whole), targets), lines)


def _with_cleaning(context: Context, scope: Scope, reads: list[Read]) -> Callable[[DataSpec], DataSpec]:
    """What `standardize`, `multiply` and `missing` add to a data block."""
    lines = {read.head: read for read in reads}
    standardize = read_standardize(context, lines.get("standardize"))
    multiply = read_multiply(context, scope, [read for read in reads if read.head == "multiply"])
    check_scaled_once(context, multiply, lines.get("standardize"), standardize)
    gaps = context.attempt(read_missing, context, scope, lines.get("missing")) or Missing()
    factors = {part: factor for part, (factor, _) in multiply.items()}
    return lambda data: replace(data, standardize=standardize, multiply=factors, missing=gaps)


def _whole(data: DataSpec, inputs: Chosen, targets: Chosen) -> DataSpec:
    rest = next((node for node, columns in inputs.columns.items() if not columns), None)
    return replace(data, rest=rest, window=inputs.option or 1, ahead=targets.option or 0)


def _with_mirrors(context: Context, data: DataSpec, targets: Chosen) -> DataSpec:
    """Outputs that are compared with the inputs have their columns. Raises Told."""
    if not targets.mirrors:
        return data
    found = {o: context.attempt(_mirrored, context, data, word) for o, word in targets.mirrors.items()}
    nodes = {output: node for output, node in found.items() if node}
    if len(nodes) < len(found):
        raise Told
    again = {output: data.inputs[node] for output, node in nodes.items()}
    return replace(data, targets={**data.targets, **again}, mirrors=nodes)


def _mirrored(context: Context, data: DataSpec, word: tree.Name) -> str:
    """The input that an output is compared with: `inputs` where there is one, `inputs.photo`. Raises Told."""
    name = word.text.partition(".")[2]
    if not name and len(data.inputs) > 1:
        raise context.refuse(WhichMirrored(span=word.span, example=f"inputs.{next(iter(data.inputs))}"))
    if name and name not in data.inputs:
        raise unknown(context, "input", name, word.span, data.inputs, list_known=True)
    return name or next(iter(data.inputs))


def _check_mirrors(context: Context, model: Model, block: Block) -> None:
    for target in filter(None, (_target(model, output) for output in block.data.mirrors)):
        if target.kind in ("class", "sign"):
            span, notes = block.lines["targets"].line.span, (Note("the loss", target.span),)
            context.refuse(MirroredLabels(span=span, kind=KINDS[target.kind], notes=notes))


def check_columns(context: Context, model: Model, data: DataSpec) -> None:
    """Columns that are both, and their number against the widths of inputs and outputs: where a column may
    have several numbers, that is left to the reading."""
    taken = {name: column.span for column in _all(data.inputs.values()) for name in column.reads}
    own = {node: columns for node, columns in data.targets.items() if node not in data.mirrors}
    for column in _all(own.values()):
        for name in column.reads:
            if name in taken and not data.ahead:
                notes = (Note("the input", taken[name]),)
                context.refuse(TargetIsInput(span=column.span, name=name, notes=notes))
    scalars = all(isinstance(f.use.contract, DataSource) and f.use.contract.scalars for f in data.files)
    for node, columns in data.inputs.items():
        if node not in model.inputs:
            continue  # its line is broken, which is told
        if columns and scalars and prod(model.inputs[node].shape) < data.window * len(columns):
            _check_width(context, model.inputs[node], columns, times=data.window)
    for node, columns in own.items():
        target = _target(model, node)
        if target and target.kind == "class":
            _check_width(context, Wire(node, (1,), target.span), columns, " of classes")
        elif target and scalars and not _has_pattern(columns):
            _check_width(context, model.outputs[node], columns, aims=True)


def _check_windows(context: Context, block: Block) -> None:
    data = block.data
    if data.window > 1 and data.split.span and not data.split.in_time:
        context.refuse(OverlappingWindows(span=data.split.span))


def _check_cleaning(context: Context, model: Model, block: Block) -> None:
    data, lines = block.data, block.lines
    every = (_all(data.inputs.values()), _all(data.targets.values()))
    check_missing(context, data.missing, *every, _is_open(data))
    if data.mirrors:
        return
    for head, parts in (("standardize", data.standardize), ("multiply", data.multiply)):
        if "targets" in parts:
            _check_scaled(context, model, lines[head])


def _all(groups: Iterable[Iterable[Column]]) -> list[Column]:
    return [column for columns in groups for column in columns]


def _has_pattern(columns: Iterable[Column]) -> bool:
    """Whether one of them may stand for several: `"pixel*"`."""
    return any("*" in column.name and column.expression is None for column in columns)


def _is_open(data: DataSpec) -> bool:
    """Whether the columns are known only when the data are read."""
    return data.rest is not None or _has_pattern(_all(data.inputs.values()))


def _target(model: Model, output: str) -> Target | None:
    target = model.draft.nodes.get(f"{output}.target")
    return target if isinstance(target, Target) else None


def _check_scaled(context: Context, model: Model, asked: Read) -> None:
    """Real targets are scaled and others left as they are; where none is real the line says nothing."""
    targets = [_target(model, output) for output in model.outputs]
    if not targets or any(target is None or target.kind == "real" for target in targets):
        return
    first = next(target for target in targets if target)
    context.refuse(
        StandardizedLabels(
            span=asked.line.span,
            loss=first.span.text,
            kind=KINDS[first.kind],
            what="standardized" if asked.head == "standardize" else "multiplied",
            notes=(Note("the loss", first.span),),
        )
    )


KINDS = {"class": "classes", "binary": "0 or 1", "sign": "signs"}


def _check_width(
    context: Context,
    wire: Wire,
    columns: tuple[Column, ...],
    what: str = "",
    times: int = 1,
    aims: bool = False,
) -> None:
    width, count = prod(wire.shape), times * len(columns)
    if width == count:
        return
    takes = f"{width} column{'s' if width > 1 else ''}{what}" if times == 1 else f"{width} numbers"
    notes = (Note(f"`{wire.node}` stands here", wire.span),)
    span = columns[0].span.to(columns[-1].span)
    mend = None
    if aims and count == 1 < width:
        mend = "if the column holds classes, `cross_entropy` compares them, with a number for each"
    context.refuse(
        ColumnsDoNotFit(span=span, node=wire.node, takes=takes, count=count, mend=mend, notes=notes)
    )
