"""`deltaplan sweep`, typed as a user types it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from deltaplan.cli import main

NET = """\
param width = 3
param rate = 0.05
model net {
    input 1
    dense width tanh
    output 1
}
data { csv "wave.csv"; inputs t; targets y; split train=80% validation=20% }
train { minimize mean(squared_error); optimizer sgd(lr=rate); epochs 3 }
sweep { width = [2, 3, 0]; rate = [0.05, 1e30]; seed = 0..1 }
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "wave.csv").write_bytes((Path(__file__).parents[2] / "specs" / "wave.csv").read_bytes())
    (tmp_path / "net.dl").write_text(NET)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str) -> Result:
    return CliRunner().invoke(main, words, catch_exceptions=False)


SWEEP = ("sweep", "net.dl", "--jobs", "1", "--backend", "numpy")


def test_a_sweep_is_told_in_eighty_columns(folder: Path) -> None:
    result = run(*SWEEP)
    assert result.exit_code == 0
    assert "12 trials: 4 complete, 4 diverged, 4 refused" in result.stdout
    assert "4: net.dl:5:11: `width` of `dense` must be at least 1" in result.stdout
    assert "by the median validation loss over the seeds:" in result.stdout
    assert "best: width=" in result.stdout
    assert "its run: runs/net-sweep-1/best" in result.stdout
    assert all(len(line) <= 80 for line in result.stdout.splitlines() if not line.startswith("  4: "))
    assert "12 of 12 trials" in result.stderr
    assert (folder / "runs/net-sweep-1/sweep.svg").exists()
    assert "going on in runs/net-sweep-1: 8 trials are there" in run(*SWEEP).stderr
    (folder / "net.dl").write_text(NET.replace("tanh", "relu"))
    again = run(*SWEEP)
    assert "have changed since runs/net-sweep-1: this is a new sweep" in again.stderr
    evaluated = run("evaluate", "runs/net-sweep-2/best")
    assert evaluated.exit_code == 0


def test_a_sweep_as_json_and_quiet(folder: Path) -> None:
    told = json.loads(run(*SWEEP, "--json").stdout)
    assert (told["ok"], told["trials"], told["by"]) == (True, 12, "validation_loss")
    assert told["ended"] == {"complete": 4, "refused": 4, "diverged": 4}
    assert len(told["rows"]) == 12
    assert told["ranking"][0]["median"] <= told["ranking"][1]["median"]
    assert run(*SWEEP, "-q").stdout.strip() == "runs/net-sweep-1"


def test_a_sweep_of_failures_has_an_exit_code(folder: Path) -> None:
    result = run(*SWEEP, "--set", "width=0")
    assert result.exit_code == 1
    assert "must be at least 1" in result.stderr
    result = run(*SWEEP, "--set", "rate=1e30")
    assert result.exit_code == 1
    assert "6 trials: 4 diverged, 2 refused" in result.stdout


def test_a_spec_without_a_sweep_and_a_file_that_is_not_there(folder: Path) -> None:
    (folder / "plain.dl").write_text(NET[: NET.index("sweep")])
    result = run("sweep", "plain.dl")
    assert result.exit_code == 1
    assert "has no `sweep` block" in result.stderr
    assert run("sweep", "nowhere.dl").exit_code == 1


def test_check_tries_the_values_and_counts_the_trials(folder: Path) -> None:
    result = run("check", "net.dl")
    assert result.exit_code == 0
    assert "a sweep of 12 trials" in result.stdout
    assert result.stderr.count("[wrong-trial]") == 1
    assert "wrong with `width = 0`" in result.stderr


def test_show_and_diff_tell_the_sweep(folder: Path) -> None:
    assert "12 trials: width = [2, 3, 0], rate = [0.05, 1e+30], seed = 0..1" in " ".join(
        run("show", "net.dl").stdout.split()
    )
    (folder / "other.dl").write_text(NET.replace("0..1", "0..2"))
    assert "sweep.trials  12 → 18" in run("diff", "net.dl", "other.dl").stdout


def test_a_trial_is_trained_again_by_its_values(folder: Path) -> None:
    run(*SWEEP)
    best = json.loads(run(*SWEEP, "--json").stdout)["best"]
    again = run(
        *("train", "net.dl", "--backend", "numpy", "--json", "--set", f"width={best['width']}"),
        *("--set", f"rate={best['rate']}", "--set", f"seed={best['seed']}"),
    )
    found = json.loads(again.stdout)["metrics"]["validation"]["loss"]
    assert found == pytest.approx(best["validation_loss"], rel=1e-6)
