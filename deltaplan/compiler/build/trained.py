"""What a run trains, how fast, from where: `only output`, `lr_scale 2 on=biases`, `warm_start "runs/a"`."""

from typing import ClassVar

from deltaplan.compiler.build.binding import ValueNeeded, bind
from deltaplan.compiler.build.context import Context, Told
from deltaplan.compiler.build.form import Form, Slot
from deltaplan.compiler.build.lines import line_of
from deltaplan.compiler.build.located import places_of
from deltaplan.compiler.build.model import Model
from deltaplan.compiler.build.names import OtherForm
from deltaplan.compiler.build.places import Read, head_span
from deltaplan.compiler.build.scope import Scope
from deltaplan.compiler.build.terms import Objective
from deltaplan.compiler.experiment import EVERYWHERE, Experiment, Rate, WarmStart
from deltaplan.compiler.nodes import Use
from deltaplan.compiler.parameters import is_trained, place_parameters
from deltaplan.compiler.trained import frozen
from deltaplan.diagnostics import Diagnostic, mistake
from deltaplan.dsl import tree
from deltaplan.plugins.contracts import Optimizer


@mistake
class NothingTrained(Diagnostic):
    code: ClassVar[str] = "nothing-trained"
    title: ClassVar[str] = "no parameter is trained: {why}"
    why: str


@mistake
class NoRateToScale(Diagnostic):
    code: ClassVar[str] = "no-rate-to-scale"
    title: ClassVar[str] = "`{optimizer}` has no `lr` that could be scaled"
    optimizer: str


LR_SCALE = Form(
    "lr_scale",
    "train line",
    (Slot("lr_scale", "number", required=True, positional=True, above=0), Slot("on", "tree", required=True)),
)


WARM_START = Form(
    "warm_start",
    "train line",
    (Slot("run", "text", required=True, positional=True), Slot("on", "tree")),
    by_name=False,
)


def build_only(context: Context, model: Model, read: Read) -> tuple[str, ...]:
    """`only output`, `only head, biases`. Raises Told."""
    if not read.line.items:
        raise context.refuse(ValueNeeded(span=read.span, owner="only", what="a place", example="only output"))
    objective = Objective(context, model.scope, model, [])
    values = (
        value
        for item in read.line.items
        for value in (item.items if isinstance(item, tree.Values) else (item,))
    )
    found = [context.attempt(_place, objective, value) for value in values]
    if None in found:
        raise Told
    return tuple(place for places in found if places for place in places)


def _place(objective: Objective, item: tree.Value | tree.Option) -> tuple[str, ...]:
    if isinstance(item, tree.Option):
        mend = item.value.span.text
        raise objective.context.refuse(OtherForm(span=item.span, written=item.span.text, mend=mend))
    return places_of(objective, item)


def build_rate(
    context: Context, scope: Scope, model: Model | None, optimizer: Use | None, read: Read
) -> Rate | None:
    """`lr_scale 2 on=biases`. Raises Told."""
    bound = bind(context, scope, LR_SCALE, read.line.items, read.span)
    stepwise = optimizer and isinstance(optimizer.contract, Optimizer)
    if optimizer and stepwise and not any(p.name == "lr" for p in optimizer.contract.parameters):
        raise context.refuse(NoRateToScale(span=read.span, optimizer=optimizer.name))
    if model is None:
        return None
    places = places_of(Objective(context, model.scope, model, []), bound.trees["on"])
    return Rate(float(str(bound.values["lr_scale"])), places)


def build_warm_start(context: Context, scope: Scope, model: Model | None, read: Read) -> WarmStart | None:
    """`warm_start "runs/wave-1" on=body`; the path begins at the spec's folder. Raises Told."""
    bound = bind(context, scope, WARM_START, read.line.items, read.span)
    if model is None:
        return None
    objective = Objective(context, model.scope, model, [])
    places = places_of(objective, bound.trees.get("on")) or EVERYWHERE
    return WarmStart(str(context.folder / str(bound.values["run"])), places, read.line.span)


def check_trained(context: Context, experiment: Experiment, train: tree.Line) -> None:
    """Tells of a run that would change nothing."""
    graph, spec = experiment.graph, experiment.train
    if spec and spec.only == EVERYWHERE and any(is_trained(n) and not n.freeze for n in graph.layers):
        return
    parameters = place_parameters(graph)
    if len(frozen(experiment, parameters)) < len(parameters):
        return
    why = "the model has none" if not parameters else "all are frozen"
    only = line_of(train, "only")
    context.refuse(NothingTrained(span=only.span if only else head_span(train), why=why))
