"""What is followed during training: `monitor`, `stop_early` and `keep`."""

from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

from deltaplan.compiler.build.binding import ValueNeeded, bind
from deltaplan.compiler.build.context import Context, Told
from deltaplan.compiler.build.form import Form, Slot
from deltaplan.compiler.build.model import Model
from deltaplan.compiler.build.names import unknown
from deltaplan.compiler.build.objective import output_of
from deltaplan.compiler.build.places import Read
from deltaplan.compiler.build.scope import Scope
from deltaplan.compiler.build.terms import Objective, use_of, word_of
from deltaplan.compiler.experiment import DataSpec, Monitored, StopEarly, TrainSpec
from deltaplan.compiler.nodes import Loss, Target
from deltaplan.diagnostics import Diagnostic, Note, mistake, nearest
from deltaplan.dsl import tree
from deltaplan.plugins import contracts
from deltaplan.records import dataclass


@mistake
class MetricDoesNotFit(Diagnostic):
    code: ClassVar[str] = "metric-does-not-fit"
    title: ClassVar[str] = "`{name}` compares {wanted}, and `{output}` gives {given}"
    name: str
    wanted: str
    output: str
    given: str


@mistake
class TableNotFollowed(Diagnostic):
    code: ClassVar[str] = "table-not-followed"
    title: ClassVar[str] = "`{name}` is a table, and what is monitored is one number"
    help: ClassVar[str] = "`deltaplan evaluate` prints it"
    name: str


@mistake
class NotMonitored(Diagnostic):
    code: ClassVar[str] = "not-monitored"
    title: ClassVar[str] = "`{name}` is not monitored"
    label: ClassVar[str] = "similar name: `{similar}`"
    help: ClassVar[str] = "known: {known}; a line `monitor` adds more"
    name: str
    similar: str | None
    known: str


@mistake
class NoValidation(Diagnostic):
    code: ClassVar[str] = "no-validation"
    title: ClassVar[str] = "`{head}` looks at a validation part, and the data has none"
    help: ClassVar[str] = "`split train=80% validation=20%` in the `data` block makes one"
    head: str


@dataclass(frozen=True, slots=True)
class Watch:
    """The three lines, read."""

    monitor: tuple[Monitored, ...] = ()
    stop_early: StopEarly | None = None
    keep: Literal["best", "last"] = "last"


STOP_EARLY = Form(
    "stop_early",
    "train line",
    (
        Slot("patience", "whole", required=True, positional=True, minimum=1),
        Slot("on", "tree"),
        Slot("min_change", "number", 0.0, minimum=0),
    ),
)
KEEP = Form(
    "keep", "train line", (Slot("keep", "word", required=True, positional=True, choices=("best", "last")),)
)
GIVES = {"real": "numbers", "class": "classes", "binary": "yes or no", "sign": "signs"}


def build_watch(context: Context, scope: Scope, model: Model | None, lines: Mapping[str, Read]) -> Watch:
    """What the lines say, without those that hold a mistake, which is told."""
    before = len(context.problems.errors)
    monitor = tuple(_monitored(context, model, lines["monitor"])) if model and "monitor" in lines else ()
    complete = model is not None and len(context.problems.errors) == before and _all_read(lines, monitor)
    stop = (
        context.attempt(_stop_early, context, scope, lines["stop_early"], monitor, complete)
        if "stop_early" in lines
        else None
    )
    keep: Literal["best", "last"] = "best" if "stop_early" in lines else "last"
    if "keep" in lines:
        read = lines["keep"]
        bound = context.attempt(bind, context, scope, KEEP, read.line.items, read.span)
        keep = "best" if bound and bound.values["keep"] == "best" else "last"
    return Watch(monitor, stop, keep)


def check_validation(context: Context, train: TrainSpec, line: tree.Line, data: DataSpec) -> None:
    """Tells `stop_early` and `keep best` in the train block `line` without a validation part."""
    if data.validates or line.body is None:
        return
    wanted = {"stop_early": train.stop_early is not None, "keep": train.keep == "best"}
    for each in line.body.lines:
        head = each.head.text if isinstance(each.head, tree.Name) else ""
        if wanted.get(head):
            context.refuse(NoValidation(span=each.span, head=head))


def _monitored(context: Context, model: Model, read: Read) -> Iterator[Monitored]:
    if not read.line.items:
        context.refuse(
            ValueNeeded(span=read.span, owner="monitor", what="a metric", example="monitor accuracy")
        )
    objective = Objective(context, model.scope, model, [])
    for item in read.line.items:
        for value in item.items if isinstance(item, tree.Values) else (item,):
            found = context.attempt(_metric, objective, value)
            if found is not None:
                yield found


def _metric(objective: Objective, value: tree.Value | tree.Option) -> Monitored:
    context = objective.context
    if isinstance(value, tree.Option):
        raise context.refuse(
            ValueNeeded(span=value.span, owner="monitor", what="a metric", example="monitor accuracy")
        )
    name = word_of(context, value)
    kind: Literal["metric", "loss"] = "metric" if context.registry.find("metric", name) else "loss"
    if not context.registry.find(kind, name):
        span = value.name_span if isinstance(value, tree.Call) else value.span
        raise unknown(context, "metric", name, span, _followed(context), list_known=True)
    use, trees = use_of(objective, kind, value, name)
    output = output_of(objective, value, name, trees)
    if isinstance(use.contract, contracts.Metric) and use.contract.gives == "table":
        raise context.refuse(TableNotFollowed(span=value.span, name=name))
    _check_fit(objective, use.contract, value, output.node)
    label = name if len(objective.model.outputs) == 1 else f"{output.node}.{name}"
    return Monitored(label, use, output.node)


def _followed(context: Context) -> list[str]:
    """The metrics of one number, and the losses."""
    metrics = (context.registry.find("metric", name) for name in context.registry.names("metric"))
    numbers = (m.name for m in metrics if isinstance(m, contracts.Metric) and m.gives != "table")
    return [*numbers, *context.registry.names("loss")]


def _check_fit(
    objective: Objective, contract: contracts.Contribution, value: tree.Value, output: str
) -> None:
    """A metric of numbers is for real targets, one of classes for those that a loss decides between, and a
    loss for its own kind of target."""
    nodes = objective.model.draft.nodes
    target = nodes.get(f"{output}.target")
    if not isinstance(target, Target):
        raise Told  # the output has no loss, which is told
    wanted = ""
    if isinstance(contract, contracts.Loss) and contract.target != target.kind:
        wanted = GIVES[contract.target]
    if isinstance(contract, contracts.Metric):
        decides = any(
            isinstance(n, Loss)
            and isinstance(n.use.contract, contracts.Loss)
            and n.use.contract.decision != "none"
            for n in nodes.values()
        )
        if contract.of == "values" and target.kind != "real":
            wanted = "numbers"
        if contract.of != "values" and (target.kind == "real" or not decides):
            wanted = "classes"
    if wanted:
        notes = (Note("its loss", target.span),)
        raise objective.context.refuse(
            MetricDoesNotFit(
                span=value.span,
                name=contract.name,
                wanted=wanted,
                output=output,
                given=GIVES[target.kind],
                notes=notes,
            )
        )


def _all_read(lines: Mapping[str, Read], monitor: tuple[Monitored, ...]) -> bool:
    """Whether each metric of the line was understood: none is left out for a mistake that was told before."""
    items = lines["monitor"].line.items if "monitor" in lines else ()
    return len(monitor) == sum(len(item.items) if isinstance(item, tree.Values) else 1 for item in items)


def _stop_early(
    context: Context, scope: Scope, read: Read, monitor: tuple[Monitored, ...], complete: bool
) -> StopEarly:
    """`complete` says whether the metrics are all that the line `monitor` names."""
    bound = bind(context, scope, STOP_EARLY, read.line.items, read.span)
    on = bound.trees["on"].span.text if "on" in bound.trees else "loss"
    labels = [each.label for each in monitor]
    if complete and on not in ("loss", *labels):
        known = ", ".join(f"`{label}`" for label in ("loss", *labels))
        similar = nearest(on, ("loss", *labels))
        raise context.refuse(NotMonitored(span=bound.trees["on"].span, name=on, similar=similar, known=known))
    patience, change = bound.values["patience"], bound.values["min_change"]
    return StopEarly(int(str(patience)), on, float(str(change)), read.line.span)
