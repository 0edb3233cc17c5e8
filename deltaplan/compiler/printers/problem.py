"""The problem in one line of mathematics: minimize (1/N) Σ L(u, y) + Ω(θ)."""

import re
from math import prod

from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.graph import Graph
from deltaplan.compiler.nodes import Loss, Penalty, Target, Use, show_value
from deltaplan.compiler.weights import with_symbol
from deltaplan.plugins.contracts import Loss as LossContract
from deltaplan.plugins.contracts import Regularizer
from deltaplan.plugins.expressions import Expr, Op, argument, replace, substitute, to_text, walk

PLACES = {"weights": "W", "biases": "b", "parameters": "θ"}


def problem(experiment: Experiment) -> str:
    """`(1/N) Σ ½‖u - y‖² + 0.0001/2*‖W‖²`; u are the outputs, W all weights, b all biases, θ both."""
    graph, train = experiment.graph, experiment.train
    losses = " + ".join(_loss(graph, loss) for loss in graph.of(Loss))
    terms = [_penalty(penalty) for penalty in graph.of(Penalty)]
    mean = train is None or train.average == "mean"
    inner = f"({losses})" if _is_sum(losses) else losses
    return " + ".join([f"{'(1/N) ' if mean else ''}Σ {inner}", *terms])


def _loss(graph: Graph, loss: Loss) -> str:
    contract = loss.use.contract
    assert isinstance(contract, LossContract)
    output, target = graph.inputs_of(loss.name)
    alone = len(graph.of(Target)) == 1
    names = ("u", "y") if alone else (f"u_{output}", f"y_{output}")
    arguments = {
        "u": argument(names[0]),
        "y": argument(names[1], scalar=_is_index(graph, target)),
    }
    written = substitute(_written(loss.use, contract.expression), arguments)
    text = _text(with_symbol(loss, written, names[1], prod(graph.shapes[output])))
    return _factor(loss.factor, f"{loss.use.name}({', '.join(names)})" if "where(" in text else text)


def _is_index(graph: Graph, target: str) -> bool:
    node = graph[target]
    return isinstance(node, Target) and node.kind == "class"


def _penalty(penalty: Penalty) -> str:
    contract = penalty.use.contract
    assert isinstance(contract, Regularizer)
    written = _written(penalty.use, contract.expression)
    texts = [
        _text(substitute(written, {"w": argument(PLACES.get(place, f"θ({place})"))}))
        for place in penalty.places
    ]
    return " + ".join(_factor(penalty.factor, text) for text in texts)


def _written(use: Use, expression: Expr) -> Expr:
    """The expression with the values as the writer gave them: 0.0001/2, not 5e-05."""
    values = {p.name: use.values.get(p.name, p.default) for p in use.contract.parameters}
    given = {name: value for name, value in values.items() if value is not None}
    return substitute(expression, {n: argument(show_value(v), scalar=True) for n, v in given.items()})


def _factor(factor: float, text: str) -> str:
    if factor == 1:
        return text
    return f"{show_value(factor)}*({text})" if _is_sum(text) else f"{show_value(factor)}*{text}"


def _is_sum(text: str) -> bool:
    return re.search(r" [+-] ", re.sub(r"‖[^‖]*‖|\([^()]*\)", "", text)) is not None


def _text(expression: Expr) -> str:
    """An expression with sums of squares and of absolute values as norms."""
    norms = {e: argument(norm, scalar=True) for e in walk(expression) if (norm := _norm(e))}
    return re.sub(r"(‖[^‖]*‖²)/2\b", r"½\1", to_text(replace(expression, norms)))


def _norm(expression: Expr) -> str | None:
    """‖·‖² for sum(·^2), ‖·‖₁ for sum(abs(·)), and the names of the lecture for parts of cross entropy."""
    if expression.op is Op.LOGSUMEXP:
        return f"log Σ exp({to_text(expression.args[0])})"
    if expression.op is Op.PICK and not any(e.args for e in expression.args):
        return f"{to_text(expression.args[0])}[{to_text(expression.args[1])}]"
    if expression.op is Op.SPECTRAL:
        return f"‖{to_text(expression.args[0])}‖₂"
    if expression.op is Op.POW and expression.args[0].op is Op.SPECTRAL and expression.args[1].value == 2:
        return f"‖{to_text(expression.args[0].args[0])}‖₂²"
    if expression.op is not Op.SUM:
        return None
    (inner,) = expression.args
    if inner.op is Op.POW and inner.args[1].op is Op.CONST and inner.args[1].value == 2:
        return f"‖{to_text(inner.args[0])}‖²"
    return f"‖{to_text(inner.args[0])}‖₁" if inner.op is Op.ABS else None
