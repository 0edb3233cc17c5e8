"""Kinks and regions are exact: beside fine numerical scans, hand calculation and the nets themselves."""

from pathlib import Path

import numpy as np
import pytest

import deltaplan
from deltaplan.compiler.plan import predict_plan
from deltaplan.plugins.builtin.lab import kinks
from deltaplan.plugins.contracts import Unfit
from deltaplan.runtime.backends.numpy.bind import bind
from deltaplan.runtime.initial import initial, with_statistics
from deltaplan.runtime.lab import stages
from deltaplan.runtime.lab.bends import Net
from deltaplan.runtime.lab.pieces import Line, pieces
from deltaplan.runtime.lab.regions import area, regions
from deltaplan.runtime.lab.stages import Stages

SPECS = Path(__file__).parents[3] / "specs"
ACTIVATIONS = ("relu", "leaky_relu(0.1)", "0.5 * relu", "identity")
SCAN = 40_001
GRID = np.linspace(0, 1, SCAN)


def net_of(model: str, theta=None, seed: int = 0, inputs: int = 1) -> Net:
    graph = deltaplan.loads(f"model m {{ input {inputs}; {model}; output 1 }}").graph
    plan = predict_plan(graph, fused=False, linked=False)
    vector = initial(graph, seed) if theta is None else np.array(theta, float)
    return Net(plan, with_statistics(graph, vector))


def found_in(model: str, theta=None, seed: int = 0):
    """The pieces from −3 to 3, and the values of the net at places [k]."""
    net, line = net_of(model, theta, seed), Line({"input": [-3.0]}, {"input": [3.0]})
    return pieces(Stages(net.plan, net.vector), line), lambda places: net.outputs(line(places))[:, 0]


def another_net(model: str, seed: int, places):
    """The values by the plan that is fused, for predictions."""
    graph = deltaplan.loads(f"model m {{ input 1; {model}; output 1 }}").graph
    theta = with_statistics(graph, initial(graph, seed))
    bound = bind(predict_plan(graph), {"θ": theta}, len(places), {"input": 6 * places[None] - 3})
    bound.run()
    return bound[bound.plan.kept[0]].ravel()


def random_model(number: int) -> str:
    draws = np.random.default_rng(number)
    widths = draws.integers(1, 8, draws.integers(1, 5))
    residual = " residual" if (np.diff(widths) == 0).any() else ""
    return f"dense {', '.join(map(str, widths))} {draws.choice(ACTIVATIONS[:3])}{residual}"


def check_beside_a_scan(model: str, seed: int) -> None:
    """Cells of a fine grid in which the slope changes are those in which a visible knot lies."""
    (found, _), values, grid = found_in(model, seed=seed), another_net(model, seed, GRID), GRID
    drawn = np.interp(grid, found.places, found.outputs[:, 0])
    np.testing.assert_allclose(drawn, values, rtol=0, atol=1e-12 * max(1.0, abs(values).max()))
    bent = abs(np.diff(values, 2)) > 1e-10 * max(1.0, abs(values).max())
    near = grid[1:-1][bent]
    inner = found.places[1:-1]
    assert (to_the_nearest(near, inner) < 2 / SCAN).all()
    jumps = abs(np.diff(found.slopes[:, 0])) > 1e-4 * abs(found.slopes).max()
    assert (to_the_nearest(inner[jumps], near) < 2 / SCAN).all()


def to_the_nearest(places, others):
    """How far each place is from the nearest of the others."""
    others = np.sort([-np.inf, *others, np.inf])
    after = np.searchsorted(others, places)
    return np.minimum(places - others[after - 1], others[after] - places)


@pytest.mark.parametrize(
    "first", [pytest.param(n, marks=[pytest.mark.long] * (n >= 80)) for n in range(0, 200, 20)]
)
def test_random_nets_agree_with_a_fine_scan(first):
    """200 of them in all, 80 in every run."""
    for number in range(first, first + 20):
        check_beside_a_scan(random_model(number), number)


@pytest.mark.parametrize(
    "model",
    [
        "a = dense 4 relu; b = dense 3 relu from input; concat from a, b; dense 3 relu",
        "a = dense 4 relu; b = dense 4 from input; sub from a, b; dense 3 relu",
        "dense 12 relu; reshape 12x1; max_pool 3 stride=2 padding=same; flatten; dense 3 relu",
        "dense 32 relu; reshape 4x4x2; conv 3 kernel=2 relu; max_pool 2 stride=1; flatten",
    ],
)
def test_joins_and_pools_agree_with_a_fine_scan(model):
    check_beside_a_scan(model, seed=1)


def test_the_largest_of_three_by_hand():
    """max(−x, 0, x − 1): kinks at 0 and 1; where −x and x − 1 meet, 0 is larger."""
    model = "dense 3; reshape 3x1; max_pool 3; flatten"
    found, _ = found_in(model, [-1, 0, 1, 1, 0, 0, -1, 0])
    assert found.places[1:-1] * 6 - 3 == pytest.approx([0, 1], abs=1e-14)
    assert found.slopes[:, 0] / 6 == pytest.approx([-1, 0, 1], abs=1e-12)
    assert {k.node for k in found.knots} == {"max_pool1"}


def test_two_units_by_hand():
    """u = relu(2x − 1) − relu(x + 1): kinks at 1/2 and −1, slopes 0, −1, 1."""
    found, _ = found_in("dense 2 relu", [2, 1, 1, -1, -1, 1, 0])
    at = found.places[1:-1] * 6 - 3
    assert at == pytest.approx([-1, 0.5], abs=1e-14)
    assert [(k.node, k.unit) for k in found.knots] == [("dense1.relu", 1), ("dense1.relu", 0)]
    assert found.slopes[:, 0] / 6 == pytest.approx([0, -1, 1], abs=1e-12)
    assert found.visible.all()


def test_many_points_are_taken_in_blocks(monkeypatch):
    whole, _ = found_in("dense 12x8 relu")
    monkeypatch.setattr(stages, "NUMBERS", 1)
    parts, _ = found_in("dense 12x8 relu")
    assert len(parts.places) > stages.FEWEST
    assert (parts.places == whole.places).all()
    assert (parts.outputs == whole.outputs).all()


def test_a_unit_that_no_output_sees_is_not_visible():
    found, _ = found_in("dense 2 relu", [2, 1, 1, 0, -1, 1, 0])
    assert [bool(v) for v in found.visible] == [False, True]


def test_the_lecture_net_keeps_its_pieces():
    found, values_at = found_in("dense 45x5, 1 leaky_relu(0.01) residual")
    t = np.sort(np.random.default_rng(0).random(5000))
    values = values_at(t)
    assert abs(np.interp(t, found.places, found.outputs[:, 0]) - values).max() <= 1e-12 * abs(values).max()


def test_layers_that_are_affine_pass():
    found, _ = found_in(
        "dense 6 relu; batch_norm; reshape 3x2; conv 2 kernel=2 relu; avg_pool 2; flatten; scale"
    )
    assert len(found.knots) >= 3


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("dense 3 tanh", "`dense1.tanh` is curved"),
        ("dense 4 relu; layer_norm", "`layer_norm1` is curved"),
        ("a = dense 3 relu; b = dense 3 from a; mul from a, b", "multiplies what depends on the input"),
    ],
)
def test_what_is_not_piecewise_affine_is_told(model, told):
    with pytest.raises(Unfit, match=told):
        found_in(model)


def test_of_many_kinks_a_part_of_each_line_is_counted(monkeypatch):
    """At the rate of the parts, a whole line has as many as whole lines have."""
    whole = deltaplan.examine("kinks", SPECS / "wine.dl").arrays
    monkeypatch.setattr(kinks, "MOST", 2e5)
    found = deltaplan.examine("kinks", SPECS / "wine.dl", lines=400)
    (told, at_that_rate) = found.findings.says
    assert "of each of 400 lines" in told
    rate, usual = (a["counts"].sum() / a["lengths"].sum() for a in (found.arrays, whole))
    assert rate == pytest.approx(usual, rel=0.2)
    assert "of all of a line" in at_that_rate


class TestRegions:
    BOX = (np.array([-2.0, -1.0]), np.array([2.0, 3.0]))

    def of(self, model, theta=None, seed=0):
        net = net_of(model, theta, seed, inputs=2)
        return regions(net, {"input": self.BOX}), net

    def test_two_lines_cross_in_four_regions(self):
        found, _ = self.of("dense 2 relu", [1, 0, 0, 1, 1, 1, 0, 0, 0])
        assert sorted(area(corners) for corners in found.polygons) == pytest.approx([2, 2, 6, 6])

    def test_the_larger_of_two_has_two_regions(self):
        found, _ = self.of("dense 2; reshape 2x1; max_pool 2; flatten", [1, 0, 0, 1, 1, 0, 0, 0])
        assert sorted(area(corners) for corners in found.polygons) == pytest.approx([4.5, 11.5])

    def test_they_fill_the_box(self):
        found, _ = self.of("dense 8, 8 relu")
        assert sum(area(corners) for corners in found.polygons) == pytest.approx(16, rel=1e-12)

    def test_the_net_is_affine_inside_each(self):
        """The value in the middle is the mean of those at the corners."""
        found, net = self.of("dense 7, 7, 7 leaky_relu", seed=3)
        for corners, middle in zip(found.polygons, found.values, strict=True):
            assert net.outputs({"input": corners.T}).mean() == pytest.approx(middle[0], abs=1e-12)

    def test_each_pattern_of_units_that_samples_show_is_a_region(self):
        found, net = self.of("dense 6, 5 relu", seed=5)
        low, high = self.BOX
        points = low[:, None] + np.random.default_rng(1).random((2, 20_000)) * (high - low)[:, None]
        tensors = [step.inputs[0] for step in net.plan.steps if step.origin.endswith(".relu")]
        patterns = np.concatenate(net.at({"input": points}, *tensors)) > 0
        assert len(np.unique(patterns, axis=1).T) <= len(found.polygons)
        assert len(np.unique(patterns, axis=1).T) >= 0.8 * len(found.polygons)


class TestInstrument:
    """`deltaplan.examine("kinks", …)`, in the data's units."""

    DATA = 'data { csv "d.csv"; inputs a; targets y; standardize inputs, targets }'

    @pytest.fixture
    def folder(self, tmp_path):
        rows = "\n".join(f"{a},{a * a},{a * a - 1},{a + 2}" for a in range(9))
        (tmp_path / "d.csv").write_text(f"a,b,c,y\n{rows}\n")
        return tmp_path

    def spec(self, folder, layers="dense 4 relu", data=DATA, inputs=1):
        text = f"model m {{ input {inputs}; {layers}; output 1 }}\n{data}\n"
        text += "train { minimize mean(squared_error); optimizer adam; epochs 2; precision float64 }"
        return deltaplan.loads(text, folder=folder)

    def test_places_and_outputs_are_in_the_datas_units(self, folder):
        run = deltaplan.train(self.spec(folder))
        found = deltaplan.examine("kinks", run)
        places, outputs = found.arrays["places"], found.arrays["outputs"]
        assert (places[0], places[-1]) == pytest.approx((-0.4, 8.4))
        assert run.predict(places[:, None]) == pytest.approx(outputs, abs=1e-12)
        assert run.predict([[1.3]])[0, 0] == pytest.approx(np.interp(1.3, places, outputs[:, 0]), abs=1e-12)

    def test_a_smooth_net_says_so(self, folder):
        found = deltaplan.examine("kinks", self.spec(folder, "dense 4 tanh"))
        assert "has no kinks" in str(found)
        assert found.findings.picture is not None

    def test_two_inputs_have_regions(self, folder):
        data = self.DATA.replace("inputs a;", "inputs a, b;")
        found = deltaplan.examine("kinks", self.spec(folder, data=data, inputs=2))
        assert found.arrays["areas"].sum() == pytest.approx(8.8 * 70.4)

    def test_more_inputs_are_counted_along_lines(self, folder):
        data = self.DATA.replace("inputs a;", "inputs a, b, c;")
        found = deltaplan.examine("kinks", self.spec(folder, data=data, inputs=3), lines=7)
        assert found.arrays["counts"].shape == (7,)
        assert (found.arrays["counts"] <= 4).all()

    @pytest.mark.parametrize(("low", "high"), [(3.0, 1.0), (2.0, 2.0)])
    def test_a_range_has_a_low_and_a_high_end(self, folder, low, high):
        with pytest.raises(deltaplan.DeltaplanError, match="looks from low to high"):
            deltaplan.examine("kinks", self.spec(folder), low=low, high=high)
