"""The first parts of the lecture: the problem, learned features, what the model is, its landscape."""

from typing import Any

import numpy as np

from deltaplan.plugins.builtin.lab import convex, kinks, landscape
from deltaplan.plugins.examining import Findings, Panel, Picture
from deltaplan.runtime.problem import Problem
from lecture.claims import Claim, Verdict, estimate, share
from lecture.nets import SEEDS, Trained, trained, untrained
from lecture.page import Section

Vector = np.ndarray[Any, np.dtype[np.float64]]
DIRECTIONS = 1000
STEPS = np.geomspace(0.01, 1.0, 50)  # of ‖θ‖


def question() -> Section:
    """Softmax and cross entropy are the identity and the multiclass logistic loss."""
    rng = np.random.default_rng(0)
    u, y = rng.standard_normal((SEEDS, 200, 10)) * 5, rng.integers(0, 10, (SEEDS, 200))
    chosen = np.take_along_axis(u, y[..., None], axis=2)[..., 0]
    ours = np.logaddexp.reduce(u, axis=2) - chosen
    softmax = np.exp(u) / np.exp(u).sum(axis=2, keepdims=True)
    usual = -np.log(np.take_along_axis(softmax, y[..., None], axis=2)[..., 0])
    error = abs(ours - usual).max(axis=1)
    claim = Claim(
        1,
        "Softmax with cross entropy is the identity with the multiclass logistic loss log Σ exp(u_j) − yᵀu.",
        "dense …; output 10; minimize mean(cross_entropy)",
        f"largest difference {error.max():.1e} over {SEEDS} draws of 200 outputs",
        "holds" if error.max() < 1e-12 else "does not hold",
    )
    intro = (
        "A model has no activation behind its last affine map: that belongs to the loss. The slide's "
        "form of the "
        "loss has lost its minus sign; it is log Σ exp(u_j) − yᵀu."
    )
    return Section("The training problem", intro, claims=(claim,))


def features() -> Section:
    """Fixed features give a convex problem, learned ones do not."""
    net = trained("fit", shape="tanh")
    begun, thetas = untrained("fit", shape="tanh")
    curvatures = np.array([_curvatures(begun, theta) for theta in thetas])
    subject = net.subject(0, "3x5,1,1 tanh")
    found = convex.examine(subject)
    last, whole = curvatures[:, 0], curvatures[:, 1]
    claim = Claim(
        2,
        "With fixed features the training problem is convex; learning them makes it nonconvex.",
        "fit.dl, shape=tanh",
        f"least eigenvalue of the Hessian in the final layer {estimate(last)}, never below {last.min():.1e}; "
        f"in all of θ {estimate(whole)}, negative for {share(whole < -1e-9)}",
        "holds" if last.min() > -1e-9 and (whole < -1e-9).all() else "does not hold",
    )
    intro = f"The last hidden layer gives features φ(x; θ); the model is affine in them. {found.says[0]}."
    return Section("Learning features", intro, _pictures(_features_picture(net)), claims=(claim,))


def _curvatures(problem: Problem, theta: Vector) -> tuple[float, float]:
    """The least eigenvalue of the Hessian of the loss in the final layer and in all parameters."""
    size = theta.size
    hessian = problem.hvp(theta, np.eye(size))
    hessian = (hessian + hessian.T) / 2
    places = problem.split(np.arange(size, dtype=float))
    at = np.concatenate([places[f"output.{name}"].ravel() for name in "Wb"]).astype(int)
    return float(np.linalg.eigvalsh(hessian[np.ix_(at, at)])[0]), float(np.linalg.eigvalsh(hessian)[0])


def _features_picture(net: Trained) -> Picture:
    best = int(np.argmin(net.losses))
    x = np.linspace(-1, 3, 400)

    def draw(axes: Any) -> None:
        values = net.problem.values(net.theta[best], x[:, None])
        for unit, column in enumerate(values["dense3.tanh"].T):
            axes.plot(x, column, label=f"unit {unit + 1}")
        axes.set(xlabel="t", ylabel="what a unit gives")
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))

    caption = (
        "The five features that the third layer of the best tanh net has learned, as functions of the input."
    )
    return Picture((Panel(draw, "features of the third layer"),), columns=1, caption=caption, size=(6.4, 3.4))


def properties() -> Section:
    """Piecewise affine, smooth, or one straight line."""
    leaky, tanh, identity = (trained("fit", shape=shape) for shape in ("leaky_relu", "tanh", "identity"))
    fits = [_fit(net, name) for net, name in ((leaky, "LeakyReLU"), (tanh, "tanh"), (identity, "identity"))]
    panels = tuple(panel for found in fits if found.picture for panel in found.picture.panels)
    caption = (
        "Widths 5,5,5,1,1: LeakyReLU is piecewise affine with a kink at every line, tanh is "
        "smooth, identity one line."
    )
    picture = Picture(panels, columns=3, caption=caption, size=(4.0, 3.4))
    claims = (_affine_claim(leaky), _smooth_claim(tanh), _identity_claim(identity))
    intro = "; ".join(found.says[0] for found in fits) + "."
    return Section("Model properties and activation functions", intro, (picture,), claims=claims)


def _fit(net: Trained, name: str) -> Findings:
    return kinks.examine(net.subject(int(np.argmin(net.losses)), name), None, None, 1)


def _affine_claim(net: Trained) -> Claim:
    counts, errors = [], []
    x = np.random.default_rng(0).uniform(-1, 3, (500, 1))
    for seed in range(SEEDS):
        subject = net.subject(seed)
        found = subject.pieces(np.array([-1.0]), np.array([3.0]))
        straight = np.interp(x[:, 0], -1 + 4 * found.places, found.outputs[:, 0])
        outputs = subject.outputs(x)[:, 0]
        counts.append(int(found.visible.sum()))
        errors.append(abs(straight - outputs).max() / max(1.0, abs(outputs).max()))
    return Claim(
        3,
        "A net with ReLU or LeakyReLU is continuous and piecewise affine.",
        "fit.dl, shape=leaky_relu",
        f"kinks between -1 and 3: {estimate(counts)}; the pieces give the net back to {max(errors):.1e}",
        "holds" if max(errors) < 1e-12 else "does not hold",
    )


def _smooth_claim(net: Trained) -> Claim:
    said = [kinks.examine(net.subject(seed), None, None, 1).says[0] for seed in range(SEEDS)]
    smooth = ["no kinks" in text for text in said]
    verdict: Verdict = "holds" if all(smooth) else "does not hold"
    return Claim(4, "tanh has no kinks.", "fit.dl, shape=tanh", f"none in {share(smooth)} nets", verdict)


def _identity_claim(net: Trained) -> Claim:
    errors = []
    for seed in range(SEEDS):
        subject = net.subject(seed)
        weights, bias = subject.affine()
        x = np.linspace(-1, 3, 50)[:, None]
        errors.append(abs(x @ weights.T + bias - subject.outputs(x)).max())
    begun, thetas = untrained("fit", shape="identity")
    lowest = np.array([_curvatures(begun, theta)[1] for theta in thetas])
    return Claim(
        5,
        "With identity activations the model is W x + b, and the training problem is nonconvex all the same.",
        "fit.dl, shape=identity",
        f"W x + b to {max(errors):.1e}; a negative eigenvalue of the Hessian at the first θ in "
        f"{share(lowest < -1e-9)} nets",
        "holds" if max(errors) < 1e-12 and (lowest < -1e-9).mean() > 0.9 else "does not hold",
    )


def surfaces() -> Section:
    """Six landscapes on one scale, and how steep and wide they are over a thousand directions."""
    nets = [trained("fit", shape=shape) for shape in ("leaky_relu", "tanh")]
    subjects = [
        net.subject(int(np.argmin(net.losses)), name)
        for net, name in zip(nets, ("LeakyReLU", "tanh"), strict=True)
    ]
    around = landscape.Around(61, 1.0, 3, "random", 0, False, "loss", "train")
    contours, spaces = (landscape.examine(subjects, around, surface) for surface in (False, True))
    steep, wide = zip(*(_steepness(net) for net in nets), strict=True)
    rows = [
        (name, estimate(s).cell, estimate(w).cell)
        for name, s, w in zip(("LeakyReLU", "tanh"), steep, wide, strict=True)
    ]
    claims = (
        Claim(
            6,
            "tanh is less steep than LeakyReLU on the macro scale.",
            "fit.dl",
            f"log₁₀ of the rise of the loss over ‖θ‖, median over {DIRECTIONS} directions: LeakyReLU "
            f"{estimate(steep[0])}, tanh {estimate(steep[1])}",
            _less(steep[1], steep[0]),
        ),
        Claim(
            7,
            "Minima of tanh extend over larger regions.",
            "fit.dl",
            f"distance in ‖θ‖ at which the loss is 0.05 above that of θ, median over {DIRECTIONS} "
            f"directions: "
            f"LeakyReLU {estimate(wide[0])}, tanh {estimate(wide[1])}",
            _less(wide[0], wide[1]),
        ),
        _degree_claim(nets[0]),
    )
    intro = (
        "The loss at θ* + t₁θ₁ + t₂θ₂ for the best net of each activation, three random pairs of "
        "directions each, all "
        "on one scale. The slides caption the tanh surfaces LeakyReLU."
    )
    pictures = _pictures(contours.picture, spaces.picture)
    head = ("activation", "log₁₀ of the rise over ‖θ‖", "distance to a loss 0.05 higher, in ‖θ‖")
    return Section("Loss landscape", intro, pictures, ((head, rows),), claims=claims)


def _steepness(net: Trained) -> tuple[Vector, Vector]:
    """For each seed, medians over directions: the rise at ‖θ‖, and where the loss is 0.05 up."""
    rng = np.random.default_rng(1)
    rises, widths = [], []
    for theta in net.theta[:30]:
        ways = rng.standard_normal((DIRECTIONS, theta.size))
        ways *= np.linalg.norm(theta) / np.linalg.norm(ways, axis=1, keepdims=True)
        stack = theta + (STEPS[:, None, None] * ways).reshape(-1, theta.size)
        rise = net.problem.loss(stack).reshape(len(STEPS), DIRECTIONS) - net.problem.loss(theta)
        over = rise > 0.05
        reached = np.where(over.any(axis=0), STEPS[over.argmax(axis=0)], STEPS[-1])
        rises.append(np.median(np.log10(np.maximum(rise[-1], 1e-12))))
        widths.append(np.median(reached))
    return np.array(rises), np.array(widths)


def _less(smaller: Vector, larger: Vector) -> Any:
    a, b = estimate(smaller), estimate(larger)
    return "holds" if a.high < b.low else "does not hold"


def _degree_claim(net: Trained) -> Claim:
    """On a piece of a line that no unit of no sample bends on, L is a polynomial of degree 2n: n = 5."""
    degree = 10
    errors: list[float] = []
    lower: list[float] = []
    for seed in range(30):
        theta, way = net.theta[seed], np.random.default_rng(seed).standard_normal(net.problem.size)
        reach = 1e-2 / np.linalg.norm(way) * np.linalg.norm(theta)
        low, high = _smooth_piece(net, theta, way * reach)
        t = np.cos(np.pi * (np.arange(41) + 0.5) / 41)
        values = net.problem.loss(theta + ((low + high) / 2 + t * (high - low) / 2)[:, None] * way * reach)
        for order, found in ((degree, errors), (1, lower)):
            fitted = np.polynomial.chebyshev.chebval(t, np.polynomial.chebyshev.chebfit(t, values, order))
            found.append(abs(fitted - values).max() / abs(values).max())
    return Claim(
        8,
        "With LeakyReLU the squared loss is piecewise polynomial of degree 2n in θ.",
        "fit.dl, shape=leaky_relu (n = 5)",
        f"on one piece of a line a polynomial of degree 10 misses by {max(errors):.1e} of the loss at "
        f"most, a straight "
        f"line by {np.median(lower):.1e}",
        "holds" if max(errors) < 1e-10 else "does not hold",
    )


def _smooth_piece(net: Trained, theta: Vector, way: Vector) -> tuple[float, float]:
    """The t from 0 on, both ways, up to the first change of a unit's sign for a sample."""

    def signs(t: float) -> Vector:
        values = net.problem.values(theta + t * way)
        return np.concatenate([v.ravel() > 0 for name, v in values.items() if name.startswith("dense")])

    own, ends = signs(0.0), []
    for side in (-1.0, 1.0):
        t = side
        while (signs(t) != own).any():
            t /= 2
        ends.append(t * 0.999)
    return ends[0], ends[1]


def _pictures(*pictures: Picture | None) -> tuple[Picture, ...]:
    return tuple(picture for picture in pictures if picture is not None)
