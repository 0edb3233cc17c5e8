"""The compiled problem as plain functions of the flat vector θ, for any other solver."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Literal, TypeVar

import numpy as np

from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.lower import Trace, lower
from deltaplan.compiler.parameters import Parameter
from deltaplan.compiler.plan import evaluate_plan, predict_plan
from deltaplan.runtime.backends.numpy.bind import target_key
from deltaplan.runtime.backends.numpy.expressions import Array
from deltaplan.runtime.data.memory import inputs_from_memory
from deltaplan.runtime.data.preprocessing import Preprocessing
from deltaplan.runtime.derivatives import Derivatives, Held
from deltaplan.runtime.individual import gradient_norms
from deltaplan.runtime.initial import initial, with_statistics
from deltaplan.runtime.losses import Losses
from deltaplan.runtime.outputs import Slopes, outputs
from deltaplan.runtime.probes import Curvatures, NodeSlopes, Values, between, valued

Precision = Literal["float64", "float32"]
Vector = np.ndarray[Any, np.dtype[np.float64]]
T = TypeVar("T")


class Problem:
    """minimize loss(θ) + Ω(θ) on fixed samples, in float64.

    `loss` is the mean (or sum, as the spec says) over the samples, `grad` its gradient and `hvp` its Hessian
    times a vector. `objective` adds the regularizers, and `objective_grad` and `objective_hvp` are its own:
    that is what training descends. θ is a vector of `size` numbers, or a stack [k, size]: results then have k
    as their first axis.

    `inputs` holds [features, N] by the names of the input nodes, `targets` [outputs, N] or class indices [N]
    by those of the outputs, both as the model sees them; `preprocessing` leads there from the data's units.
    `scale` is the factor before the sum over the samples: 1/N for a mean.
    `statistics` are those of a run, `Run.statistics`, where layers keep some; they are constants here.
    ValueError where names or shapes are others.
    """

    def __init__(
        self,
        experiment: Experiment,
        inputs: Mapping[str, Array],
        targets: Mapping[str, Array],
        preprocessing: Preprocessing | None = None,
        statistics: Array | None = None,
    ) -> None:
        self.experiment, self.preprocessing = experiment, preprocessing
        self._trace = lower(experiment.graph, "predict")
        _same_names("inputs", inputs, self._trace.inputs)
        _same_names("targets", targets, self._trace.targets)
        self.parameters: tuple[Parameter, ...] = self._trace.parameters
        self.size = self._trace.size
        _check_classes(targets, self._trace)
        self._inputs = dict(inputs)
        self._data = {**inputs, **{target_key(name): y for name, y in targets.items()}}
        self.samples = next(iter(inputs.values())).shape[-1]
        average = experiment.train.average if experiment.train else "mean"
        self.scale = 1 / self.samples if average == "mean" else 1.0
        self._vector = with_statistics(experiment.graph, np.zeros(self.size))
        if statistics is not None:
            self._vector[self.size :] = statistics
        self._theta = self._vector[: self.size]
        self._derivatives = Derivatives(self._trace, self._vector, self._data, self.scale)
        self._predict = predict_plan(experiment.graph, linked=False)
        self._slopes: dict[str, Slopes] = {}
        self._values: Values | None = None
        self._node_slopes: NodeSlopes | None = None
        self._curvatures: Curvatures | None = None
        self._norms: dict[str, tuple[Array, Callable[[], Array]]] = {}
        self._evaluations: dict[str, Losses] = {}
        self._losses("float64")  # looks at the shapes of the data

    @property
    def operations(self) -> int:
        """About how many operations the loss takes."""
        return self._losses("float64").work

    @property
    def targets(self) -> dict[str, Vector]:
        """The targets as the model sees them by outputs: [N, outputs], or class indices [N]."""
        found = {name: self._data[target_key(name)] for name in self._trace.targets}
        return {name: y.T if y.ndim > 1 else y for name, y in found.items()}

    def loss(self, theta: Vector, *, precision: Precision = "float64") -> Any:
        """The loss without regularizers: a float, or [k] for a stack.

        A large stack is one call of the native backend, which gives the same up to rounding.
        `precision="float32"` computes in float32, in half the time.
        """
        return self._losses(precision)(self._checked(theta, dtype=precision), objective=False)

    def objective(self, theta: Vector, *, precision: Precision = "float64") -> Any:
        """The loss with the regularizers: a float, or [k] for a stack; as `loss`."""
        return self._losses(precision)(self._checked(theta, dtype=precision), objective=True)

    def plane(
        self,
        center: Vector,
        first: Vector,
        second: Vector,
        a: Vector,
        b: Vector,
        *,
        objective: bool = False,
        precision: Precision = "float64",
    ) -> Vector:
        """The loss, or the objective, at center + a·first + b·second for each pair of a and b.

        The result has their shape. It is `loss` of a stack that is never made, in less time and no memory.
        """
        vectors = [
            self._checked(v, n, precision)
            for v, n in ((center, "center"), (first, "first"), (second, "second"))
        ]
        if any(v.ndim > 1 for v in vectors):
            raise ValueError("a plane has one center and two directions, and a stack was given")
        a, b = np.broadcast_arrays(np.asarray(a, precision), np.asarray(b, precision))
        found = self._losses(precision).on_plane(center, first, second, a.ravel(), b.ravel(), objective)
        return found.reshape(a.shape)

    def grad(self, theta: Vector) -> Vector:
        """∂loss/∂θ, in the shape of θ."""
        return np.asarray(self._each(theta, lambda: self._derivatives("L")))

    def objective_grad(self, theta: Vector) -> Vector:
        """∂objective/∂θ, in the shape of θ."""
        return np.asarray(self._each(theta, lambda: self._derivatives("J")))

    def per_sample_loss(self, theta: Vector) -> Vector:
        """The loss of each sample without weights or average: [N], or [k, N] for a stack."""
        return np.asarray(self._each(theta, lambda: self._losses("float64").of_samples(self._theta)))

    def per_sample_gradient_norms(self, theta: Vector, *, precision: Precision = "float64") -> Vector:
        """‖∇ℓ‖ of the loss of each sample, as `per_sample_loss`: [N], or [k, N] for a stack.

        Where a layer's gradient is δ zᵀ its norm is that of its factors, and no gradient is built.
        """
        if precision not in self._norms:
            vector = self._vector.astype(precision)
            self._norms[precision] = vector, gradient_norms(self._trace, vector, self._data)
        vector, norms = self._norms[precision]

        def function() -> Vector:
            vector[:] = self._vector
            return norms()

        return np.asarray(self._each(theta, function))

    def outputs(self, theta: Vector, x: Any = None, output: str | None = None) -> Vector:
        """What the model gives before the loss's link: [N, outputs], or [k, N, outputs] for a stack.

        `x` are rows in the data's units as for `Run.predict`, the problem's own samples if None. `output` is
        the name of the output node where there are several.
        """
        name, inputs = self._output(output), self._rows(x)
        return np.asarray(self._each(theta, lambda: outputs(self._predict, name, self._vector, inputs)))

    def jacobian(self, theta: Vector, x: Any = None, output: str | None = None) -> Vector:
        """∂u/∂θ of each output u of each row: [N, outputs, size], or [k, N, outputs, size] for a stack.

        The arguments are those of `outputs`, whose derivative this is. One backward pass for each number.
        """
        name, inputs = self._output(output), self._rows(x)
        slopes = self._slopes.setdefault(name, Slopes(self._trace, name, self._vector))
        return np.asarray(self._each(theta, lambda: slopes(inputs)))

    def hvp(self, theta: Vector, v: Vector) -> Vector:
        """The Hessian of the loss times v, exact where there is one: [size], or [k, size] where θ or v is a
        stack. It costs about two gradients."""
        return self._hvp("L", theta, v)

    def objective_hvp(self, theta: Vector, v: Vector) -> Vector:
        """The Hessian of the objective times v, as `hvp` for the loss."""
        return self._hvp("J", theta, v)

    def values(self, theta: Vector, x: Any = None) -> dict[str, Vector]:
        """What each node of the model gives, by its name: [N, numbers of the node], for rows as `outputs`."""
        inputs, graph = self._rows(x), self.experiment.graph
        if x is not None:
            return self._at(theta, Values(self._trace, graph, self._vector, inputs))
        self._values = self._values or Values(self._trace, graph, self._vector, inputs)
        return self._at(theta, self._values)

    def slopes(self, theta: Vector) -> dict[str, Vector]:
        """δ, the slope of each sample's loss by what each node gives: [N, numbers of the node] by names."""
        if self._node_slopes is None:
            self._node_slopes = NodeSlopes(self._trace, self.experiment.graph, self._vector, self._data)
        return self._at(theta, self._node_slopes)

    def curvatures(self, theta: Vector) -> Vector:
        """∂²ℓ/∂u² of each sample's loss by all outputs, one after the other, before the loss's link:
        [N, outputs, outputs]."""
        if self._curvatures is None:
            self._curvatures = Curvatures(self._trace, self._vector, self._data)
        return self._at(theta, self._curvatures)

    def held(self, theta: Vector, blocks: Collection[str]) -> Held:
        """The problem as a function of the named blocks, the others held at θ: what those do not move is
        computed once."""
        self._theta[:] = self._checked(theta)
        return Held(self.experiment.graph, self._vector, self._data, self.scale, blocks)

    def partial(self, theta: Vector, target: str, source: str, sample: int = 0) -> Vector:
        """∂target/∂source [numbers of the target, numbers of the source] for two nodes at one sample, all
        that comes before the source held."""
        for name in (target, source):
            if name not in (names := valued(self.experiment.graph)):
                raise ValueError(f"there is no node `{name}`: the model has {', '.join(names)}")
        if not 0 <= sample < self.samples:
            raise ValueError(f"there is no sample {sample}: the problem has {self.samples}, counted from 0")
        inputs = {name: x[..., sample : sample + 1] for name, x in self._inputs.items()}
        return self._at(theta, lambda: between(self._trace, self._vector, inputs, target, source))

    def initial(self, seed: int) -> Vector:
        """The θ that training with this seed begins with (θ = 0 is a saddle of most nets)."""
        return initial(self.experiment.graph, seed)

    def split(self, theta: Vector) -> dict[str, Vector]:
        """θ as named blocks, `dense1.W` [out, in] and so on: views, not copies."""
        return {p.name: theta[p.offset : p.end].reshape(p.tensor.shape) for p in self.parameters}

    def _hvp(self, of: str, theta: Vector, v: Vector) -> Vector:
        theta, v = self._checked(theta), self._checked(v, "v")
        if max(theta.ndim, v.ndim) == 2:
            theta, v = np.broadcast_arrays(theta, v)
            return np.array([self._hvp(of, *rows) for rows in zip(theta, v, strict=True)])
        self._derivatives.direction[:] = v
        return np.asarray(self._each(theta, lambda: self._derivatives(f"H{of}")))

    def _each(self, theta: Vector, function: Any) -> Any:
        theta = self._checked(theta)
        if theta.ndim == 2:
            return np.array([self._each(row, function) for row in theta])
        self._theta[:] = theta
        with np.errstate(all="ignore"):
            return function()

    def _at(self, theta: Vector, function: Callable[[], T]) -> T:
        """What a function of the vector gives at θ, which is no stack."""
        theta = self._checked(theta)
        if theta.ndim == 2:
            raise ValueError(f"θ has {self.size} numbers here, and a stack was given")
        self._theta[:] = theta
        with np.errstate(all="ignore"):
            return function()

    def _checked(self, vector: Vector, name: str = "θ", dtype: Precision = "float64") -> Vector:
        vector = np.asarray(vector, dtype)
        if vector.shape[-1:] != (self.size,) or vector.ndim > 2:
            raise ValueError(
                f"{name} has {self.size} numbers, or is a stack [k, {self.size}]; not {vector.shape}"
            )
        return vector

    def _output(self, name: str | None) -> str:
        names = tuple(self._trace.outputs)
        if name in names or (name is None and len(names) == 1):
            return name or names[0]
        given = f", not `{name}`" if name else ""
        raise ValueError(f"output is one of {', '.join(f'`{n}`' for n in names)}{given}")

    def _rows(self, x: Any) -> Mapping[str, Array]:
        """[features, N] by input, as the model sees them."""
        if x is None:
            return self._inputs
        if self.preprocessing is None:
            raise ValueError(
                "rows need the preprocessing of their data, and this problem was made without it"
            )
        return inputs_from_memory(self.preprocessing, x)

    def _losses(self, precision: Precision) -> Losses:
        if precision not in self._evaluations:
            plan, vector = evaluate_plan(self.experiment.graph), self._vector.astype(precision)
            self._evaluations[precision] = Losses(plan, self._data, vector, self.scale)
        return self._evaluations[precision]


def _check_classes(targets: Mapping[str, Array], trace: Trace) -> None:
    for name, tensor in trace.targets.items():
        classes = trace.outputs[name].size
        if tensor.kind == "index" and not ((targets[name] >= 0) & (targets[name] < classes)).all():
            raise ValueError(f"the targets of `{name}` are whole numbers from 0 to {classes - 1}")


def _same_names(what: str, given: Iterable[str], expected: Iterable[str]) -> None:
    if set(given) != set(expected):
        raise ValueError(f"{what} are given for {sorted(given)}, and the model has {sorted(expected)}")
