"""`diff` tells what two specs say differently, and nothing of how they are written."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import deltaplan
from deltaplan.cli import main
from deltaplan.compiler.render import render

SPEC = """\
param hidden = 4
model m {
    input 2
    dense hidden x 5, 3 tanh residual
    output 1
}
data { csv "t.csv"; inputs a, b; targets y; split validation=20% }
train { minimize mean(squared_error) + l2(1e-4); optimizer adam(lr=1e-2); epochs 10; monitor mae }
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.dl").write_text(SPEC)


def diff(*words: str) -> Result:
    return CliRunner().invoke(main, ("diff", *words), catch_exceptions=False)


def changed(*pairs: tuple[str, str]) -> str:
    text = SPEC
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    Path("b.dl").write_text(text)
    return diff("a.dl", "b.dl").output


def test_how_a_spec_is_written_does_not_count() -> None:
    Path("b.dl").write_text(render(deltaplan.load("a.dl")) + "\n# more\n")
    found = diff("a.dl", "b.dl")
    assert (found.exit_code, found.output) == (0, "a.dl and b.dl say the same\n")
    blocks = SPEC.replace(
        "dense hidden x 5, 3 tanh residual", "repeat 4 { dense 5 tanh residual }\ndense 3 tanh"
    )
    Path("b.dl").write_text(blocks.replace("param hidden = 4\n", ""))
    assert diff("a.dl", "b.dl").output.splitlines() == ["param hidden  - 4"]


def test_layers_and_counts() -> None:
    lines = changed(("hidden = 4", "hidden = 6"), ("5, 3 tanh", "5, 2 relu")).splitlines()
    size = [(2 + 1) * 5 + n * (5 + 1) * 5 + (5 + 1) * w + w + 1 for n, w in ((3, 3), (5, 2))]
    assert [line.split(maxsplit=1) for line in lines[1:4]] == [
        ["parameters", f"{size[0]} → {size[1]}"],
        ["depth", "6 → 8"],
        ["skips", "3 → 5"],
    ]
    assert [line.rsplit(maxsplit=1)[0].strip() for line in lines[5:]] == [
        "- dense 5 tanh : 5",
        "- 3 times dense 5 tanh + skip : 5",
        "- dense 3 tanh : 3",
        "+ dense 5 relu : 5",
        "+ 5 times dense 5 relu + skip : 5",
        "+ dense 2 relu : 2",
    ]
    assert lines[5].endswith("a.dl:4")


def test_problem_data_and_solver() -> None:
    found = changed(
        ("l2(1e-4)", "l1(1e-4)"),
        ("lr=1e-2", "lr=1e-3"),
        ("validation=20%", "validation=20% seed=3 by=a"),
        ("; monitor mae", ""),
        ("inputs a, b", "inputs a, b^2"),
    )
    facts = {line.split("  ")[0]: line.split("  ", 1)[1].strip() for line in found.splitlines()}
    assert facts == {
        "minimize": "(1/N) Σ ½‖u - y‖² + 0.0001/2*‖W‖² → (1/N) Σ ½‖u - y‖² + 0.0001*‖W‖₁",
        "data.inputs.input": "a, b → a, b^2",
        "data.split.seed": "0 → 3",
        "data.split.by": "+ a",
        "train.optimizer.lr": "0.01 → 0.001",
        "train.monitor": "- mae",
    }


def test_as_json_and_as_an_exit_code() -> None:
    changed(("epochs 10", "epochs 20"))
    assert json.loads(diff("a.dl", "b.dl", "--json").output) == {
        "same": False,
        "facts": [{"what": "train.epochs", "first": "10", "second": "20"}],
        "layers": [],
    }
    assert (diff("-q", "a.dl", "b.dl").exit_code, diff("-q", "a.dl", "b.dl").output) == (1, "")
    assert diff("-q", "a.dl", "a.dl").exit_code == 0


def test_a_run_is_compared_by_its_spec() -> None:
    Path("t.csv").write_text("a,b,y\n" + "".join(f"{i},{i * i},{i}\n" for i in range(10)))
    deltaplan.train("a.dl", runs="runs")
    changed(("epochs 10", "epochs 20"))
    assert diff("runs/a-1", "b.dl").output.split() == ["train.epochs", "10", "→", "20"]


def test_a_file_with_mistakes_is_told() -> None:
    Path("b.dl").write_text(SPEC.replace("tanh", "tanhh"))
    found = diff("a.dl", "b.dl")
    assert found.exit_code == 1
    assert "[unknown-name]" in found.output
