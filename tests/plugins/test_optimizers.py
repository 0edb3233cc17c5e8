"""Built-in optimizers, layers and initializers."""

import math

import pytest

from deltaplan.plugins.expressions import arguments, evaluate, substitute
from deltaplan.plugins.loader import builtin_registry

REGISTRY = builtin_registry()
GRADIENTS = [0.5, -1.0, 0.25, 2.0]


def steps(name, **settings):
    """w after each of the gradients, from w = 1 and states 0."""
    found = REGISTRY.find("optimizer", name)
    defaults = {p.name: p.default for p in found.parameters}
    update = {n: substitute(e, defaults | settings) for n, e in found.update.items()}
    values, path = {"w": 1.0} | dict.fromkeys(found.state, 0.0), []
    for t, g in enumerate(GRADIENTS, start=1):
        values |= {n: evaluate(e, values | {"g": g, "t": float(t)}) for n, e in update.items()}
        path.append(values["w"])
    return path


def test_sgd():
    w, path = 1.0, []
    for g in GRADIENTS:
        w -= 0.1 * g
        path.append(w)
    assert steps("sgd", lr=0.1) == pytest.approx(path, rel=1e-15)


@pytest.mark.parametrize("nesterov", [False, True])
def test_sgd_with_momentum_as_pytorch_defines_it(nesterov):
    w, path, buffer = 1.0, [], None
    for g in GRADIENTS:
        buffer = g if buffer is None else 0.9 * buffer + g
        w -= 0.1 * (g + 0.9 * buffer if nesterov else buffer)
        path.append(w)
    assert steps("sgd", lr=0.1, momentum=0.9, nesterov=nesterov) == pytest.approx(path, rel=1e-15)


def test_sgd_without_momentum_needs_no_state():
    update = REGISTRY.find("optimizer", "sgd").update
    plain = substitute(update["w"], {"momentum": 0.0, "nesterov": False})
    assert set(arguments(plain)) == {"w", "g", "lr"}


def test_adam_corrects_the_bias_before_eps():
    w, m, v, path = 1.0, 0.0, 0.0, []
    for t, g in enumerate(GRADIENTS, start=1):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        w -= 0.01 * (m / (1 - 0.9**t)) / (math.sqrt(v / (1 - 0.999**t)) + 1e-3)
        path.append(w)
    assert steps("adam", lr=0.01, eps=1e-3) == pytest.approx(path, rel=1e-13)


def test_what_an_optimizer_keeps():
    assert REGISTRY.find("optimizer", "adam").state == ("m", "v")
    assert {p.name: p.default for p in REGISTRY.find("optimizer", "adam").parameters} == {
        "lr": 1e-3, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8,
    }  # fmt: skip
    assert REGISTRY.find("optimizer", "sgd").parameters[0].default is None


@pytest.mark.parametrize(
    ("name", "draw", "spread"),
    [
        ("default", "normal", 1.5 / math.sqrt(12)),
        ("he", "normal", math.sqrt(2 / 12)),
        ("glorot", "uniform", math.sqrt(6 / 20)),
        ("lecun", "normal", 1 / math.sqrt(12)),
        ("orthogonal", "orthogonal", 1.0),
        ("torch", "uniform", 1 / math.sqrt(12)),
        ("zeros", "constant", 0.0),
    ],
)
def test_initializers(name, draw, spread):
    found = REGISTRY.find("initializer", name)
    assert found.draw == draw
    assert found.spread(12, 8, 1.5) == pytest.approx(spread, rel=1e-15)


def test_initializers_with_parameters():
    assert REGISTRY.find("initializer", "normal").spread(12, 8, 1.0, deviation=0.1) == 0.1
    assert REGISTRY.find("initializer", "uniform").spread(12, 8, 1.0, low=-1.0, high=2.0) == (-1.0, 2.0)
    with pytest.raises(ValueError, match="lower bound comes first"):
        REGISTRY.find("initializer", "uniform").spread(12, 8, 1.0, low=2.0, high=2.0)


class Value:
    def __init__(self, shape, text):
        self.shape, self.text = tuple(shape), text


class Writer:
    """A builder that writes down what a layer asks for."""

    training = True

    def __init__(self, biased=True):
        self.biased = biased

    def weight(self, name, shape, fan_in, fan_out):
        return Value(shape, f"{name}{shape}/{fan_in},{fan_out}")

    def bias(self, name, shape, fan_in):
        return Value(shape, f"{name}{shape}/{fan_in}") if self.biased else None

    def matmul(self, a, b):
        return Value(a.shape[:1], f"{a.text} @ {b.text}")

    def map(self, function, *tensors):
        from deltaplan.plugins.expressions import argument

        return Value(tensors[0].shape, str(function(*(argument(t.text) for t in tensors))))

    def uniform(self, shape):
        return Value(shape, "random")

    def refuse(self, message):
        return LookupError(message)


def test_dense():
    dense, x = REGISTRY.find("layer", "dense"), Value((3,), "x")
    assert dense.forward(Writer(), x, width=5).text == "W(5, 3)/3,5 @ x + b(5,)/3"
    assert dense.forward(Writer(biased=False), x, width=5).text == "W(5, 3)/3,5 @ x"
    assert dense.forward(Writer(), x, width=5).shape == (5,)
    with pytest.raises(LookupError, match="takes a vector"):
        dense.forward(Writer(), Value((2, 3), "x"), width=5)


def test_dropout():
    dropout, x = REGISTRY.find("layer", "dropout"), Value((3,), "x")
    assert dropout.forward(Writer(), x, rate=0.25).text == "where(random < 0.75, x/0.75, 0)"
    assert dropout.forward(Writer(), x, rate=0) is x
    asleep = Writer()
    asleep.training = False
    assert dropout.forward(asleep, x, rate=0.25) is x
    assert not dropout.trained
