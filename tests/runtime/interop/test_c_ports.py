"""Models with several inputs and outputs, categories, windows and images, as C files."""

import ctypes
from functools import partial

import numpy as np
import pytest
from c_files import needs_compiler
from c_models import model_of, scaled
from c_training import Pair, Shelf

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


TEXTS = {"houses": HOUSES, "coder": CODER, "series": SERIES}


def load(folder, name):
    """The spec of a name, beside its data."""
    (folder / "houses.csv").write_text(ROWS)
    (folder / f"{name}.dl").write_text(TEXTS[name])
    return deltaplan.load(folder / f"{name}.dl")


def pair(folder, name):
    spec = load(folder, name)
    return Pair(spec, load_dataset(spec, folder))


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    folder = tmp_path_factory.mktemp("c")
    return Shelf({name: partial(pair, folder, name) for name in TEXTS}, folder)


@pytest.mark.parametrize("name", TEXTS)
def test_predictions_and_steps_are_those_of_python(name, shelf):
    found = shelf[name]
    found.predictions()
    found.steps(found.spec.train.length)


def test_each_output_that_decides_has_a_function(shelf):
    found = shelf["houses"]
    scores = found.model.raw_columns(scaled(found.model, found.raw))
    for number in range(len(found.trainer.part)):
        x = [found.c.array(values.T[number]) for values in found.raw.values()]
        assert found.c.call("decide_style", *x, returns=ctypes.c_int) == scores["style"][:, number].argmax()
        sold = np.full(2, -1, np.intc)
        found.c.call("decide_sold", *x, sold)
        assert sold.tolist() == (scores["sold"][:, number] > 0).tolist()


def test_the_head_names_columns_categories_and_classes(tmp_path):
    spec = load(tmp_path, "houses")
    code = document_of(model_of(spec, "float64", load_dataset(spec, tmp_path)), "net").code
    head = " ".join(code[: code.index("*/")].split())
    assert "size[2]: area, area*rooms" in head
    assert "place[3]: town=bergen, town=oslo, town=tromso" in head
    assert "style[3]: the probability of each class: flat, house, villa" in head
    assert 'net_classes_style[3] = {\n    "flat",\n    "house",\n    "villa",\n};' in code
