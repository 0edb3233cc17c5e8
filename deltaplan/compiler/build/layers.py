"""Lines that make layers: `dense 45x5, 1 leaky_relu(0.01) residual`, `output 1`."""

from dataclasses import replace
from math import prod
from typing import ClassVar

from deltaplan.compiler.build.activations import Activation, activation, find_use
from deltaplan.compiler.build.binding import gather
from deltaplan.compiler.build.bound import Bound, Item, Word, as_word
from deltaplan.compiler.build.braces import Braces, source_of
from deltaplan.compiler.build.context import Context, Told
from deltaplan.compiler.build.form import Form, Slot, of_attributes
from deltaplan.compiler.build.places import Read
from deltaplan.compiler.build.scope import Wire
from deltaplan.compiler.build.sharing import SHARE, sharing
from deltaplan.compiler.build.sizes import is_bare, size_of
from deltaplan.compiler.build.skips import MODES, add_skip
from deltaplan.compiler.build.words import APPLIED
from deltaplan.compiler.nodes import Join, Layer, Use
from deltaplan.diagnostics import Diagnostic, Note, Span, mistake
from deltaplan.dsl import tree
from deltaplan.plugins import contracts
from deltaplan.plugins.contracts import Value
from deltaplan.records import dataclass


@mistake
class OutputActivation(Diagnostic):
    code: ClassVar[str] = "output-activation"
    title: ClassVar[str] = "`{owner}` takes no activation: that belongs to the loss"
    help: ClassVar[str] = "{mend}"
    owner: str
    mend: str


@mistake
class SecondActivation(Diagnostic):
    code: ClassVar[str] = "second-activation"
    title: ClassVar[str] = "`{owner}` has two activations"
    owner: str


@mistake
class BadSpread(Diagnostic):
    code: ClassVar[str] = "bad-spread"
    title: ClassVar[str] = "the initializer cannot draw: {reason}"
    reason: str


INIT = Slot("init", "tree")
BIAS = Slot("bias", "boolean", default=True)
FREEZE = Slot("freeze", "boolean", default=False)
RESIDUAL = Slot("residual", "switch", choices=MODES)
OWNED_BY_LOSS = {
    "sigmoid": "the loss `logistic` has the sigmoid in it",
    "softmax": "the loss `cross_entropy` has the softmax in it",
}


def layer_line(braces: Braces, read: Read) -> Wire:
    """One layer for each value of the list. Raises Told."""
    contract = braces.context.registry.find("layer", read.head)
    assert contract is not None, "the head was looked up in the registry"
    form = layer_form(braces.context, contract)
    bound = gather(braces.context, braces.scope, form, read.line.items, read.span)
    extras = _extras(braces, read, contract, bound)
    source = source_of(braces, read)
    if extras is None or not bound.complete:
        raise Told
    with sharing(braces, bound):
        return _layers(braces, read, contract, bound, extras, source)


def output_line(braces: Braces, read: Read) -> Wire:
    """The last affine map, or a layer of another kind: `output 10`, `output conv 1 kernel=1`. Raises Told."""
    contract, items = _output_contract(braces, read.line.items)
    items, refused = _without_activations(braces, read, items)
    form = output_form(braces.context, contract)
    name = braces.draft.name_once(read.line.target.text if read.line.target else "output")
    if is_bare(read.line):
        items = (_size_of_output(braces.context, name, read.span), *items)
    bare = refused and not items
    bound = Bound() if bare else gather(braces.context, braces.scope, form, items, read.span)
    extras = _extras(braces, read, contract, bound)
    source = source_of(braces, read)
    if extras is None or not bound.complete or refused:
        raise Told
    node = _node(read, contract, bound, extras, name, _values(bound, {}))
    with sharing(braces, bound):
        wire = braces.draft.add(replace(node, output=True), source)
    braces.outputs[name] = wire
    return wire


def _size_of_output(context: Context, name: str, span: Span) -> tree.Number:
    size = prod(size_of(context, "output", name, span))
    return tree.Number(size, str(size), span)


def layer_form(context: Context, contract: contracts.Layer) -> Form:
    key = ("layer", contract.name)
    if key not in context.forms:
        extra = (*extra_slots(contract), *[RESIDUAL] * contract.affine)
        words = frozenset(context.registry.names("activation")) if contract.trained else frozenset()
        form = of_attributes(contract.name, "layer", contract.attributes, True, *extra)
        context.forms[key] = replace(form, words=words)
    return context.forms[key]


def output_form(context: Context, contract: contracts.Layer) -> Form:
    key = ("output", contract.name)
    if key not in context.forms:
        extra = extra_slots(contract)
        context.forms[key] = of_attributes("output", "layer", contract.attributes, False, *extra)
    return context.forms[key]


def extra_slots(contract: contracts.Layer) -> tuple[Slot, ...]:
    """The options of a layer beside its own attributes, as an output has them."""
    return (*[INIT] * contract.affine, *[BIAS] * contract.biased, *[FREEZE, SHARE] * contract.trained)


@dataclass(frozen=True, slots=True)
class Extras:
    """What a line says beside the attributes of its layers."""

    activation: Activation | None
    init: Use | None


def _extras(braces: Braces, read: Read, contract: contracts.Layer, bound: Bound) -> Extras | None:
    """Activation and initializer; None where one has a mistake, which is told."""
    context, scope = braces.context, braces.scope
    for second in bound.words[1:]:
        notes = (Note("the first one", bound.words[0].span),)
        context.refuse(SecondActivation(span=second.span, owner=read.head, notes=notes))
        return None
    chosen = context.attempt(activation, context, scope, bound.words[0]) if bound.words else None
    init = context.attempt(initializer, braces, bound.trees["init"]) if "init" in bound.trees else None
    if (bound.words and chosen is None) or ("init" in bound.trees and init is None):
        return None
    default = braces.default if contract.affine and read.head != "output" else None
    stated = init if init and init.name != "default" else None  # as without `init=`
    return Extras(chosen or default, stated)


def initializer(braces: Braces, value: tree.Value) -> Use:
    """`init=he`, `init=uniform(-1, 1)`, or a param that holds such a word. Raises Told."""
    word = as_word(braces.scope, value)
    name = word.text if word and value.span.text != "default" else value.span.text
    use = find_use(braces.context, braces.scope, "initializer", value, name)
    assert isinstance(use.contract, contracts.Initializer)
    try:
        use.contract.spread(1, 1, 1.0, **use.values)
    except ValueError as error:
        raise braces.context.refuse(BadSpread(span=value.span, reason=str(error))) from None
    return use


def _without_activations(
    braces: Braces, read: Read, items: tuple[Item, ...]
) -> tuple[tuple[Item, ...], bool]:
    """The items of an output, and whether an activation was among them, which is told."""
    names = {*braces.context.registry.names("activation"), *OWNED_BY_LOSS}
    kept: list[Item] = []
    for item in items:
        plain = item if not isinstance(item, tree.Option | tree.Values) else None
        word = as_word(braces.scope, plain) if plain else None
        if word and word.text in names:
            _refuse_activation(braces.context, read, word)
        else:
            kept.append(item)
    return tuple(kept), len(kept) < len(items)


def _refuse_activation(context: Context, read: Read, word: Word) -> None:
    mend = OWNED_BY_LOSS.get(word.text, f"`dense 1 {word.item.span.text}` above it can have one")
    context.refuse(OutputActivation(span=word.item.span, owner=read.head, mend=mend))


def _output_contract(braces: Braces, items: tuple[Item, ...]) -> tuple[contracts.Layer, tuple[Item, ...]]:
    context, first = braces.context, items[0] if items else None
    if isinstance(first, tree.Name):
        named = context.registry.find("layer", first.text) if first.text not in APPLIED else None
        if named:
            return named, items[1:]
    dense = context.registry.find("layer", "dense")
    assert dense is not None, "the built-in layers have dense"
    return dense, items


def _values(bound: Bound, one: dict[str, Value]) -> dict[str, Value]:
    own = {name: value for name, value in bound.values.items() if name not in ("bias", "freeze", "residual")}
    return own | one


def _node(
    read: Read, contract: contracts.Layer, bound: Bound, extras: Extras, name: str, values: dict[str, Value]
) -> Layer:
    return Layer(
        name=name,
        span=_span(read),
        use=Use(contract, values, _span(read)),
        init=extras.init,
        bias=bound.values.get("bias") is not False,
        freeze=bound.values.get("freeze") is True,
    )


def _span(read: Read) -> Span:
    return read.line.span


def _layers(
    braces: Braces, read: Read, contract: contracts.Layer, bound: Bound, extras: Extras, source: Wire
) -> Wire:
    lists = [{name: value} for name, values in bound.lists.items() for value in values] or [{}]
    wire = source
    for index, one in enumerate(lists):
        last = index == len(lists) - 1
        kind = contract.name
        name = braces.name(read.line, kind) if last else braces.draft.name(braces.prefix + kind)
        first = len(braces.draft.trail)
        node = _node(read, contract, bound, extras, name, _values(bound, one))
        wire = _layer(braces, node, bound.values.get("residual"), extras, wire)
        braces.draft.end(name, wire, first)
    return wire


def _layer(braces: Braces, node: Layer, residual: Value, extras: Extras, source: Wire) -> Wire:
    """z + σ(Wz + b), or σ(Wz + b) without a skip."""
    draft = braces.draft
    wire = draft.add(node, source)
    if extras.activation:
        wire = draft.add(extras.activation.node(node.name, node.span), wire)
    if not residual:
        return wire
    fits = wire.shape == source.shape or residual in MODES
    draft.skip(node.span, fits)
    if not fits:
        return wire
    join = Join(name=f"{node.name}.skip", span=node.span, kind="add", skip=True)
    return add_skip(braces, node.name, node.span, residual, source, wire, join, freeze=node.freeze)
