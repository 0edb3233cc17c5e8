"""`deltaplan plugins show`: the card in the terminal, and its files."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from deltaplan.cli import main

HERE = Path(__file__).parent
SNAKE = HERE.parents[1] / "plugins" / "snake.py"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("snake.py").write_bytes(SNAKE.read_bytes())
    return tmp_path


def run(*words: str, charset: str = "utf-8") -> Result:
    return CliRunner(charset=charset).invoke(main, ["plugins", "show", *words], catch_exceptions=False)


@pytest.mark.parametrize(
    ("charset", "name"), [("utf-8", "show_snake.txt"), ("ascii", "show_snake_plain.txt")]
)
def test_the_card_of_a_plugin(charset: str, name: str, golden: Callable[[Path, str], None]) -> None:
    found = run("snake", "snake.py", charset=charset)
    assert found.exit_code == 0
    assert max(map(len, found.stdout.splitlines())) <= 80
    golden(HERE / name, found.stdout)


@pytest.mark.parametrize("name", ["gelu", "mish", "cross_entropy", "adamw", "conv", "csv", "exact", "auc"])
def test_no_line_is_longer_than_80_columns(name: str) -> None:
    found = run(name)
    assert found.exit_code == 0
    assert max(map(len, found.stdout.splitlines())) <= 80


def test_a_name_of_two_kinds_has_two_cards() -> None:
    titles = [line for line in run("identity").stdout.splitlines() if line.endswith("identity")]
    assert titles == ["layer identity", "activation identity"] or titles == [
        "activation identity",
        "layer identity",
    ]


def test_files_are_written_and_never_replaced_unasked() -> None:
    assert run("tanh", "--svg", "card.svg", "--html", "card.html").exit_code == 0
    assert Path("card.svg").read_text(encoding="utf-8").startswith("<svg")
    assert "<math" in Path("card.html").read_text(encoding="utf-8")
    again = run("relu", "--svg", "card.svg")
    assert again.exit_code == 1
    assert "`card.svg` is there already" in again.stderr
    assert run("relu", "--svg", "card.svg", "--force").exit_code == 0
    assert "activation relu" in Path("card.svg").read_text(encoding="utf-8")


def test_a_name_that_is_none() -> None:
    found = run("snakes", "snake.py")
    assert found.exit_code == 1
    assert "similar name: `snake`" in found.stderr
