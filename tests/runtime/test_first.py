"""A warm start takes the parameters of the places from another run, and draws the rest."""

from pathlib import Path

import numpy as np
import pytest

import deltaplan
from deltaplan.diagnostics import DeltaplanError
from deltaplan.runtime.first import first
from deltaplan.runtime.initial import initial

ERRORS = Path(__file__).parent / "errors"
SPEC = """model m {{
    input 1
    body = dense {widths} tanh
    output 1
}}

data {{
    csv "line.csv"
    inputs t
    targets y
}}

train {{
    minimize mean(squared_error)
    optimizer adam(0.1)
    epochs 5
    precision {precision}
    {more}
}}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with samples and a run `runs/a-1`."""
    (tmp_path / "line.csv").write_text("t,y\n0,1\n1,3\n2,5\n")
    monkeypatch.chdir(tmp_path)
    written("a")
    deltaplan.train("a.dl", runs="runs")
    return tmp_path


def written(name, more="seed 3", widths="4, 4", precision="float32"):
    Path(f"{name}.dl").write_text(SPEC.format(more=more, widths=widths, precision=precision))
    return f"{name}.dl"


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_all_parameters_are_taken(folder, precision):
    run, spec = (
        deltaplan.open("runs/a-1"),
        deltaplan.load(written("b", 'warm_start "runs/a-1"', precision=precision)),
    )
    np.testing.assert_array_equal(first(spec), run.theta.astype(float))
    more = 'warm_start "runs/a-1"\n    record parameters every=1'
    begun = deltaplan.train(written("b", more, precision=precision), backend="numpy")
    np.testing.assert_array_equal(begun.recorded.theta[0], run.theta)


def test_the_rest_is_drawn(folder):
    run, spec = deltaplan.open("runs/a-1"), deltaplan.load(written("b", 'warm_start "runs/a-1" on=body'))
    theta, drawn = first(spec), initial(spec.graph, 0)
    taken = [*range(20), *range(24, 32)]  # the weights of 4 and 4, then their biases
    np.testing.assert_array_equal(theta[taken], run.theta[taken].astype(float))
    others = np.setdiff1d(np.arange(len(theta)), taken)
    np.testing.assert_array_equal(theta[others], drawn[others])


def test_both_backends_begin_there(folder):
    name = written("b", 'warm_start "runs/a-1" on=[body, biases]', precision="float64")
    found = [deltaplan.train(name, backend=backend).theta for backend in ("numpy", "native")]
    np.testing.assert_allclose(*found, rtol=1e-9)


def test_a_run_that_goes_on_does_not_need_it(folder):
    run = deltaplan.train(written("b", 'warm_start "runs/a-1"'), runs="runs")
    (folder / "runs" / "a-1" / "run.json").unlink()
    Path("b.dl").write_text(Path("b.dl").read_text().replace("epochs 5", "epochs 7"))
    rest = deltaplan.train("b.dl", resume=deltaplan.open(run.folder))
    assert (run.saved.step, rest.saved.step) == (5, 7)


CASES = {
    "warm-start-does-not-fit": ('warm_start "runs/a-1"', "5, 4"),
    "warm-start-has-none": ('warm_start "runs/a-1" on=[dense1, body]', "4x4"),
    "warm-start-not-found": ('warm_start "runs/b-1"', "4, 4"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_run_that_does_not_fit(folder, golden, case):
    more, widths = CASES[case]
    with pytest.raises(DeltaplanError) as told:
        deltaplan.train(written("spec", more, widths))
    golden(ERRORS / f"{case}.err", f"{told.value}\n")
