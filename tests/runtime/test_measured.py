"""A bare `input` and `output` take their sizes from the data; a saved run and a rendered spec know them."""

from pathlib import Path

import numpy as np
import pytest

import deltaplan
from deltaplan.compiler.render import render
from deltaplan.diagnostics import SpecError
from deltaplan.runtime.run import open_

pytestmark = pytest.mark.light

ROWS = "age,port,y,kind\n30,Kiel,1,u\n40,Bremen,2,v\n50,Kiel,3,w\n60,Rom,4,u\n70,Rom,5,v\n80,Kiel,6,w\n"
BARE = """\
model m {
    input
    trunk = dense 3 tanh
    price = output from trunk
    kind = output bias=false from trunk
}

data {
    csv "ports.csv"
    inputs age, port
    targets price=y kind=kind
}

train {
    minimize mean(squared_error(on=price) + 0.5*cross_entropy(on=kind))
    optimizer adam
    epochs 2
}
"""


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("ports.csv").write_text(ROWS)


def written(text):
    Path("bare.dl").write_text(text)
    return "bare.dl"


def test_sizes_are_those_of_the_columns_and_the_classes():
    shapes = deltaplan.load(written(BARE)).graph.shapes
    assert (shapes["input"], shapes["price"], shapes["kind"]) == ((4,), (1,), (3,))


def test_a_rendered_spec_has_the_numbers_and_needs_no_data():
    experiment = deltaplan.load(written(BARE))
    text = render(experiment)
    assert "input 4  # size from the data" in text
    assert "kind = output 3" in text
    Path("ports.csv").unlink()
    assert deltaplan.loads(text).graph.shapes == experiment.graph.shapes


def test_a_saved_run_needs_no_data():
    run = deltaplan.train(written(BARE), runs="runs")
    Path("ports.csv").unlink()
    again = open_(run.folder)
    row = {"age": [50.0], "port": ["Rom"]}
    assert np.array_equal(again.predict(row)["kind"], run.predict(row)["kind"])


@pytest.mark.parametrize(
    ("block", "sizes"),
    [
        ('csv "ports.csv"; inputs age window=4; targets y ahead=1', (4, 1)),
        ('csv "ports.csv"; inputs age, y; targets inputs', (2, 2)),
        ('csv "ports.csv"; inputs rest; targets y', (7, 1)),
        ('csv "ports.csv"; inputs age, age^2; targets y', (2, 1)),
    ],
)
def test_sizes_follow_what_is_done_to_the_columns(block, sizes):
    lines = "\n".join(block.split("; "))
    shapes = deltaplan.loads(f"model m {{ input; output }}\ndata {{\n{lines}\n}}").graph.shapes
    assert (shapes["input"], shapes["output"]) == ((sizes[0],), (sizes[1],))


PICTURES = """\
model m { input; conv 2 kernel=3 relu; flatten; output }
data { npz "pictures.npz"; inputs x; targets COLUMNS }
train { minimize mean(LOSS); optimizer adam; epochs 1 }
"""


@pytest.mark.parametrize(
    ("columns", "loss", "size"), [("y", "cross_entropy", 2), ("inputs", "squared_error", 5 * 4 * 3)]
)
def test_an_input_of_pictures_has_their_shape(columns, loss, size):
    x = np.random.default_rng(0).random((6, 5, 4, 3))
    np.savez("pictures.npz", x=x, y=[0, 1, 0, 1, 0, 1])
    text = PICTURES.replace("COLUMNS", columns).replace("LOSS", loss)
    run = deltaplan.train(written(text), runs="runs")
    shapes = run.experiment.graph.shapes
    assert (shapes["input"], shapes["output"]) == ((5, 4, 3), (size,))
    assert "input 5x4x3  # size from the data" in render(run.experiment)
    assert deltaplan.loads(render(run.experiment)).graph.shapes == shapes
    Path("pictures.npz").rename("moved.npz")
    assert open_(run.folder).experiment.graph.shapes == shapes


def test_layers_of_a_vector_after_pictures_are_told_the_mend():
    np.savez("pictures.npz", x=np.ones((6, 5, 4, 3)), y=[0, 1, 0, 1, 0, 1])
    text = (
        PICTURES.replace("COLUMNS", "y")
        .replace("LOSS", "cross_entropy")
        .replace("conv 2 kernel=3", "dense 2")
    )
    with pytest.raises(SpecError, match="`flatten` above it makes one"):
        deltaplan.load(written(text))


PLAIN = """\
model m { input; dense 3 tanh; output }
train { minimize mean(cross_entropy); optimizer adam; epochs 1 }
"""


def test_sizes_of_samples_in_memory():
    x, y = np.ones((6, 5)), ["a", "b", "c", "d", "a", "b"]
    run = deltaplan.train(written(PLAIN), x, y)
    assert run.predict(x).shape == (6, 4)
    assert deltaplan.problem("bare.dl", x, y).size == (5 + 1) * 3 + (3 + 1) * 4


def test_mistakes_in_the_data_are_told_with_those_of_the_model():
    text = BARE.replace("age, port", "age, prot").replace("tanh", "tahn")
    with pytest.raises(SpecError) as told:
        deltaplan.load(written(text))
    assert [d.code for d in told.value.diagnostics] == ["unknown-column", "unknown-name"]


def test_mistakes_in_the_data_block_are_told_once():
    with pytest.raises(SpecError) as told:
        deltaplan.load(written(BARE.replace("inputs age", "inputs 3 age")))
    assert [d.code for d in told.value.diagnostics] == ["forgotten-comma"]
