"""Sweeps, carried out: each row is the net that its values give by themselves, and nothing ends the rest."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

import deltaplan
from deltaplan.diagnostics import SpecError

pytestmark = pytest.mark.light

SPEC = """\
param width = 5
param rate = 0.05
param slope = 0.1
model net {{
    input 1
    dense width, 3 leaky_relu(slope)
    output 1
}}
data {{ csv "points.csv"; inputs t; targets y; split train=60% validation=40% seed=2 }}
train {{
    minimize mean(squared_error)
    optimizer sgd(lr=rate, momentum=0.5)
    epochs 6
    batch 4
    precision float64
}}
{}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    t = np.linspace(-1, 1, 20)
    rows = "\n".join(f"{a:.6f},{b:.6f}" for a, b in zip(t, np.sin(3 * t), strict=True))
    (tmp_path / "points.csv").write_text(f"t,y\n{rows}\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(sweep: str, change=lambda text: text) -> str:
    Path("net.dl").write_text(change(SPEC.format(sweep)))
    return "net.dl"


def alone(given: dict) -> dict:
    """The scores of the spec with these values, trained by itself."""
    run = deltaplan.train("net.dl", params=given)
    return {
        f"{part}_{name}": value
        for part in ("train", "validation")
        for name, value in run.metrics[part].items()
    }


@pytest.mark.parametrize(
    "axes",
    [
        "seed = 0..2",
        "rate = [0.02, 0.2]; slope = [0.1, 0.3]; seed = [1, 7]",  # numbers: lanes of one program
        "width = [3, 6]; rate = [0.02, 0.1]",
    ],
)
def test_each_trial_is_the_net_that_its_values_give_alone(folder, axes):
    found = deltaplan.sweep(write(f"sweep {{ {axes} }}"), jobs=1)
    names = [axis.split(" = ")[0] for axis in axes.split("; ")]
    assert len(found.rows) == found.total
    for row in found.rows:
        expected = alone({name: row[name] for name in names})
        assert {name: row[name] for name in expected} == pytest.approx(expected, rel=1e-8)
        assert (row["ended"], row["steps"]) == ("complete", 18)


def test_processes_find_the_same(folder):
    spec = write("sweep { width = [3, 4]; seed = 0..1 }")
    one, two = (deltaplan.sweep(spec, jobs=jobs) for jobs in (1, 2))
    for row, other in zip(one.rows, two.rows, strict=True):
        assert {**row, "seconds": 0} == {**other, "seconds": 0}


def test_what_cannot_be_built_or_diverges_is_a_row_that_says_why(folder):
    found = deltaplan.sweep(write("sweep { width = [4, 0]; rate = [0.05, 1e200] }"), jobs=1)
    ended = {(row["width"], row["rate"]): (row["ended"], row["reason"]) for row in found.rows}
    assert ended[4, 0.05] == ("complete", "")
    assert ended[4, 1e200][0] == "diverged"
    assert "NaN or" in ended[4, 1e200][1]
    assert ended[0, 0.05][0] == "refused"
    assert "`width` of `dense` must be at least 1" in ended[0, 0.05][1]
    assert "net.dl:6:11" in ended[0, 0.05][1]
    assert found.best()["rate"] == 0.05
    assert found.ranking()[0] == {
        "width": 4,
        "rate": 0.05,
        "median": found.best()["validation_loss"],
        "lowest": found.best()["validation_loss"],
        "highest": found.best()["validation_loss"],
        "trials": 1,
        "failed": 0,
    }
    assert found.ranking()[-1]["median"] is None


def test_the_median_over_the_seeds_ranks_the_settings(folder):
    found = deltaplan.sweep(write("sweep { width = [2, 6]; seed = 0..4 }"), jobs=1, backend="numpy")
    for setting in found.ranking():
        losses = [row["validation_loss"] for row in found.rows if row["width"] == setting["width"]]
        assert setting["median"] == pytest.approx(np.median(losses))
        assert (setting["lowest"], setting["highest"]) == (min(losses), max(losses))
    medians = [setting["median"] for setting in found.ranking()]
    assert medians == sorted(medians)
    assert found.best()["validation_loss"] == min(row["validation_loss"] for row in found.rows)


def test_the_folder_has_the_table_the_picture_and_the_best_run(folder):
    found = deltaplan.sweep(
        write("sweep { width = [2, 6]; seed = 0..1 }"), runs="runs", jobs=1, backend="numpy"
    )
    assert found.folder == Path("runs/net-sweep-1")
    names = {path.name for path in found.folder.iterdir()}
    assert names == {
        *("sweep.json", "spec.dl", "resolved.dl", "trials.jsonl", "results.csv", "sweep.svg", "best")
    }
    table = list(csv.DictReader((found.folder / "results.csv").read_text().splitlines()))
    assert [float(row["validation_loss"]) for row in table] == [row["validation_loss"] for row in found.rows]
    best, run = found.best(), found.best_run()
    assert run.experiment.train.seed == best["seed"]
    assert dict(run.experiment.params)["width"] == best["width"]
    assert deltaplan.open("runs/net-sweep-1/best").metrics["validation"]["loss"] == pytest.approx(
        best["validation_loss"]
    )
    assert f"seed {best['seed']}  # given" in (found.folder / "best" / "resolved.dl").read_text()


class Stop:
    """Ctrl-C after so many rows."""

    def __init__(self, after: int) -> None:
        self.after, self.rows = after, 0

    def __call__(self, rows, total) -> None:
        self.rows += len(rows)
        if self.rows >= self.after:
            raise KeyboardInterrupt


def trained(spec: str, **options) -> tuple[int, "deltaplan.runtime.sweeps.result.Swept"]:
    """How many trials were trained now, and the sweep."""
    counts = []
    found = deltaplan.sweep(
        spec,
        runs="runs",
        jobs=1,
        backend="numpy",
        heard=lambda rows, total: counts.append(len(rows)),
        **options,
    )
    return sum(counts[1:]), found  # the first are those that are there


def test_a_sweep_that_was_stopped_goes_on(folder):
    spec = write("sweep { width = [2, 3, 4]; seed = 0..1 }")
    stopped = deltaplan.sweep(spec, runs="runs", jobs=1, backend="numpy", heard=Stop(2))
    assert stopped.interrupted
    assert len(stopped.rows) == 2
    assert (stopped.folder / "results.csv").exists()
    count, found = trained(spec)
    assert (count, len(found.rows), found.folder) == (4, 6, stopped.folder)
    assert found.rows[:2] == stopped.rows
    assert trained(spec)[0] == 0
    count, anew = trained(spec, anew=True)
    assert (count, anew.folder) == (6, Path("runs/net-sweep-2"))
    for row, other in zip(found.rows, anew.rows, strict=True):
        assert {**row, "seconds": 0} == {**other, "seconds": 0}


def test_more_values_are_trained_in_the_same_folder(folder):
    first = deltaplan.sweep(
        write("sweep { width = [2, 3]; seed = 0..1 }"), runs="runs", jobs=1, backend="numpy"
    )
    count, found = trained(write("sweep {\n    seed = 0..2  # one more\n    width = [3]\n}"))
    assert (count, found.folder) == (1, first.folder)
    assert [row["seed"] for row in found.rows] == [0, 1, 2]
    assert "one more" in (found.folder / "spec.dl").read_text()


@pytest.mark.parametrize("change", ["spec", "data", "params"])
def test_what_is_changed_is_a_new_sweep(folder, change):
    sweep = "sweep { width = [2, 3] }"
    first = deltaplan.sweep(write(sweep), runs="runs", jobs=1, backend="numpy")
    if change == "spec":
        write(sweep, lambda text: text.replace("momentum=0.5", "momentum=0.6"))
    if change == "data":
        Path("points.csv").write_text(Path("points.csv").read_text() + "0.5,0.25\n")
    count, found = trained("net.dl", params={"slope": 0.2} if change == "params" else None)
    assert count == 2
    assert found.folder != first.folder


def test_a_line_that_was_cut_and_a_trial_that_failed_are_trained_again(folder):
    spec = write("sweep { width = [2, 3]; seed = 0..1 }")
    first = deltaplan.sweep(spec, runs="runs", jobs=1, backend="numpy")
    lines = (first.folder / "trials.jsonl").read_text().splitlines()
    failed = json.dumps({**json.loads(lines[1]), "ended": "failed"})
    (first.folder / "trials.jsonl").write_text("\n".join([lines[0], failed, lines[2], lines[3][:40]]))
    count, found = trained(spec)
    assert count == 2
    assert [row["ended"] for row in found.rows] == ["complete"] * 4
    assert trained(spec)[0] == 0


def test_samples_in_memory(folder):
    x = np.linspace(-1, 1, 12)[:, None]
    spec = write("sweep { width = [2, 3] }")
    found = deltaplan.sweep(spec, x, x[:, 0] ** 2, backend="numpy")
    assert len(found.rows) == 2
    assert {row["ended"] for row in found.rows} == {"complete"}


def test_monitored_metrics_and_large_nets_and_the_numpy_backend(folder):
    def change(text: str) -> str:
        return text.replace(
            "    batch 4\n", "    batch 4\n    monitor mae\n    stop_early patience=2 on=mae\n"
        )

    spec = write("sweep { seed = 0..1 }", change)
    found = deltaplan.sweep(spec, jobs=1, backend="numpy")
    for row in found.rows:
        assert row["validation_mae"] == pytest.approx(
            alone({"seed": row["seed"]})["validation_mae"], rel=1e-9
        )
    large = deltaplan.sweep(write("sweep { width = [90]; seed = 0..1 }"), jobs=1)
    assert [row["parameters"] for row in large.rows] == [457, 457]


def test_the_best_run_has_the_history_of_what_is_monitored(folder):
    spec = write(
        "sweep { rate = [0.05, 0.1]; seed = 0..1 }",
        lambda t: t.replace("    epochs 6", "    monitor mae\n    epochs 6"),
    )
    found = deltaplan.sweep(spec, runs="runs", jobs=1)
    best = min(found.rows, key=lambda row: row["validation_loss"])
    by_itself = deltaplan.train(spec, params={name: best[name] for name in ("rate", "seed")})
    lines = (found.folder / "best" / "history.jsonl").read_text().splitlines()
    expected = [record["validation_mae"] for record in by_itself.history]
    assert [json.loads(line)["validation_mae"] for line in lines] == pytest.approx(expected, rel=1e-9)


def test_a_spec_without_a_sweep_is_told(folder):
    with pytest.raises(SpecError, match="has no `sweep` block"):
        deltaplan.sweep(write(""))
