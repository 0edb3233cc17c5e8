"""How each block begins, against the formulas said plainly."""

from math import inf, pi, sqrt

import numpy as np
import pytest
from programs import experiment

from deltaplan.compiler.initial import draws
from deltaplan.plugins.loader import builtin_registry

DEFAULT = builtin_registry().find("initializer", "default")


def spreads(*model, **options):
    """(kind, low, high) of each block by its name."""
    found = draws(experiment(*model, **options).graph, DEFAULT)
    return {draw.parameter.name: (draw.kind, draw.low, draw.high) for draw in found}


def deviation(model, block="dense1.W", **options):
    kind, _, high = spreads(*model, **options)[block]
    assert kind == "normal"
    return high


def second_moment(function):
    """E[σ(u)²] for u standard normal, by a fine sum on each side of 0."""
    u = np.linspace(0, 12, 240_001)
    density = np.exp(-(u**2) / 2) / sqrt(2 * pi)
    return np.trapezoid((function(u) ** 2 + function(-u) ** 2) * density, u)


GAINS = {  # the gain, or σ, of which it is 1/√E[σ(u)²]
    "": 1.0,
    "identity": 1.0,
    "relu": sqrt(2),
    "leaky_relu(0.2)": sqrt(2 / 1.04),
    "0.5 * relu": sqrt(2),
    "tanh": np.tanh,
    "sigmoid": lambda u: 1 / (1 + np.exp(-u)),
    "elu(0.5)": lambda u: np.where(u > 0, u, 0.5 * np.expm1(u)),
}


@pytest.mark.parametrize("activation", GAINS)
def test_weights_have_the_gain_of_the_activation_without_its_factor(activation):
    model = ("input 3", f"dense 4 {activation}", "output 2")
    found = deviation(model, inputs=3, targets=2)
    gain = GAINS[activation]
    gain = 1 / sqrt(second_moment(gain)) if callable(gain) else gain
    assert found == pytest.approx(gain / sqrt(3), rel=1e-6)


def test_the_output_has_gain_1():
    found = deviation(("input 3", "dense 4 relu", "output 2"), "output.W", inputs=3, targets=2)
    assert found == pytest.approx(1 / 2)


def test_biases_are_uniform():
    assert spreads("input 3", "dense 4 relu", "output 1", inputs=3)["dense1.b"] == (
        "uniform",
        pytest.approx(-1 / sqrt(3)),
        pytest.approx(1 / sqrt(3)),
    )


@pytest.mark.parametrize("hidden", [2, 10, 45])
def test_residual_branches_are_divided_by_the_root_of_the_skips(hidden):
    """Of 5, 5, ..., 1 the first and the last have no skip."""
    found = spreads("input 1", f"dense {hidden}x5, 1 leaky_relu residual", "output 1")
    gain = sqrt(2 / 1.0001)
    assert found["dense1.W"][2] == pytest.approx(gain)
    assert found[f"dense{hidden + 1}.W"][2] == pytest.approx(gain / sqrt(5))
    for j in range(2, hidden + 1):
        assert found[f"dense{j}.W"][2] == pytest.approx(gain / sqrt(5) / sqrt(hidden - 1))


def test_only_the_last_map_of_a_branch_is_divided():
    found = spreads("input 4", "residual {", "dense 4 relu", "dense 4 relu", "}", "output 1", inputs=4)
    both = spreads(
        *("input 4", "residual {", "dense 4 relu", "dense 4 relu", "}", "dense 4 relu residual", "output 1"),
        inputs=4,
    )
    assert [found[f"dense{j}.W"][2] for j in (1, 2)] == pytest.approx([sqrt(2) / 2, sqrt(2) / 2])
    expected = [sqrt(2) / 2, sqrt(2) / 2 / sqrt(2), sqrt(2) / 2 / sqrt(2)]
    assert [both[f"dense{j}.W"][2] for j in (1, 2, 3)] == pytest.approx(expected)


INITS = {
    "he": ("normal", -sqrt(2 / 3), sqrt(2 / 3)),
    "lecun": ("normal", -1 / sqrt(3), 1 / sqrt(3)),
    "glorot": ("uniform", -sqrt(6 / 7), sqrt(6 / 7)),
    "torch": ("uniform", -1 / sqrt(3), 1 / sqrt(3)),
    "uniform(-0.2, 0.5)": ("uniform", -0.2, 0.5),
    "normal(0.3)": ("normal", -0.3, 0.3),
    "zeros": ("constant", 0.0, 0.0),
    "orthogonal": ("orthogonal", -1.0, 1.0),
}


@pytest.mark.parametrize("init", INITS)
def test_init_sets_the_weights_and_starts_biases_at_0(init):
    found = spreads("input 3", f"dense 4 tanh init={init}", "output 1", inputs=3)
    kind, low, high = INITS[init]
    assert found["dense1.W"] == (kind, pytest.approx(low), pytest.approx(high))
    bias = ("uniform", -1 / sqrt(3), 1 / sqrt(3)) if init == "torch" else ("constant", 0.0, 0.0)
    assert found["dense1.b"] == (bias[0], pytest.approx(bias[1]), pytest.approx(bias[2]))
    assert found["output.W"][0] == "normal"


def test_a_stated_init_is_not_divided_by_skips():
    found = spreads("input 4", "dense 4, 4 tanh residual init=he", "output 1", inputs=4)
    assert found["dense2.W"][2] == pytest.approx(sqrt(2 / 4))


def test_all_spreads_are_finite():
    found = spreads("input 1", "dense 3x5, 1 elu residual", "output 1")
    assert all(0 < high < inf for _, _, high in found.values())
