"""From graph to steps: the forward pass, the loss of each sample, the penalties and the objective.

Names are the lecture's: the j-th affine layer has W_j, b_j and v_j = W_j z_j + b_j; z_{j+1} is what comes out
of its activation and skip.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Literal

from deltaplan.compiler.graph import Graph
from deltaplan.compiler.nodes import (
    Activate,
    Adapt,
    AnyNode,
    Input,
    Join,
    Layer,
    Loss,
    Penalty,
    Shape,
    Target,
    show_value,
)
from deltaplan.compiler.steps import Map, MatMul, Pick, Place, Random, Reduce, Step, Tensor
from deltaplan.plugins.expressions import (
    COUNT,
    Expr,
    Stage,
    argument,
    arguments,
    const,
    split_reductions,
    substitute,
)

Mode = Literal["train", "predict"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One block of θ: its place in the flat vector, its shape, and what its first values depend on."""

    name: str  # `dense1.W`
    node: str
    tensor: Tensor
    offset: int
    role: Literal["weight", "bias"]
    fan_in: int
    fan_out: int

    @property
    def size(self) -> int:
        return self.tensor.size

    @property
    def end(self) -> int:
        return self.offset + self.size


@dataclass(frozen=True, slots=True)
class Segment:
    """A contiguous part of θ under a name of its own: what a penalty looks at."""

    tensor: Tensor
    offset: int


@dataclass(frozen=True, slots=True)
class Trace:
    """The forward steps of a graph and its leaves.

    `values` has the tensor of each node. `sample_loss` is the loss of each sample, `penalty` is Ω,
    `objective` is loss + Ω with loss = scale · Σ over the batch; `scale` is a leaf, so that mean, sum and
    part batches are one plan. They are None where the graph states no problem.
    """

    mode: Mode
    steps: tuple[Step, ...]
    inputs: Mapping[str, Tensor]
    targets: Mapping[str, Tensor]
    outputs: Mapping[str, Tensor]
    values: Mapping[str, Tensor]
    parameters: tuple[Parameter, ...]
    segments: tuple[Segment, ...]
    scale: Tensor
    sample_loss: Tensor | None
    penalty: Tensor | None
    loss: Tensor | None
    objective: Tensor | None

    @property
    def size(self) -> int:
        """Numbers in θ."""
        return sum(p.size for p in self.parameters)


SCALE = Tensor("scale", ())
OWN_NAMES = frozenset({"scale", "θ", "g", "ℓ", "Σℓ", "L", "Ω", "J", "ŷ"})
OWN_FORMS = re.compile(r"[avzWb][0-9]+|[ℓΩŷ]_.*")  # of the names that a plan gives by itself


def lower(graph: Graph, mode: Mode) -> Trace:
    """Writes the graph down as steps. `train` draws random numbers where layers ask for them."""
    parameters = place_parameters(graph)
    writer = Writer(graph, mode, {p.name: p for p in parameters})
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
        scale=SCALE,
        sample_loss=writer.sample_loss,
        penalty=writer.penalty,
        loss=writer.loss,
        objective=objective,
    )


def place_parameters(graph: Graph) -> tuple[Parameter, ...]:
    """θ: all weights in the order of the layers, then all biases: `weights` is one contiguous part."""
    from deltaplan.compiler.shapes import parameters_of

    blocks = [
        (layer, number, spec)
        for number, layer in numbered(graph)
        for spec in parameters_of(layer, graph.shapes[graph.inputs_of(layer.name)[0]])
    ]
    placed, offset = {}, 0
    for layer, number, spec in sorted(blocks, key=lambda block: block[2].role == "bias"):
        tensor = Tensor(f"{spec.name}{number}", spec.shape)
        placed[tensor.name] = Parameter(
            name=f"{layer.name}.{spec.name}",
            node=layer.name,
            tensor=tensor,
            offset=offset,
            role=spec.role,
            fan_in=spec.fan_in,
            fan_out=spec.fan_out,
        )
        offset += prod(spec.shape)
    return tuple(placed.values())


def numbered(graph: Graph) -> list[tuple[int, Layer]]:
    """The layers that have parameters with their numbers j = 1, 2, …, in the order of the computation."""
    trained = [n for n in graph.ordered() if isinstance(n, Layer) and n.use.contract.trained]  # type: ignore[attr-defined]
    return list(enumerate(trained, start=1))


class Writer:
    """Writes one node after the other; holds the tensors and steps so far."""

    def __init__(self, graph: Graph, mode: Mode, parameters: Mapping[str, Parameter]) -> None:
        self.graph, self.mode = graph, mode
        self.parameters = parameters
        self.steps: list[Step] = []
        self.values: dict[str, Tensor] = {}
        self.segments: dict[str, Segment] = {}
        self.losses: list[Tensor] = []
        self.penalties: list[Tensor] = []
        self.sample_loss: Tensor | None = None
        self.penalty: Tensor | None = None
        self.loss: Tensor | None = None
        self.names = symbols(graph)
        self.functions = functions(graph)
        self.random_nodes = {n.name: i for i, n in enumerate(graph)}
        self._count = 0
        self._origin = ""

    def node(self, node: AnyNode) -> None:
        self._origin = node.name
        sources = [self.values[name] for name in self.graph.inputs_of(node.name)]
        match node:
            case Input():
                value = Tensor(self.names[node.name], node.shape, batched=True)
            case Target(kind="class"):
                value = Tensor(self.names[node.name], (), batched=True, kind="index")
            case Target():
                value = Tensor(self.names[node.name], self.graph.shapes[node.name], batched=True)
            case Layer():
                value = LayerBuilder(self, node).write(sources[0])
            case Activate():
                name, expression = self.names[node.name], substitute(node.expression, {"u": argument("x0")})
                value = self.elementwise(name, (expression,), sources, f"{self.functions[node.name]}({{0}})")
            case Join(kind="concat"):
                value = self._concat(self.names[node.name], sources)
            case Join():
                value = self._join(node, sources)
            case Adapt():
                out = Tensor(self.names[node.name], (node.width, *sources[0].shape[1:]), batched=True)
                value = self.emit(Place(inputs=(sources[0],), outputs=(out,), axis=0, begins=(0,)))
            case Loss():
                value = self._loss(node, *sources)
                self.losses.append(value)
            case Penalty():
                value = self._penalty(node)
        self.values[node.name] = value

    def emit(self, step: Step) -> Tensor:
        self.steps.append(replace(step, origin=self._origin))
        return step.output

    def temporary(self) -> str:
        self._count += 1
        return f"%{self._count}"

    def elementwise(
        self, name: str, expressions: tuple[Expr], inputs: Sequence[Tensor], formula: str = ""
    ) -> Tensor:
        """A map with one output, to which the inputs broadcast."""
        shape, batched = broadcast(inputs)
        out = Tensor(name, shape, batched)
        return self.emit(Map(inputs=tuple(inputs), outputs=(out,), expressions=expressions, formula=formula))

    def sum(self, name: str, tensors: Sequence[Tensor]) -> Tensor:
        """The sum of tensors of one shape; 0 where there are none."""
        total = sum((argument(f"x{i}") for i in range(len(tensors))), const(0.0))
        return self.elementwise(name, (total,), tensors, " + ".join(f"{{{i}}}" for i in range(len(tensors))))

    def objective(self) -> Tensor | None:
        """scale · Σ over the batch + Ω."""
        if not self.losses:
            return None
        self._origin = self.graph.of(Loss)[-1].name
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
        self._origin = self.graph.of(Penalty)[-1].name
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
        expression = node.expression if node.factor == 1 else node.factor * node.expression
        return self.reduced(name, expression, {"u": u, "y": y}, u.size)

    def _penalty(self, node: Penalty) -> Tensor:
        """factor · Ω over the segments of the places; 0 where they hold no parameters."""
        blocks = self._blocks(node.places)
        if separable(node.expression):
            blocks = merged(blocks)
        many = len(self.graph.of(Penalty)) > 1
        name = f"Ω_{node.name.removeprefix('penalty.')}" if many else "Ω"
        expression = node.expression if node.factor == 1 else node.factor * node.expression
        values = []
        for block in blocks:
            tensor = self._segment(block)
            own = name if len(blocks) == 1 else self.temporary()
            values.append(self.reduced(own, expression, {"w": tensor}, tensor.size))
        total = values[0] if len(values) == 1 else self.sum(name, values)
        self.penalties.append(total)
        return total

    def _blocks(self, places: Sequence[str]) -> list[tuple[str, int, int]]:
        """(label, begin, end) of each parameter block of the places, in the order of θ."""
        chosen = [
            p for p in self.parameters.values() if any(_inside(p, place, self.graph) for place in places)
        ]
        return [(p.tensor.name, p.offset, p.end) for p in sorted(chosen, key=lambda p: p.offset)]

    def _segment(self, block: tuple[str, int, int]) -> Tensor:
        label, begin, end = block
        key = f"θ[{begin}:{end}]"
        if key not in self.segments:
            self.segments[key] = Segment(Tensor(f"θ({label})", (end - begin,)), begin)
        return self.segments[key].tensor

    def reduced(self, name: str, expression: Expr, tensors: Mapping[str, Tensor], count: int) -> Tensor:
        """An expression with reductions over the numbers of one sample, as map, reduce, map."""
        cut = split_reductions(expression)
        known = dict(tensors)
        for stage in cut.stages:
            known[stage.result] = self._stage(stage, known, count)
        return self._over(name, cut.result, known, count)

    def _stage(self, stage: Stage, known: Mapping[str, Tensor], count: int) -> Tensor:
        element = self._over(self.temporary(), stage.element, known, count, plain=True)
        out = Tensor(self.temporary(), (), element.batched)
        if stage.kind == "pick":
            assert stage.index is not None, "a pick has an index"
            index = known[arguments(stage.index)[0]]
            return self.emit(Pick(inputs=(element, index), outputs=(out,)))
        axes = tuple(range(len(element.shape)))
        return self.emit(
            Reduce(inputs=(element,), outputs=(out,), kind=stage.kind, axes=axes, stop=stage.stop)
        )

    def _over(
        self, name: str, expression: Expr, known: Mapping[str, Tensor], count: int, plain: bool = False
    ) -> Tensor:
        """A map of `expression` over the tensors that it names; with `plain`, a bare name is that tensor."""
        expression = substitute(expression, {COUNT: count})
        used = arguments(expression)
        if plain and len(used) == 1 and expression is argument(used[0], scalar=expression.scalar):
            return known[used[0]]
        renamed = {name: argument(f"x{i}") for i, name in enumerate(used)}
        return self.elementwise(name, (substitute(expression, renamed),), [known[n] for n in used])


class LayerBuilder:
    """The Builder that a layer's forward function gets: it writes primitives for one node."""

    def __init__(self, writer: Writer, layer: Layer) -> None:
        self.writer, self.layer = writer, layer

    def write(self, source: Tensor) -> Tensor:
        forward: Callable[..., Tensor] = self.layer.use.contract.forward  # type: ignore[attr-defined]
        value = forward(self, source, **self.layer.use.values)
        name = self.writer.names[self.layer.name]
        return self._renamed(value, name)

    def weight(self, name: str, shape: Shape, fan_in: int, fan_out: int) -> Tensor:
        return self.writer.parameters[f"{self.layer.name}.{name}"].tensor

    def bias(self, name: str, shape: Shape, fan_in: int) -> Tensor | None:
        if not self.layer.bias:
            return None
        return self.writer.parameters[f"{self.layer.name}.{name}"].tensor

    def matmul(self, a: Tensor, b: Tensor) -> Tensor:
        out = Tensor(self.writer.temporary(), (a.shape[0],), b.batched)
        return self.writer.emit(MatMul(inputs=(a, b), outputs=(out,), formula="{0} {1}"))

    def map(self, function: Callable[..., Expr], *tensors: Tensor) -> Tensor:
        expression = function(*(argument(f"x{i}") for i in range(len(tensors))))
        is_sum = len(tensors) == 2 and expression is argument("x0") + argument("x1")
        name = self.writer.temporary()
        return self.writer.elementwise(name, (expression,), tensors, "{0} + {1}" if is_sum else "")

    def uniform(self, shape: Shape) -> Tensor:
        out = Tensor(self.writer.temporary(), tuple(shape), batched=True)
        node = self.writer.random_nodes[self.layer.name]
        return self.writer.emit(Random(inputs=(), outputs=(out,), node=node, formula="uniform(0, 1)"))

    @property
    def training(self) -> bool:
        return self.writer.mode == "train"

    def _renamed(self, value: Tensor, name: str) -> Tensor:
        """The last step's output under the node's own name, unless the layer gave its input back."""
        steps = self.writer.steps
        if not steps or steps[-1].outputs != (value,) or steps[-1].origin != self.layer.name:
            return value
        named = replace(value, name=name)
        steps[-1] = replace(steps[-1], outputs=(named,))
        return named


def broadcast(tensors: Sequence[Tensor]) -> tuple[Shape, bool]:
    """The shape to which samples broadcast, and whether any has a batch."""
    rank = max((len(t.shape) for t in tensors), default=0)
    padded = [(1,) * (rank - len(t.shape)) + t.shape for t in tensors]
    return tuple(max(lengths) for lengths in zip(*padded, strict=True)), any(t.batched for t in tensors)


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
    from deltaplan.plugins.expressions import evaluate, gradient

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


def _inside(parameter: Parameter, place: str, graph: Graph) -> bool:
    match place:
        case "parameters":
            return True
        case "weights":
            return parameter.role == "weight"
        case "biases":
            return parameter.role == "bias"
        case "output":
            return any(parameter.node == node.name for node in graph.outputs)
        case _:
            return parameter.node == place or parameter.node.startswith(f"{place}.")


def functions(graph: Graph) -> dict[str, str]:
    """What each activation is called in formulas: `0.5 tanh`, with its parameters where they tell it apart
    from another one of the same name: `elu(0.1)`."""
    activations = graph.of(Activate)
    variants = {(node.use.name, str(node.use)) for node in activations}
    common = Counter(name for name, _ in variants)
    found = {}
    for node in activations:
        name = str(node.use) if common[node.use.name] > 1 else node.use.name
        found[node.name] = name if node.factor == 1 else f"{show_value(node.factor)} {name}"
    return found


def symbols(graph: Graph) -> dict[str, str]:
    """The lecture's name for each node's value: z1 for the input, v_j and z_{j+1} around the j-th layer.

    A node of another name keeps it, with primes where it stands for something else in the plan already.
    """
    inputs, targets = graph.of(Input), graph.of(Target)
    names = {n.name: "z1" if len(inputs) == 1 else f"x_{n.name}" for n in inputs}
    names |= {n.name: "y" if len(targets) == 1 else f"y_{n.output}" for n in targets}
    for number, layer in numbered(graph):
        nodes = chain(graph, layer)
        names |= dict.fromkeys([n.name for n in nodes], f"a{number}")
        names[layer.name] = f"v{number}"
        names[nodes[-1].name] = f"z{number + 1}"
    taken = {*names.values(), *OWN_NAMES, *(p.tensor.name for p in place_parameters(graph))}
    for node in graph:
        if node.name not in names:
            names[node.name] = own = _free(node.name, taken)
            taken.add(own)
    return names


def _free(name: str, taken: Collection[str]) -> str:
    while name in taken or OWN_FORMS.fullmatch(name):
        name += "\N{PRIME}"
    return name


def chain(graph: Graph, layer: Layer) -> list[AnyNode]:
    """The layer, and the activation and the skip that follow it without a branch."""
    nodes: list[AnyNode] = [layer]
    while len(users := graph.users_of(nodes[-1].name)) == 1:
        following = graph[users[0]]
        first = graph.inputs_of(following.name)[0] == nodes[-1].name
        if not (
            isinstance(following, Activate) or (isinstance(following, Join) and following.skip and first)
        ):
            break
        nodes.append(following)
    return nodes
