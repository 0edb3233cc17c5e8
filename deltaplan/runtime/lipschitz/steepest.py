"""Slopes that a net does reach: what no Lipschitz constant can be below.

Pairs of points climb along the gradient of the quotient |m(x) − m(y)|/|x − y| within the data's box, and the
norm of the Jacobian is taken where they end, and at the samples.
"""

from collections.abc import Mapping

import numpy as np

from deltaplan.compiler.differentiate import differentiate
from deltaplan.compiler.graph import Graph
from deltaplan.compiler.plan import predict_plan
from deltaplan.compiler.steps import Tensor
from deltaplan.records import dataclass
from deltaplan.runtime.backends.numpy.bind import bind
from deltaplan.runtime.backends.numpy.expressions import Array
from deltaplan.runtime.backends.numpy.program import Program

FEW = 64  # outputs whose Jacobian is written out
STEPS = 40  # of the climb
POINTS = 64  # samples that are looked at
PAIRS = 16  # that climb


class Jacobian:
    """All outputs as one vector of all inputs, [features, N], and vᵀJ for them."""

    def __init__(self, graph: Graph, vector: Array, count: int) -> None:
        plan = predict_plan(graph, fused=False, linked=False)
        self.inputs, self.outputs = plan.trace.inputs, plan.trace.outputs
        seeds = {u: Tensor(f"seed of {u.name}", u.shape, batched=True) for u in self.outputs.values()}
        taken = {seed.name for seed in seeds.values()}
        backward, self.adjoints = differentiate(plan.steps, seeds, self.inputs.values(), taken)
        constants = bind(plan, {"θ": vector}, 1, reuse=False)
        made = {t for step in plan.steps for t in step.outputs}
        parts = {t for s in plan.steps for t in s.inputs if not t.batched and t not in made}
        fixed = {t: constants[t] for t in parts}
        self._x = {t: np.zeros((*t.shape, count)) for t in self.inputs.values()}
        self._seeds = {u: np.zeros((*u.shape, count)) for u in self.outputs.values()}
        external = {**fixed, **self._x, **{seeds[u]: array for u, array in self._seeds.items()}}
        wanted = (*self.outputs.values(), *self.adjoints.values())
        self._program = Program((*plan.steps, *backward), external, wanted, count, np.dtype(np.float64))
        self.count = count
        self.width = sum(u.size for u in self.outputs.values())

    def values(self, x: Array) -> Array:
        """m(x), [outputs, N]"""
        return self.pulled(x, np.zeros((self.width, self.count)))[0]

    def pulled(self, x: Array, v: Array) -> tuple[Array, Array]:
        """m(x) and Jᵀv of each sample, [inputs, N], for v [outputs, N]."""
        _spread(x, self._x)
        _spread(v, self._seeds)
        with np.errstate(all="ignore"):
            self._program.run()
        slopes = [self._slope(tensor) for tensor in self.inputs.values()]
        return self._stacked([self._program[u] for u in self.outputs.values()]), self._stacked(slopes)

    def _slope(self, tensor: Tensor) -> Array:
        if tensor not in self.adjoints:
            return np.zeros((*tensor.shape, self.count))
        return self._program[self.adjoints[tensor]]

    def _stacked(self, arrays: list[Array]) -> Array:
        return np.concatenate([array.reshape(-1, self.count) for array in arrays])


def _spread(whole: Array, parts: Mapping[Tensor, Array]) -> None:
    begin = 0
    for tensor, array in parts.items():
        array[...] = whole[begin : begin + tensor.size].reshape(array.shape)
        begin += tensor.size


@dataclass(frozen=True, slots=True)
class Steepest:
    """The largest norm of a Jacobian that was found, where, x with the inputs of the model stacked, and the
    mean norm at the samples."""

    slope: float
    at: Array
    mean: float


def steepest(graph: Graph, vector: Array, samples: Array, low: Array, high: Array, seed: int = 0) -> Steepest:
    """Of the net in the box from low to high [inputs], from its samples [inputs, N] and random points on."""
    points, own = _starts(samples, low, high, np.random.default_rng(seed))
    with np.errstate(all="ignore"):
        jacobian = Jacobian(graph, vector, points.shape[1])
        norms, directions = slopes_at(jacobian, points)
        best = np.argsort(-norms)[:PAIRS]
        ends = _climbed(Jacobian(graph, vector, len(best)), points[:, best], directions[:, best], low, high)
        last, _ = slopes_at(Jacobian(graph, vector, ends.shape[1]), ends)
    mean = float(norms[:own].mean())
    everything, norms = np.concatenate([points, ends], axis=1), np.concatenate([norms, last])
    place = int(np.argmax(np.where(np.isfinite(norms), norms, -1.0)))
    return Steepest(float(norms[place]), everything[:, place], mean)


def _starts(samples: Array, low: Array, high: Array, rng: np.random.Generator) -> tuple[Array, int]:
    """Samples, evenly chosen, and random points of the box behind them; the number of the samples."""
    chosen = np.linspace(0, samples.shape[1] - 1, min(POINTS, samples.shape[1])).astype(int)
    drawn = low[:, None] + (high - low)[:, None] * rng.random((len(low), POINTS))
    return np.concatenate([samples[:, chosen], drawn], axis=1), len(chosen)


def slopes_at(jacobian: Jacobian, x: Array) -> tuple[Array, Array]:
    """‖J‖₂ at each point, and the direction of the inputs [inputs, N] in which the net is that steep."""
    if jacobian.width > FEW:
        return _by_power(jacobian, x)
    rows = np.array([jacobian.pulled(x, row)[1] for row in _seeds(jacobian)])  # [outputs, inputs, N]
    finite = np.where(np.isfinite(rows), rows, 0.0).transpose(2, 0, 1)
    _, sizes, right = np.linalg.svd(finite, full_matrices=False)
    return sizes[:, 0], right[:, 0].T


def _seeds(jacobian: Jacobian) -> Array:
    """Each output on its own: [outputs, outputs, N]."""
    return np.broadcast_to(
        np.eye(jacobian.width)[:, :, None], (jacobian.width, jacobian.width, jacobian.count)
    )


def _by_power(jacobian: Jacobian, x: Array) -> tuple[Array, Array]:
    """From below, for many outputs: v ← J w by a small difference, w ← Jᵀv."""
    v = np.random.default_rng(0).normal(size=(jacobian.width, jacobian.count))
    best, w = np.zeros(jacobian.count), np.zeros_like(x)
    for _ in range(20):
        value, w = jacobian.pulled(x, _unit(v))
        best = np.maximum(best, np.linalg.norm(w, axis=0))
        step = 1e-5 * (1 + np.linalg.norm(x, axis=0))
        v = (jacobian.values(x + step * _unit(w)) - value) / step
    return best, _unit(w)


def _unit(v: Array) -> Array:
    length = np.linalg.norm(v, axis=0)
    return np.asarray(v / np.where(length > 0, length, 1.0))


def _climbed(jacobian: Jacobian, x: Array, directions: Array, low: Array, high: Array) -> Array:
    """The ends of the pairs that began at x, a little apart in the steepest direction."""
    diagonal = float(np.linalg.norm(high - low)) or 1.0
    ends = low[:, None], high[:, None]
    y = np.clip(x + 0.02 * diagonal * directions, *ends)
    rate, best, kept = np.full(x.shape[1], 0.05 * diagonal), np.zeros(x.shape[1]), np.stack([x, y])
    for _ in range(STEPS):
        quotient, up_x, up_y = _quotient(jacobian, x, y)
        better = quotient > best
        kept = np.where(better, np.stack([x, y]), kept)
        best = np.maximum(best, quotient)
        rate = np.where(better, 1.2 * rate, 0.5 * rate)
        x = np.clip(np.where(better, x, kept[0]) + rate * _unit(up_x), *ends)
        y = np.clip(np.where(better, y, kept[1]) + rate * _unit(up_y), *ends)
    return np.concatenate([kept[0], kept[1], (kept[0] + kept[1]) / 2], axis=1)


def _quotient(jacobian: Jacobian, x: Array, y: Array) -> tuple[Array, Array, Array]:
    """|m(x) − m(y)|/|x − y| and its gradients by x and y."""
    apart, away = x - y, np.linalg.norm(x - y, axis=0)
    safe = np.where(away > 0, away, 1.0)
    rise = jacobian.values(x) - jacobian.values(y)
    height = np.linalg.norm(rise, axis=0)
    direction = _unit(rise)
    slope_x, slope_y = jacobian.pulled(x, direction)[1], jacobian.pulled(y, direction)[1]
    turn = height * apart / safe**2
    return np.where(away > 0, height / safe, 0.0), (slope_x - turn) / safe, (turn - slope_y) / safe
