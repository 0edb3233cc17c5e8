"""A plugin from the gallery as somebody else's package: built, installed, used, and gone again."""

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
use "{plugin}"

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
    """The module's file where pip put it, in a folder of its own: the environment stays as it is."""
    source = tmp_path_factory.mktemp("source") / "deltaplan-snake"
    shutil.copytree(HERE / "deltaplan-snake", source)
    shutil.copy(SNAKE, source / "deltaplan_snake.py")
    target = tmp_path_factory.mktemp("site")
    quiet = ["--quiet", "--disable-pip-version-check", "--no-index"]
    options = [*quiet, "--no-deps", "--no-build-isolation", "--target", str(target), str(source)]
    subprocess.run([sys.executable, "-m", "pip", "install", *options], check=True)
    return target / "deltaplan_snake.py"


@pytest.mark.slow
def test_an_installed_plugin_is_used_by_its_file(installed: Path) -> None:
    experiment = deltaplan.loads(SPEC.format(plugin=installed.as_posix()), folder=HERE.parents[1] / "specs")
    assert deltaplan.problem(experiment).size == 13
    assert (installed.parent / "deltaplan_snake-1.0.dist-info" / "METADATA").exists()


@pytest.mark.slow
def test_a_run_outlives_the_package(installed: Path, tmp_path: Path) -> None:
    plugin = tmp_path / installed.name
    shutil.copy(installed, plugin)
    text = SPEC.format(plugin=plugin.as_posix())
    run = deltaplan.train(deltaplan.loads(text, folder=HERE.parents[1] / "specs"), runs=tmp_path / "runs")
    plugin.unlink()
    assert run.folder is not None
    again = deltaplan.open(run.folder)
    points = [[-0.5], [0.25], [2.0]]
    np.testing.assert_array_equal(again.predict(points), run.predict(points))
