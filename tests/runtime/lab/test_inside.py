"""Jacobians, dead units and features beside hand calculation."""

import csv

import numpy as np
import pytest

import deltaplan
from deltaplan.plugins.builtin.lab.dead import ranks
from deltaplan.plugins.builtin.lab.features import principal
from deltaplan.runtime.lab.arrays import write_arrays

SPEC = """\
model net {{ {model} }}
data {{ csv "points.csv"; inputs a, b; targets {targets} }}
train {{ minimize mean({loss}); optimizer adam(lr=0.01); epochs 1; seed 3; precision float64 }}
"""


@pytest.fixture
def make(tmp_path):
    random = np.random.default_rng(1)
    rows = "\n".join(f"{a},{b},{y},{'xy'[int(a > 0)]}" for a, b, y in random.normal(size=(30, 3)))
    (tmp_path / "points.csv").write_text(f"a,b,y,kind\n{rows}\n")

    def spec(model, targets="y", loss="squared_error"):
        (tmp_path / "net.dl").write_text(SPEC.format(model=model, targets=targets, loss=loss))
        return tmp_path / "net.dl", deltaplan.problem(tmp_path / "net.dl")

    return spec


class TestJacobian:
    def test_it_is_diag_of_slopes_times_weights(self, make):
        spec, problem = make("input 2; dense 4 tanh; dense 4 tanh residual; output 1")
        found = deltaplan.examine("jacobian", spec, sample=5)
        blocks, values = problem.split(problem.initial(3)), problem.values(problem.initial(3))
        slopes = [1 - values[f"dense{j}.tanh"][4] ** 2 for j in (1, 2)]
        first = slopes[0][:, None] * blocks["dense1.W"]
        second = slopes[1][:, None] * blocks["dense2.W"] + np.eye(4)
        for name, expected in {"J1": first, "J2": second, "J3": blocks["output.W"]}.items():
            np.testing.assert_allclose(found.arrays[name], expected, rtol=1e-12)
        np.testing.assert_allclose(found.arrays["J"], blocks["output.W"] @ second @ first, rtol=1e-12)

    def test_products_are_below_the_products_of_norms(self, make):
        spec, _ = make("input 2; dense 5x4 relu; output 1")
        rows = deltaplan.examine("jacobian", spec).findings.sheets[0].rows
        assert all(row[6] <= row[7] * (1 + 1e-12) for row in rows)
        assert rows[-1][6] == pytest.approx(rows[-1][7])

    def test_where_paths_lead_past_a_layer_the_whole_is_no_product(self, make):
        spec, problem = make(
            "input 2; a = dense 3 tanh; dense 3 tanh; c = dense 3; concat from a, c; output 1"
        )
        rows = deltaplan.examine("jacobian", spec).findings.sheets[0].rows
        theta, nodes = problem.initial(3), [row[1] for row in rows]
        wholes = [np.linalg.norm(problem.partial(theta, "output", node), 2) for node in nodes]
        assert [row[6] for row in rows] == pytest.approx(wholes)
        assert [row[7] is None for row in rows] == [True, True, False, False]

    @pytest.mark.parametrize("sample", [31, 1000])
    def test_a_sample_that_is_not_there(self, make, sample):
        with pytest.raises(deltaplan.DeltaplanError, match="counted from 1"):
            deltaplan.examine("jacobian", make("input 2; output 1")[0], sample=sample)


class TestDead:
    def test_units_pushed_below_zero_are_dead(self, make):
        spec, problem = make("input 2; dense 4 relu; output 1")
        run = deltaplan.train(spec)
        run.theta[:] = problem.initial(3)
        run.model.theta[list(problem.split(np.arange(problem.size))["dense1.b"][[1, 3]])] = -100.0
        found = deltaplan.examine("dead", run)
        assert found.arrays["dead dense1"].tolist() == [1, 3]
        features = np.maximum(problem.values(run.theta)["dense1"], 0)
        row = found.findings.sheets[0].rows[0]
        assert row[3] == 2
        assert row[4] == pytest.approx((features == 0).mean())
        assert row[5] == np.linalg.matrix_rank(features)

    def test_a_smooth_net_has_none(self, make):
        found = deltaplan.examine("dead", make("input 2; dense 4 tanh; output 1")[0])
        assert "0 of 5 units are dead" in str(found)

    def test_ranks(self):
        assert ranks(np.zeros((4, 3))) == (0, 0.0)
        assert ranks(np.eye(3)) == (3, pytest.approx(3))
        assert ranks(np.outer(np.arange(5), np.ones(3))) == (1, pytest.approx(1))


class TestFeatures:
    def test_phi_of_any_node(self, make):
        spec, problem = make("input 2; dense 4 tanh; phi = dense 3 relu; output 2", "kind", "cross_entropy")
        found = deltaplan.examine("features", spec)
        values = problem.values(problem.initial(3))
        np.testing.assert_array_equal(found.arrays["features"], values["phi.relu"])
        other = deltaplan.examine("features", spec, node="dense1")
        np.testing.assert_array_equal(other.arrays["features"], values["dense1"])
        np.testing.assert_array_equal(found.arrays["target"], problem.targets["output"])
        axes = found.figure().axes[0]
        assert [text.get_text() for text in axes.get_legend().get_texts()] == ["x", "y"]

    def test_components_are_uncorrelated_and_keep_the_variance(self):
        random = np.random.default_rng(0)
        rows = random.normal(size=(50, 4)) @ random.normal(size=(4, 4))
        components, explained = principal(rows)
        covariance = np.cov(components.T)
        np.testing.assert_allclose(covariance, np.diag(np.diag(covariance)), atol=1e-12)
        np.testing.assert_allclose(np.diag(covariance) / np.trace(np.cov(rows.T)), explained, rtol=1e-12)

    def test_a_node_that_is_not_there(self, make):
        with pytest.raises(deltaplan.DeltaplanError, match="the model has input, output"):
            deltaplan.examine("features", make("input 2; output 1")[0], node="phi")

    def test_one_feature_is_drawn_too(self, make):
        spec, _ = make("input 2; dense 1 tanh; output 1")
        assert deltaplan.examine("features", spec).figure()


def test_numbers_as_a_table(tmp_path):
    arrays = {"phi": np.array([[1.0, 2.0], [3.0, 4.5]]), "y": np.array([0, 1]), "other": np.arange(5)}
    write_arrays(tmp_path / "a.csv", arrays)
    with (tmp_path / "a.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [["phi[0]", "phi[1]", "y"], ["1.0", "2.0", "0"], ["3.0", "4.5", "1"]]
