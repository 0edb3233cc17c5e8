"""Every plugin of the gallery has a spec that uses it: its gradient is right, and training gets somewhere."""

from pathlib import Path

import pytest

import deltaplan
from deltaplan.plugins.loader import load_file
from deltaplan.runtime.inquiries import check_gradients

HERE = Path(__file__).parent
PLUGINS = sorted(path for path in HERE.glob("*.py") if not path.name.startswith(("test_", "conftest")))
SPECS = sorted((HERE / "specs").glob("*.dl"))


def test_every_plugin_has_a_spec_and_a_test():
    names = {path.stem for path in PLUGINS}
    assert {path.stem for path in SPECS} == names
    assert {path.stem.removeprefix("test_") for path in HERE.glob("test_*.py")} - {"gallery_specs"} == names


@pytest.mark.parametrize("path", PLUGINS, ids=lambda path: path.stem)
def test_a_module_gives_one_contribution_of_its_own_name(path):
    (found,) = load_file(path)
    assert found.name == path.stem
    assert found.doc


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_the_gradient_agrees_with_differences(path):
    rows = check_gradients(deltaplan.load(path))
    assert all(row.passed for row in rows)
    assert sum(row.checked for row in rows) > sum(row.kinks for row in rows)


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_training_lowers_the_objective(path):
    run = deltaplan.train(deltaplan.load(path), runs=None)
    first, last = run.history[0], run.history[-1]
    assert run.ended == "complete"
    assert last["objective"] < first["objective"] / 3
