"""A Lipschitz bound of a net: how much longer each node can make a difference of the inputs.

Every step stretches by its own factor; what nodes are affine is multiplied out as one matrix as well, and the
smaller of the two bounds holds: (I + W) for a skip around a plain layer, W₂W₁ for two layers in a row.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field

import numpy as np

from deltaplan.compiler.graph import Graph
from deltaplan.compiler.nodes import AnyNode, Layer
from deltaplan.compiler.parameters import place_parameters
from deltaplan.compiler.plan import predict_plan
from deltaplan.compiler.steps import Place, Step, Tensor
from deltaplan.records import dataclass
from deltaplan.runtime.backends.numpy.bind import bind
from deltaplan.runtime.backends.numpy.expressions import Array
from deltaplan.runtime.lipschitz.arithmetic import Box
from deltaplan.runtime.lipschitz.boxes import Boxes, Constants, box_of, boxes
from deltaplan.runtime.lipschitz.known import KNOWN, SOFTMAX
from deltaplan.runtime.lipschitz.linear import Linear, added, composed, identity, through
from deltaplan.runtime.lipschitz.slopes import Stretch, stretch
from deltaplan.runtime.lipschitz.softmaxes import softmax_of

Form = dict[Tensor, Linear]  # Σ A·t + const over the tensors that it begins with
MOST = 64  # tensors in a form: beyond that a node begins one of its own


@dataclass(frozen=True, slots=True)
class Bound:
    """What is known of one node. `factor` is the Lipschitz constant of the node itself, by its only input,
    `exact` where that is its norm and no bound; `factors` are those by each of its sources, the others held,
    and hold `everywhere` or in the box of the inputs alone. `lengths` is the bound from each input of the
    model, `products` the one by the nodes' own factors alone, `at_zero` its values where its sources are 0.
    """

    node: str
    factors: tuple[float, ...]
    everywhere: bool
    at_zero: Box
    factor: float | None
    exact: bool
    lengths: Array
    products: Array
    box: Box


Lengths = Mapping[Tensor, Array]


@dataclass(frozen=True, slots=True)
class Own:
    """What a node makes of the lengths of its inputs; `factor` is its constant where it has one input."""

    lengths: Callable[[Lengths], Array]
    factor: float | None
    exact: bool
    everywhere: bool = True

    def by(self, source: Tensor, sources: Sequence[Tensor]) -> float:
        """The constant by one source, the others held."""
        return float(self.lengths({t: np.array([float(t == source)]) for t in sources})[0])


@dataclass
class Flow:
    """The walk over a graph's nodes at fixed parameters. `everywhere` turns false where a bound needs the box
    of the inputs. Without `compose` no nodes are multiplied out: their own factors are all that is found."""

    graph: Graph
    vector: Array  # θ with the running statistics behind it
    low: Mapping[str, Array]
    high: Mapping[str, Array]
    compose: bool = True
    everywhere: bool = True
    found: dict[str, Bound] = field(default_factory=dict)

    def run(self) -> "Flow":
        """Every node that the outputs depend on, in the order of the graph."""
        plan = predict_plan(self.graph, fused=False, linked=False)
        bound = bind(plan, {"θ": self.vector}, 1, reuse=False)
        bound.run()
        read = {t for step in plan.steps for t in step.inputs}
        self.constants: Constants = {t: bound[t] for t in read if not t.batched}
        self.values = plan.trace.values
        self._start(plan.trace.inputs)
        steps: dict[str, list[Step]] = {}
        for step in plan.steps:
            steps.setdefault(step.origin, []).append(step)
        needed = self.graph.reaching(node.name for node in self.graph.outputs)
        with np.errstate(all="ignore"):
            for node in self.graph.ordered():
                if node.name in needed and self.graph.inputs_of(node.name):
                    self._node(node, steps.get(node.name, []))
        return self

    def _start(self, inputs: Mapping[str, Tensor]) -> None:
        self.lengths: dict[Tensor, Array] = {}
        self.products: dict[Tensor, Array] = {}
        self.boxes: Boxes = {}
        self.forms: dict[Tensor, Form] = {}
        for place, (name, tensor) in enumerate(inputs.items()):
            self.lengths[tensor] = self.products[tensor] = np.eye(len(inputs))[place]
            ends = (np.asarray(end[name], np.float64).reshape(tensor.shape) for end in (self.low, self.high))
            low, high = ends
            self.boxes[tensor] = low, high
            self.forms[tensor] = {tensor: identity(tensor)}

    def _node(self, node: AnyNode, steps: Sequence[Step]) -> None:
        sources = tuple(dict.fromkeys(self.values[name] for name in self.graph.inputs_of(node.name)))
        local, value = _Local(sources, self.constants), self.values[node.name]
        for step in steps:
            if any(t in self.boxes for t in step.inputs):
                self.boxes[step.output] = box_of(step, self.boxes, self.constants)
                local.add(step)
                if step.output in local.softmaxes:
                    self.boxes[step.output] = _cut(self.boxes[step.output], (np.zeros(1), np.ones(1)))
        own = local.stretch(value, self.boxes)
        if isinstance(node, Layer) and node.use.name in KNOWN:
            factor, box = KNOWN[node.use.name](node, value, self._blocks(node))
            own = Own(lambda lengths: factor * lengths[sources[0]], factor, exact=False)
            self.boxes[value] = _cut(self.boxes[value], box)
        self.products[value] = own.lengths(self.products)
        form = local.forms[value] if self.compose else None
        self._continue(value, own.lengths(self.lengths), form)
        self.everywhere = self.everywhere and own.everywhere
        lengths, products = self.lengths[value], self.products[value]
        self.found[node.name] = Bound(
            node.name,
            tuple(own.by(self.values[name], sources) for name in self.graph.inputs_of(node.name)),
            own.everywhere,
            self._at_zero(steps, sources, value),
            own.factor,
            own.exact,
            lengths,
            products,
            self.boxes[value],
        )

    def _at_zero(self, steps: Sequence[Step], sources: Sequence[Tensor], value: Tensor) -> Box:
        """Of the node's values where all of its sources are 0."""
        zeros = {t: (np.zeros(t.shape), np.zeros(t.shape)) for t in sources}
        return boxes(steps, self.constants, zeros)[value]

    def _continue(self, value: Tensor, lengths: Array, form: Form | None) -> None:
        """The node's form over earlier tensors, and the bound that it gives; else it begins one."""
        whole = None if form is None else self._over_earlier(form)
        if value in self.forms:
            return  # the node gives its input on
        if whole is None or len(whole) > MOST:
            self.forms[value] = {value: identity(value)}
        else:
            self.forms[value] = whole
            parts = [linear.norm().value * self.lengths[base] for base, linear in whole.items()]
            lengths = np.minimum(lengths, np.sum(parts, axis=0))
        self.lengths[value] = lengths

    def _over_earlier(self, form: Form) -> Form | None:
        whole: Form = {}
        for source, outer in form.items():
            for base, inner in self.forms[source].items():
                part = composed(outer, inner)
                part = part if base not in whole else added(whole[base], part)
                if part is None:
                    return None
                whole[base] = part
        return whole

    def _blocks(self, node: Layer) -> Mapping[str, Array]:
        owner = node.share or node.name
        return {
            p.name.removeprefix(f"{owner}."): self.vector[p.offset : p.end].reshape(p.tensor.shape)
            for p in place_parameters(self.graph)
            if p.node == owner
        }


def _cut(box: Box, other: Box) -> Box:
    return np.maximum(box[0], other[0]), np.minimum(box[1], other[1])


class _Local:
    """The steps of one node over its own inputs."""

    def __init__(self, sources: Sequence[Tensor], constants: Constants) -> None:
        self.sources, self.constants = sources, constants
        self.steps: list[Step] = []
        self.forms: dict[Tensor, Form | None] = {t: {t: identity(t)} for t in sources}
        self.made: dict[Tensor, Step] = {}
        self.softmaxes: dict[Tensor, Tensor] = {}  # to what each is the softmax of

    def add(self, step: Step) -> None:
        """One more step, after those that it reads."""
        self.steps.append(step)
        self.made |= dict.fromkeys(step.outputs, step)
        if (u := softmax_of(step, self.made)) is not None:
            self.softmaxes[step.output] = u
        parts = [self._after(step, t) for t in dict.fromkeys(step.inputs) if t in self.forms]
        self.forms[step.output] = _sum(parts)

    def _after(self, step: Step, tensor: Tensor) -> Form | None:
        form = self.forms[tensor]
        found = {s: through(step, tensor, inner, self.constants) for s, inner in (form or {}).items()}
        if form is None or any(linear is None for linear in found.values()):
            return None
        return {s: linear for s, linear in found.items() if linear is not None}

    def stretch(self, value: Tensor, boxes: Boxes) -> Own:
        """What the node does to the lengths of its inputs."""
        form = self.forms[value]
        if form is None or any(isinstance(step, Place) for step in self.steps):
            return self._by_steps(value, boxes)
        norms = {source: linear.norm() for source, linear in form.items()}

        def lengths(found: Lengths) -> Array:
            return np.asarray(np.sum([norm.value * found[source] for source, norm in norms.items()], axis=0))

        if len(self.sources) > 1:
            return Own(lengths, None, exact=False)
        norm = norms[self.sources[0]]
        return Own(lengths, norm.value, norm.exact)

    def _by_steps(self, value: Tensor, boxes: Boxes) -> Own:
        stretches = self._stretches(value, boxes)

        def lengths(found: Lengths) -> Array:
            whole = {source: found[source] for source in self.sources}
            for output, each in stretches:
                whole[output] = each.of(whole)
            return whole[value]

        everywhere = all(each.everywhere for _, each in stretches)
        if len(self.sources) > 1:
            return Own(lengths, None, exact=False, everywhere=everywhere)
        factor = float(lengths({self.sources[0]: np.ones(1)})[0])
        return Own(lengths, factor, len(stretches) == 1 and stretches[0][1].exact, everywhere)

    def _stretches(self, value: Tensor, boxes: Boxes) -> list[tuple[Tensor, Stretch]]:
        """Of the steps that the value is bounded by, in order: of a softmax, not of its parts."""
        needed, found = {value}, []
        for step in reversed(self.steps):
            if step.output not in needed:
                continue
            u = self.softmaxes.get(step.output)
            each = (
                Stretch({u: SOFTMAX}, exact=False) if u is not None else stretch(step, boxes, self.constants)
            )
            needed |= each.factors.keys()
            found.append((step.output, each))
        return found[::-1]


def _sum(parts: Sequence[Form | None]) -> Form | None:
    """The sum of several forms; None where one is none, or the sum is too large."""
    total: Form = {}
    for part in parts:
        if part is None:
            return None
        for source, linear in part.items():
            both = added(total[source], linear) if source in total else linear
            if both is None:
                return None
            total[source] = both
    return total
