"""`import`: params and blocks of other files."""

import numpy as np
import pytest

import deltaplan
from deltaplan.compiler.build import imports
from deltaplan.compiler.render import render

SPEC = """
import "lib/blocks.dl"

param width = 6

model m {
    input 2
    unit width
    dense depth relu
    output 1
}

train {
    minimize mean(squared_error)
    optimizer adam
    epochs 2
}
"""
BLOCKS = """
import "params.dl"            # beside this file
import "more/towers.dl"

block unit(width) {
    tower width
    dense 2*width sigma
}
block unused(width) { dense width }
"""
TOWERS = """
import "../params.dl"
block tower(width) { dense depth x width tanh residual=project }
"""
PARAMS = """
param depth = 2
param sigma = tanh
"""


@pytest.fixture
def project(tmp_path):
    (tmp_path / "lib" / "more").mkdir(parents=True)
    for name, text in {
        "spec.dl": SPEC,
        "lib/blocks.dl": BLOCKS,
        "lib/params.dl": PARAMS,
        "lib/more/towers.dl": TOWERS,
    }.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def nodes(spec):
    return [(n.name, type(n).__name__, spec.graph.shapes[n.name]) for n in spec.graph]


def test_blocks_and_params_come_from_other_files(project):
    spec = deltaplan.load(project / "spec.dl")
    whole = PARAMS + TOWERS.replace('import "../params.dl"', "") + BLOCKS.partition("block")[1]
    whole += BLOCKS.partition("block")[2] + SPEC.replace('import "lib/blocks.dl"', "")
    assert nodes(spec) == nodes(deltaplan.loads(whole))
    assert spec.params == {"depth": 2, "sigma": "tanh", "width": 6}
    assert set(spec.imports) == {"lib/blocks.dl", "lib/params.dl", "lib/more/towers.dl"}


def test_an_imported_param_can_be_replaced(project):
    spec = deltaplan.load(project / "spec.dl", params={"depth": 3, "sigma": "relu"})
    assert sum(type(n).__name__ == "Layer" and n.use.name == "dense" for n in spec.graph) == 7
    assert not [n for n in spec.graph if n.name == "unit1.dense1.tanh"]


def test_what_a_spec_leaves_of_a_library_is_no_warning(project):
    assert deltaplan.load(project / "spec.dl").warnings == ()


def test_a_rendered_spec_stands_alone(project):
    spec = deltaplan.load(project / "spec.dl", params={"depth": 3})
    text = render(spec)
    assert "import" not in text
    assert "bias=true" in text.partition("block tower")[2].partition("}")[0]
    assert nodes(deltaplan.loads(text)) == nodes(spec)


def test_mistakes_stand_in_the_file_that_has_them(project):
    (project / "lib" / "more" / "towers.dl").write_text("block tower(width) { dense width tann }\n")
    with pytest.raises(deltaplan.SpecError) as told:
        deltaplan.load(project / "spec.dl")
    (mistake,) = told.value.diagnostics
    assert str(mistake.span) == f"{project / 'lib/more/towers.dl'}:1:34"


def test_a_run_keeps_what_it_imports(project, tmp_path):
    x = np.random.default_rng(0).normal(size=(20, 2))
    run = deltaplan.train(project / "spec.dl", x, x[:, :1], runs=tmp_path / "runs")
    for file in (project / "lib").rglob("*.dl"):
        file.unlink()
    (project / "spec.dl").unlink()
    again = deltaplan.open(run.folder)
    np.testing.assert_array_equal(again.predict(x), run.predict(x))
    assert nodes(again.experiment) == nodes(run.experiment)
    resolved = deltaplan.loads((run.folder / "resolved.dl").read_text(encoding="utf-8"))
    assert nodes(resolved) == nodes(run.experiment)


def test_a_spec_may_have_the_name_that_runs_give_it(project, tmp_path):
    """`spec.dl` imports; in the run's folder every spec is called so."""
    (project / "spec.dl").rename(project / "other.dl")
    (project / "spec.dl").write_text("param unused = 1\n")
    with (project / "other.dl").open("a") as file:
        file.write('\nimport "spec.dl"\n')
    x = np.ones((4, 2))
    run = deltaplan.train(project / "other.dl", x, x[:, :1], runs=tmp_path / "runs")
    assert nodes(deltaplan.open(run.folder).experiment) == nodes(run.experiment)


def test_a_link_does_not_lead_out(project, tmp_path_factory):
    secret = tmp_path_factory.mktemp("elsewhere") / "secret.dl"
    secret.write_text("param depth = 1\n")
    (project / "lib" / "params.dl").unlink()
    (project / "lib" / "params.dl").symlink_to(secret)
    with pytest.raises(deltaplan.SpecError, match="lies outside of the spec's folder"):
        deltaplan.load(project / "spec.dl")


def test_the_number_of_files_is_bounded(project, golden, monkeypatch, request):
    monkeypatch.setattr(imports, "MOST_FILES", 2)
    monkeypatch.chdir(project)
    with pytest.raises(deltaplan.SpecError) as told:
        deltaplan.load("spec.dl")
    golden(request.path.parent / "overrides" / "too-many-imports.err", f"{told.value}\n")
