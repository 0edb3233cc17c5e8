"""Sizes by layer beside the recursion by hand, and bounds that hold and are those of the lecture."""

import numpy as np
import pytest

import deltaplan

SPEC = """\
model net {{ {model} }}
data {{ csv "points.csv"; inputs a, b; targets y }}
train {{ minimize mean(squared_error); optimizer adam(lr=0.01); epochs 6; record parameters every=2; seed 3 }}
"""


@pytest.fixture
def examined(tmp_path):
    """Findings on a model, and the run or the spec."""
    random = np.random.default_rng(1)
    rows = "\n".join(",".join(map(str, row)) for row in random.normal(size=(30, 3)))
    (tmp_path / "points.csv").write_text(f"a,b,y\n{rows}\n")

    def examine(model, trained=False, **options):
        (tmp_path / "net.dl").write_text(SPEC.format(model=model))
        target = deltaplan.train(tmp_path / "net.dl") if trained else tmp_path / "net.dl"
        problem = deltaplan.problem(tmp_path / "net.dl")
        return deltaplan.examine("gradients", target, **options), target, problem

    return examine


def norm(matrix):
    return np.linalg.svd(matrix, compute_uv=False)[0]


def test_sizes_are_those_of_the_recursion(examined):
    found, _, problem = examined("input 2; dense 4 tanh; dense 3 sigmoid; output 1")
    blocks = problem.split(theta := problem.initial(3))
    x, u = problem.values(theta)["input"], problem.outputs(theta)
    z2 = np.tanh(x @ blocks["dense1.W"].T + blocks["dense1.b"])
    z3 = 1 / (1 + np.exp(-z2 @ blocks["dense2.W"].T - blocks["dense2.b"]))
    d4 = problem.slopes(theta)["output"]
    d3 = d4 @ blocks["output.W"]
    d2 = (d3 * z3 * (1 - z3)) @ blocks["dense2.W"]
    d1 = (d2 * (1 - z2**2)) @ blocks["dense1.W"]
    for key, rows in {"z": (x, z2, z3, u), "delta": (d1, d2, d3, d4)}.items():
        expected = [np.linalg.norm(row, axis=1).mean() for row in rows]
        np.testing.assert_allclose(found.arrays[f"{key}_start"], expected, rtol=1e-12)
    gradient = problem.split(problem.grad(theta))
    expected = [np.linalg.norm(gradient[f"{name}.W"]) for name in ("dense1", "dense2", "output")]
    np.testing.assert_allclose(found.arrays["weights_start"], expected, rtol=1e-12)


def test_the_bound_of_a_sigmoid_net_has_a_quarter_for_each_activation(examined):
    """The last of the n layers has none: 0.25 stands n − j times, not n − j + 1 times as on the slide."""
    found, _, problem = examined("input 2; dense 3x5 sigmoid; output 1")
    blocks = problem.split(problem.initial(3))
    norms = [norm(blocks[f"{name}.W"]) for name in ("dense1", "dense2", "dense3", "output")]
    last = found.arrays["delta_start"][-1]
    for j in range(4):
        expected = 0.25 ** (3 - j) * np.prod(norms[j:]) * last
        assert found.arrays["delta_bound_start"][j] == pytest.approx(expected, rel=1e-9)


def test_residual_bounds_have_one_more(examined):
    found, _, problem = examined("input 2; dense 3x2 0.5*tanh residual; output 1")
    blocks = problem.split(problem.initial(3))
    factors = [1 + 0.5 * norm(blocks[f"dense{j}.W"]) for j in (1, 2, 3)] + [norm(blocks["output.W"])]
    bound = found.arrays["delta_bound_start"]
    np.testing.assert_allclose(bound[:-1] / bound[1:], factors, rtol=1e-9)


@pytest.mark.parametrize(
    "model",
    [
        "input 2; dense 4x6 relu; output 1",
        "input 2; dense 4x6 0.7*elu residual; sparse 5 density=50% tanh; output 1",
        "input 2; a = dense 4 sigmoid; b = dense 3 gelu from input; concat from a, b; dense 3 tanh; output 1",
        "input 2; dense 12 tanh; reshape 3x2x2; conv 3 kernel=2 relu; avg_pool 2x1; flatten; output 1",
        "input 2; dense 4; batch_norm relu; scale; dropout 0.5; dense 4 mish residual; output 1",
        "input 2; a = dense 4 tanh; b = dense 4 sigmoid from input; mul from a, b; dense 3 relu; output 1",
        "input 2; a = dense 4 tanh; b = dense 4 from input; sub from a, b; layer_norm; dense 3; output 1",
        "input 2; dense 32 relu; reshape 4x4x2; conv 3 kernel=2 elu; max_pool 2 stride=1; flatten; output 1",
        "input 2; dense 5; apply softmax; dense 3 tanh; output 1",
    ],
)
def test_bounds_hold_for_every_net(examined, model):
    found, _, _ = examined(model)
    for key in ("z", "delta"):
        sizes, bounds = found.arrays[f"{key}_start"], found.arrays[f"{key}_bound_start"]
        assert not np.isnan(bounds).any()
        assert (sizes <= bounds * (1 + 1e-9)).all()


def test_a_layer_norm_has_its_steepest_slope(examined):
    """1/√ε·max γ, where all that goes in is the same, and no number is above √(n − 1) after it."""
    found, _, problem = examined("input 2; dense 4 tanh; layer_norm; output 1")
    bound, blocks = found.arrays["delta_bound_start"], problem.split(problem.initial(3))
    assert bound[1] / bound[2] == pytest.approx(1e5**0.5, rel=1e-9)
    assert found.arrays["z_bound_start"][2] == pytest.approx(12**0.5)
    assert bound[2] / bound[3] == pytest.approx(norm(blocks["output.W"]), rel=1e-9)


def test_the_largest_number_of_a_window_takes_the_whole_slope(examined):
    found, _, problem = examined("input 2; dense 6; reshape 3x2; max_pool 2 stride=1; flatten; output 1")
    blocks, bound = problem.split(problem.initial(3)), found.arrays["delta_bound_start"]
    factor = 2**0.5 * norm(blocks["output.W"])  # a number is seen by two windows
    assert bound[0] / bound[-1] == pytest.approx(factor * norm(blocks["dense1.W"]), rel=1e-9)


def test_a_product_is_bounded_for_the_data_alone(examined):
    model = "input 2; a = dense 4 tanh; b = dense 4 sigmoid from input; mul from a, b; output 1"
    found, _, _ = examined(model)
    assert "bounds through `mul1` hold for inputs in the data's box" in str(found)


def test_lengths_that_alternate_are_no_mean_of_lengths(tmp_path):
    """Of two inputs of which one is 0 in each sample: ‖(a, b)‖ is 2 in the mean, and √(1² + 1²) is less."""
    rows = "\n".join("0,2,1" if n % 2 else "2,0,1" for n in range(10))
    (tmp_path / "points.csv").write_text(f"a,b,y\n{rows}\n")
    text = """
    model net { a = input 1; b = input 1; concat from a, b; output 1 }
    data { csv "points.csv"; inputs a=a b=b; targets y }
    train { minimize mean(squared_error); optimizer adam; epochs 1 }"""
    found = deltaplan.examine("gradients", deltaplan.loads(text, folder=tmp_path)).arrays
    assert found["z_start"][0] == pytest.approx(2)
    assert found["z_bound_start"][0] >= found["z_start"][0] * (1 - 1e-12)


class TestTold:
    """What is said before training."""

    def test_vanishing_that_must_be_and_its_knobs(self, examined):
        model = "input 2; dense 12x4 {} init=orthogonal; output 1"
        found, _, _ = examined(model.format("sigmoid"))
        says = "\n".join(found.findings.says)
        assert "slopes vanish" in says
        assert "it must be so" in says
        assert "an activation with slope 1 (`tanh`, `elu`), `residual`" in says
        for knob in ("tanh", "elu", "sigmoid residual"):
            assert "slopes stay" in str(examined(model.format(knob))[0])

    def test_explosion(self, examined):
        model = "input 2; dense 12x4 leaky_relu(0.5) init={}; output 1"
        says = str(examined(model.format("normal(4)"))[0])
        assert "slopes explode" in says
        assert "an `init` with smaller weights" in says
        assert "slopes stay" in str(examined(model.format("orthogonal"))[0])

    def test_saturation(self, examined):
        says = str(examined("input 2; dense 12x4 elu init=normal(9); output 1")[0])
        assert "no slope comes through elu" in says
        assert "larger weights" not in says

    def test_a_single_layer(self, examined):
        assert "one layer" in str(examined("input 2; output 1")[0])


def test_along_training_and_at_the_end(examined):
    found, run, problem = examined("input 2; dense 3 tanh; output 1", trained=True)
    arrays = found.arrays
    assert arrays["steps"].tolist() == run.recorded.steps.tolist()
    np.testing.assert_allclose(arrays["delta_way"][0], arrays["delta_start"], rtol=1e-5)  # trained in float32
    np.testing.assert_allclose(arrays["z_way"][-1], arrays["z_end"], rtol=1e-12)
    end = problem.split(problem.grad(run.theta))
    assert arrays["weights_end"][0] == pytest.approx(np.linalg.norm(end["dense1.W"]))
    assert len(found.findings.picture.panels) == 4
    assert found.figure(dark=True)


def test_some_of_the_samples(examined):
    found, _, problem = examined("input 2; dense 3 tanh; output 1", samples=10)
    assert "means over 10 samples" in str(found)
    x = problem.values(problem.initial(3))["input"][np.linspace(0, 29, 10).round().astype(int)]
    assert found.arrays["z_start"][0] == pytest.approx(np.linalg.norm(x, axis=1).mean())
