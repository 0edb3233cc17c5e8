"""`data { … }`: the source, which columns are inputs and targets, and what is done to them."""

from dataclasses import dataclass
from math import isclose
from typing import ClassVar

from deltaplan.compiler.build.binding import ValueNeeded, bind
from deltaplan.compiler.build.columns import PARTS, Columns, forgotten_comma, read_columns
from deltaplan.compiler.build.context import Context
from deltaplan.compiler.build.form import Form, Slot, of_attributes
from deltaplan.compiler.build.model import Model
from deltaplan.compiler.build.names import unknown
from deltaplan.compiler.build.places import DATA, SETTING, Read, StatedTwice, head_span, missing, read_lines
from deltaplan.compiler.build.scope import Scope, Wire
from deltaplan.compiler.experiment import Column, DataSpec, Split
from deltaplan.compiler.nodes import Target, Use, show_value
from deltaplan.diagnostics import Diagnostic, Note
from deltaplan.dsl import tree
from deltaplan.plugins.contracts import DataSource


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnsDoNotFit(Diagnostic):
    code: ClassVar[str] = "columns-do-not-fit"
    title: ClassVar[str] = "`{node}` takes {takes} and gets {count}"
    node: str
    takes: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetIsInput(Diagnostic):
    code: ClassVar[str] = "target-is-input"
    title: ClassVar[str] = "the column `{name}` is a target and an input"
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitOfNothing(Diagnostic):
    code: ClassVar[str] = "split-of-nothing"
    title: ClassVar[str] = "`split` names no part"
    label: ClassVar[str] = "write `split train=80% validation=20%`"


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitTooLarge(Diagnostic):
    code: ClassVar[str] = "split-too-large"
    title: ClassVar[str] = "the parts of the split are {total} of the rows together"
    total: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NothingToTrain(Diagnostic):
    code: ClassVar[str] = "nothing-to-train"
    title: ClassVar[str] = "the split leaves no rows to train on"


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsLeftOut(Diagnostic):
    code: ClassVar[str] = "rows-left-out"
    title: ClassVar[str] = "the split uses {used} of the rows and leaves out the rest"
    severity: ClassVar = "warning"
    used: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StandardizedLabels(Diagnostic):
    code: ClassVar[str] = "standardized-labels"
    title: ClassVar[str] = "the targets of `{loss}` are {kind} and cannot be standardized"
    loss: str
    kind: str


def build_data(context: Context, scope: Scope, model: Model | None, data: tree.Line) -> DataSpec | None:
    """The data block; every mistake is told, and None given where one was."""
    assert data.body is not None, "the table of the file asks for braces"
    before = len(context.problems.errors)
    more = dict.fromkeys(context.registry.names("data source"), SETTING)
    reads = list(read_lines(context, DATA, data.body.lines, more))
    lines = {read.head: read for read in reads}
    source = _source(context, scope, [read for read in reads if read.head in more])
    inputs = context.attempt(read_columns, context, model.inputs if model else {}, lines.get("inputs"))
    targets = context.attempt(read_columns, context, model.outputs if model else {}, lines.get("targets"))
    split = context.attempt(_split, context, scope, lines.get("split"))
    standardize = _standardize(context, lines.get("standardize"))
    if len(context.problems.errors) == before:
        if source is None:
            _no_source(context, data)
        missing(context, DATA, head_span(data), lines, {"inputs": "inputs t", "targets": "targets y"})
    if len(context.problems.errors) > before or not (source and inputs and targets and split and model):
        return None
    check_columns(context, model, source, inputs, targets)
    if "targets" in standardize:
        _check_scaled(context, model, lines["standardize"])
    rest = next((node for node, columns in inputs.items() if not columns), None)
    return DataSpec(source, inputs, targets, split, standardize, data.span, rest)


def _no_source(context: Context, data: tree.Line) -> None:
    missing(context, DATA, head_span(data), (), {"csv": 'csv "table.csv"'})


def _source(context: Context, scope: Scope, reads: list[Read]) -> Use | None:
    for second in reads[1:]:
        notes = (Note("the first source", reads[0].span),)
        context.refuse(StatedTwice(span=second.span, head="the source", notes=notes))
    return context.attempt(_read_source, context, scope, reads[0]) if reads else None


def _read_source(context: Context, scope: Scope, read: Read) -> Use:
    """The path begins at the spec's folder."""
    contract = context.registry.find("data source", read.head)
    assert contract is not None, "the head was looked up in the registry"
    form = of_attributes(contract.name, "data line", contract.attributes, False, PATH)
    bound = bind(context, scope, _with_path_first(form), read.line.items, read.span)
    path = str(context.folder / str(bound.values["path"]))
    return Use(contract, {**bound.values, "path": path}, read.line.span)


PATH = Slot("path", "text", required=True, positional=True)


def _with_path_first(form: Form) -> Form:
    slots = (PATH, *(slot for slot in form.slots if slot.name != "path"))
    return Form(form.owner, form.kind, slots, by_name=False)


SPLIT = Form(
    "split",
    "data line",
    (
        *(Slot(part, "number", minimum=0, maximum=1) for part in ("train", "validation", "test")),
        Slot("seed", "whole", minimum=0),
    ),
)


def _split(context: Context, scope: Scope, read: Read | None) -> Split:
    if read is None:
        return Split(1.0, 0.0, 0.0, 0)
    bound = bind(context, scope, SPLIT, read.line.items, read.span)
    given = {name: float(str(value)) for name, value in bound.values.items() if name != "seed"}
    if not given:
        raise context.refuse(SplitOfNothing(span=read.line.span))
    others = sum(value for name, value in given.items() if name != "train")
    train = given.get("train", 1 - others)
    total = train + others
    if total > 1 + 1e-9:
        raise context.refuse(SplitTooLarge(span=read.line.span, total=_percent(total)))
    if train <= 1e-9:
        raise context.refuse(NothingToTrain(span=read.line.span))
    if not isclose(total, 1):
        context.refuse(RowsLeftOut(span=read.line.span, used=_percent(total)))
    seed = int(str(bound.values.get("seed", 0)))
    return Split(train, given.get("validation", 0.0), given.get("test", 0.0), seed, read.line.span)


def _percent(fraction: float) -> str:
    return f"{show_value(round(100 * fraction, 6))}%"


def _standardize(context: Context, read: Read | None) -> tuple[str, ...]:
    if read is None:
        return ()
    if not read.line.items:
        example = "standardize inputs"
        mistake = ValueNeeded(
            span=read.span, owner="standardize", what="`inputs` or `targets`", example=example
        )
        context.refuse(mistake)
        return ()
    first, *others = read.line.items
    for other in others:
        context.refuse(forgotten_comma(first, other))
    items = first.items if isinstance(first, tree.Values) else (first,)
    for item in items:
        if item.span.text not in PARTS:
            unknown(context, "part", item.span.text, item.span, PARTS, list_known=True)
    return tuple(dict.fromkeys(item.span.text for item in items))


def check_columns(context: Context, model: Model, source: Use, inputs: Columns, targets: Columns) -> None:
    """Columns that are both, and their number against the widths of inputs and outputs: where a column may
    have several numbers, that is left to the reading."""
    taken = {column.name: column.span for columns in inputs.values() for column in columns}
    for column in (column for columns in targets.values() for column in columns):
        if column.name in taken:
            notes = (Note("the input", taken[column.name]),)
            context.refuse(TargetIsInput(span=column.span, name=column.name, notes=notes))
    scalars = isinstance(source.contract, DataSource) and source.contract.scalars
    for node, columns in inputs.items():
        if columns and scalars:
            _check_width(context, model.inputs[node], columns)
    for node, columns in targets.items():
        target = _target(model, node)
        if target and target.kind == "class":
            _check_width(context, Wire(node, (1,), target.span), columns, " of classes")
        elif target and scalars:
            _check_width(context, model.outputs[node], columns)


def _target(model: Model, output: str) -> Target | None:
    target = model.draft.nodes.get(f"{output}.target")
    return target if isinstance(target, Target) else None


def _check_scaled(context: Context, model: Model, asked: Read) -> None:
    """Real targets are scaled and others left as they are; where none is real the line says nothing."""
    targets = [_target(model, output) for output in model.outputs]
    if any(target is None or target.kind == "real" for target in targets):
        return
    first = next(target for target in targets if target)
    context.refuse(
        StandardizedLabels(
            span=asked.line.span,
            loss=first.span.text,
            kind=KINDS[first.kind],
            notes=(Note("the loss", first.span),),
        )
    )


KINDS = {"class": "classes", "binary": "0 or 1", "sign": "signs"}


def _check_width(context: Context, wire: Wire, columns: tuple[Column, ...], what: str = "") -> None:
    (width,) = wire.shape
    if width == len(columns):
        return
    takes = f"{width} column{'s' if width > 1 else ''}{what}"
    notes = (Note(f"`{wire.node}` stands here", wire.span),)
    span = columns[0].span.to(columns[-1].span)
    context.refuse(ColumnsDoNotFit(span=span, node=wire.node, takes=takes, count=len(columns), notes=notes))
