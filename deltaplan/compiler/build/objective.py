"""`minimize mean(squared_error) + l2(1e-4)`: losses and regularizers as nodes between outputs and targets."""

from collections.abc import Iterator
from typing import ClassVar

from deltaplan.compiler.build.activations import filled, split_factor
from deltaplan.compiler.build.binding import ValueNeeded
from deltaplan.compiler.build.context import Context, Told
from deltaplan.compiler.build.model import Model
from deltaplan.compiler.build.names import OtherForm, unknown
from deltaplan.compiler.build.penalties import add_penalty
from deltaplan.compiler.build.places import Read
from deltaplan.compiler.build.scope import Wire
from deltaplan.compiler.build.terms import (
    Average,
    NotATerm,
    Objective,
    checked_factor,
    terms,
    use_of,
    word_of,
)
from deltaplan.compiler.build.undefined import check_numbers
from deltaplan.compiler.build.weights import WEIGHTS, class_weights, weights_slot
from deltaplan.compiler.build.words import FOREIGN
from deltaplan.compiler.nodes import Activate, Layer, Loss, Target, Use, show_shape
from deltaplan.diagnostics import Diagnostic, Note, mistake
from deltaplan.dsl import tree
from deltaplan.plugins import contracts


@mistake
class TermOutOfPlace(Diagnostic):
    code: ClassVar[str] = "term-out-of-place"
    title: ClassVar[str] = "the {kind} `{name}` stands {where} `mean( )` or `sum( )`"
    help: ClassVar[str] = "{mend}"
    kind: str
    name: str
    where: str
    mend: str


@mistake
class MissingPlus(Diagnostic):
    code: ClassVar[str] = "missing-plus"
    title: ClassVar[str] = "`minimize` takes one sum, and `{text}` is no part of it"
    help: ClassVar[str] = "terms are added with `+`"
    text: str


@mistake
class NoLoss(Diagnostic):
    code: ClassVar[str] = "no-loss"
    title: ClassVar[str] = "`minimize` has no loss"
    help: ClassVar[str] = "`mean(squared_error)` compares the output with its target"


@mistake
class MeanAndSum(Diagnostic):
    code: ClassVar[str] = "mean-and-sum"
    title: ClassVar[str] = "losses in `mean( )` and in `sum( )` cannot be mixed"


@mistake
class WhichOutput(Diagnostic):
    code: ClassVar[str] = "which-output"
    title: ClassVar[str] = "`{name}` does not say on which output"
    label: ClassVar[str] = "write `{name}(on={first})`"
    help: ClassVar[str] = "the outputs: {known}"
    name: str
    first: str
    known: str


@mistake
class TargetKindsDiffer(Diagnostic):
    code: ClassVar[str] = "target-kinds-differ"
    title: ClassVar[str] = "the losses on `{output}` take {first} and {second} targets"
    output: str
    first: str
    second: str


@mistake
class OneClass(Diagnostic):
    code: ClassVar[str] = "one-class"
    title: ClassVar[str] = "`{name}` on an output of width 1: a single class is always right"
    help: ClassVar[str] = "give the output a width for each class, or use `logistic` for yes and no"
    name: str


@mistake
class ClassesOfPlaces(Diagnostic):
    code: ClassVar[str] = "classes-of-places"
    title: ClassVar[str] = "`{name}` takes a number for each class, and the output has the shape {shape}"
    help: ClassVar[str] = "`flatten` or `global_avg_pool` makes a vector"
    name: str
    shape: str


@mistake
class LinkTwice(Diagnostic):
    code: ClassVar[str] = "link-twice"
    title: ClassVar[str] = "`{name}` has the {link} in it, and would apply it a second time"
    help: ClassVar[str] = "leave `apply {link}` out: predictions have it from the loss"
    name: str
    link: str


def add_objective(context: Context, model: Model, read: Read) -> Average | None:
    """Puts the terms of a `minimize` line into the draft; None where a mistake was told."""
    objective = Objective(context, model.scope, model, [])
    before = len(context.problems.errors)
    for value in _one_value(context, read):
        for term in terms(value):
            context.attempt(_term, objective, term, 1.0)
    if len(context.problems.errors) > before:
        return None
    if not objective.averages:
        context.refuse(NoLoss(span=read.span))
        return None
    (kind, _), *others = objective.averages
    for other, span in others:
        if other != kind:
            context.refuse(MeanAndSum(span=span, notes=(Note("the other one", objective.averages[0][1]),)))
            return None
    return kind


def _one_value(context: Context, read: Read) -> Iterator[tree.Value]:
    if not read.line.items:
        example = "minimize mean(squared_error)"
        context.refuse(ValueNeeded(span=read.span, owner="minimize", what="terms", example=example))
    for at, item in enumerate(read.line.items):
        if at or isinstance(item, tree.Option | tree.Values):
            context.refuse(MissingPlus(span=item.span, text=item.span.text))
        else:
            yield item


def _term(objective: Objective, term: tree.Value, factor: float) -> None:
    """A term outside of `mean( )`: an average of losses, or a regularizer."""
    context = objective.context
    own, core = split_factor(context, objective.scope, term)
    name = word_of(context, core)
    if isinstance(core, tree.Call) and core.name in ("mean", "sum"):
        _average(objective, core, "mean" if core.name == "mean" else "sum", factor * own)
    elif context.registry.find("loss", FOREIGN.get(name, "")):
        mend = f"mean({FOREIGN[name]})"
        raise context.refuse(OtherForm(span=core.span, written=core.span.text, mend=mend))
    elif context.registry.find("loss", name) and not context.registry.find("regularizer", name):
        mend = f"write `mean({core.span.text})` for the mean over the samples, or `sum( )`"
        raise context.refuse(_misplaced(core, "loss", name, "outside of", mend))
    else:
        add_penalty(objective, core, name, checked_factor(context, core, name, factor * own))


def _average(objective: Objective, call: tree.Call, kind: Average, factor: float) -> None:
    context = objective.context
    objective.averages.append((kind, call.name_span))
    if not call.items:
        raise context.refuse(NoLoss(span=call.span))
    for extra in (*call.items[1:], *call.after):
        taken = f"`{call.name}( )` takes one sum of losses"
        context.refuse(NotATerm(span=extra.span, text=extra.span.text, mend=taken))
    first = call.items[0]
    if isinstance(first, tree.Option):
        raise context.refuse(NotATerm(span=first.span, text=first.span.text))
    for term in terms(first):
        context.attempt(_loss_term, objective, term, factor)


def _loss_term(objective: Objective, term: tree.Value, factor: float) -> None:
    context = objective.context
    own, core = split_factor(context, objective.scope, term)
    name = word_of(context, core)
    if context.registry.find("regularizer", name) and not context.registry.find("loss", name):
        mend = "it is added once, not for each sample: write it after the closing parenthesis"
        raise context.refuse(_misplaced(core, "regularizer", name, "inside", mend))
    use, trees = use_of(objective, "loss", core, name, *weights_slot(context, name))
    assert isinstance(use.contract, contracts.Loss)
    factor = checked_factor(context, core, name, factor * own)
    output = output_of(objective, core, name, trees)
    weights = class_weights(objective, use, output, trees.get(WEIGHTS))
    _add_loss(objective, use, factor, output, weights)


def _add_loss(
    objective: Objective, use: Use, factor: float, output: Wire, weights: tuple[float, ...]
) -> None:
    contract, draft = use.contract, objective.model.draft
    assert isinstance(contract, contracts.Loss)
    if contract.target == "class" and len(output.shape) > 1:
        notes = (Note("the output", output.span),)
        shape = show_shape(output.shape)
        raise objective.context.refuse(
            ClassesOfPlaces(span=use.span, name=use.name, shape=shape, notes=notes)
        )
    if contract.target == "class" and output.shape == (1,):
        notes = (Note("the output", output.span),)
        raise objective.context.refuse(OneClass(span=use.span, name=use.name, notes=notes))
    _check_applied(objective, use, contract, output)
    expression = filled(contract.expression, use)
    check_numbers(objective.context, use, expression)
    target = draft.nodes.get(f"{output.node}.target")
    if isinstance(target, Target) and target.kind != contract.target:
        raise objective.context.refuse(
            TargetKindsDiffer(
                span=use.span,
                output=output.node,
                first=target.kind,
                second=contract.target,
                notes=(Note("the first loss", target.span),),
            )
        )
    if target is None:
        target = Target(name=f"{output.node}.target", span=use.span, kind=contract.target, output=output.node)
        draft.link(target)
    name = draft.name_once(f"loss.{use.name}")
    node = Loss(name=name, span=use.span, use=use, factor=factor, expression=expression, weights=weights)
    draft.link(node, output.node, target.name)


def _check_applied(objective: Objective, use: Use, contract: contracts.Loss, output: Wire) -> None:
    """An output that has the link of its loss already: `apply softmax`, then `output identity`."""
    draft, name = objective.model.draft, output.node
    while isinstance(node := draft.nodes[name], Layer) and node.use.name in MOVES:
        (name,) = draft.edges[name]
    if isinstance(node, Layer | Activate) and node.use.name == contract.link:
        notes = (Note(f"`{contract.link}` is applied here", node.span),)
        raise objective.context.refuse(
            LinkTwice(span=use.span, name=use.name, link=contract.link, notes=notes)
        )


MOVES = ("identity", "flatten", "reshape")  # layers that leave the numbers as they are


def output_of(objective: Objective, core: tree.Value, name: str, trees: dict[str, tree.Value]) -> Wire:
    """The output that `on=` names, or the only one. Raises Told."""
    context, outputs = objective.context, objective.model.outputs
    place = trees.get("on")
    if place is None and len(outputs) == 1:
        return next(iter(outputs.values()))
    if not objective.model.complete and (place is None or place.span.text not in outputs):
        raise Told
    if place is None:
        known = ", ".join(f"`{each}`" for each in outputs)
        raise context.refuse(WhichOutput(span=core.span, name=name, first=next(iter(outputs)), known=known))
    if place.span.text not in outputs:
        raise unknown(context, "output", place.span.text, place.span, outputs, list_known=True)
    return outputs[place.span.text]


def _misplaced(core: tree.Value, kind: str, name: str, where: str, mend: str) -> TermOutOfPlace:
    return TermOutOfPlace(span=core.span, kind=kind, name=name, where=where, mend=mend)
