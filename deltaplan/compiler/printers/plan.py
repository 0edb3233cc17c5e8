"""What `show --plan` prints: the recursions of forward pass, backward pass and update for this model."""

from collections.abc import Iterator, Mapping, Sequence

from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.initial import plain
from deltaplan.compiler.nodes import Activate, Use
from deltaplan.compiler.optimize import Update, UpdatePart
from deltaplan.compiler.parameters import Parameter, numbered, place_parameters
from deltaplan.compiler.plan import Plan, Plans, compile_plans
from deltaplan.compiler.printers.algebra import rounded, short
from deltaplan.compiler.printers.buffers import buffer_table
from deltaplan.compiler.printers.formulas import Formula, formulas
from deltaplan.compiler.printers.lines import Layout, columns, folded, section, show_cost
from deltaplan.compiler.printers.losses import known_links, known_losses
from deltaplan.compiler.steps import Map, Step, flops
from deltaplan.compiler.symbols import chain, functions
from deltaplan.plugins.expressions import Expr, argument, derivative, replace, substitute, to_text


def plan_text(
    experiment: Experiment,
    plans: Plans,
    batch: int | None = None,
    *,
    full: bool = False,
    buffers: bool = False,
) -> str:
    """The plan as formulas: forward pass, backward pass and the update of θ, then evaluation and prediction.

    Costs are FLOPs for a batch of `batch` samples, else for B. Runs of equal layers are told once; `full`
    tells each. `buffers` adds the memory of training with `plans`, on one sample where no batch is given.
    """
    lines = [*_lines(experiment, batch, full)]
    if buffers and plans.train:
        precision = experiment.train.precision if experiment.train else "float32"
        lines += ["", *buffer_table(plans.train, batch or 1, precision)]
    return "\n".join(lines) + "\n"


def training_formulas(experiment: Experiment, plan: Plan) -> tuple[list[Formula], list[Formula]]:
    """Forward and backward pass of an unfused plan for training."""
    known = known_losses(experiment.graph, plan)
    forward, backward = formulas((plan.forward, plan.backward), plan.kept, known)
    return forward, backward


def update_formulas(step: Map) -> Iterator[tuple[str, str]]:
    """Each vector after the step, named with ′, by the vectors before it and the new ones so far."""
    arguments = {f"x{i}": argument(tensor.name) for i, tensor in enumerate(step.inputs)}
    new = {
        tensor.name: substitute(expression, arguments)
        for tensor, expression in zip(step.outputs, step.expressions, strict=True)
    }
    theta, *states = new
    done: dict[Expr, Expr] = {}
    for name in (*states, theta):
        yield name, to_text(rounded(replace(new[name], done)))
        done[new[name]] = argument(name)


def _lines(experiment: Experiment, batch: int | None, full: bool) -> Iterator[str]:
    graph, plans = experiment.graph, compile_plans(experiment, fused=False)
    layout = Layout(batch, {node.name: node.span for node in graph}, full)
    numbers = {node.name: j for j, layer in numbered(graph) for node in chain(graph, layer)}
    size = f"B = {batch:,} samples" if batch else "B samples"
    yield f"{experiment.name}: one step on {size}; [5, B] is 5 numbers for each sample"
    yield from _definitions(experiment)
    if plans.train:
        forward, backward = training_formulas(experiment, plans.train)
        yield from _section("forward", forward, numbers, layout)
        yield from _section("backward", backward, numbers, layout)
    if plans.update and experiment.train:
        blocks = place_parameters(graph)
        yield from _update(experiment.train.optimizer, plans.update, blocks)
    if experiment.train and experiment.train.solver:
        yield from _solver(experiment.train.optimizer)
    if plans.train:
        yield from _afterwards(experiment, plans, layout)
    else:
        yield from _section("forward", prediction_formulas(experiment, plans.predict), numbers, layout)


def _definitions(experiment: Experiment) -> Iterator[str]:
    """What the formulas do not say: the factor before the sum, activations and their slopes."""
    texts = []
    if experiment.train:
        mean = experiment.train.average == "mean"
        texts.append("scale = 1/B (mean)" if mean else "scale = N/B (sum over all N samples)")
    names = functions(experiment.graph)
    uses = {names[node.name].rpartition(" ")[2]: node.use for node in experiment.graph.of(Activate)}
    for name, use in uses.items():
        value = plain(use)
        if to_text(value) != f"{name}(u)":
            texts.append(f"{name}(u) = {to_text(value)}")
        texts.append(f"{name}'(u) = {to_text(short(derivative(value, 'u')))}")
    if texts:
        yield from ["", "where", *(line for text in texts for line in folded(text))]


def _section(
    title: str, found: Sequence[Formula], numbers: Mapping[str, int], layout: Layout
) -> Iterator[str]:
    yield ""
    yield from columns(title, "shape", "FLOPs", "line", indent=0)
    yield from section(found, numbers, layout)
    yield from columns("", "", _total([s for formula in found for s in formula.steps], layout), "")


def _total(steps: Sequence[Step], layout: Layout) -> str:
    fixed = sum(flops(step, 0) for step in steps)
    return show_cost((fixed, sum(flops(step, 1) for step in steps) - fixed), layout.batch)


def _update(optimizer: Use, update: Update, blocks: Sequence[Parameter]) -> Iterator[str]:
    """The scalars, and the formulas of each part of θ; a part that is not all of θ is named by its blocks."""
    line = f":{optimizer.span.line}"
    yield ""
    yield from columns(f"update by {optimizer.name}", "shape", "FLOPs", "line", indent=0)
    yield from folded("; ".join(_meanings(update)))
    for scalar, expression in update.scalars.items():
        yield from columns(f"{scalar} = {to_text(rounded(expression))}", "number", "", line)
    margin = "" if [part.end - part.begin for part in update.parts] == [sum(b.size for b in blocks)] else "  "
    for part in update.parts:
        if margin:
            yield f"  for {_blocks(part, blocks)}:"
        for name, text in update_formulas(part.step):
            yield from columns(f"{margin}{name} = {text}", f"[{part.end - part.begin}]", "", line)
    yield from columns("", "", f"{sum(flops(part.step, 1) for part in update.parts):,}", "")


def _solver(optimizer: Use) -> Iterator[str]:
    """A solver has no formula: what it says of itself."""
    yield ""
    yield from columns(f"minimized by {optimizer.name}", "", "", f":{optimizer.span.line}", indent=0)
    what = optimizer.contract.doc.partition("\n")[0]
    yield from folded(f"{what}; it chooses the points at which J and g are computed")


def _blocks(part: UpdatePart, blocks: Sequence[Parameter]) -> str:
    """`W1…W3, θ[0:40]`"""
    inside = [b.tensor.name for b in blocks if part.begin <= b.offset < part.end]
    names = inside[0] if len(inside) == 1 else f"{inside[0]}…{inside[-1]}"
    return f"{names}, θ[{part.begin}:{part.end}]"


def _meanings(update: Update) -> Iterator[str]:
    """What the letters stand for."""
    yield "g is the gradient, ∂W1 and so on"
    if "gnorm" in update.arguments:
        yield "gnorm is its norm"
    yield "t counts the steps"
    if "epoch" in update.arguments:
        yield "epoch counts the whole epochs before a step"
    yield "′ marks what is new"


def prediction_formulas(experiment: Experiment, plan: Plan) -> list[Formula]:
    return formulas([plan.forward], plan.kept, known_links(experiment.graph, plan))[0]


def _afterwards(experiment: Experiment, plans: Plans, layout: Layout) -> Iterator[str]:
    """Evaluation and prediction: what they give, and the formulas that training does not have."""
    evaluate, predict = plans.evaluate, plans.predict
    given = ", ".join(t.name for t in evaluate.kept)
    links = [f for f in prediction_formulas(experiment, predict) if f.tensor in predict.kept]
    yield ""
    statistics = ", by running statistics" if evaluate.trace.statistics else ""
    yield from columns(
        f"evaluate, predict: forward without randomness{statistics}", "", "FLOPs", "", indent=0
    )
    yield from columns(f"evaluate gives {given}", "", _total(evaluate.steps, layout), "")
    for formula in links[:-1]:
        yield from columns(f"predict gives {formula}", "", "", "")
    yield from columns(f"predict gives {links[-1]}", "", _total(predict.steps, layout), "")
