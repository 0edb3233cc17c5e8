"""A plugin from the gallery as somebody else's package: built, installed, found, used, and gone again."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import deltaplan

HERE = Path(__file__).parent
SNAKE = HERE.parents[1] / "plugins" / "snake.py"
SPEC = """
use {plugin}

model tiny {{
    input 1
    dense 4  snake(2)
    output 1
}}

data {{
    csv "wave.csv"
    inputs t
    targets y
}}

train {{
    minimize mean(squared_error)
    optimizer adam(lr=1e-2)
    epochs 20
    batch full
    seed 1
}}
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package's file where pip put it, in a folder of its own: the environment stays as it is."""
    source = tmp_path_factory.mktemp("source") / "deltaplan-snake"
    shutil.copytree(HERE / "deltaplan-snake", source)
    shutil.copy(SNAKE, source / "deltaplan_snake" / "__init__.py")
    target = tmp_path_factory.mktemp("site")
    quiet = ["--quiet", "--disable-pip-version-check", "--no-index"]
    options = [*quiet, "--no-deps", "--no-build-isolation", "--target", str(target), str(source)]
    subprocess.run([sys.executable, "-m", "pip", "install", *options], check=True)
    return target / "deltaplan_snake" / "__init__.py"


@pytest.mark.slow
def test_an_installed_plugin_is_used_by_its_file(installed: Path) -> None:
    experiment = deltaplan.loads(
        SPEC.format(plugin=f'"{installed.as_posix()}"'), folder=HERE.parents[1] / "specs"
    )
    assert deltaplan.problem(experiment).size == 13
    assert (installed.parents[1] / "deltaplan_snake-1.0.dist-info" / "METADATA").exists()


def run(folder: Path, installed: Path | None, *words: str) -> "subprocess.CompletedProcess[str]":
    """A deltaplan of its own, with the package installed or without it."""
    path = [str(HERE.parents[1]), *([str(installed.parents[1])] if installed else [])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path), "PYTHONUTF8": "1"}
    command = [sys.executable, "-c", "from deltaplan.cli import main; main()", *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.mark.slow
def test_a_spec_uses_it_by_name_and_a_run_says_how_to_get_it(installed: Path, tmp_path: Path) -> None:
    shutil.copy(HERE.parents[1] / "specs" / "wave.csv", tmp_path)
    (tmp_path / "a.dl").write_text(SPEC.format(plugin="snake"), "utf-8")
    listed = run(tmp_path, installed, "plugins", "list", "--kind", "activation").stdout
    assert "snake 1.0" in listed
    assert "from the installed package deltaplan-snake" in listed
    assert "snake(" not in listed  # its module is not imported to list it
    assert run(tmp_path, installed, "train", "a.dl").returncode == 0
    used = run(tmp_path, installed, "plugins", "list", "a.dl", "--kind", "activation").stdout
    assert "snake(a=1.0)" in used
    assert "from snake 1.0 (" in used.replace("\n                              ", " ")
    # Gone again: the run goes on without it, the spec says that it is missing.
    assert run(tmp_path, None, "evaluate", "runs/a-1").returncode == 0
    missing = run(tmp_path, None, "check", "a.dl")
    assert missing.returncode == 1
    assert "no plugin `snake` is installed or in a plugin folder [no-such-plugin]" in missing.stderr


@pytest.mark.slow
def test_a_run_outlives_the_package(installed: Path, tmp_path: Path) -> None:
    plugin = tmp_path / installed.name
    shutil.copy(installed, plugin)
    text = SPEC.format(plugin=f'"{plugin.as_posix()}"')
    run = deltaplan.train(deltaplan.loads(text, folder=HERE.parents[1] / "specs"), runs=tmp_path / "runs")
    plugin.unlink()
    assert run.folder is not None
    again = deltaplan.open(run.folder)
    points = [[-0.5], [0.25], [2.0]]
    np.testing.assert_array_equal(again.predict(points), run.predict(points))
