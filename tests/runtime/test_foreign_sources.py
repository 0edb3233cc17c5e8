"""A plugin's data source works in a process of its own, which harms nobody and can be ended."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import deltaplan
from deltaplan.diagnostics import DeltaplanError
from deltaplan.plugins.contracts import DataSource, Table
from deltaplan.plugins.loader import load_file
from deltaplan.runtime.data.foreign import VARIABLE, read_in_process
from deltaplan.runtime.data.prepare import read_files

SPEC = """
use "./mine.py"
model m { input 1; output 1 }
data { mine "any" rows=4; inputs x; targets y }
train { minimize mean(squared_error); optimizer sgd(lr=0.1); epochs 2 }
"""
PLUGIN = """
import os, sys, time
import numpy as np
from deltaplan.plugins.api import Attribute, Table, Unreadable, data_source


@data_source("mine", Attribute("rows", "whole", default=3), named=True)
def mine(path, rows):
    x = np.arange(float(rows))
    {body}
    return Table({{"x": x, "y": 2 * x}}, rows, lambda row: f"row {{row + 1}} of {{path.name}}")
"""


def read(folder: Path, body: str) -> None:
    (folder / "mine.py").write_text(PLUGIN.format(body=body), "utf-8")
    experiment = deltaplan.loads(SPEC, folder=folder)
    assert experiment.data is not None
    read_files(experiment.data, folder)


def table(folder: Path, body: str, rows: int) -> Table:
    (folder / "mine.py").write_text(PLUGIN.format(body=body), "utf-8")
    (source,) = load_file(folder / "mine.py")
    assert isinstance(source, DataSource)
    return read_in_process(source, Path("any"), {"rows": rows})


def refusal(folder: Path, body: str) -> str:
    with pytest.raises(DeltaplanError) as told:
        read(folder, body)
    return str(told.value)


def test_it_trains_on_what_the_source_gives(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(PLUGIN.format(body="pass"), "utf-8")
    run = deltaplan.train(deltaplan.loads(SPEC, folder=tmp_path))
    again = deltaplan.train(
        deltaplan.loads(SPEC, folder=tmp_path),
        np.arange(4.0).reshape(-1, 1),
        2 * np.arange(4.0).reshape(-1, 1),
    )
    np.testing.assert_array_equal(run.theta, again.theta)


@pytest.mark.slow
def test_one_that_gives_nothing_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, golden: Callable[[Path, str], None]
) -> None:
    monkeypatch.setenv(VARIABLE, "6")
    begun = time.monotonic()
    told = refusal(
        tmp_path, f'open("{(tmp_path / "pid").as_posix()}", "w").write(str(os.getpid())); time.sleep(600)'
    )
    golden(Path(__file__).parent / "errors" / "source-silent.err", f"{told}\n")
    assert time.monotonic() - begun < 60
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("1 / 0", "fails: ZeroDivisionError: division by zero [source-failed]"),
        ("os._exit(3)", "its process ended with exit code 3"),
        ("os.kill(os.getpid(), 9)", "its process ended with SIGKILL"),
        ("sys.exit(0)", "fails: SystemExit: 0"),
        ("return [1, 2]", "it returns `[1, 2]`, not a Table"),
        (
            'return Table({"x": x, "y": x}, rows, str, shapes={"x": (2, 2)})',
            "its column `x` has 1 numbers a row, and the shape (2, 2)",
        ),
        ('return Table({"x": x, "y": x[1:]}, rows, str)', "its column `y` has 3 rows, and the table 4"),
        ('return Table({"x": x, "y": 5.0}, rows, str)', "its column `y` is no array"),
        ('raise Unreadable("no such thing", "here:3", "look there")', "no such thing"),
    ],
)
def test_one_that_fails_is_told(body: str, told: str, tmp_path: Path) -> None:
    assert told in refusal(tmp_path, body)


def test_a_mistake_in_it_is_told_at_its_line(tmp_path: Path) -> None:
    told = refusal(tmp_path, "1 / 0")
    assert "in the plugin" in told
    assert "|     1 / 0" in told


def test_what_it_prints_and_changes_stays_there(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    before = os.getcwd()
    read(tmp_path, 'print("loud"); os.chdir("/"); os.environ["X_MINE"] = "1"; np.random.seed(1)')
    assert capfd.readouterr().out == ""
    assert os.getcwd() == before
    assert "X_MINE" not in os.environ


def test_words_gaps_and_the_names_of_rows_come_through(tmp_path: Path) -> None:
    body = (
        'return Table({"x": np.array(["a", "b", ""]), "y": np.array([1, np.nan, 3])}, 3, lambda r: f"#{r}")'
    )
    found = table(tmp_path, body, 3)
    assert found.columns["x"].tolist() == ["a", "b", ""]
    np.testing.assert_array_equal(found.columns["y"], [1, np.nan, 3])
    assert found.row_name(2) == "#2"


def test_a_column_in_a_file_is_not_sent(tmp_path: Path) -> None:
    np.arange(4.0).tofile(tmp_path / "x.bin")
    file = (tmp_path / "x.bin").as_posix()
    body = f'x = np.memmap("{file}", float, "r")'
    found = table(tmp_path, body, 4)
    assert isinstance(found.columns["x"], np.memmap)
    np.testing.assert_array_equal(found.columns["x"], np.arange(4.0))
