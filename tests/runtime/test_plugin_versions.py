"""A run that needs a plugin's code says which one and how to get it, and runs nothing else under its name."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import deltaplan
from deltaplan.diagnostics import DeltaplanError
from deltaplan.plugins.discovery import VARIABLE

MANIFEST = """\
api = 1
name = "doubling"
version = "1.0"
module = "doubling"

[contributes]
layer = ["twice"]
activation = ["bent"]
"""
MODULE = '''\
from deltaplan.plugins.api import Attribute, activation, layer


@layer("twice", Attribute("width", "size", required=True, positional=True))
def twice(builder, x, width):
    """2Wx"""
    w = builder.weight("W", (width, x.shape[0]), fan_in=x.shape[0], fan_out=width)
    return builder.map(lambda u: 2 * u, builder.matmul(w, x))


@activation("bent")
def bent(u):
    """u + u³"""
    return u + u**3
'''
SPEC = """
use doubling
model m { input 1; twice 3 bent; output 1 }
train { minimize mean(squared_error); optimizer sgd(lr=0.1); epochs 2 }
"""
X = np.linspace(-1, 1, 8).reshape(-1, 1)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a run and the plugin that it was trained with."""
    monkeypatch.chdir(tmp_path)
    write(Path("plugins/doubling"))
    deltaplan.train(deltaplan.loads(SPEC), X, X, runs="runs")
    return tmp_path


def write(folder: Path, version: str = "1.0", module: str = MODULE) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plugin.toml").write_text(MANIFEST.replace('"1.0"', f'"{version}"'), "utf-8")
    (folder / "doubling.py").write_text(module, "utf-8")


def run() -> Path:
    (folder,) = Path("runs").iterdir()
    return folder


def refusal() -> str:
    with pytest.raises(DeltaplanError) as told:
        deltaplan.open(run(), run_plugins=True)
    return str(told.value)


def test_name_version_and_content_are_recorded(here: Path) -> None:
    record = (run() / "run.json").read_text("utf-8")
    for word in ('"plugin": "doubling"', '"version": "1.0"', '"origin": "folder"', '"sha256"'):
        assert word in record


def test_it_opens_with_what_it_was_trained_with(here: Path) -> None:
    assert deltaplan.open(run(), run_plugins=True).predict(X).shape == (8, 1)


def test_a_plugin_that_moved_is_found_in_a_plugin_folder(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.move("plugins/doubling", "elsewhere/doubling")
    monkeypatch.setenv(VARIABLE, "elsewhere")
    assert deltaplan.open(run(), run_plugins=True).predict(X).shape == (8, 1)


def test_a_missing_plugin_is_named(here: Path, golden: Callable[[Path, str], None]) -> None:
    shutil.rmtree("plugins")
    golden(Path(__file__).with_name("plugin-missing.err"), refusal().replace(str(here), "…") + "\n")


def test_another_version_is_not_run(here: Path) -> None:
    write(Path("plugins/doubling"), "2.0", "raise SystemExit('it ran')\n" + MODULE)
    told = refusal()
    assert "needs the layer `twice` of the plugin `doubling` 1.0, and 2.0 is here [plugin-missing]" in told
    assert "it ran" not in told


def test_the_same_version_with_other_content_is_not_run(here: Path) -> None:
    write(Path("plugins/doubling"), "1.0", "raise SystemExit('it ran')\n" + MODULE)
    told = refusal()
    assert "has changed since the run was trained [plugin-changed]" in told
    assert "it ran" not in told


def test_an_installed_plugin_says_how_to_get_it(here: Path) -> None:
    record = run() / "run.json"
    text = record.read_text("utf-8").replace('"origin": "folder"', '"origin": "installed"')
    record.write_text(text.replace('"distribution": ""', '"distribution": "dl-doubling"'), "utf-8")
    shutil.rmtree("plugins")
    assert "`pip install dl-doubling==1.0` brings it" in refusal()
