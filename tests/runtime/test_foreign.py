"""A run whose plugins bring code opens by consent alone, and only with the file that it was trained with."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import deltaplan
from deltaplan.cli import main
from deltaplan.diagnostics import DeltaplanError
from deltaplan.runtime.run import score

ERRORS = Path(__file__).parent / "errors"
PLUGIN = """\
from pathlib import Path
from deltaplan.plugins.api import Attribute, Table, activation, data_source, initializer, layer, metric

Path("ran").touch()


@activation("double")
def double(u):
    return 2 * u


@layer("twice", Attribute("width", "size", required=True, positional=True))
def twice(builder, x, width):
    w = builder.weight("W", (width, x.shape[0]), fan_in=x.shape[0], fan_out=width)
    return builder.map(lambda u: 2 * u, builder.matmul(w, x))


@initializer("flat", draw="constant")
def flat(fan_in, fan_out, gain):
    return 0.5


@metric("worst", of="values", better="lower")
def worst(predicted, target):
    return float(abs(predicted - target).max())


@data_source("pair", named=True)
def pair(path):
    import numpy as np

    return Table({"x": np.array([0.0, 1.0]), "y": np.array([0.0, 2.0])}, 2, str)
"""
SPEC = """\
use "./{plugin}.py"

model m {{
    input 1
    {layer}
    output 1 {output}
}}

data {{
    {source}
    inputs x
    targets y
    split train=50% validation=50%
}}

train {{
    minimize mean(squared_error)
    optimizer adam
    epochs {epochs}
    {monitor}
}}
"""
BUILT_IN = {
    "layer": "dense 2 double",
    "source": 'csv "pair.csv"',
    "monitor": "monitor rmse",
    "output": "",
    "epochs": 1,
}
OWN = {
    "layer": "twice 2 double",
    "source": 'pair "any"',
    "monitor": "monitor worst",
    "output": "init=flat",
    "epochs": 1,
}


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("code.py").write_text(PLUGIN)
    Path("pair.csv").write_text("x,y\n0,0\n1,2\n")


def trained(**own):
    Path("m.dl").write_text(SPEC.format(plugin="code", **{**BUILT_IN, **own}))
    return deltaplan.train("m.dl", runs="runs")


def ran():
    """Whether the plugin was run since this was last asked."""
    mark = Path("ran")
    found = mark.exists()
    mark.unlink(missing_ok=True)
    return found


def cli(*words):
    return CliRunner().invoke(main, list(words))


@pytest.mark.parametrize("kind", [k for k in OWN if k != "epochs"])
def test_code_runs_by_consent_alone(kind):
    run = trained(**{kind: OWN[kind]})
    assert ran()
    with pytest.raises(DeltaplanError) as told:
        deltaplan.open(run.folder)
    assert [d.code for d in told.value.diagnostics] == ["plugin-not-run"]
    assert not ran()
    again = deltaplan.open(run.folder, run_plugins=True)
    assert ran()
    assert (again.predict([[0.5]]) == run.predict([[0.5]])).all()
    kept = {part: dict(run.metrics[part]) for part in ("train", "validation")}
    assert str(score(again)) == str(kept)  # r2 is not a number


def test_expressions_need_neither_consent_nor_the_file():
    run = trained()
    assert ran()
    Path("code.py").unlink()
    assert (deltaplan.open(run.folder).predict([[0.5]]) == run.predict([[0.5]])).all()


def test_what_is_missing_is_named_with_its_file(golden):
    run = trained(**OWN)
    with pytest.raises(DeltaplanError) as told:
        deltaplan.open(run.folder)
    golden(ERRORS / "plugin-not-run.err", f"{told.value}\n")


def test_another_file_is_not_run(golden):
    run = trained(**OWN)
    assert ran()
    Path("code.py").write_text(PLUGIN + "# more\n")
    with pytest.raises(DeltaplanError) as told:
        deltaplan.open(run.folder, run_plugins=True)
    golden(ERRORS / "plugin-changed.err", f"{told.value}\n")
    assert not ran()


def test_a_file_that_is_gone_is_told():
    run = trained(**OWN)
    Path("code.py").unlink()
    with pytest.raises(DeltaplanError) as told:
        deltaplan.open(run.folder, run_plugins=True)
    assert told.value.diagnostics[0].code == "plugin-not-found"


def test_the_file_is_found_from_the_run_wherever_both_go(tmp_path, monkeypatch):
    Path("here").mkdir()
    for name in ("code.py", "pair.csv"):
        Path(name).rename(Path("here", name))
    monkeypatch.chdir("here")
    run = trained(**OWN)
    monkeypatch.chdir(tmp_path)
    Path("here").rename("there")
    again = deltaplan.open("there" / run.folder, run_plugins=True)
    assert (again.predict([[0.5]]) == run.predict([[0.5]])).all()


@pytest.mark.parametrize("change", [{"name": "thrice"}, {"file": "\0"}, {"file": 1}, {"kind": None}])
def test_a_record_that_was_changed_is_told(change):
    run = trained(layer=OWN["layer"])
    path = run.folder / "run.json"
    record = json.loads(path.read_text())
    record["code"][0] |= change
    path.write_text(json.dumps(record))
    with pytest.raises(DeltaplanError) as told:
        deltaplan.open(run.folder, run_plugins=True)
    assert told.value.diagnostics[0].code == "run-damaged"


def test_the_verbs_ask_for_consent():
    folder = str(trained(**OWN).folder)
    Path("more.dl").write_text(SPEC.format(plugin="code", **{**OWN, "epochs": 2}))
    for words in (
        ("evaluate", folder),
        ("predict", folder, "pair.csv"),
        ("trace", folder),
        ("train", "more.dl", "--resume", folder),
    ):
        refused, allowed = cli(*words), cli(*words, "--run-plugins")
        assert refused.exit_code == 1, refused.output
        assert "[plugin-not-run]" in refused.output
        assert allowed.exit_code == 0, allowed.output


@pytest.mark.parametrize("words", [("train", "m.dl"), ("trace", "m.dl")])
def test_consent_is_for_runs(words):
    trained(**OWN)
    assert cli(*words, "--run-plugins").exit_code == 2
