"""`render` prints a spec that says all that the model is."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import deltaplan
from deltaplan.cli import main

SPEC = """\
param hidden = 5
model wave { input 1; dense hidden x 2  leaky_relu; output 1 }
train { minimize mean(squared_error); optimizer adam; epochs 3 }
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "wave.dl").write_text(SPEC)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ("render", *words), catch_exceptions=False)


def test_every_default_is_written_out_with_its_origin(folder: Path) -> None:
    result = run("wave.dl")
    assert result.exit_code == 0
    assert "leaky_relu(alpha=0.01)" in result.stdout
    assert (
        "adam(lr=0.001, beta1=0.9, beta2=0.999, eps=1e-08)  # default: lr, beta1, beta2, eps\n"
        in result.stdout
    )
    again = deltaplan.loads(result.stdout)
    assert again.train == deltaplan.load("wave.dl").train


def test_a_param_carries_the_value_that_was_set(folder: Path) -> None:
    result = run("wave.dl", "--set", "hidden=3")
    assert "param hidden = 3" in result.stdout
    assert run("wave.dl", "--set", "hiden=3").exit_code == 1


def test_to_a_file_that_is_never_replaced(folder: Path) -> None:
    result = run("wave.dl", "-o", "out.dl")
    assert (result.exit_code, result.stdout) == (0, "out.dl: wave.dl with every default written out\n")
    assert (folder / "out.dl").read_text(encoding="utf-8") == run("wave.dl").stdout
    (folder / "out.dl").write_text("mine")
    result = run("wave.dl", "-o", "out.dl")
    assert result.exit_code == 1
    assert "`out.dl` is there already" in result.stderr
    assert (folder / "out.dl").read_text() == "mine"


def test_mistakes_are_told(folder: Path) -> None:
    (folder / "wave.dl").write_text(SPEC.replace("leaky_relu", "leakyrelu"))
    result = run("wave.dl")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "wave.dl:2:" in result.stderr
