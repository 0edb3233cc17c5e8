"""One sample through the plan: every line of the recursions with its numbers."""

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

import numpy as np

from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.lower import lower
from deltaplan.compiler.nodes import Loss
from deltaplan.compiler.plan import Plan, evaluate_plan, gradient_plan, predict_plan, train_plan
from deltaplan.compiler.printers.formulas import Formula, formulas
from deltaplan.compiler.printers.losses import known_links
from deltaplan.compiler.printers.plan import training_formulas
from deltaplan.compiler.steps import Tensor
from deltaplan.diagnostics import Diagnostic, SpecError, mistake
from deltaplan.records import dataclass
from deltaplan.runtime.arrays import arrays_of
from deltaplan.runtime.backends.numpy.bind import bind, target_key
from deltaplan.runtime.backends.numpy.expressions import Array
from deltaplan.runtime.data.dataset import Dataset, Part
from deltaplan.runtime.model import Model
from deltaplan.runtime.threads import blas_threads


@mistake
class NoSuchSample(Diagnostic):
    code: ClassVar[str] = "no-such-sample"
    title: ClassVar[str] = "there is no sample {number}: the data have {rows}"
    number: int
    rows: int


@dataclass(frozen=True, slots=True)
class Line:
    """A formula of the plan and the numbers that its tensor has for the sample, in the tensor's shape.

    `line` is that of the spec, None for what no line of it says.
    """

    formula: str
    tensor: str
    line: int | None
    values: Array


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of the data behind an input or an output, and their values or the class, in the data's
    units."""

    node: str
    names: tuple[str, ...]
    values: Array


@dataclass(frozen=True, slots=True)
class SampleTrace:
    """The recursions with the numbers of one sample, in float64 and without the randomness of training.

    `number` counts the samples of the data from 1. `leaves` are x and y as the model sees them. The scale
    before the sum over the batch is 1, so every ∂W is that of this sample's loss. `random` tells that
    training draws numbers which are left out here.
    """

    name: str
    number: int
    part: str
    random: bool
    inputs: tuple[Columns, ...]
    targets: tuple[Columns, ...]
    predictions: tuple[Columns, ...]
    leaves: tuple[Line, ...]
    parameters: tuple[Line, ...]
    forward: tuple[Line, ...]
    backward: tuple[Line, ...]
    predicted: tuple[Line, ...]


def trace(experiment: Experiment, theta: Array, dataset: Dataset, number: int | None = None) -> SampleTrace:
    """Sample `number` of the data, the first of the training part if None, at θ [size].

    SpecError where the data have no such sample.
    """
    name, part = _chosen(dataset, number)
    theta, data, graph = theta.astype(np.float64), arrays_of(part), experiment.graph
    forward, backward, plan, values = _recursions(experiment, theta, data)
    predict = predict_plan(graph, fused=False)
    known = known_links(graph, predict)
    links = [f for f in formulas([predict.forward], predict.kept, known)[0] if f.tensor in known]
    values |= _recorded(predict, links, theta, data)
    lines = {node.name: node.span.line for node in graph}
    model = Model(experiment, theta, dataset.preprocessing)
    return SampleTrace(
        name=experiment.name,
        number=int(part.rows[0]) + 1,
        part=name,
        random=bool(graph.of(Loss)) and train_plan(graph).random,
        inputs=_inputs(model, part),
        targets=_targets(model, part),
        predictions=_predictions(model, part),
        leaves=_leaves(plan, data, lines),
        parameters=tuple(
            Line(p.name, p.tensor.name, lines.get(p.node), theta[p.offset : p.end].reshape(p.tensor.shape))
            for p in plan.trace.parameters
        ),
        forward=_lines(forward, values, lines),
        backward=_lines(backward, values, lines),
        predicted=_lines(links, values, lines),
    )


def _chosen(dataset: Dataset, number: int | None) -> tuple[str, Part]:
    """The part that holds the sample, cut to it."""
    for name, part in dataset.parts.items():
        (places,) = np.nonzero(part.rows == number - 1) if number is not None else (np.arange(1),)
        if len(places):
            only = slice(int(places[0]), int(places[0]) + 1)
            x, y = ({key: values[..., only] for key, values in of.items()} for of in (part.x, part.y))
            return name, Part(x, y, part.rows[only])
    rows = sum(map(len, dataset.parts.values()))
    raise SpecError(NoSuchSample(number=number or 1, rows=rows))


def _recursions(
    experiment: Experiment, theta: Array, data: Mapping[str, Array]
) -> tuple[list[Formula], list[Formula], Plan, dict[Tensor, Array]]:
    """Forward and backward formulas, their plan and the values; no backward pass without a problem."""
    graph = experiment.graph
    if graph.of(Loss):
        plan = gradient_plan(lower(graph, "predict"), fused=False)
        forward, backward = training_formulas(experiment, plan)
    else:
        plan = evaluate_plan(graph, fused=False)
        (forward,), backward = formulas([plan.forward], plan.kept, {}), []
    return forward, backward, plan, _recorded(plan, [*forward, *backward], theta, data)


def _recorded(
    plan: Plan, wanted: Iterable[Formula], theta: Array, data: Mapping[str, Array]
) -> dict[Tensor, Array]:
    """The values of the formulas' tensors, taken as soon as they are written: the gradient is added to."""
    bound = bind(plan, {"θ": theta, "g": np.zeros_like(theta)}, 1, data, reuse=False)
    tensors = {formula.tensor for formula in wanted}
    found: dict[Tensor, Array] = {}
    with np.errstate(all="ignore"), blas_threads():
        for step in bound.program.each():
            found |= {t: _of_sample(t, bound[t]) for t in step.outputs if t in tensors}
    return found


def _of_sample(tensor: Tensor, values: Array) -> Array:
    return values.reshape(tensor.shape).copy()  # a batch of one


def _lines(
    found: Sequence[Formula], values: Mapping[Tensor, Array], lines: Mapping[str, int]
) -> tuple[Line, ...]:
    return tuple(Line(str(f), f.name, lines.get(f.origin), values[f.tensor]) for f in found)


def _leaves(plan: Plan, data: Mapping[str, Array], lines: Mapping[str, int]) -> tuple[Line, ...]:
    """The inputs, and the targets where losses compare with them."""
    tensors = [(name, name, tensor) for name, tensor in plan.trace.inputs.items()]
    tensors += [(target_key(name), name, tensor) for name, tensor in plan.trace.targets.items()]
    return tuple(
        Line(tensor.name, tensor.name, lines.get(node), _of_sample(tensor, data[key]))
        for key, node, tensor in tensors
        if key in data
    )


def _inputs(model: Model, part: Part) -> tuple[Columns, ...]:
    return tuple(
        Columns(node, columns.labels, columns.scaling.undo(part.x[node])[:, 0])
        for node, columns in model.preprocessing.inputs.items()
    )


def _targets(model: Model, part: Part) -> tuple[Columns, ...]:
    found = []
    for node, columns in model.preprocessing.targets.items():
        values = part.y[node]
        if columns.classes:
            index = np.asarray(values, np.float64).reshape(-1)
            values = np.array(columns.classes)[(index > 0 if columns.kind == "sign" else index).astype(int)]
        elif values.ndim > 1:
            values = columns.scaling.undo(values)[:, 0]
        found.append(Columns(node, columns.names, values))
    return tuple(found)


def _predictions(model: Model, part: Part) -> tuple[Columns, ...]:
    """Numbers in the data's units, or the class."""
    values, raw = model.predict_columns(part.x), model.raw_columns(part.x)
    return tuple(
        Columns(
            node,
            model.target_names(node),
            value[:, 0] if model.decision(node) == "none" else np.asarray(model.classes(node, raw[node])),
        )
        for node, value in values.items()
    )
