"""How each parameter block begins: the spread of its first values, from the net around it.

By default W ~ normal(0, g/√fan_in), where g = 1/√E[σ(u)²] (u standard normal) belongs to the activation σ
that follows, without its factor, and g = 1 for an output; the last map of a residual branch is divided by the
root of the number of skips on the path; b ~ uniform(±1/√fan_in). An `init=` sets the weights and starts the
biases at zero, but for `torch`, whose biases are uniform too.
"""

from collections.abc import Iterable
from functools import cache
from math import isfinite, sqrt
from typing import ClassVar

from deltaplan.compiler.graph import Graph
from deltaplan.compiler.nodes import Activate, Join, Layer, Use
from deltaplan.compiler.optimize import given
from deltaplan.compiler.parameters import Parameter, is_trained, place_parameters
from deltaplan.compiler.plans import Draw as Draw
from deltaplan.diagnostics import Diagnostic, SpecError, mistake
from deltaplan.plugins import contracts
from deltaplan.plugins.expressions import Expr, substitute
from deltaplan.plugins.expressions.analysis import gain

BIASED = frozenset({"default", "torch"})


@mistake
class NoGain(Diagnostic):
    code: ClassVar[str] = "no-gain"
    title: ClassVar[str] = (
        "no first values for `{layer}`: the mean square of `{activation}` is 0 or not finite"
    )
    help: ClassVar[str] = "state how it begins: `init=normal(0.1)` on the line of the layer"
    layer: str
    activation: str


def draws(graph: Graph, default: contracts.Initializer) -> tuple[Draw, ...]:
    """One for each parameter block, in the order of θ. `default` is the initializer of what states none.

    SpecError where an activation has no gain and the initializer of the layer before it asks for one.
    """
    skips = skips_on_path(graph)
    last = last_maps(graph)
    return tuple(
        _draw(
            graph, parameter, number, default, sqrt(skips[parameter.node]) if parameter.node in last else 1.0
        )
        for number, parameter in enumerate(place_parameters(graph))
    )


def _draw(
    graph: Graph, parameter: Parameter, number: int, default: contracts.Initializer, divisor: float
) -> Draw:
    if parameter.first is not None:
        return Draw(parameter, "constant", parameter.first, parameter.first, number)
    layer = graph[parameter.node]
    assert isinstance(layer, Layer)
    chosen = layer.init.contract if layer.init else default
    assert isinstance(chosen, contracts.Initializer)
    if parameter.role == "bias":
        width = 1 / sqrt(parameter.fan_in) if chosen.name in BIASED else 0.0
        return Draw(parameter, "uniform" if width else "constant", -width, width, number)
    values = given(layer.init) if layer.init else {}
    spread = chosen.spread(parameter.fan_in, parameter.fan_out, gain_after(graph, layer), **values)
    low, high = spread if isinstance(spread, tuple) else (-spread, spread)
    if not isfinite(high):
        raise SpecError(_no_gain(graph, layer))
    if chosen.name == "default":
        low, high = low / divisor, high / divisor
    return Draw(parameter, chosen.draw, low, high, number)


def gain_after(graph: Graph, layer: Layer) -> float:
    """The gain of the activation that the layer feeds: 1 where none follows, NaN where it has none."""
    activation = activation_after(graph, layer)
    return _gain(plain(activation.use)) if activation else 1.0


def activation_after(graph: Graph, layer: Layer) -> Activate | None:
    """The activation that alone is fed by the layer."""
    users = [graph[name] for name in graph.users_of(layer.name)]
    return users[0] if len(users) == 1 and isinstance(users[0], Activate) else None


def _no_gain(graph: Graph, layer: Layer) -> NoGain:
    activation = activation_after(graph, layer)
    assert activation is not None, "without an activation the gain is 1"
    return NoGain(layer=layer.name, activation=activation.use.name, span=activation.use.span)


def plain(use: Use) -> Expr:
    """An activation's expression with its parameters and without its factor."""
    contract = use.contract
    assert isinstance(contract, contracts.Activation)
    return substitute(contract.expression, given(use))


@cache
def _gain(expression: Expr) -> float:
    return gain(expression, "u")


def skips_on_path(graph: Graph) -> dict[str, int]:
    """For each node the most skips that a path from an input to an output through it can pass."""
    order = graph.ordered()
    before: dict[str, int] = {}
    for node in order:
        own = isinstance(node, Join) and node.skip
        before[node.name] = own + max((before[n] for n in graph.inputs_of(node.name)), default=0)
    after: dict[str, int] = {}
    for node in reversed(order):
        users = graph.users_of(node.name)
        after[node.name] = max((after[n] + _is_skip(graph, n) for n in users), default=0)
    return {name: before[name] + after[name] for name in before}


def _is_skip(graph: Graph, name: str) -> bool:
    node = graph[name]
    return isinstance(node, Join) and node.skip


def last_maps(graph: Graph) -> frozenset[str]:
    """The layers with parameters that a residual branch ends with."""
    found: set[str] = set()
    for join in graph.of(Join):
        if join.skip:
            found |= set(_last_layers(graph, graph.inputs_of(join.name)[:1]))
    return frozenset(found)


def _last_layers(graph: Graph, names: Iterable[str]) -> Iterable[str]:
    pending = list(names)
    while pending:
        node = graph[pending.pop()]
        if isinstance(node, Layer) and is_trained(node):
            yield node.name
        else:
            pending += graph.inputs_of(node.name)
