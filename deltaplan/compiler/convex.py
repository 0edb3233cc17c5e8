"""Whether a problem is convex, and twice differentiable, in the parameters that are trained."""

from collections.abc import Callable, Mapping, Sequence

from deltaplan.compiler.lower import Trace
from deltaplan.compiler.nodes import Loss, Penalty
from deltaplan.compiler.penalties import separable
from deltaplan.compiler.steps import (
    Conv,
    Map,
    MatMul,
    Pick,
    Place,
    Pool,
    Put,
    Reduce,
    Slice,
    Sparse,
    Step,
    Tensor,
    Unpool,
    View,
)
from deltaplan.plugins import contracts
from deltaplan.plugins.expressions import (
    Expr,
    Op,
    arguments,
    derivative,
    evaluate,
    gradient,
    split_reductions,
    walk,
)

CONSTANT, AFFINE, OTHER = 0, 1, 2  # how a value depends on the trained parameters
KINKED = frozenset(
    {Op.ABS, Op.SIGN, Op.MAX, Op.MIN, Op.AMAX, Op.SQRT, Op.WHERE, Op.GT, Op.GE, Op.EQ, Op.NOT, Op.AND, Op.OR}
)


def first_not_affine(trace: Trace) -> Step | None:
    """The first step before an output that is not affine in the trained parameters."""
    found = dependence(trace)
    wanted = {t for t in trace.outputs.values() if found.get(t, CONSTANT) == OTHER}
    before = _above(trace.steps, wanted)
    return next((s for s in before if any(found[t] == OTHER for t in s.outputs)), None)


def dependence(trace: Trace) -> Mapping[Tensor, int]:
    """How each tensor depends on the trained parameters."""
    found: dict[Tensor, int] = {p.tensor: AFFINE for p in trace.trained}
    found |= {segment.tensor: AFFINE for segment in trace.segments if segment.trained}
    for step in trace.steps:
        given = [found.get(t, CONSTANT) for t in step.inputs]
        rule = RULES.get(type(step), _other)
        found |= dict.fromkeys(step.outputs, rule(step, given) if any(given) else CONSTANT)
    return found


def _above(steps: Sequence[Step], wanted: set[Tensor]) -> list[Step]:
    """The steps that the wanted tensors are computed by, in their order."""
    needed, chosen = set(wanted), []
    for step in reversed(steps):
        if needed & set(step.outputs):
            chosen.append(step)
            needed |= set(step.inputs)
    return chosen[::-1]


def _other(step: Step, given: Sequence[int]) -> int:
    return OTHER


def _linear(step: Step, given: Sequence[int]) -> int:
    return max(given)


def _product(step: Step, given: Sequence[int]) -> int:
    """Linear in each input by itself."""
    return min(sum(given), OTHER)


def _reduce(step: Step, given: Sequence[int]) -> int:
    assert isinstance(step, Reduce | Pool)
    return max(given) if step.kind == "sum" else OTHER


def _map(step: Step, given: Sequence[int]) -> int:
    """Affine, if no slope by a trained input holds one."""
    assert isinstance(step, Map)
    if OTHER in given:
        return OTHER
    trained = [f"x{i}" for i, degree in enumerate(given) if degree == AFFINE]
    slopes = [slope for e in step.expressions for slope in gradient(e, trained)]
    return OTHER if any(set(arguments(slope)) & set(trained) for slope in slopes) else AFFINE


RULES: Mapping[type[Step], Callable[[Step, Sequence[int]], int]] = {
    MatMul: _product,
    Conv: _product,
    Sparse: _product,
    Map: _map,
    Reduce: _reduce,
    Pool: _reduce,
    Unpool: _linear,
    Slice: _linear,
    Place: _linear,
    View: _linear,
    Pick: _linear,
    Put: _linear,
}


def smooth(expression: Expr) -> bool:
    """Whether it has no operation that may have a kink."""
    return not any(e.op in KINKED for e in walk(expression))


def convex_loss(loss: Loss) -> bool:
    """Whether it says that it is convex in the output."""
    return isinstance(loss.use.contract, contracts.Loss) and loss.use.contract.convex


def convex_penalty(penalty: Penalty) -> bool:
    """Whether Ω is a sum of c · w², c ≥ 0, over the parameters: of others it is not known."""
    if not separable(penalty.expression):
        return False
    cut = split_reductions(penalty.expression)
    slopes = gradient(cut.result, [stage.result for stage in cut.stages])
    curves = [derivative(derivative(stage.element, "w"), "w") for stage in cut.stages]
    return all(_number(s) >= 0 and _number(c) >= 0 for s, c in zip(slopes, curves, strict=True))


def _number(expression: Expr) -> float:
    """The value of an expression without arguments; −1 for any other."""
    value = -1.0 if arguments(expression) else evaluate(expression, {})
    assert isinstance(value, float)
    return value
