"""`model NAME { … }`: its lines, in order, into the draft of a graph."""

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import replace
from typing import ClassVar, Literal

from deltaplan.compiler.build.activations import activation
from deltaplan.compiler.build.apply import apply_line
from deltaplan.compiler.build.binding import bind
from deltaplan.compiler.build.blocks import block_line, repeat_line
from deltaplan.compiler.build.braces import Above, Block, Braces, named_source, settle
from deltaplan.compiler.build.context import Context, Overflow, Told
from deltaplan.compiler.build.draft import Draft
from deltaplan.compiler.build.form import Form, Slot
from deltaplan.compiler.build.layers import layer_line, output_line
from deltaplan.compiler.build.places import LAYER, MODEL, Read, head_span, missing, read_lines
from deltaplan.compiler.build.scope import Scope, Wire
from deltaplan.compiler.build.sizes import size_of
from deltaplan.compiler.build.skips import residual_line, shortcut_line
from deltaplan.compiler.build.words import APPLIED
from deltaplan.compiler.nodes import Input, Join, Shape
from deltaplan.diagnostics import Diagnostic, mistake
from deltaplan.dsl import tree
from deltaplan.records import dataclass


@mistake
class TooFewSources(Diagnostic):
    code: ClassVar[str] = "too-few-sources"
    title: ClassVar[str] = "`{head}` joins two sources or more"
    label: ClassVar[str] = "write `{head} from a, b`"
    head: str


@mistake
class ResidualFitsNowhere(Diagnostic):
    code: ClassVar[str] = "residual-fits-nowhere"
    title: ClassVar[str] = "`residual` fits nowhere: {what} as wide as its output"
    help: ClassVar[str] = "`residual=project` learns a linear map, `residual=pad` fills with zeros"
    what: str


@dataclass(frozen=True, slots=True)
class Model:
    """What the model's braces gave: the draft, and inputs and outputs by node name. Not `complete` where a
    mistake may hide some of them."""

    name: str
    draft: Draft
    scope: Scope
    inputs: Mapping[str, Wire]
    outputs: Mapping[str, Wire]

    @property
    def complete(self) -> bool:
        return self.draft.complete


def build_model(
    context: Context, scope: Scope, blocks: Mapping[str, Block], reserved: frozenset[str], model: tree.Line
) -> Model:
    """Every mistake of the model is told; what could be built is in the draft."""
    assert model.body is not None, "the table of the file asks for braces"
    draft = Draft(context, reserved)
    braces = Braces(context, draft, scope.inside(), MODEL, blocks, walk)
    before = len(context.problems.errors)
    heads = {line.head.text for line in model.body.lines if isinstance(line.head, tree.Name)}
    if "input" not in heads:
        braces.above = Above.LOST
    try:
        walk(braces, model.body.lines)
    except Overflow:
        draft.complete = False
    if draft.complete or ("input" not in heads and len(context.problems.errors) == before):
        _check_whole(context, draft, model, heads)
    return Model(_name(context, model), draft, braces.scope, braces.inputs, braces.outputs)


def _name(context: Context, model: tree.Line) -> str:
    match model.items:
        case (tree.Name(text=name),) if "." not in name:
            return name
        case ():
            return "model"
        case (first, *_):
            context.refuse(NotAName(span=first.span, text=first.span.text))
    return "model"


@mistake
class NotAName(Diagnostic):
    code: ClassVar[str] = "not-a-name"
    title: ClassVar[str] = "`{text}` is not the name of a model"
    label: ClassVar[str] = "write `model wave {{ … }}`"
    text: str


def walk(braces: Braces, lines: Iterable[tree.Line]) -> None:
    """Reads the lines of a pair of braces; `braces.above` is what the last one gives."""
    layers = [name for name in braces.context.registry.names("layer") if name not in APPLIED]
    more = dict.fromkeys((*layers, *braces.blocks), LAYER)
    for read in read_lines(
        braces.context, braces.place, lines, more, lambda line: settle(braces, line, None)
    ):
        braces.draft.line(read.span)
        if read.head == "activation":
            braces.context.attempt(_default_line, braces, read)
            continue
        handler = HANDLERS.get(read.head) or (block_line if read.head in braces.blocks else layer_line)
        first = len(braces.draft.trail)
        result = braces.context.attempt(handler, braces, read)
        if isinstance(result, Wire):
            result = replace(result, made=range(first, len(braces.draft.trail)))
        settle(braces, read.line, result)
        if read.head == "output":
            braces.above = Above.OUTPUT


def _input_line(braces: Braces, read: Read) -> Wire:
    name = braces.draft.name_once(read.line.target.text if read.line.target else "input")
    shape = _input_shape(braces, read, name)
    wire = braces.draft.add(Input(name=name, span=read.line.span, shape=shape))
    braces.inputs[name] = wire
    return wire


def _input_shape(braces: Braces, read: Read, name: str) -> Shape:
    if not read.line.items:
        return size_of(braces.context, "input", name, read.span)
    bound = bind(braces.context, braces.scope, INPUT, read.line.items, read.span)
    shape = bound.values["size"]
    assert isinstance(shape, tuple)
    return shape


INPUT = Form("input", "layer", (Slot("size", "sides", required=True, positional=True),), by_name=False)


def _default_line(braces: Braces, read: Read) -> None:
    """`activation tanh`: the default of the layers below it in these braces."""
    words = frozenset(braces.context.registry.names("activation"))
    form = Form("activation", "layer", (), words=words)
    bound = bind(braces.context, braces.scope, form, read.line.items, read.span)
    if len(bound.words) != 1:
        raise braces.context.refuse(OneActivation(span=read.span))
    braces.default = activation(braces.context, braces.scope, bound.words[0])


@mistake
class OneActivation(Diagnostic):
    code: ClassVar[str] = "one-activation"
    title: ClassVar[str] = "`activation` takes one activation"
    label: ClassVar[str] = "write `activation tanh`"


def _join_line(braces: Braces, read: Read) -> Wire:
    bind(braces.context, braces.scope, Form(read.head, "layer", ()), read.line.items, read.span)
    found = [braces.context.attempt(named_source, braces, name) for name in read.line.sources]
    if len(found) < 2:
        raise braces.context.refuse(TooFewSources(span=read.span, head=read.head))
    sources = [wire for wire in found if wire is not None]
    if len(sources) < len(found):
        raise Told
    kind = JOINS[read.head]
    node = Join(name=braces.name(read.line, kind), span=read.line.span, kind=kind)
    return braces.draft.add(node, *sources)


JOINS: dict[str, Literal["add", "sub", "mul", "concat"]] = {
    "add": "add",
    "sub": "sub",
    "mul": "mul",
    "concat": "concat",
}


def _check_whole(context: Context, draft: Draft, model: tree.Line, heads: Container[str]) -> None:
    """What can be said of a model only when all of its lines are understood."""
    before = len(context.problems.errors)
    missing(context, MODEL, head_span(model), heads, {"input": "input 1", "output": "output 1"})
    for span, have, count in draft.skips:
        if have == 0:
            what = "the layer's input is not" if count == 1 else f"none of the {count} layers has an input"
            context.refuse(ResidualFitsNowhere(span=span, what=what))
    draft.complete = len(context.problems.errors) == before


HANDLERS: dict[str, Callable[[Braces, Read], Wire | Above]] = {
    "input": _input_line,
    "output": output_line,
    "residual": residual_line,
    "shortcut": shortcut_line,
    "repeat": repeat_line,
    "apply": apply_line,
    **dict.fromkeys(JOINS, _join_line),
}
