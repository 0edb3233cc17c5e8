"""`assert lipschitz`: checked of the trained weights, the run kept, the failure told."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import deltaplan
from deltaplan.cli import main

SPEC = """\
model line { input 1; dense 3 tanh; output 1 }
data { csv "line.csv"; inputs t; targets y }
train { minimize mean(squared_error); optimizer adam; epochs 3; seed 4; precision float64 }
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("line.csv").write_text("t,y\n0,1\n1,2\n2,4\n")
    return tmp_path


def spec(*assertions: str) -> Path:
    path = Path("line.dl")
    path.write_text(SPEC + "".join(f"assert {a}\n" for a in assertions))
    return path


def test_the_bound_is_that_of_the_trained_weights() -> None:
    run = deltaplan.train(spec("lipschitz <= 1e-3"))
    bound = np.linalg.norm(run.theta[:3]) * np.linalg.norm(run.theta[3:6])
    (failure,) = run.failed
    assert failure.code == "claim-failed"
    assert failure.label_text == f"lipschitz is {bound:.6g}"
    assert failure.span.text == "lipschitz <= 1e-3"
    assert deltaplan.train(spec(f"lipschitz <= {bound + 1e-9}")).failed == ()
    assert len(deltaplan.train(spec(f"lipschitz <= {bound - 1e-9}")).failed) == 1


def test_it_stands_beside_other_quantities_and_params() -> None:
    path = spec("lipschitz < most*parameters", "parameters == 10")
    path.write_text("param most = 100\n" + path.read_text())
    assert deltaplan.train(path).failed == ()
    assert len(deltaplan.train(path, params={"most": 1e-6}).failed) == 1


def test_the_run_is_kept_and_the_exit_code_is_one() -> None:
    spec("lipschitz <= 1e-3")
    found = CliRunner().invoke(main, ["train", "line.dl"])
    assert found.exit_code == 1
    assert "`lipschitz <= 1e-3` does not hold of the trained weights" in found.stderr
    assert "run: runs/line-1" in found.stdout
    assert CliRunner().invoke(main, ["evaluate", "runs/line-1"]).exit_code == 0


def test_json_is_one_document() -> None:
    spec("lipschitz <= 1e-3")
    found = CliRunner().invoke(main, ["train", "line.dl", "--json"])
    assert found.exit_code == 1
    told = json.loads(found.stdout)
    assert told["ok"] is False
    assert [d["code"] for d in told["diagnostics"]] == ["claim-failed"]


def test_a_diverged_run_is_one_document_too() -> None:
    path = spec("lipschitz <= 1e-3")
    path.write_text(path.read_text().replace("optimizer adam", "optimizer sgd(1e200)"))
    found = CliRunner().invoke(main, ["train", "line.dl", "--json"])
    assert found.exit_code == 1
    assert [d["code"] for d in json.loads(found.stdout)["diagnostics"]] == ["diverged"]
    assert "was not checked: training diverged" in found.stderr


def test_of_many_seeds_it_is_not_checked() -> None:
    found = deltaplan.train_seeds(spec("lipschitz <= 1e-3"), seeds=[1, 2])
    assert [warning.code for warning in found.warnings] == ["claim-unchecked"]
