"""`deltaplan plugins new`: packages of every kind whose tests pass at once."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from deltaplan.cli import main
from deltaplan.plugins.loader import load_file
from deltaplan.plugins.manifest import KINDS, read_manifest

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["plugins", "new", *words], catch_exceptions=False)


@pytest.mark.parametrize(("key", "kind"), KINDS.items())
def test_manifest_and_module_say_the_same(key: str, kind: str) -> None:
    assert run("my_own", "--kind", kind).exit_code == 0
    package = Path("deltaplan-my-own/deltaplan_my_own")
    manifest = read_manifest(package / "plugin.toml")
    found = {(c.kind, c.name) for c in load_file(package / "__init__.py")}
    assert manifest.names == found == {(kind, "my_own")}
    texts = [p.read_text(encoding="utf-8") for p in Path("deltaplan-my-own").rglob("*") if p.suffix]
    assert not any(mark in text for text in texts for mark in ("NAME", "KIND", "MODULE", "DISTRIBUTION"))
    readme = Path("deltaplan-my-own/README.md").read_text(encoding="utf-8")
    assert "use my_own\n" in readme or kind == "analysis"


FEW = dict(list(KINDS.items())[::4])


@pytest.mark.slow
@pytest.mark.parametrize("kinds", [FEW, pytest.param(KINDS, marks=pytest.mark.long)], ids=["few", "every"])
def test_the_tests_of_every_kind_pass_at_once(folder: Path, kinds: dict[str, str]) -> None:
    for key, kind in kinds.items():
        assert run(f"my_{key}", "--kind", kind).exit_code == 0
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--import-mode=importlib"]
    ended = subprocess.run([*command, "--rootdir=.", "."], capture_output=True, text=True)
    assert f"{2 * len(kinds)} passed" in ended.stdout, ended.stdout + ended.stderr


def test_what_is_written() -> None:
    found = run("ripple")
    written = {
        str(p.relative_to("deltaplan-ripple")) for p in Path("deltaplan-ripple").rglob("*") if p.is_file()
    }
    assert written == {
        ".github/workflows/test.yml",
        ".gitignore",
        "README.md",
        "deltaplan_ripple/__init__.py",
        "deltaplan_ripple/plugin.toml",
        "pyproject.toml",
        "tests/test_ripple.py",
    }
    assert "next: cd deltaplan-ripple" in found.stdout


def test_what_is_refused(golden: Callable[[Path, str], None]) -> None:
    texts = []
    for words in (["relu"], ["My-Own"], ["lambda"], ["line", "-o", "."]):
        found = run(*words)
        assert found.exit_code == 1
        texts.append(found.stderr)
    assert not any(Path().iterdir())
    golden(HERE / "plugins_new.err", "\n".join(texts))
