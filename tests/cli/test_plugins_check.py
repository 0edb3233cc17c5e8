"""`deltaplan plugins check`: a table, its exit code, and what cannot be checked."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from deltaplan.cli import main

HERE = Path(__file__).parent
FADING = '''from deltaplan.plugins.api import number, schedule


@schedule("fading", base=number(0.1))
def fading(t, base):
    """base/(t + 1)"""
    return base / (t + 1)
'''


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["plugins", "check", *words], catch_exceptions=False)


def test_a_table_of_at_most_80_columns_with_a_verdict() -> None:
    Path("mine.py").write_text(FADING, encoding="utf-8")
    found = run("mine.py")
    assert found.exit_code == 0, found.output
    lines = found.stdout.splitlines()
    assert lines[:2] == ["schedule fading", "  from mine (mine.py)"]
    assert max(map(len, lines)) <= 80
    assert any(line.split()[:2] == ["values", "passed"] for line in lines)
    assert lines[-1].startswith("1 contribution: 6 passed") or "skipped" in lines[-1]


def test_a_failure_has_exit_code_1_and_its_point() -> None:
    Path("mine.py").write_text(FADING.replace("(t + 1)", "t"), encoding="utf-8")
    found = run("mine.py")
    assert found.exit_code == 1
    assert "failed !   it is inf at t = 0" in found.stdout
    assert "1 failed" in found.stdout.splitlines()[-1]


def test_json() -> None:
    Path("mine.py").write_text(FADING.replace("(t + 1)", "t"), encoding="utf-8")
    found = json.loads(run("mine.py", "--json").stdout)
    assert found["ok"] is False
    (contribution,) = found["contributions"]
    assert (contribution["kind"], contribution["name"]) == ("schedule", "fading")
    assert {"check": "values", "state": "failed", "found": "it is inf at t = 0"} in contribution["results"]


def test_a_built_in_by_its_name() -> None:
    found = run("cosine")
    assert found.exit_code == 0
    assert found.stdout.startswith("schedule cosine\n")


def test_what_a_spec_brings(folder: Path) -> None:
    Path("mine.py").write_text(FADING, encoding="utf-8")
    Path("spec.dl").write_text('use "./mine.py"\nmodel m { input 1; output 1 }\n')
    assert run("spec.dl").stdout.startswith("schedule fading")


MANIFEST = """\
api = 1
name = "fading"
version = "2.5"
module = "fading"

[contributes]
schedule = ["fading"]
"""


@pytest.mark.parametrize("path", ["package/fading", "package"])
def test_a_folder_with_a_manifest(path: str) -> None:
    Path("package/fading").mkdir(parents=True)
    Path("package/fading/plugin.toml").write_text(MANIFEST)
    Path("package/fading/fading.py").write_text(FADING, encoding="utf-8")
    found = run(path)
    assert found.exit_code == 0, found.output
    assert "manifest                  passed     fading 2.5 says what the module" in found.stdout


def test_a_manifest_that_says_too_much_is_told() -> None:
    Path("fading").mkdir()
    Path("fading/plugin.toml").write_text(MANIFEST + 'loss = ["none"]\n')
    Path("fading/fading.py").write_text(FADING, encoding="utf-8")
    found = run("fading")
    assert found.exit_code == 1
    assert "contributes no loss `none`" in found.stderr


def test_what_cannot_be_checked(golden: Callable[[Path, str], None]) -> None:
    texts = []
    for words in (["cosin"], ["missing.py"], ["snake"]):
        found = run(*words)
        assert found.exit_code == 1
        texts.append(found.stderr)
    golden(HERE / "plugins_check.err", "\n".join(texts))
