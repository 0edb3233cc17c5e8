"""Skip connections: on a layer, on a list of layers, and around several lines."""

from typing import ClassVar

from deltaplan.compiler.build.activations import activation
from deltaplan.compiler.build.binding import bind
from deltaplan.compiler.build.braces import Above, Braces, source_of
from deltaplan.compiler.build.context import Told
from deltaplan.compiler.build.form import Form, Slot
from deltaplan.compiler.build.places import INNER, RESIDUAL, MisusedPart, Read
from deltaplan.compiler.build.scope import Wire
from deltaplan.compiler.nodes import Adapt, Join, Layer, Shape, Use, show_shape
from deltaplan.diagnostics import Diagnostic, Note, Span, mistake
from deltaplan.plugins.contracts import Sides, Value

MODES = ("project", "pad")


@mistake
class SkipDoesNotFit(Diagnostic):
    code: ClassVar[str] = "skip-does-not-fit"
    title: ClassVar[str] = "a skip of shape {skip} does not fit a branch of shape {branch}"
    help: ClassVar[str] = (
        "`residual project` learns a linear map between them, `residual pad` fills with zeros"
    )
    skip: str
    branch: str


@mistake
class PadTooWide(Diagnostic):
    code: ClassVar[str] = "pad-too-wide"
    title: ClassVar[str] = (
        "`pad` cannot make {skip} fit {branch}: it fills up the last side, and never cuts off"
    )
    help: ClassVar[str] = "`project` learns a linear map between them"
    skip: str
    branch: str


@mistake
class CannotProject(Diagnostic):
    code: ClassVar[str] = "cannot-project"
    title: ClassVar[str] = "`project` cannot make {skip} fit {branch}: no stride leads from one to the other"
    help: ClassVar[str] = "a line `shortcut {{ … }}` in the braces states the skip in full"
    skip: str
    branch: str


@mistake
class EmptyBranch(Diagnostic):
    code: ClassVar[str] = "empty-branch"
    title: ClassVar[str] = "`{head}` has no layer in its braces"
    head: str


def residual_line(braces: Braces, read: Read) -> Wire:
    """`residual project relu { … }`: σ(Px + F(x)). Raises Told."""
    context = braces.context
    form = residual_form(braces)
    bound = context.attempt(bind, context, braces.scope, form, read.line.items, read.span)
    source = source_of(braces, read)
    name = braces.name(read.line, "residual")
    inner = braces.inner(RESIDUAL, source)
    first = len(braces.draft.trail)
    branch = _branch(inner, read)
    skip = _shortcut(braces, inner.shortcut, source) if inner.shortcut else source
    if bound is None:
        raise Told
    mode = bound.values.get("mode")
    if inner.shortcut and mode:
        part = f"`{mode}` beside a `shortcut`"
        raise context.refuse(MisusedPart(span=bound.spans["mode"], head=read.head, part=part))
    chosen = [activation(context, braces.scope, word) for word in bound.words]
    joined = add_skip(
        braces, name, read.span, mode, skip, branch, Join(name=name, span=read.span, kind="add", skip=True)
    )
    for each in chosen:
        joined = braces.draft.add(each.node(name, read.line.span), joined)
    return braces.draft.end(name, joined, first)


def residual_form(braces: Braces) -> Form:
    key = ("line", "residual")
    forms = braces.context.forms
    if key not in forms:
        words = frozenset(braces.context.registry.names("activation"))
        mode = Slot("mode", "word", positional=True, choices=MODES)
        forms[key] = Form("residual", "layer", (mode,), words=words)
    return forms[key]


def shortcut_line(braces: Braces, read: Read) -> Wire | Above:
    """`shortcut { … }` is kept until the braces around it are read; the branch goes on below it."""
    braces.shortcut = read
    return braces.above


def _branch(inner: Braces, read: Read) -> Wire:
    assert read.line.body is not None, "the table of the place asks for braces"
    start = inner.above
    inner.walk(inner, read.line.body.lines)
    if not isinstance(inner.above, Wire):
        raise Told
    if inner.above is start:
        raise inner.context.refuse(EmptyBranch(span=read.span, head=read.head))
    return inner.above


def _shortcut(braces: Braces, read: Read, source: Wire) -> Wire:
    return _branch(braces.inner(INNER, source), read)


def add_skip(
    braces: Braces,
    name: str,
    span: Span,
    mode: Value,
    skip: Wire,
    branch: Wire,
    join: Join,
    freeze: bool = False,
) -> Wire:
    """branch + skip, the skip made to fit where `mode` says how; what is learned for it may be frozen.
    SpecError or Told where it does not fit."""
    if skip.shape != branch.shape:
        skip = _fitted(braces, name, span, mode, skip, branch, freeze)
    return braces.draft.add(join, branch, skip)


def _fitted(
    braces: Braces, name: str, span: Span, mode: Value, skip: Wire, branch: Wire, freeze: bool
) -> Wire:
    shapes = {"skip": show_shape(skip.shape), "branch": show_shape(branch.shape)}
    notes = (Note(f"the skip begins here, with shape {shapes['skip']}", skip.span),)
    if mode == "project":
        use = _projection(braces, span, skip.shape, branch.shape)
        if use is None:
            raise braces.context.refuse(CannotProject(span=span, notes=notes, **shapes))
        project = Layer(name=f"{name}.project", span=span, use=use, bias=False, freeze=freeze)
        return braces.draft.add(project, skip)
    if mode != "pad":
        raise braces.context.refuse(SkipDoesNotFit(span=span, notes=notes, **shapes))
    *sides, width = branch.shape
    if [*skip.shape[:-1]] != sides or skip.shape[-1] > width:
        raise braces.context.refuse(PadTooWide(span=span, notes=notes, **shapes))
    return braces.draft.add(Adapt(name=f"{name}.pad", span=span, width=width), skip)


def _projection(braces: Braces, span: Span, skip: Shape, branch: Shape) -> Use | None:
    """A dense layer between vectors; between pictures a convolution with kernel 1, and the ratio of the sides
    as its stride. None where there is none."""
    find = braces.context.registry.find
    dense, conv = find("layer", "dense"), find("layer", "conv")
    assert dense is not None, "the built-in layers have dense"
    assert conv is not None, "and conv"
    if len(skip) != len(branch):
        return None
    if len(skip) == 1:
        return Use(dense, {"width": branch[0]}, span)
    stride = Sides(-(-n // m) for n, m in zip(skip[:-1], branch[:-1], strict=True))
    if tuple((n - 1) // s + 1 for n, s in zip(skip[:-1], stride, strict=True)) != branch[:-1]:
        return None
    options = {a.name: a.default for a in conv.attributes if a.default is not None}
    return Use(conv, {**options, "channels": branch[-1], "kernel": Sides((1,)), "stride": stride}, span)
