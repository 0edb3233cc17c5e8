"""What a model costs: depth, operations, bytes."""

from collections.abc import Iterable, Iterator

from deltaplan.compiler.buffers import Arena, layout
from deltaplan.compiler.experiment import Experiment, TrainSpec
from deltaplan.compiler.graph import Graph
from deltaplan.compiler.nodes import Layer
from deltaplan.compiler.parameters import is_affine
from deltaplan.compiler.plan import Plan, Plans, predict_plan
from deltaplan.compiler.steps import Step, Tensor, flops
from deltaplan.records import dataclass

ITEMSIZE = {"float32": 4, "float64": 8}


def depth(graph: Graph) -> int:
    """Layers with weights on the longest path, as the lecture counts: 47 for 45x5, 1, 1."""
    longest: dict[str, int] = {}
    for node in graph.ordered():
        before = max((longest[name] for name in graph.inputs_of(node.name)), default=0)
        longest[node.name] = before + (isinstance(node, Layer) and is_affine(node))
    return max((longest[node.name] for node in graph.outputs), default=0)


def work(steps: Iterable[Step]) -> tuple[int, int]:
    """FLOPs that do not depend on the batch, and those for each sample."""
    steps = tuple(steps)
    fixed = sum(flops(step, 0) for step in steps)
    return fixed, sum(flops(step, 1) for step in steps) - fixed


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of training on `batch` samples; `arena` is that of the steps' own tensors."""

    batch: int
    parameters: int
    gradient: int
    state: int
    arena: int

    @property
    def total(self) -> int:
        return self.parameters + self.gradient + self.state + self.arena


def training_memory(experiment: Experiment, plans: Plans, batch: int) -> Memory:
    """The memory of `plans.train`, which runs, without the data."""
    assert experiment.train is not None
    assert plans.train is not None
    itemsize = ITEMSIZE[experiment.train.precision]
    vector = plans.train.trace.size * itemsize
    states = len(plans.update.states) * vector if plans.update else _of_solver(experiment.train, plans.train)
    return Memory(batch, vector, vector, states, arena_of(plans.train, batch, itemsize).bytes)


def prediction_memory(experiment: Experiment) -> int:
    """The bytes of predicting one sample: parameters and what the steps need."""
    plan = predict_plan(experiment.graph)
    itemsize = ITEMSIZE[experiment.train.precision if experiment.train else "float32"]
    return plan.trace.size * itemsize + arena_of(plan, 1, itemsize).bytes


def _of_solver(train: TrainSpec, plan: Plan) -> int:
    """The bytes that a solver keeps."""
    assert train.solver is not None
    values = {p.name: train.optimizer.values.get(p.name, p.default) for p in train.solver.parameters}
    return 8 * train.solver.numbers(sum(p.size for p in plan.trace.trained), **values)


def arena_of(plan: Plan, batch: int, itemsize: int) -> Arena:
    """The memory of a plan's own tensors: data, θ and the gradient lie outside."""
    return layout(plan.steps, [t for t, _ in outside(plan)], plan.kept, batch, itemsize)


def outside(plan: Plan) -> Iterator[tuple[Tensor, str]]:
    """What lies elsewhere: the data and the scale, the parts of θ and those of the gradient g."""
    read = {tensor for step in plan.steps for tensor in step.inputs}
    for tensor in (
        *plan.trace.inputs.values(),
        *plan.trace.targets.values(),
        plan.trace.scale,
        plan.trace.count,
    ):
        if tensor in read:
            yield tensor, "data" if tensor.batched else "scalar"
    for part in plan.parts:
        yield part.tensor, f"{part.vector}[{part.offset}]"
