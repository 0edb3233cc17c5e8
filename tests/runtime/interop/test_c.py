"""C files of the specs: the same numbers as in Python, by a compiler that is as strict as it can be."""

import ctypes
import re
import subprocess
from functools import partial

import pytest
from c_files import STRICT, cc, needs_compiler, write
from c_models import FOLDER, SPECS, loaded, model_of, scaled, with_precision
from c_training import Pair, shelves_of

import deltaplan
from deltaplan.runtime.interop.c import document_of

pytestmark = [needs_compiler, pytest.mark.slow]
SINGLE = ("iris", "wine", "breast_cancer", "diabetes")  # also in float32
DEEP = (*(f"lecture/{n}x5" for n in (5, 10, 15, 30, 45)), "lecture/45x5_plain", "digits_resnet")
# as others, and deeper
SLOW = ("digits_cnn", "digits_resnet", "unet")


def maker(path, precision):
    return partial(lambda: Pair(with_precision(deltaplan.load(path), precision), loaded(path)))


EVERY = {
    f"{path.relative_to(FOLDER).with_suffix('')} {precision}": maker(path, precision)
    for path in SPECS
    for precision in ("float64", "float32")
}
USUAL = [
    key
    for key in EVERY
    if (key.endswith("float64") or key.split()[0] in SINGLE) and key.split()[0] not in DEEP
]
REST = [key for key in EVERY if key not in USUAL]
KEYS = [*USUAL, *(pytest.param(key, marks=pytest.mark.long) for key in REST)]


@pytest.fixture(scope="module")
def shelves(tmp_path_factory):
    return shelves_of(EVERY, (USUAL, REST), tmp_path_factory)


def ended(program):
    done = subprocess.run([str(program)], capture_output=True, text=True)
    return done.returncode, done.stdout


@pytest.mark.parametrize("key", KEYS)
def test_predictions_and_steps_of_the_specs(key, shelves):
    pair = shelves[key]
    pair.predictions()
    pair.steps(2 if key.split()[0] in SLOW else 10)


@pytest.mark.parametrize(
    "key", [key for key in USUAL if key.split()[0] in ("iris", "breast_cancer", "digits")]
)
def test_decisions_are_those_of_python(key, shelves):
    pair = shelves[key]
    ((name, scores),) = pair.model.raw_columns(scaled(pair.model, pair.raw)).items()
    (rows,) = pair.raw.values()
    chosen = [pair.c.call("decide", pair.c.array(row), returns=ctypes.c_int) for row in rows.T]
    classes = pair.model.preprocessing.targets[name].classes
    assert [classes[c] for c in chosen] == pair.model.classes(name, scores).tolist()


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("name", ["iris", "breast_cancer"])
def test_a_file_checks_itself_and_finds_a_changed_weight(name, precision, tmp_path, specs):
    made = document_of(model_of(deltaplan.load(specs / f"{name}.dl"), precision), "net")
    path = write(tmp_path, made, "net")
    cc(*STRICT, "-O2", "-DNET_SELF_TEST", path, "-o", tmp_path / "net", "-lm")
    assert ended(tmp_path / "net") == (0, "net: 4 predictions are those of deltaplan\n")
    number = re.search(r"(?<=output\.b \*/\n    )\S+?(?=f?,)", made.code)
    path.write_text(made.code[: number.start()] + "7.5" + made.code[number.end() :])
    cc("-std=c99", "-DNET_SELF_TEST", path, "-o", tmp_path / "net", "-lm")
    assert ended(tmp_path / "net") == (1, "net: the predictions are not those of deltaplan\n")
