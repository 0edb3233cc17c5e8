"""From graph to steps: the forward pass, the loss of each sample, the penalties and the objective.

Names are the lecture's: the j-th affine layer has W_j, b_j and v_j = W_j z_j + b_j; z_{j+1} is what comes out
of its activation and skip.
"""

from collections.abc import Mapping, Sequence

from deltaplan.compiler.graph import Graph
from deltaplan.compiler.layer_builder import LayerBuilder
from deltaplan.compiler.nodes import Activate, Adapt, AnyNode, Input, Join, Layer, Loss, Penalty, Target
from deltaplan.compiler.parameters import Parameter, place_parameters, place_statistics
from deltaplan.compiler.penalties import segments
from deltaplan.compiler.plans import Mode, Segment
from deltaplan.compiler.plans import Trace as Trace
from deltaplan.compiler.steps import Place, Reduce, Tensor
from deltaplan.compiler.symbols import functions, symbols
from deltaplan.compiler.weights import NO, YES, is_of_classes, weighed
from deltaplan.compiler.writing import StepWriter
from deltaplan.plugins.expressions import argument, substitute

SCALE = Tensor("scale", ())
COUNT = Tensor("B", ())


def lower(graph: Graph, mode: Mode, frozen: frozenset[str] = frozenset()) -> Trace:
    """Writes the graph down as steps. `train` draws random numbers where layers ask for them; `frozen` are
    the names of the parameters that are not trained."""
    parameters = place_parameters(graph)
    statistics = place_statistics(graph)
    running = {s.name: s.tensor for s in statistics}
    writer = Writer(graph, mode, {p.name: p for p in parameters}, running, frozen)
    for node in graph.ordered():
        writer.node(node)
    objective = writer.objective()
    return Trace(
        mode=mode,
        steps=tuple(writer.steps),
        inputs={n.name: writer.values[n.name] for n in graph.of(Input)},
        targets={n.output: writer.values[n.name] for n in graph.of(Target)},
        outputs={n.name: writer.values[n.name] for n in graph.outputs},
        values=writer.values,
        parameters=parameters,
        segments=tuple(writer.segments.values()),
        statistics=statistics,
        updated={after: s for s in statistics if (after := running[s.name]) != s.tensor},
        scale=SCALE,
        count=COUNT,
        sample_loss=writer.sample_loss,
        penalty=writer.penalty,
        loss=writer.loss,
        objective=objective,
        frozen=frozen,
    )


class Writer(StepWriter):
    """Writes one node of a graph after the other."""

    def __init__(
        self,
        graph: Graph,
        mode: Mode,
        parameters: Mapping[str, Parameter],
        statistics: dict[str, Tensor],
        frozen: frozenset[str],
    ) -> None:
        super().__init__()
        self.graph, self.mode, self.frozen = graph, mode, frozen
        self.parameters, self.statistics = parameters, statistics
        self.values: dict[str, Tensor] = {}
        self.segments: dict[str, Segment] = {}
        self.losses: list[Tensor] = []
        self.penalties: list[Tensor] = []
        self.sample_loss: Tensor | None = None
        self.penalty: Tensor | None = None
        self.loss: Tensor | None = None
        self.names = symbols(graph)
        self.functions = functions(graph)
        self.streams = {n.name: i for i, n in enumerate(graph)}

    def node(self, node: AnyNode) -> None:
        self.origin = node.name
        sources = [self.values[name] for name in self.graph.inputs_of(node.name)]
        match node:
            case Input():
                value = Tensor(self.names[node.name], node.shape, batched=True)
            case Target(kind="class"):
                value = Tensor(self.names[node.name], (), batched=True, kind="index")
            case Target():
                value = Tensor(self.names[node.name], self.graph.shapes[node.name], batched=True)
            case Layer():
                value = self._layer(node, sources[0])
            case Activate():
                name, expression = self.names[node.name], substitute(node.expression, {"u": argument("x0")})
                value = self.elementwise(name, (expression,), sources, f"{self.functions[node.name]}({{0}})")
            case Join(kind="concat"):
                value = self._concat(self.names[node.name], sources)
            case Join():
                value = self._join(node, sources)
            case Adapt():
                sides = sources[0].shape[:-1]
                out = Tensor(self.names[node.name], (*sides, node.width), batched=True)
                step = Place(inputs=(sources[0],), outputs=(out,), axis=len(sides), begins=(0,))
                value = self.emit(step)
            case Loss():
                value = self._loss(node, *sources)
                self.losses.append(value)
            case Penalty():
                value = self._penalty(node)
        self.values[node.name] = value

    def _layer(self, node: Layer, source: Tensor) -> Tensor:
        samples = COUNT if self.mode == "train" and not node.freeze else None
        stream = self.streams[node.name]
        builder = LayerBuilder(self, node, self.parameters, self.statistics, stream, samples)
        return builder.write(source, self.names[node.name])

    def objective(self) -> Tensor | None:
        """scale · Σ over the batch + Ω."""
        if not self.losses:
            return None
        self.origin = self.graph.of(Loss)[-1].name
        self.sample_loss = self.losses[0] if len(self.losses) == 1 else self.sum("ℓ", self.losses)
        total = Tensor("Σℓ", ())
        self.emit(
            Reduce(
                inputs=(self.sample_loss,),
                outputs=(total,),
                kind="sum",
                axes=(),
                batch=True,
                formula="Σ_B {0}",
            )
        )
        scaled = (argument("x0") * argument("x1"),)
        self.loss = self.elementwise("L", scaled, (SCALE, total), "{0} {1}")
        if not self.penalties:
            return self.loss
        self.origin = self.graph.of(Penalty)[-1].name
        self.penalty = self._total_penalty()
        return self.sum("J", (self.loss, self.penalty))

    def _total_penalty(self) -> Tensor:
        if len(self.penalties) == 1:
            return self.penalties[0]
        return self.sum("Ω", self.penalties)

    def _join(self, node: Join, sources: Sequence[Tensor]) -> Tensor:
        terms = [argument(f"x{i}") for i in range(len(sources))]
        value = terms[0]
        for term in terms[1:]:
            value = {"add": value + term, "sub": value - term, "mul": value * term}[node.kind]
        sign = {"add": " + ", "sub": " - ", "mul": " ⊙ "}[node.kind]
        order = reversed(range(len(sources))) if node.skip else range(len(sources))
        formula = sign.join(f"{{{i}}}" for i in order)
        return self.elementwise(self.names[node.name], (value,), sources, formula)

    def _concat(self, name: str, sources: Sequence[Tensor]) -> Tensor:
        axis = len(sources[0].shape) - 1
        begins = tuple(sum(t.shape[axis] for t in sources[:i]) for i in range(len(sources)))
        length = sum(t.shape[axis] for t in sources)
        out = Tensor(name, (*sources[0].shape[:axis], length), batched=True)
        return self.emit(Place(inputs=tuple(sources), outputs=(out,), axis=axis, begins=begins))

    def _loss(self, node: Loss, u: Tensor, y: Tensor) -> Tensor:
        name = "ℓ" if len(self.graph.of(Loss)) == 1 else f"ℓ_{node.name.removeprefix('loss.')}"
        known = {"u": u, "y": y}
        if node.weights and len(node.weights) > 2 and not is_of_classes(node):
            known |= {
                NO: self.constants(node.weights[::2], u.shape),
                YES: self.constants(node.weights[1::2], u.shape),
            }
        return self.reduced(name, weighed(node, u.size), known, u.size)

    def _penalty(self, node: Penalty) -> Tensor:
        """factor · Ω over the segments of the places; 0 where they hold no parameters."""
        many = len(self.graph.of(Penalty)) > 1
        name = f"Ω_{node.name.removeprefix('penalty.')}" if many else "Ω"
        expression = node.expression if node.factor == 1 else node.factor * node.expression
        parts = segments(self.graph, self.parameters.values(), node.places, node.expression, self.frozen)
        values = []
        for part in parts:
            tensor = self.segments.setdefault(part.tensor.name, part).tensor
            own = name if len(parts) == 1 else self.temporary()
            values.append(self.reduced(own, expression, {"w": tensor}, tensor.size, part.rows))
        total = values[0] if len(values) == 1 else self.sum(name, values)
        self.penalties.append(total)
        return total
