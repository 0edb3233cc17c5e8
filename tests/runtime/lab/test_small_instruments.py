"""collapse, matrix, overparameterization, convex and compare, beside numpy, hand calculation and training."""

import numpy as np
import pytest

import deltaplan
from deltaplan.plugins.builtin.lab.convex import _last_layer
from deltaplan.runtime.lab.subject import subject_of_spec

TRAIN = (
    "train { minimize mean(squared_error) + l2(0.01); optimizer adam(lr=1e-2); epochs 30; precision float64 }"
)
DATA = 'data { csv "d.csv"; inputs a, b, c; targets y; standardize inputs, targets }'


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("small")
    draws = np.random.default_rng(3).standard_normal((25, 3)) * [1, 10, 0.1] + [0, 5, 2]
    rows = "\n".join(f"{a},{b},{c},{np.sin(a) + b * c},{'no' if a < 0.2 else 'yes'}" for a, b, c in draws)
    (folder / "d.csv").write_text(f"a,b,c,y,k\n{rows}\n")
    return folder


def spec(folder, layers, data=DATA, train=TRAIN, inputs="3"):
    return deltaplan.loads(
        f"model m {{ input {inputs}; {layers}; output 1 }}\n{data}\n{train}", folder=folder
    )


class TestCollapse:
    def test_an_identity_net_is_one_affine_map_in_the_datas_units(self, folder):
        run = deltaplan.train(spec(folder, "dense 5, 4, 4"))
        found = deltaplan.examine("collapse", run).arrays
        x = np.random.default_rng(0).standard_normal((9, 3)) * 5
        assert x @ found["W"].T + found["b"] == pytest.approx(run.predict(x), rel=0, abs=1e-11)

    def test_the_bias_is_the_sum_over_all_layers(self, folder):
        """b = bₙ + Σ Wₙ⋯W_l b_{l−1} for l from 2 to n: the slide's sum ends one short, and loses Wₙ bₙ₋₁."""
        experiment = spec(folder, "dense 5, 4")
        problem = deltaplan.problem(experiment)
        theta = np.random.default_rng(1).standard_normal(problem.size)
        blocks = problem.split(theta)
        w2, w3 = blocks["dense2.W"], blocks["output.W"]
        parts = (w3 @ w2 @ blocks["dense1.b"], w3 @ blocks["dense2.b"], blocks["output.b"])
        run = deltaplan.train(experiment)
        moved = type(run)(type(run.model)(experiment, theta, run.model.preprocessing), run.saved)
        found = deltaplan.examine("collapse", moved, **samples(folder)).arrays
        assert found["bias_parts"] == pytest.approx(np.concatenate(parts))

    def test_what_bends_is_no_affine_map(self, folder):
        with pytest.raises(deltaplan.DeltaplanError, match=r"`dense1[.]relu` bends"):
            deltaplan.examine("collapse", spec(folder, "dense 5 relu"))
        with pytest.raises(deltaplan.DeltaplanError, match=r"`dense1[.]tanh` is curved"):
            deltaplan.examine("collapse", spec(folder, "dense 5 tanh"))


def two_outputs(folder):
    text = """
    model m { input 3; phi = dense 2 tanh; a = output 2 from phi; b = output 1 from phi }
    data { csv "d.csv"; inputs a, b, c; targets a=k b=y; standardize inputs }
    train {
        minimize mean(cross_entropy(on=a) + 0.5*squared_error(on=b)) + l2(0.01)
        optimizer adam; epochs 2; precision float64
    }"""
    return deltaplan.loads(text, folder=folder)


def samples(folder):
    table = np.genfromtxt(folder / "d.csv", delimiter=",", skip_header=1, usecols=range(4))
    return {"x": table[:, :3], "y": table[:, 3]}


class TestMatrix:
    def test_a_dense_layer_is_its_weights(self, folder):
        experiment = spec(folder, "dense 5, 4 relu")
        problem = deltaplan.problem(experiment)
        found = deltaplan.examine("matrix", experiment, layer="dense2").arrays["matrix"]
        assert (found == problem.split(problem.initial(0))["dense2.W"]).all()

    def test_average_pooling_by_hand(self, folder):
        found = deltaplan.examine("matrix", spec(folder, "reshape 3x1; avg_pool 2 stride=1; flatten"))
        assert found.arrays["matrix"] == pytest.approx(np.array([[0.5, 0.5, 0], [0, 0.5, 0.5]]))

    def test_a_convolution_has_its_kernel_along_the_diagonals(self, folder):
        experiment = spec(folder, "reshape 3x1; conv 1 kernel=2; flatten")
        problem = deltaplan.problem(experiment)
        a, b = problem.split(problem.initial(0))["conv1.W"].ravel()
        found = deltaplan.examine("matrix", experiment).arrays["matrix"]
        assert found == pytest.approx(np.array([[a, b, 0], [0, a, b]]))

    def test_there_is_such_a_layer(self, folder):
        with pytest.raises(deltaplan.DeltaplanError, match="has no layer `dense9`"):
            deltaplan.examine("matrix", spec(folder, "dense 5"), layer="dense9")


class TestOverparameterization:
    def test_the_rank_of_an_affine_model_is_that_of_its_features(self, folder):
        """u = Wx + b on 25 samples of 3 numbers: rank 4 of 25, with 4 parameters."""
        found = deltaplan.examine("overparameterization", spec(folder, "identity"))
        assert int(found.arrays["rank"]) == 4
        assert found.findings.sheets[0].rows[0] == ("train", 25, 1, 25, 4, 4 / 25)

    def test_a_wide_net_can_meet_every_target(self, folder):
        found = deltaplan.examine("overparameterization", spec(folder, "dense 40 tanh"))
        assert int(found.arrays["rank"]) == 25
        assert "small changes of all targets can be met" in str(found)

    def test_two_outputs_count_together(self, folder):
        found = deltaplan.examine("overparameterization", two_outputs(folder))
        assert found.findings.sheets[0].rows[0] == ("train", 25, 3, 75, 17, 17 / 75)
        assert int(found.arrays["rank"]) == 17  # no two parameters of a tanh net do the same


class TestConvex:
    def test_the_hessian_by_blocks_is_that_of_the_whole_problem(self, folder):
        """Of two outputs with cross entropy and squared error, and regularizers."""
        subject = subject_of_spec(two_outputs(folder))
        layer = _last_layer(subject, subject.theta)
        x = subject.theta[layer.at] + 0.1
        unit = np.eye(subject.theta.size)[layer.at]
        expected = subject.problem.objective_hvp(layer.whole(x), unit)[:, layer.at]
        np.testing.assert_allclose(layer.hessian(x), expected, rtol=0, atol=1e-14)

    def test_a_final_layer_that_is_too_large_is_told(self, folder):
        with pytest.raises(deltaplan.DeltaplanError, match="this one has 4,001"):
            deltaplan.examine("convex", spec(folder, "dense 4000 relu"))

    def test_least_squares_on_the_features(self, folder):
        run = deltaplan.train(spec(folder, "dense 6 tanh"))
        found = deltaplan.examine("convex", run)
        problem = deltaplan.problem(run.experiment)
        phi = problem.values(run.theta)["dense1.tanh"]
        y = run.dataset().parts["train"].y["output"][0]
        rows = np.hstack([phi, np.ones((len(phi), 1))])
        ridge = np.diag([0.01] * 6 + [0.0])  # weights alone are regularized
        x = np.linalg.solve(rows.T @ rows / len(y) + ridge, rows.T @ y / len(y))
        own = problem.split(found.arrays["theta"])
        assert np.append(own["output.W"].ravel(), own["output.b"]) == pytest.approx(x, rel=1e-9)
        before, optimum = found.arrays["values"][0]
        assert optimum < before == pytest.approx(problem.objective(run.theta))

    def test_logistic_regression_ends_where_training_cannot_descend(self, folder):
        data = DATA.replace("targets y", "targets k").replace(", targets }", " }")
        run = deltaplan.train(spec(folder, "dense 4 relu", data, TRAIN.replace("squared_error", "logistic")))
        found = deltaplan.examine("convex", run)
        gradient = deltaplan.problem(run.experiment).objective_grad(found.arrays["theta"])
        places = deltaplan.problem(run.experiment).split(np.arange(len(gradient)))
        assert abs(gradient[places["output.W"]]).max() < 1e-9

    def test_a_spec_has_its_own_features_alone(self, folder):
        assert len(deltaplan.examine("convex", spec(folder, "dense 6 tanh")).findings.sheets[0].rows) == 1


class TestCompare:
    def test_rows_are_the_runs(self, folder):
        runs = [deltaplan.train(spec(folder, layers)) for layers in ("dense 4 relu", "dense 8, 8 relu")]
        rows = deltaplan.examine("compare", *runs).findings.sheets[0].rows
        for run, row in zip(runs, rows, strict=True):
            assert row[1] == run.theta.size
            assert row[3] == pytest.approx(run.metrics["train"]["loss"])
            assert row[5] <= row[6]

    def test_one_is_not_enough(self, folder):
        with pytest.raises(deltaplan.DeltaplanError, match="two models or more"):
            deltaplan.examine("compare", spec(folder, "dense 3"))


@pytest.mark.parametrize("name", ["matrix", "overparameterization", "convex"])
def test_each_draws(folder, tmp_path, name):
    found = deltaplan.examine(name, spec(folder, "dense 4 relu"))
    assert found.save(tmp_path / "a.png").stat().st_size > 5_000
