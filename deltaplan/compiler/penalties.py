"""The parts of θ that a penalty looks at."""

from collections.abc import Iterable, Sequence
from itertools import groupby

from deltaplan.compiler.graph import Graph
from deltaplan.compiler.parameters import is_in
from deltaplan.compiler.plans import Parameter
from deltaplan.compiler.plans import Segment as Segment
from deltaplan.compiler.steps import Tensor
from deltaplan.plugins.expressions import COUNT, Expr, arguments, evaluate, gradient, split_reductions


def segments(
    graph: Graph,
    parameters: Iterable[Parameter],
    places: Sequence[str],
    expression: Expr,
    frozen: frozenset[str] = frozenset(),
) -> tuple[Segment, ...]:
    """The parameter blocks of the places, in the order of θ; neighbours as one where Ω allows it and both are
    trained, or frozen."""
    chosen = [p for p in parameters if is_in(p, places, graph)]
    found: list[Segment] = []
    for trained, group in groupby(sorted(chosen, key=lambda p: p.offset), lambda p: p.name not in frozen):
        parts = list(group)
        blocks = [(p.tensor.name, p.offset, p.end) for p in parts]
        rows = {p.tensor.name: p.tensor.shape[0] for p in parts if len(p.tensor.shape) > 1}
        for label, begin, end in merged(blocks) if separable(expression) else blocks:
            tensor = Tensor(f"θ({label})", (end - begin,))
            found.append(Segment(tensor, begin, trained, rows.get(label, 1)))
    return tuple(found)


def separable(expression: Expr) -> bool:
    """True for Ω(w) = c · Σ f(wᵢ): the penalty of two blocks is then that of the two put together."""
    cut = split_reductions(expression)
    if any(stage.kind != "sum" for stage in cut.stages) or COUNT in arguments(cut.result):
        return False
    results = {stage.result for stage in cut.stages}
    if any(results & set(arguments(stage.element)) for stage in cut.stages):
        return False
    return set(arguments(cut.result)) <= results and _linear(cut.result, results)


def _linear(expression: Expr, names: set[str]) -> bool:
    """Whether a linear form in the named arguments: its derivatives are constant, and 0 gives 0."""
    slopes = gradient(expression, sorted(names))
    at_zero = evaluate(expression, dict.fromkeys(names, 0.0))
    return all(not arguments(s) for s in slopes) and at_zero == 0


def merged(blocks: Sequence[tuple[str, int, int]]) -> list[tuple[str, int, int]]:
    """Neighbouring blocks as one."""
    found: list[tuple[str, int, int]] = []
    for label, begin, end in blocks:
        if found and found[-1][2] == begin:
            found[-1] = (f"{found[-1][0].split('…')[0]}…{label}", found[-1][1], end)
        else:
            found.append((label, begin, end))
    return found
