"""`train { … }`: the problem and how it is solved."""

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar, Literal

from deltaplan.compiler.build.activations import find_use
from deltaplan.compiler.build.binding import ValueNeeded, bind
from deltaplan.compiler.build.bound import Bound
from deltaplan.compiler.build.context import Context
from deltaplan.compiler.build.form import Form, Slot
from deltaplan.compiler.build.model import Model
from deltaplan.compiler.build.names import OtherForm
from deltaplan.compiler.build.objective import add_objective
from deltaplan.compiler.build.places import TRAIN, Read, head_span, missing, read_lines
from deltaplan.compiler.build.record import RECORD
from deltaplan.compiler.build.schedules import check_schedules, with_length
from deltaplan.compiler.build.scope import Scope
from deltaplan.compiler.build.solver import MOST_STEPS, check_lines
from deltaplan.compiler.build.trained import build_only, build_rate, build_warm_start
from deltaplan.compiler.build.watch import Watch, build_watch
from deltaplan.compiler.build.words import FOREIGN
from deltaplan.compiler.experiment import TrainSpec
from deltaplan.compiler.nodes import Use
from deltaplan.diagnostics import Diagnostic, Note, mistake
from deltaplan.dsl import tree
from deltaplan.plugins.contracts import Solver, Value

Origin = Literal["spec", "default"]
LENGTHS: tuple[Literal["epochs", "steps"], ...] = ("epochs", "steps")


@mistake
class TwoLengths(Diagnostic):
    code: ClassVar[str] = "two-lengths"
    title: ClassVar[str] = "a run has a length in `epochs` or in `steps`, not in both"


FORMS = {
    "epochs": Form(
        "epochs", "train line", (Slot("epochs", "whole", required=True, positional=True, minimum=1),)
    ),
    "steps": Form(
        "steps", "train line", (Slot("steps", "whole", required=True, positional=True, minimum=1),)
    ),
    "batch": Form(
        "batch", "train line", (Slot("batch", "size", required=True, positional=True, choices=("full",)),)
    ),
    "seed": Form("seed", "train line", (Slot("seed", "whole", required=True, positional=True, minimum=0),)),
    "precision": Form(
        "precision",
        "train line",
        (Slot("precision", "word", required=True, positional=True, choices=("float32", "float64")),),
    ),
}
CLIP = Form("clip", "train line", (Slot("norm", "number", required=True, above=0),))
DEFAULTS: dict[str, Value] = {"batch": "full", "seed": 0, "precision": "float32"}

EXACT: dict[str, Value] = {"steps": MOST_STEPS, "precision": "float64"}  # for a solver that ends by itself


def build_train(context: Context, scope: Scope, model: Model | None, train: tree.Line) -> TrainSpec | None:
    """The train block; every mistake is told, and None given where one was."""
    assert train.body is not None, "the table of the file asks for braces"
    before = len(context.problems.errors)
    reads = [*read_lines(context, TRAIN, train.body.lines)]
    broken = any(line.broken for line in train.body.lines)
    lines = {read.head: read for read in reads}
    settings = {head: _setting(context, scope, FORMS[head], lines[head]) for head in FORMS if head in lines}
    clip = _setting(context, scope, CLIP, lines["clip"]) if "clip" in lines else None
    optimizer = (
        context.attempt(_optimizer, context, scope, lines["optimizer"]) if "optimizer" in lines else None
    )
    if optimizer is not None:
        check_lines(context, optimizer, lines, settings.get("batch"))
    if optimizer is not None and (time := _length(settings)):
        optimizer = with_length(optimizer, time[1])
        check_schedules(context, optimizer, *time)
    average = add_objective(context, model, lines["minimize"]) if model and "minimize" in lines else None
    record = _setting(context, scope, RECORD, lines["record"]) if "record" in lines else None
    warm_start = (
        context.attempt(build_warm_start, context, scope, model, lines["warm_start"])
        if "warm_start" in lines
        else None
    )
    only = context.attempt(build_only, context, model, lines["only"]) if model and "only" in lines else None
    rates = [
        context.attempt(build_rate, context, scope, model, optimizer, read)
        for read in reads
        if read.head == "lr_scale"
    ]
    watch = build_watch(context, scope, model, lines)
    if "epochs" in lines and "steps" in lines:
        notes = (Note("the other one", lines["epochs"].span),)
        context.refuse(TwoLengths(span=lines["steps"].span, notes=notes))
    if len(context.problems.errors) == before and not broken:
        examples = {"minimize": "minimize mean(squared_error)", "optimizer": "optimizer adam"}
        length = {} if "steps" in lines or _is_exact(optimizer) else {"epochs": "epochs 100"}
        missing(context, TRAIN, head_span(train), lines, examples | length)
    if broken or optimizer is None or average is None or None in settings.values():
        return None
    if len(context.problems.errors) > before:
        return None
    spec = _spec(train, average, optimizer, settings, watch, "keep" in lines)
    return replace(
        spec,
        clip=clip if isinstance(clip, int | float) else None,
        only=only or spec.only,
        rates=tuple(rate for rate in rates if rate),
        warm_start=warm_start,
        record=record if isinstance(record, int) else None,
        origin={**spec.origin, "only": "spec" if only else "default"},
    )


def _spec(
    train: tree.Line,
    average: Literal["mean", "sum"],
    optimizer: Use,
    settings: Mapping[str, Value],
    watch: Watch,
    keeps: bool,
) -> TrainSpec:
    exact = _is_exact(optimizer)
    values = {**DEFAULTS, **(EXACT if exact else {}), **settings}
    unit: Literal["epochs", "steps"] = "epochs" if "epochs" in settings else "steps"
    heads = DEFAULTS if exact else (unit, *DEFAULTS)
    origin: dict[str, Origin] = {head: "spec" if head in settings else "default" for head in heads}
    if not exact:
        origin["keep"] = "spec" if keeps else "default"
    batch = values["batch"]
    return TrainSpec(
        average=average,
        optimizer=optimizer,
        unit=unit,
        length=int(str(values[unit])),
        batch=batch if isinstance(batch, int) else None,
        seed=int(str(values["seed"])),
        precision="float64" if values["precision"] == "float64" else "float32",
        span=train.span,
        monitor=watch.monitor,
        stop_early=watch.stop_early,
        keep=watch.keep,
        origin=origin,
    )


def _length(settings: Mapping[str, Value]) -> tuple[Literal["epochs", "steps"], int] | None:
    """The unit of the run and how many; None where it is not known."""
    for unit in LENGTHS:
        if isinstance(length := settings.get(unit), int):
            return unit, length
    return None


def _is_exact(optimizer: Use | None) -> bool:
    return optimizer is not None and isinstance(optimizer.contract, Solver) and optimizer.contract.exact


def _setting(context: Context, scope: Scope, form: Form, read: Read) -> Value:
    """The one value of a line."""
    bound: Bound | None = context.attempt(bind, context, scope, form, read.line.items, read.span)
    return bound.values[form.slots[0].name] if bound else None


def _optimizer(context: Context, scope: Scope, read: Read) -> Use:
    """`optimizer adam(lr=1e-2)`. Raises Told."""
    if not read.line.items:
        example = "optimizer adam(lr=1e-3)"
        raise context.refuse(ValueNeeded(span=read.span, owner="optimizer", what="a name", example=example))
    first, *others = read.line.items
    if others or not isinstance(first, tree.Name | tree.Call):
        raise context.refuse(_in_parentheses(read, first))
    name = first.name if isinstance(first, tree.Call) else first.text
    return find_use(context, scope, "optimizer", first, name)


def _in_parentheses(read: Read, first: object) -> OtherForm:
    """`optimizer sgd lr=0.1` or `sgd lr 0.1` is `optimizer sgd(lr=0.1)`."""
    items = [item.span.text for item in read.line.items]
    options = [text for text in items[1:] if "=" in text]
    words = [text for text in items[1:] if "=" not in text]
    options += [f"{FOREIGN.get(a, a)}={b}" for a, b in zip(words[::2], words[1::2], strict=False)]
    name = items[0] if isinstance(first, tree.Name | tree.Call) else "adam"
    span = read.line.items[0].span.to(read.line.items[-1].span)
    return OtherForm(span=span, written=span.text, mend=f"{name}({', '.join(options)})")
