"""Why training diverged: the step is run once more, unfused, and the first value that is not finite named."""

from collections.abc import Callable, Mapping
from typing import ClassVar

import numpy as np

from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.plan import Plan, train_plan
from deltaplan.compiler.steps import Step
from deltaplan.compiler.trained import frozen
from deltaplan.diagnostics import Diagnostic, Span, mistake
from deltaplan.runtime.backends.numpy.bind import Bound, bind, target_key
from deltaplan.runtime.backends.numpy.expressions import Array

AT_FIRST = "no step was made yet: look at `init=`, and whether `standardize` is needed"
LATER = "try a smaller learning rate; the last parameters with a finite objective are kept"


@mistake
class Diverged(Diagnostic):
    code: ClassVar[str] = "diverged"
    title: ClassVar[str] = "training diverged at step {step}: {what} of `{node}` is {value}"
    label: ClassVar[str] = "`{tensor}` in the plan"
    help: ClassVar[str] = "{mend}"
    step: int
    node: str
    what: str
    value: str
    tensor: str | None
    mend: str = LATER


def explain(
    experiment: Experiment,
    theta: Array,
    data: Mapping[str, Array],
    scale: float,
    step: int,
    draw: Callable[[int, Array], None],
) -> Diverged:
    """The diagnostic for step number `step`, which finds NaN or infinity at θ on these samples; counters make
    the replay exact."""
    plan = train_plan(experiment.graph, fused=False, frozen=frozen(experiment))
    vectors = {"θ": theta, "g": np.zeros_like(theta)}
    batch = next(iter(data.values())).shape[-1]
    bound = bind(plan, vectors, batch, data, draw, reuse=False)
    bound.scale[...] = scale
    was_finite = np.isfinite(theta).all()
    bound.run()
    if step > 1 and not was_finite:
        return _of_update(experiment, theta, step - 1)
    spoiled = next((name for name, array in bound.data.items() if not np.isfinite(array).all()), None)
    if spoiled is not None:
        return _of_data(experiment, spoiled, bound, step)
    found = _first(plan.steps, bound)
    if found is None:
        return _of_gradient(experiment, step)
    return _of_step(experiment, plan, found, bound, step)


def _first(steps: tuple[Step, ...], bound: Bound) -> Step | None:
    return next((s for s in steps if not all(np.isfinite(bound[t]).all() for t in s.outputs)), None)


def _of_step(experiment: Experiment, plan: Plan, found: Step, bound: Bound, step: int) -> Diverged:
    values = bound[found.output]
    what = "the backward pass" if found in plan.backward else "the forward pass"
    return Diverged(
        step=step,
        node=found.origin,
        what=what,
        value=_word(values),
        tensor=None if found.output.name.startswith("%") else found.output.name,
        span=_span(experiment, found.origin),
        mend=AT_FIRST if step == 1 else LATER,
    )


def _of_data(experiment: Experiment, name: str, bound: Bound, step: int) -> Diverged:
    outputs = {target_key(output): output for output in bound.plan.trace.targets}
    node = outputs.get(name, name)
    leaf = bound.plan.trace.targets[node] if name in outputs else bound.plan.trace.inputs[node]
    return Diverged(
        step=step,
        node=node,
        what="the targets" if name in outputs else "the data",
        value=_word(bound.data[name]),
        tensor=leaf.name,
        mend="a number of the data is too large for the precision: `standardize` scales it",
        span=_span(experiment, node),
    )


def _of_update(experiment: Experiment, theta: Array, step: int) -> Diverged:
    assert experiment.train is not None
    optimizer = experiment.train.optimizer
    return Diverged(
        step=step, node=optimizer.name, what="the update", value=_word(theta), tensor="θ", span=optimizer.span
    )


def _of_gradient(experiment: Experiment, step: int) -> Diverged:
    assert experiment.train is not None
    optimizer = experiment.train.optimizer
    return Diverged(
        step=step,
        node=optimizer.name,
        what="the squared norm of the gradient",
        value="infinite",
        tensor="g",
        span=optimizer.span,
    )


def _span(experiment: Experiment, node: str) -> Span:
    return experiment.graph[node].span


def _word(values: Array) -> str:
    return "not a number" if np.isnan(values).any() else "infinite"
