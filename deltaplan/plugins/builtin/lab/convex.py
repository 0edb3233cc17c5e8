"""Only the final layer is optimized: a convex problem, solved to its optimum."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, product
from typing import Any

import numpy as np

from deltaplan.plugins.api import Findings, Functions, Held, Node, Panel, Picture, Sheet, Subject, Unfit
from deltaplan.plugins.builtin.solvers import exact

Vector = np.ndarray[Any, np.dtype[np.float64]]
Places = np.ndarray[Any, np.dtype[np.intp]]
MOST_STEPS = 200
LARGEST = 3000  # numbers of the final layer
SAME = 1e-9  # of the largest number
HEAD = ("features of", "J before", "J at the optimum", "steps", "‖∇J‖", "least curvature")


@dataclass(frozen=True, slots=True)
class Unit:
    """One output u = wᵀφ + b of a dense layer: φ of the samples, with 1 behind it where there is a bias, and
    the places of w and b among the final layer's numbers."""

    features: Vector  # [N, numbers]
    at: Places


@dataclass(frozen=True, slots=True)
class LastLayer:
    """J of the final layer's parameters, the other ones held at θ; `one` is the problem on one sample."""

    problem: Held
    one: Held
    scale: float
    theta: Vector
    at: Places
    units: tuple[Unit, ...]
    known: list[Vector] = field(default_factory=list)  # Hessians of Ω

    def whole(self, x: Vector) -> Vector:
        """θ with x in the final layer's place."""
        theta = self.theta.copy()
        theta[self.at] = x
        return theta

    def __call__(self, x: Vector) -> tuple[float, Vector]:
        value, gradient = self.problem.objective_grad(self.whole(x))
        return value, gradient[self.at]

    def hessian(self, x: Vector) -> Vector:
        """[n, n]"""
        theta = self.whole(x)
        if not self.units:
            return self._columns(self.problem, theta)
        return self._of_losses(theta) + self._of_penalties(theta)

    def _of_penalties(self, theta: Vector) -> Vector:
        """Ω does not see the samples: one is enough. Where its curvature times a random direction is what it
        was, as that of `l2` is for all θ, it is not derived anew."""
        way = np.zeros(theta.size)
        way[self.at] = np.random.default_rng(0).standard_normal(len(self.at))
        bent = (self.one.hvp(theta, way, True) - self.one.hvp(theta, way, False))[self.at]
        if not self.known or abs(self.known[-1] @ way[self.at] - bent).max() > SAME * abs(bent).max():
            self.known.append(self._bent(theta) if bent.any() else np.zeros((len(bent), len(bent))))
        return self.known[-1]

    def _bent(self, theta: Vector) -> Vector:
        return self._columns(self.one, theta) - self._columns(self.one, theta, objective=False)

    def _columns(self, problem: Held, theta: Vector, objective: bool = True) -> Vector:
        """A column for each unit vector."""
        found = np.empty((len(self.at), len(self.at)))
        for row, place in zip(found, self.at, strict=True):
            direction = np.zeros(theta.size)
            direction[place] = 1
            row[:] = problem.hvp(theta, direction, objective)[self.at]
        return np.asarray((found + found.T) / 2)

    def _of_losses(self, theta: Vector) -> Vector:
        """Σ ∂²ℓ/∂u_a∂u_b φ_a φ_bᵀ, a block for each pair of outputs."""
        curvatures = self.scale * self.problem.curvatures(theta)
        found = np.zeros((len(self.at), len(self.at)))
        for (a, one), (b, other) in product(enumerate(self.units), repeat=2):
            if a <= b and curvatures[:, a, b].any():
                block = one.features.T @ (curvatures[:, a, b, None] * other.features)
                found[np.ix_(one.at, other.at)] = block
                found[np.ix_(other.at, one.at)] = block.T
        return found


@dataclass(frozen=True, slots=True)
class Solved:
    """The final layer at its optimum: `theta` with it, J before and there, the certificate."""

    label: str
    theta: Vector
    before: float
    value: float
    steps: int
    norm: float
    curvature: float

    @property
    def row(self) -> tuple[str | float | int, ...]:
        return self.label, self.before, self.value, self.steps, self.norm, self.curvature


def examine(subject: Subject) -> Findings:
    """The final layer's optimum on the features of θ and on those that training began with."""
    ends = [("these parameters", subject.theta)]
    if subject.trained:
        ends.append(("the first parameters", subject.first))
    found = [_solved(subject, label, theta) for label, theta in ends]
    own = found[0]
    says = [
        f"{subject.name}: on its features the final layer's problem is convex; "
        f"its optimum is J = {own.value:.6g}, with ‖∇J‖ = {own.norm:.1e} as certificate",
    ]
    if subject.trained:
        gap = own.before - own.value
        says.append(f"gradient training of the whole net ended at J = {own.before:.6g}, {gap:.2g} above it")
        says.append(
            f"on the features that training began with the optimum is {found[1].value:.6g}: "
            f"learning them is worth a factor of {found[1].value / own.value:.3g}"
        )
    arrays = {"theta": own.theta, "values": np.array([[s.before, s.value] for s in found])}
    rows = tuple(solved.row for solved in found)
    return Findings(tuple(says), (Sheet(HEAD, rows),), arrays, _picture(subject, found))


def _solved(subject: Subject, label: str, theta: Vector) -> Solved:
    layer = _last_layer(subject, theta)
    x = theta[layer.at]
    before = layer(x)[0]
    curvature = float(np.linalg.eigvalsh(layer.hessian(x))[0])
    if curvature < -1e-8 * max(1.0, abs(before)):
        raise Unfit(
            "needs a loss that is convex in the outputs", "squared_error, cross_entropy and logistic are"
        )
    reached = list(islice(exact.minimize(layer, x, tolerance=1e-10), MOST_STEPS))
    x = reached[-1].x if reached else x
    value, gradient = layer(x)
    curvature = float(np.linalg.eigvalsh(layer.hessian(x))[0])
    return Solved(
        label, layer.whole(x), before, value, len(reached), float(np.linalg.norm(gradient)), curvature
    )


def _last_layer(subject: Subject, theta: Vector) -> LastLayer:
    """Unfit where it has no parameters, or too many."""
    problem = subject.problem
    places = problem.split(np.arange(theta.size, dtype=np.float64))
    ends = [node for node in subject.nodes if node.output]
    blocks = [name for node in ends for name in node.blocks]
    if not blocks:
        raise Unfit("needs a final layer with parameters", "`output 1` is one")
    at = np.sort(np.concatenate([places[name].astype(np.intp).ravel() for name in blocks]))
    if len(at) > LARGEST:
        raise Unfit(
            f"solves final layers of {LARGEST:,} numbers at the most, and this one has {len(at):,}",
            "its Hessian would be too large; `only output` with `optimizer lbfgs` trains it alone",
        )
    dense = all(node.kind == "dense" for node in ends)
    units = tuple(unit for node in ends for unit in _units(problem, node, theta, places, at)) if dense else ()
    own, one = (p.held(theta, blocks) for p in (problem, subject.problem_on("train", 1)))
    return LastLayer(own, one, problem.scale, theta, at, units)


def _units(
    problem: Functions, node: Node, theta: Vector, places: Mapping[str, Vector], at: Places
) -> Iterator[Unit]:
    """Those of a dense layer."""
    features = problem.values(theta)[node.sources[0]]
    weights, *bias = [places[name] for name in node.blocks]
    if bias:
        features = np.column_stack([features, np.ones(len(features))])
        weights = np.column_stack([weights, bias[0]])
    for row in weights.astype(np.intp):
        yield Unit(features, np.searchsorted(at, row))


def _picture(subject: Subject, found: Sequence[Solved]) -> Picture:
    def draw(axes: Any) -> None:
        places = np.arange(len(found))
        axes.bar(places - 0.2, [s.before for s in found], 0.38, label="as it is")
        axes.bar(places + 0.2, [s.value for s in found], 0.38, label="final layer at its optimum")
        axes.set_xticks(places, [s.label for s in found])
        axes.set(xlabel="features of", ylabel="objective", yscale="log")
        axes.legend()

    caption = "The objective as it is and with the final layer at its optimum, the features held."
    return Picture((Panel(draw, subject.name),), columns=1, caption=caption)
