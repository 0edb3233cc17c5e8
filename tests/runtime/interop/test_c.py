"""Predictions of C files: the same numbers as in Python, by a compiler that is as strict as it can be."""

import ctypes
import re
import subprocess

import pytest
from c_files import STRICT, Library, cc, needs_compiler, write
from c_models import SPECS, close, loaded, model_of, raw_inputs, scaled

import deltaplan
from deltaplan.runtime.interop.c import document_of

pytestmark = needs_compiler


def ended(program):
    done = subprocess.run([str(program)], capture_output=True, text=True)
    return done.returncode, done.stdout


def library_of(model, folder, **options):
    return Library(write(folder, document_of(model, "net", **options), "net"))


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_predictions_and_decisions_are_those_of_python(path, precision, tmp_path):
    model = model_of(deltaplan.load(path), precision)
    raw = raw_inputs(model, loaded(path), 50)
    x = scaled(model, raw)
    library = library_of(model, tmp_path)
    wanted = model.predict_columns(x)
    found = library.predict([values.T for values in raw.values()], [len(v) for v in wanted.values()])
    for values, own in zip(wanted.values(), found, strict=True):
        close(own, values.T, precision)
    ((name, scores),) = model.raw_columns(x).items()
    if model.decision(name) != "none":
        (rows,) = raw.values()
        chosen = [library.call("decide", library.array(row), returns=ctypes.c_int) for row in rows.T]
        classes = model.preprocessing.targets[name].classes
        assert [classes[c] for c in chosen] == model.classes(name, scores).tolist()


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("name", ["wave", "iris", "breast_cancer"])
def test_a_file_checks_itself_and_finds_a_changed_weight(name, precision, tmp_path, specs):
    made = document_of(model_of(deltaplan.load(specs / f"{name}.dl"), precision), "net")
    path = write(tmp_path, made, "net")
    cc(*STRICT, "-O2", "-DNET_SELF_TEST", path, "-o", tmp_path / "net", "-lm")
    assert ended(tmp_path / "net") == (0, "net: 4 predictions are those of deltaplan\n")
    number = re.search(r"(?<=output\.b \*/\n    )\S+?(?=f?,)", made.code)
    path.write_text(made.code[: number.start()] + "7.5" + made.code[number.end() :])
    cc("-std=c99", "-DNET_SELF_TEST", path, "-o", tmp_path / "net", "-lm")
    assert ended(tmp_path / "net") == (1, "net: the predictions are not those of deltaplan\n")
