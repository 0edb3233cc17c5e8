"""Models with several inputs and outputs, categories, windows and images, as C files."""

import ctypes
from pathlib import Path

import numpy as np
import pytest
from c_files import Library, needs_compiler, write
from c_models import close, model_of, raw_inputs, scaled
from test_c_training import Pair

import deltaplan
from deltaplan.runtime.data.prepare import load_dataset
from deltaplan.runtime.interop.c import document_of

pytestmark = needs_compiler

HOUSES = """\
model houses {
    size = input 2
    place = input 3
    a = dense 4 tanh from size
    b = dense 4 tanh from place
    add from a, b
    price = output 1 from add1
    style = output 3 from add1
    sold = output 2 from add1
}

data {
    csv "houses.csv"
    inputs size=[area, area*rooms] place=town
    targets price=cost style=kind sold=[early, late]
    standardize inputs, targets
}

train {
    minimize mean(squared_error(on=price) + 0.5*cross_entropy(on=style) + logistic(on=sold)) + l2(0.01)
    optimizer adam(lr=0.01)
    steps 10
    batch 5
    precision float64
}
"""
ROWS = """\
area,rooms,town,cost,kind,early,late
81,3,oslo,210,flat,0,1
120,5,bergen,340,house,1,1
64,2,oslo,190,flat,0,0
155,6,tromso,300,villa,1,0
98,4,bergen,280,house,0,1
140,6,oslo,420,villa,1,1
73,3,tromso,150,flat,0,0
"""
CODER = """\
model coder {
    input 2
    dense 1
    output 2
}

data {
    csv "houses.csv"
    inputs area, rooms
    targets inputs
    standardize inputs
}

train {
    minimize mean(squared_error)
    optimizer sgd(lr=0.1)
    steps 4
    precision float64
}
"""
SERIES = """\
model series {
    input 3
    output 1
}

data {
    csv "houses.csv"
    inputs area window=3
    targets cost
    split validation=20% order=time
    standardize inputs, targets
}

train {
    minimize mean(squared_error)
    optimizer sgd(lr=0.1)
    steps 4
    precision float64
}
"""


@pytest.fixture
def load(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "houses.csv").write_text(ROWS)

    def load(text):
        (tmp_path / "net.dl").write_text(text)
        return deltaplan.load(tmp_path / "net.dl")

    return load


@pytest.mark.parametrize("text", [HOUSES, CODER, SERIES], ids=["houses", "coder", "series"])
def test_predictions_and_steps_are_those_of_python(text, load, tmp_path):
    spec = load(text)
    data = load_dataset(spec, Path())
    model = model_of(spec, "float64", data)
    raw = raw_inputs(model, data)
    library = Library(write(tmp_path, document_of(model, "net"), "net"))
    wanted = model.predict_columns(scaled(model, raw))
    found = library.predict([x.T for x in raw.values()], [len(v) for v in wanted.values()])
    for values, own in zip(wanted.values(), found, strict=True):
        close(own, values.T, "float64")
    (tmp_path / "train").mkdir()
    Pair(spec, data, tmp_path / "train").steps(spec.train.length)


def test_each_output_that_decides_has_a_function(load, tmp_path):
    spec = load(HOUSES)
    data = load_dataset(spec, Path())
    model = model_of(spec, "float64", data)
    raw = raw_inputs(model, data)
    library = Library(write(tmp_path, document_of(model, "net"), "net"))
    scores = model.raw_columns(scaled(model, raw))
    for number in range(len(data.parts["train"])):
        x = [library.array(values.T[number]) for values in raw.values()]
        assert library.call("decide_style", *x, returns=ctypes.c_int) == scores["style"][:, number].argmax()
        sold = np.full(2, -1, np.intc)
        library.call("decide_sold", *x, sold)
        assert sold.tolist() == (scores["sold"][:, number] > 0).tolist()


def test_the_head_names_columns_categories_and_classes(load):
    spec = load(HOUSES)
    code = document_of(model_of(spec, "float64", load_dataset(spec, Path())), "net").code
    head = " ".join(code[: code.index("*/")].split())
    assert "size[2]: area, area*rooms" in head
    assert "place[3]: town=bergen, town=oslo, town=tromso" in head
    assert "style[3]: the probability of each class: flat, house, villa" in head
    assert 'net_classes_style[3] = {\n    "flat",\n    "house",\n    "villa",\n};' in code
