"""`deltaplan plugins list`: every name that a spec may use, and who brings it."""

import json
import os
from pathlib import Path
from typing import get_args

import pytest
from click.testing import CliRunner, Result

from deltaplan.cli import main
from deltaplan.cli.plugins.list import KINDS
from deltaplan.plugins.contracts import Kind
from deltaplan.plugins.loader import OFF, builtin_registry

USES = """\
use "./mine.py"
model m { input 1; dense 2 wrong; output 1 }
"""
MINE = '''\
from deltaplan.plugins.api import activation, number

@activation("mine", slope=number(2.0, above=0))
def mine(u, slope):
    """slope · u

    More of it.
    """
    return slope * u
'''


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["plugins", "list", *words], catch_exceptions=False)


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(MINE, "utf-8")
    (tmp_path / "a.dl").write_text(USES)
    return tmp_path / "a.dl"


def test_all_built_ins_are_listed_once_and_with_a_docstring() -> None:
    told = json.loads(run("--json").stdout)["contributions"]
    names = [(entry["kind"], entry["name"]) for entry in told]
    known = {(kind, name) for kind, entries in builtin_registry().entries.items() for name in entries}
    assert len(names) == len(set(names))
    assert set(names) == known
    assert all(entry["doc"] and entry["owner"]["plugin"] == "deltaplan" for entry in told)


def test_the_first_line_of_a_built_in_stands_for_itself() -> None:
    """It is all that the list shows: no sentence goes on behind it."""
    for entries in builtin_registry().entries.values():
        for contribution in entries.values():
            lines = contribution.doc.strip().splitlines()
            assert len(lines) == 1 or not lines[1], contribution.name


def test_the_list_says_how_a_spec_writes_them() -> None:
    text = run().stdout
    for line in ("  leaky_relu(alpha=0.01) ", "  l2(strength) ", "  dense WIDTH ", "    nesterov=false) "):
        assert line in text
    assert max(map(len, text.splitlines())) <= 80


def test_every_kind_may_be_asked_for() -> None:
    assert set(KINDS) == set(get_args(Kind))


def test_one_kind() -> None:
    told = json.loads(run("--kind", "data source", "--json").stdout)["contributions"]
    assert {entry["kind"] for entry in told} == {"data source"}
    (delimiter, *_) = next(entry["attributes"] for entry in told if entry["name"] == "csv")
    assert delimiter["choices"] == ["comma", "semicolon", "tab", "pipe"]
    assert run("--kind", "wheel").exit_code == 2


def test_what_a_spec_brings_is_listed_even_where_the_rest_of_it_is_wrong(spec: Path) -> None:
    (mine,) = (e for e in json.loads(run(str(spec), "--json").stdout)["contributions"] if e["name"] == "mine")
    assert mine["parameters"] == [{"name": "slope", "default": 2.0, "condition": "a number, above 0"}]
    file = str(spec.parent / "mine.py")
    assert mine["owner"] == {"plugin": "mine", "origin": "file", "file": file, "version": None}
    text = run(str(spec), "--kind", "activation").stdout
    assert "  mine(slope=2.0)             slope · u\n" in text
    assert "from mine (" in text
    assert "More of it" not in text


@pytest.mark.parametrize(
    ("mine", "told"),
    [
        (MINE.replace('"mine"', '"relu"'), "two owners"),
        ("1 / 0", "ZeroDivisionError"),
        ("x = 1", "mine.py"),
        (None, "mine.py"),
    ],
)
def test_a_plugin_that_cannot_be_loaded(spec: Path, mine: str | None, told: str) -> None:
    file = spec.parent / "mine.py"
    file.unlink() if mine is None else file.write_text(mine, "utf-8")
    result = run(str(spec))
    assert result.exit_code == 1
    assert told in result.stderr
    assert "a.dl:1" in result.stderr
    assert json.loads(run(str(spec), "--json").stdout)["ok"] is False


def test_a_spec_that_is_not_there(tmp_path: Path) -> None:
    result = run(str(tmp_path / "b.dl"))
    assert result.exit_code == 1
    assert "b.dl" in result.stderr


@pytest.mark.parametrize("words", [("--no-plugins", "check"), ("check", "--no-plugins")])
def test_no_plugins_turns_their_code_off(spec: Path, words: tuple[str, ...]) -> None:
    (spec.parent / "mine.py").write_text("raise SystemExit('it ran')\n", "utf-8")
    result = CliRunner().invoke(main, [*words, str(spec)])
    assert result.exit_code == 1
    assert "the plugin `mine.py` is not run: foreign code is turned off [plugins-off]" in result.stderr
    assert OFF not in os.environ  # it holds for the one call


def test_plugins_in_folders_are_listed_with_what_is_wrong_with_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, more in (("good", ""), ("bad", "extra = 1\n")):
        folder = tmp_path / "plugins" / name
        folder.mkdir(parents=True)
        head = f'api = 1\nname = "{name}"\nversion = "1.2"\ndescription = "of waves"\nmodule = "{name}"\n'
        (folder / "plugin.toml").write_text(f'{head}{more}[contributes]\nactivation = ["{name}"]\n', "utf-8")
    monkeypatch.chdir(tmp_path)
    told = json.loads(run("--json").stdout)
    assert [(p["name"], p["version"], p["origin"]) for p in told["plugins"]] == [("good", "1.2", "folder")]
    assert [problem["code"] for problem in told["problems"]] == ["plugin-manifest"]
    text = run("--kind", "activation").stdout
    assert "  good 1.2                    of waves\n" in text
    assert "unknown key `extra`" in text
    assert "good" not in run("--kind", "loss").stdout.partition("problems")[0]
