"""Built-in losses and regularizers: values by hand-written formulas, slopes by differences, metadata."""

import math

import pytest
from test_reductions import run

from deltaplan.plugins.expressions import COUNT, argument, evaluate, gradient, split_reductions, substitute
from deltaplan.plugins.loader import builtin_registry

LOSSES = builtin_registry()
U = [0.3, -1.2, 2.5]


def softmax_loss(u, y):
    return math.log(sum(math.exp(v) for v in u)) - u[int(y)]


def huber(u, y):
    r = [abs(a - b) for a, b in zip(u, y, strict=True)]
    return sum(v * v / 2 if v <= 1 else v - 0.5 for v in r)


EXPECTED = {
    "squared_error": (
        [1.0, 0.0, -1.0],
        lambda u, y: sum((a - b) ** 2 for a, b in zip(u, y, strict=True)) / 2,
    ),
    "absolute_error": ([1.0, 0.0, -1.0], lambda u, y: sum(abs(a - b) for a, b in zip(u, y, strict=True))),
    "huber": ([1.0, 0.0, -1.0], huber),
    "cross_entropy": (2.0, softmax_loss),
    "logistic": (
        [1.0, 0.0, 0.25],
        lambda u, y: sum(math.log(1 + math.exp(a)) - b * a for a, b in zip(u, y, strict=True)),
    ),
    "hinge": ([1.0, -1.0, -1.0], lambda u, y: sum(max(0, 1 - b * a) for a, b in zip(u, y, strict=True))),
}


def loss_of(name):
    found = LOSSES.find("loss", name)
    return substitute(found.expression, {p.name: p.default for p in found.parameters})


def slopes(expr, values):
    """∂L/∂uᵢ through the stages: what the reductions pass on, by their own rules."""
    cut, n = split_reductions(expr), len(values["u"])
    known, flows = dict(values) | {COUNT: float(n)}, [0.0] * n
    for stage in cut.stages:
        element = evaluate(stage.element, known)
        known[stage.result] = {
            "sum": lambda e: sum(e),
            "max": lambda e: max(e),
            "pick": lambda e: e[int(values["y"])],
        }[stage.kind](element)
    seeds = dict(
        zip((s.result for s in cut.stages), gradient(cut.result, [s.result for s in cut.stages]), strict=True)
    )
    for stage in cut.stages:
        if stage.stop:
            continue
        seed = evaluate(seeds[stage.result], known)
        local = evaluate(gradient(stage.element, ["u"], seed)[0], known)
        for i in range(n):
            passed = local[i] if isinstance(local, list) else local
            flows[i] += passed if stage.kind == "sum" or i == int(values["y"]) else 0.0
    return flows


def test_every_loss_is_expected():
    assert set(EXPECTED) == set(LOSSES.names("loss"))


@pytest.mark.parametrize("name", EXPECTED)
def test_value(name):
    y, formula = EXPECTED[name]
    assert run(loss_of(name), {"u": U, "y": y}) == pytest.approx(formula(U, y), rel=1e-14)
    assert evaluate(loss_of(name), {"u": U, "y": y}) == pytest.approx(formula(U, y), rel=1e-14)


@pytest.mark.parametrize("name", EXPECTED)
def test_slopes_by_central_differences(name):
    y, formula = EXPECTED[name]
    for i, found in enumerate(slopes(loss_of(name), {"u": U, "y": y})):
        right, left = ([v + s * (j == i) for j, v in enumerate(U)] for s in (1e-6, -1e-6))
        assert found == pytest.approx((formula(right, y) - formula(left, y)) / 2e-6, abs=1e-8)


@pytest.mark.parametrize("name", EXPECTED)
@pytest.mark.parametrize("size", [1e4, -1e4])
def test_extreme_outputs_are_finite(name, size):
    y, _ = EXPECTED[name]
    values = {"u": [size, 0.0, -size], "y": y}
    assert math.isfinite(run(loss_of(name), values))
    assert all(map(math.isfinite, slopes(loss_of(name), values)))


def test_what_the_losses_say_of_themselves():
    facts = {n: (c.target, c.link, c.decision, c.convex) for n in EXPECTED for c in [LOSSES.find("loss", n)]}
    assert facts == {
        "squared_error": ("real", "identity", "none", True),
        "absolute_error": ("real", "identity", "none", True),
        "huber": ("real", "identity", "none", True),
        "cross_entropy": ("class", "softmax", "argmax", True),
        "logistic": ("binary", "sigmoid", "positive", True),
        "hinge": ("sign", "identity", "positive", True),
    }


@pytest.mark.parametrize(
    ("name", "parameters", "value"),
    [
        ("l2", (0.1,), 0.05 * 14),
        ("l1", (0.1,), 0.1 * 6),
        ("elastic", (0.1, 0.2), 0.1 * 6 + 0.1 * 14),
    ],
)
def test_regularizers(name, parameters, value):
    found = LOSSES.find("regularizer", name)
    given = dict(zip((p.name for p in found.parameters), parameters, strict=True))
    assert evaluate(found.expression, {"w": [1, -2, 3], **given}) == pytest.approx(value, rel=1e-15)
    assert all(p.default is None and not p.allows(-1) for p in found.parameters)


def test_an_l1_penalty_rests_at_zero():
    found = LOSSES.find("regularizer", "l1")
    (stage,) = split_reductions(found.expression).stages
    assert evaluate(gradient(stage.element, ["w"], argument("g"))[0], {"w": 0.0, "g": 1.0}) == 0.0
