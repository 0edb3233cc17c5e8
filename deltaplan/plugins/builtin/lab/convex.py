"""Only the final layer is optimized: a convex problem, solved to its optimum."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from deltaplan.plugins.api import Findings, Functions, Panel, Picture, Sheet, Subject, Unfit
from deltaplan.plugins.builtin.solvers import exact

Vector = np.ndarray[Any, np.dtype[np.float64]]
MOST_STEPS = 200
HEAD = ("features of", "J before", "J at the optimum", "steps", "‖∇J‖", "least curvature")


@dataclass(frozen=True, slots=True)
class LastLayer:
    """J of the final layer's parameters, the other ones held at θ."""

    problem: Functions
    theta: Vector
    at: np.ndarray[Any, np.dtype[np.intp]]

    def whole(self, x: Vector) -> Vector:
        """θ with x in the final layer's place."""
        theta = self.theta.copy()
        theta[self.at] = x
        return theta

    def __call__(self, x: Vector) -> tuple[float, Vector]:
        theta = self.whole(x)
        return float(self.problem.objective(theta)), self.problem.objective_grad(theta)[self.at]

    def hessian(self, x: Vector) -> Vector:
        """[n, n], a column for each unit vector."""
        directions = np.zeros((len(self.at), self.theta.size))
        directions[np.arange(len(self.at)), self.at] = 1
        found = self.problem.objective_hvp(self.whole(x), directions)[:, self.at]
        return np.asarray((found + found.T) / 2)


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
    problem = subject.problem
    places = problem.split(np.arange(theta.size, dtype=np.float64))
    blocks = [name for node in subject.nodes if node.output for name in node.blocks]
    if not blocks:
        raise Unfit("needs a final layer with parameters", "`output 1` is one")
    at = np.sort(np.concatenate([places[name].ravel() for name in blocks])).astype(np.intp)
    layer, x = LastLayer(problem, theta, at), theta[at]
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
