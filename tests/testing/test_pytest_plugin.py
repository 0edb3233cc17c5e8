"""The suite in somebody else's pytest: a test for each contribution, and nothing where it is off."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

GOOD = '''"""A schedule."""

from deltaplan.plugins.api import number, schedule


@schedule("fading", base=number(0.1), every=number(10.0, above=0))
def fading(t, base, every):
    """base · 2^(−t/every)"""
    return base * 2 ** (-t / every)
'''
BAD = GOOD.replace("base * 2 ** (-t / every)", "base / t")
LIGHT = """
import sys
import deltaplan.testing.pytest_plugin
assert not {"numpy", "lark", "deltaplan.plugins", "deltaplan.compiler"} & sys.modules.keys()
"""


@pytest.fixture
def pytest_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Runs pytest in a folder with these files; its exit code and all that it prints."""

    def run(files: dict[str, str], *options: str) -> tuple[int, str]:
        for name, text in files.items():
            (tmp_path / name).write_text(text, encoding="utf-8")
        own = [f"--rootdir={tmp_path}", "-p", "deltaplan.testing.pytest_plugin", "-p", "no:cacheprovider"]
        given = [str(tmp_path / o) if o.endswith(".py") else o for o in options]
        code = pytest.main([str(tmp_path), *own, *given])
        return int(code), "".join(capsys.readouterr())

    return run


def test_it_imports_nothing_until_it_is_asked_for() -> None:
    subprocess.run([sys.executable, "-c", LIGHT], check=True)


def test_it_is_off_unless_asked_for(pytest_in: Callable[..., tuple[int, str]]) -> None:
    code, told = pytest_in({"test_one_more.py": "def test_a() -> None:\n    pass\n", "mine.py": BAD})
    assert code == 0
    assert "1 passed" in told


@pytest.mark.slow
def test_a_test_for_each_contribution_that_fails_with_the_reason(
    pytest_in: Callable[..., tuple[int, str]],
) -> None:
    setting = "[pytest]\ndeltaplan_plugins = good.py\n"
    code, told = pytest_in(
        {"good.py": GOOD, "bad.py": BAD, "pytest.ini": setting}, "--deltaplan", "bad.py", "-rA"
    )
    assert code == 1
    assert "1 failed, 1 passed" in told
    assert "values: it is inf at t = 0" in told
    assert "good.py::schedule fading" in told


def test_a_file_that_is_no_plugin_is_told_in_words(pytest_in: Callable[..., tuple[int, str]]) -> None:
    code, told = pytest_in({}, "--deltaplan", "missing.py")
    assert code == 4
    assert "cannot be read: no such file" in told
    assert "Traceback" not in told
