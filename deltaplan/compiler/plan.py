"""The plan of an experiment: steps for training, evaluation and prediction over one flat vector θ.

A plan knows no batch size, no precision and no memory: a backend binds it to these.
"""

from collections.abc import Iterable, Mapping
from typing import Literal

from deltaplan.compiler.differentiate import differentiate
from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.fuse import fuse, prune, tidy
from deltaplan.compiler.graph import Graph
from deltaplan.compiler.links import Link, link_of
from deltaplan.compiler.lower import lower
from deltaplan.compiler.nodes import Loss
from deltaplan.compiler.optimize import Update, update_of
from deltaplan.compiler.parameters import Parameter, place_parameters
from deltaplan.compiler.plans import Part as Part
from deltaplan.compiler.plans import Plan as Plan
from deltaplan.compiler.plans import Plans as Plans
from deltaplan.compiler.plans import Trace
from deltaplan.compiler.repeats import with_repeats
from deltaplan.compiler.steps import Map, Reduce, Step, Tensor
from deltaplan.compiler.trained import frozen, stretches
from deltaplan.plugins.expressions import argument, const, exp, sigmoid


def compile_plans(experiment: Experiment, fused: bool = True) -> Plans:
    """The plans of an experiment; without `fused` every step of the graph stays a step of its own."""
    graph = experiment.graph
    train, update = training_plans(experiment, fused)
    trace = lower(graph, "predict")
    return Plans(train, _evaluation(trace, fused), _prediction(graph, trace, fused), update)


def training_plans(experiment: Experiment, fused: bool = True) -> tuple[Plan | None, Update | None]:
    """The plan of training and the update of θ alone."""
    graph = experiment.graph
    parameters = place_parameters(graph)
    still = frozen(experiment, parameters)
    trained = [p for p in parameters if p.name not in still]
    train = train_plan(graph, fused, still) if graph.of(Loss) else None
    return train, _update(experiment, trained)


def _update(experiment: Experiment, trained: Iterable[Parameter]) -> Update | None:
    train = experiment.train
    if train is None or train.solver:
        return None
    kinds = stretches(experiment.graph, train, trained)
    return update_of(train.optimizer, kinds, train.unit, train.clip)


def train_plan(graph: Graph, fused: bool = True, frozen: frozenset[str] = frozenset()) -> Plan:
    """Forward, loss, Ω and backward, with the random numbers of training. Of the blocks that are `frozen`
    there is no gradient: their part of g is never written."""
    return gradient_plan(lower(graph, "train", frozen), fused)


def gradient_plan(trace: Trace, fused: bool = True, of_loss: bool = False) -> Plan:
    """The objective of a trace, or its loss alone, and the gradient."""
    goal = trace.loss if of_loss else trace.objective
    assert goal is not None, "a plan for training needs a problem"
    assert trace.sample_loss is not None
    parameters = [p.tensor for p in trace.trained]
    segments = [s.tensor for s in trace.segments if s.trained]
    backward, adjoints = differentiate(trace.steps, {goal: None}, [*parameters, *segments])
    tail, parts = _gather_gradient(trace, adjoints)
    wanted = [trace.sample_loss, goal, *(part.tensor for part in parts if part.vector == "g")]
    wanted += trace.updated
    if trace.penalty and not of_loss:
        wanted.append(trace.penalty)
    steps = prune(tidy((*trace.steps, *backward, *tail)), wanted)
    if fused:
        steps = fuse(steps, wanted)
    border = 1 + max(i for i, step in enumerate(steps) if goal in step.outputs)
    return with_repeats(Plan("train", trace, steps[:border], steps[border:], parts, tuple(wanted)))


def _gather_gradient(trace: Trace, adjoints: Mapping[Tensor, Tensor]) -> tuple[list[Step], tuple[Part, ...]]:
    """Puts every adjoint into its part of g: those of parameters are written there, those of the segments of
    penalties added afterwards."""
    steps: list[Step] = []
    parts = stored_parts(trace)
    placed: set[Tensor] = set()
    for parameter in trace.trained:
        adjoint = adjoints.get(parameter.tensor)
        if adjoint is None or adjoint in placed:
            inputs = () if adjoint is None else (adjoint,)
            value = const(0.0) if adjoint is None else argument("x0")
            adjoint = Tensor(f"∂{parameter.tensor.name}", parameter.tensor.shape)
            steps.append(Map(inputs=inputs, outputs=(adjoint,), expressions=(value,), origin=parameter.node))
        placed.add(adjoint)
        parts.append(Part(adjoint, "g", parameter.offset))
    for segment in trace.segments:
        adjoint = adjoints.get(segment.tensor)
        if adjoint is None:
            continue
        label = segment.tensor.name.removeprefix("θ")
        before, after = (Tensor(f"∂θ{label}{mark}", segment.tensor.shape) for mark in ("", "\N{PRIME}"))
        steps.append(
            Map(
                inputs=(before, adjoint),
                outputs=(after,),
                expressions=(argument("x0") + argument("x1"),),
                origin=next(s.origin for s in reversed(trace.steps) if segment.tensor in s.inputs),
                formula="{0} + {1}",
            )
        )
        parts += [Part(before, "g", segment.offset), Part(after, "g", segment.offset)]
    return steps, tuple(parts)


def evaluate_plan(graph: Graph, fused: bool = True) -> Plan:
    """The outputs and the loss of each sample, without randomness."""
    return _evaluation(lower(graph, "predict"), fused)


def _evaluation(trace: Trace, fused: bool) -> Plan:
    wanted = [*trace.outputs.values(), *([trace.sample_loss] if trace.sample_loss else [])]
    wanted += [trace.penalty] if trace.penalty else []
    return with_repeats(_forward_plan("evaluate", trace, trace.steps, wanted, fused))


def predict_plan(graph: Graph, fused: bool = True, linked: bool = True) -> Plan:
    """The outputs with the link of their losses: the identity, a sigmoid or a softmax.

    The tensor of each output is named `ŷ` or `ŷ_name`. Without `linked` they are as the model gives them.
    """
    trace = lower(graph, "predict")
    if not linked:
        return _forward_plan("predict", trace, trace.steps, [*trace.outputs.values()], fused)
    return _prediction(graph, trace, fused)


def _prediction(graph: Graph, trace: Trace, fused: bool) -> Plan:
    steps, wanted = list(trace.steps), []
    for name, tensor in trace.outputs.items():
        own = "ŷ" if len(trace.outputs) == 1 else f"ŷ_{name}"
        more, value = linked_steps(link_of(graph, name), tensor, own)
        steps += more
        wanted.append(value)
    return _forward_plan("predict", trace, tuple(steps), wanted, fused)


def linked_steps(link: Link, u: Tensor, name: str) -> tuple[list[Step], Tensor]:
    out = Tensor(name, u.shape, u.batched)
    x0, x1 = argument("x0"), argument("x1")
    if link != "softmax":
        value, formula = (x0, "{0}") if link == "identity" else (sigmoid(x0), "sigmoid({0})")
        return [Map(inputs=(u,), outputs=(out,), expressions=(value,), formula=formula)], out
    largest, total = (Tensor(f"%{part}_{name}", (), u.batched) for part in ("max", "total"))
    powers = Tensor(f"%exp_{name}", u.shape, u.batched)
    return [
        Reduce(inputs=(u,), outputs=(largest,), kind="max", axes=(0,), stop=True, formula="max {0}"),
        Map(inputs=(u, largest), outputs=(powers,), expressions=(exp(x0 - x1),), formula="exp({0} - {1})"),
        Reduce(inputs=(powers,), outputs=(total,), kind="sum", axes=(0,), formula="Σ {0}"),
        Map(inputs=(powers, total), outputs=(out,), expressions=(x0 / x1,), formula="{0} / {1}"),
    ], out


def _forward_plan(
    name: Literal["evaluate", "predict"],
    trace: Trace,
    steps: tuple[Step, ...],
    wanted: list[Tensor],
    fused: bool,
) -> Plan:
    steps = prune(steps, wanted)
    if fused:
        steps = fuse(steps, wanted)
    return Plan(name, trace, steps, (), tuple(stored_parts(trace)), tuple(wanted))


def stored_parts(trace: Trace) -> list[Part]:
    """What lies in θ, and behind it the running statistics, before and after the step."""
    parts = [Part(p.tensor, "θ", p.offset) for p in trace.parameters]
    parts += [Part(s.tensor, "θ", s.offset) for s in trace.segments]
    parts += [Part(s.tensor, "θ", s.offset) for s in trace.statistics]
    return parts + [Part(tensor, "θ", statistic.offset) for tensor, statistic in trace.updated.items()]
