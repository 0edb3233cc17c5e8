"""An analysis by its name: on runs, specs and arrays, its options checked, its numbers those of numpy."""

from pathlib import Path

import numpy as np
import pytest

import deltaplan
from deltaplan.diagnostics import DeltaplanError
from deltaplan.plugins.loader import builtin_registry, load_file

SPEC = """\
model line { input 1; dense 3 tanh; output 1 }
data { csv "line.csv"; inputs t; targets y; split train=50% validation=50% seed=1 }
train { minimize mean(squared_error); optimizer adam; epochs 3; seed 4 }
"""
MINE = """\
from deltaplan.plugins.api import Attribute, Findings, Unfit, analysis

@analysis("count", Attribute("least", "whole", default=0, minimum=0, below=10), trained=True)
def count(subject, least):
    \"\"\"How many parameters are above a bound\"\"\"
    if subject.theta.size < least:
        raise Unfit("needs more parameters", "widen the model")
    return Findings((f"{(subject.theta > least).sum()} above",))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "line.dl").write_text(SPEC)
    rows = "\n".join(f"{t},{2 * t}" for t in np.linspace(-1, 1, 12))
    (tmp_path / "line.csv").write_text(f"t,y\n{rows}\n")
    return tmp_path


def test_norms_are_those_of_numpy(folder):
    run = deltaplan.train(folder / "line.dl")
    found = deltaplan.examine("norms", run)
    weights = run.theta[:3].reshape(3, 1)
    assert found.arrays["norm"] == pytest.approx(np.sqrt((run.theta**2).sum()))
    rows = {row[0]: row for row in found.findings.sheets[0].rows}
    assert rows["dense1.W"][3] == pytest.approx(np.linalg.svd(weights)[1][0])
    assert str(found).startswith("line: 10 parameters, norm ")


def test_a_spec_is_looked_at_before_training(folder):
    spec = folder / "line.dl"
    problem = deltaplan.problem(spec)
    found = [deltaplan.examine("norms", spec, seed=seed).arrays["norm"] for seed in (4, 5)]
    assert found == pytest.approx([np.linalg.norm(problem.initial(seed)) for seed in (4, 5)])
    assert deltaplan.examine("norms", spec).arrays["norm"] == found[0]


def test_a_run_in_its_folder_and_samples_in_memory(folder):
    run = deltaplan.train(folder / "line.dl", runs=folder / "runs")
    again = deltaplan.examine("norms", run.folder)
    assert again.arrays["norm"] == deltaplan.examine("norms", run).arrays["norm"]
    x, y = np.ones((4, 1)), np.ones(4)
    own = deltaplan.train(folder / "line.dl", x, y)
    assert deltaplan.examine("norms", own, x=x, y=y).subject == "line"


def test_the_picture_is_the_same_each_time(folder):
    found = deltaplan.examine("norms", folder / "line.dl")
    first, second = (found.save(folder / name).read_bytes() for name in ("a.svg", "b.svg"))
    assert first == second
    assert first != found.save(folder / "c.svg", dark=True).read_bytes()
    assert found.save(folder / "d.png").read_bytes().startswith(b"\x89PNG")


def test_a_panel_is_drawn_on_axes_of_ones_own(folder):
    from matplotlib.figure import Figure

    axes = Figure().add_subplot()
    deltaplan.examine("norms", folder / "line.dl").draw(axes)
    assert axes.get_ylabel() == "norm"
    assert [line.get_label() for line in axes.lines] == ["Frobenius", "spectral"]


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        ("norm", {}, "similar name: `norms`"),
        ("xyz", {}, "no analysis `xyz`"),
        ("norms", {"points": 3}, "has no option `points`"),
    ],
)
def test_what_is_wrong_is_told(folder, name, options, told):
    with pytest.raises(DeltaplanError, match=told):
        deltaplan.examine(name, folder / "line.dl", **options)


class TestOnesOwn:
    """An analysis of a plugin."""

    @pytest.fixture
    def registry(self, tmp_path):
        from deltaplan.plugins.registry import Registry

        (tmp_path / "mine.py").write_text(MINE)
        return Registry.of(load_file(tmp_path / "mine.py"))

    def test_it_is_found_by_name(self, folder, registry):
        run = deltaplan.train(folder / "line.dl")
        found = deltaplan.examine("count", run, registry=registry)
        assert found.findings.says == (f"{(run.theta > 0).sum()} above",)

    @pytest.mark.parametrize("least", [-1, 10, 2.5, "a", True])
    def test_its_options_have_bounds(self, folder, registry, least):
        run = deltaplan.train(folder / "line.dl")
        with pytest.raises(DeltaplanError, match="a whole number, at least 0, below 10"):
            deltaplan.examine("count", run, registry=registry, least=least)

    def test_it_may_want_a_run(self, folder, registry):
        with pytest.raises(DeltaplanError, match="looks at runs, and this is a spec"):
            deltaplan.examine("count", folder / "line.dl", registry=registry)

    def test_it_may_refuse(self, folder, registry):
        run = deltaplan.train(folder / "line.dl", params=None)
        small = deltaplan.loads("model m { input 1; output 1 }" + SPEC[SPEC.index("\ndata") :], folder=folder)
        assert deltaplan.examine("count", run, registry=registry, least=9)
        with pytest.raises(DeltaplanError, match="widen the model"):
            deltaplan.examine("count", deltaplan.train(small), registry=registry, least=9)


def test_lipschitz_is_between_the_slope_and_the_product(folder):
    run = deltaplan.train(folder / "line.dl")
    found = deltaplan.examine("lipschitz", run)
    theta = run.theta.astype(float)
    first, last = theta[:3], theta[3:6]
    product = np.linalg.norm(first) * np.linalg.norm(last)
    assert found.arrays["upper"] == pytest.approx(product, rel=1e-12)  # tanh has the constant 1
    assert 0 < found.arrays["mean"] <= found.arrays["lower"] <= product
    assert str(found).startswith(f"line: |m(x) - m(y)| <= {product:.4g} |x - y| for all x")
    low, high = found.findings.sheets[1].rows[0][1:]
    values = run.predict(run.dataset().parts["train"].x["input"].T)
    assert low <= values.min() <= values.max() <= high


def test_a_panel_that_is_not_there(folder):
    from matplotlib.figure import Figure

    found = deltaplan.examine("norms", folder / "line.dl")
    with pytest.raises(DeltaplanError, match="has no panel 7"):
        found.draw(Figure().subplots(), panel=7)


def test_an_analysis_without_a_picture_says_so(folder):
    (folder / "mine.py").write_text(MINE)
    registry = builtin_registry().with_(load_file(folder / "mine.py"))
    found = deltaplan.examine("count", deltaplan.train(folder / "line.dl"), registry=registry)
    with pytest.raises(DeltaplanError, match="has no picture here"):
        found.save(folder / "a.svg")
