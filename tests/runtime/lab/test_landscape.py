"""Planes and lines through θ: the values are the problem's own, the directions what they are said to be."""

import numpy as np
import pytest

import deltaplan
from deltaplan.plugins.builtin.lab.landscape import local_minima

SPEC = """\
model m { input 2; dense 4, 3 leaky_relu; output 1 }
data { csv "d.csv"; inputs a, b; targets y; split train=60% validation=40% seed=1; standardize inputs }
train { minimize mean(squared_error) + l2(0.1); optimizer adam(lr=1e-2); epochs 40
    record parameters every=4 }
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("landscape")
    draws = np.random.default_rng(0).standard_normal((30, 2))
    rows = "\n".join(f"{a},{b},{np.sin(a) + b}" for a, b in draws)
    (folder / "d.csv").write_text(f"a,b,y\n{rows}\n")
    return deltaplan.train(deltaplan.loads(SPEC, folder=folder))


@pytest.fixture(scope="module")
def problem(run):
    return deltaplan.problem(run.experiment)


@pytest.mark.parametrize("of", ["loss", "objective"])
def test_the_grid_has_the_values_of_the_problem(run, problem, of):
    found = deltaplan.examine("landscape", run, points=5, pairs=2, of=of, reach=0.5).arrays
    function = getattr(problem, of)
    first, second = found["directions_1"]
    for row, column in ((0, 0), (1, 3), (4, 2)):
        t1, t2 = found["t"][column], found["t"][row]
        theta = run.theta.astype(float) + t1 * first + t2 * second
        assert found["values_1"][row, column] == pytest.approx(function(theta), rel=1e-12)
    assert found["values_0"][2, 2] == pytest.approx(function(run.theta.astype(float)), rel=1e-12)


def test_a_large_grid_is_one_call_of_machine_code(run, problem):
    """The same numbers as one at a time, up to rounding."""
    found = deltaplan.examine("landscape", run, pairs=1).arrays
    assert found["values_0"].shape == (101, 101)
    for row, column in ((3, 90), (50, 51), (100, 0)):
        theta = run.theta + np.array([found["t"][column], found["t"][row]]) @ found["directions_0"]
        assert found["values_0"][row, column] == pytest.approx(problem.loss(theta), rel=1e-9)


def test_random_directions_are_as_long_as_the_parameters_and_drawn_by_their_seed(run):
    one, two = (deltaplan.examine("landscape", run, points=3, pairs=1, draw=d).arrays for d in (0, 1))
    assert np.linalg.norm(one["directions_0"], axis=1) == pytest.approx(np.linalg.norm(run.theta))
    assert not np.allclose(one["directions_0"], two["directions_0"])
    again = deltaplan.examine("landscape", run, points=3, pairs=1).arrays
    assert (again["directions_0"] == one["directions_0"]).all()


def test_filters_are_as_long_as_the_nets_own(run, problem):
    found = deltaplan.examine("landscape", run, points=3, pairs=1, directions="filters").arrays
    own, wanted = (problem.split(v) for v in (found["directions_0"][0], run.theta.astype(float)))
    for name in ("dense1.W", "dense2.W", "output.W"):
        assert np.linalg.norm(own[name], axis=1) == pytest.approx(np.linalg.norm(wanted[name], axis=1))
    assert not own["dense1.b"].any()


def test_the_way_of_training_ends_at_the_centre_and_begins_where_training_did(run, problem):
    found = deltaplan.examine("landscape", run, points=3, directions="path").arrays
    way, directions = found["way_0"], found["directions_0"]
    assert way.shape == (11, 2)
    assert way[-1] == pytest.approx([0, 0], abs=1e-9)
    away = problem.initial(run.saved.seeds["train"]) - run.theta
    rest = away - way[0] @ directions
    assert directions @ rest == pytest.approx([0, 0], abs=1e-6)
    assert abs(way).max() == pytest.approx(1)


def test_lines(run, problem):
    found = deltaplan.examine("landscape", run, points=7, pairs=2, line=True, part="validation").arrays
    assert found["values_1"].shape == (7,)
    theta = run.theta + found["t"][1] * found["directions_1"][0]
    x, y = (run.dataset().parts["validation"].x["input"], run.dataset().parts["validation"].y["output"])
    on = deltaplan.runtime.problem.Problem(run.experiment, {"input": x}, {"output": y})
    assert found["values_1"][1] == pytest.approx(on.loss(theta), rel=1e-12)


def test_local_minima_by_hand():
    bowl = np.add.outer(np.arange(-3, 4) ** 2, np.arange(-3, 4) ** 2).astype(float)
    assert local_minima(bowl) == 1
    bowl[1, 1] = -1
    assert local_minima(bowl) == 2
    assert local_minima(np.array([3.0, 1, 2, 0, 5, 4])) == 2
    assert local_minima(np.zeros((5, 5))) == 0


@pytest.mark.parametrize("options", [{}, {"surface": True}, {"line": True}, {"directions": "path"}])
def test_every_form_is_drawn(run, tmp_path, options):
    found = deltaplan.examine("landscape", run, run, points=7, pairs=2, **options)
    assert found.save(tmp_path / "a.png").stat().st_size > 10_000


def test_a_run_without_its_way_is_told(run):
    short = deltaplan.loads(SPEC.replace("\n    record parameters every=4", ""), folder="/")
    data = run.dataset().parts["train"]
    other = deltaplan.train(short, data.x["input"].T, data.y["output"].T)
    with pytest.raises(deltaplan.DeltaplanError, match="record parameters"):
        deltaplan.examine("landscape", other, x=data.x["input"].T, y=data.y["output"].T, directions="path")
