"""`deltaplan lab`: what it prints and writes."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from deltaplan.cli import main

SPEC = """\
model line { input 1; dense 3 tanh; output 1 }
data { csv "line.csv"; inputs t; targets y }
train { minimize mean(squared_error); optimizer adam; epochs 3; seed 4 }
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("line.dl").write_text(SPEC)
    Path("line.csv").write_text("t,y\n0,1\n1,2\n2,4\n")
    return tmp_path


def lab(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["lab", *arguments])


def test_a_spec() -> None:
    found = lab("norms", "line.dl")
    assert found.exit_code == 0, found.output
    assert found.output.splitlines()[0].startswith("line: 10 parameters, norm ")
    assert "picture: line-norms.svg" in found.output
    assert Path("line-norms.svg").read_text().startswith("<?xml")


def test_a_run_keeps_its_picture() -> None:
    assert CliRunner().invoke(main, ["train", "line.dl"]).exit_code == 0
    found = lab("norms", "runs/line-1")
    assert "picture: runs/line-1/norms.svg" in found.output
    assert Path("runs/line-1/norms.svg").exists()
    assert CliRunner().invoke(main, ["evaluate", "runs/line-1"]).exit_code == 0


def test_numbers_for_machines() -> None:
    found = lab("norms", "line.dl", "--json", "--no-picture", "--data", "new/a/a.npz")
    data = json.loads(found.stdout)
    with np.load("new/a/a.npz") as arrays:
        assert data["arrays"]["norm"] == arrays["norm"]
    assert data["tables"][0]["rows"][0]["block"] == "dense1.W"
    assert list(Path().glob("*.svg")) == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["norm", "line.dl"], "similar name: `norms`"),
        (["norms"], "Missing argument"),
        (["norms", "other.dl"], "does not exist"),
        (["norms", "line.dl", "--points", "3"], "No such option"),
        (["norms", "line.dl", "line.dl"], "looks at one model, not at 2"),
        (["norms", "line.dl", "--picture", "a.gif"], "`.gif` is no picture"),
        (["norms", "line.dl", "--picture", "line.dl/a.svg"], "`line.dl` is no folder"),
        (["norms", "line.dl", "--data", "a.txt"], "`.txt` is no npz"),
        (["norms", "line.dl", "--data", "line.dl/b/a.npz"], "`line.dl` is no folder"),
    ],
)
def test_what_is_wrong_is_told(arguments: list[str], told: str) -> None:
    found = lab(*arguments)
    assert found.exit_code in (1, 2)
    assert told in found.output
    assert "Traceback" not in found.output
    assert not list(Path().glob("*.svg"))


def test_a_picture_makes_the_folders_that_it_needs() -> None:
    assert lab("norms", "line.dl", "--picture", "new/a/norms.svg").exit_code == 0
    assert Path("new/a/norms.svg").read_text().startswith("<?xml")


def test_an_analysis_of_ones_own() -> None:
    Path("mine.py").write_text(
        "from deltaplan.plugins.api import Attribute, Findings, analysis\n"
        '@analysis("count", Attribute("least", "number", default=0.5, doc="the bound"))\n'
        "def count(subject, least):\n"
        '    """How many parameters are above a bound"""\n'
        '    return Findings((f"{least}: {(subject.theta > least).sum()} above",))\n'
    )
    found = lab("--use", "mine.py", "count", "line.dl", "--least", "1e9")
    assert found.output == "1000000000.0: 0 above\n"
    assert "the bound; 0.5 if not given" in lab("--use", "mine.py", "count", "-h").output
