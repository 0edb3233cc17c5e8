"""C files as files: what is in them, how large they are, and what they need."""

import ctypes
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from c_files import STRICT, cc, library_of, needs_compiler, write
from c_models import loaded, model_of, raw_inputs, scaled
from programs import experiment

import deltaplan
from deltaplan.runtime.data.memory import dataset_from_memory
from deltaplan.runtime.data.prepare import load_dataset
from deltaplan.runtime.interop.c import document_of, export

GOLDEN = Path(__file__).parents[2] / "golden"
DROPPED = ("input 2", "dense 3 tanh", "dropout 0.5", "dense 3 relu residual", "output 1")


def small(*model, precision="float32", **options):
    """A model of two inputs and its data."""
    spec = experiment(
        *(model or DROPPED),
        inputs=2,
        targets="t0; standardize inputs, targets",
        precision=precision,
        **({"minimize": "mean(squared_error) + l2(0.1)", "optimizer": "adam(lr=0.01)"} | options),
    )
    x = np.array([[1.0, 5.0], [2.0, 7.0], [4.0, 6.0]])
    return model_of(spec, precision, dataset_from_memory(spec, x, [1.0, 2.0, 4.0]))


def test_a_small_file(golden):
    """The numbers of the parameters are left out: they are those of the seed."""
    made = document_of(small(), "small", train=True, notes=("small of a test.",))
    code = re.sub(r"(?<== \{\n)(?:[^}]*)(?=\};)", "    ...\n", made.code)
    golden(GOLDEN / "small.c", code)
    golden(GOLDEN / "small.h", made.header)


def test_lines_are_ascii_and_not_too_long(specs):
    for name in ("breast_cancer", "digits", "diabetes", "lecture/3x5"):
        path = specs / f"{name}.dl"
        made = document_of(model_of(deltaplan.load(path), "float32", loaded(path)), "net", train=True)
        for text in (made.code, made.header):
            assert text.isascii()
            assert max(map(len, text.splitlines())) <= 100
            assert text.endswith("\n")


@pytest.mark.slow
def test_a_file_does_not_depend_on_the_process(specs, tmp_path):
    found = []
    for seed in ("1", "2"):
        target = tmp_path / seed / "iris.c"
        program = f"from pathlib import Path; from deltaplan.runtime.interop.c import export; \
            export(Path({str(specs / 'iris.dl')!r}), Path({str(target)!r}), train=True)"
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", program], check=True, env=environment)
        found.append((target.read_text(), target.with_suffix(".h").read_text()))
    assert found[0] == found[1]


def told(pattern, text):
    """The number that a comment states."""
    return int(re.search(pattern, " ".join(text.split())).group(1).replace(",", ""))


def sections(path):
    """The bytes of an object's sections."""
    listed = subprocess.run(["size", "-A", str(path)], capture_output=True, text=True, check=True).stdout
    return {line.split()[0]: int(line.split()[1]) for line in listed.splitlines() if line.startswith(".")}


@needs_compiler
@pytest.mark.skipif(not shutil.which("size"), reason="there is no `size`")
@pytest.mark.parametrize(("name", "precision"), [("digits", "float64"), ("wine", "float32")])
def test_the_bytes_that_a_file_tells_are_those_that_size_measures(name, precision, specs, tmp_path):
    made = document_of(model_of(deltaplan.load(specs / f"{name}.dl"), precision), "net", train=True)
    path, plain, static = write(tmp_path, made, "net"), tmp_path / "plain.o", tmp_path / "static.o"
    flags = (*STRICT, "-Os", "-fno-pic", "-fno-pie", "-c", path)
    cc(*flags, "-o", plain, "-fstack-usage")
    cc(*flags, "-o", static, "-DNET_STATIC")
    constants, ram = told(r"Flash: ([\d,]+) bytes", made.code), told(r"RAM: ([\d,]+) bytes", made.code)
    measured = sections(plain)
    readable = sum(size for name, size in measured.items() if name.startswith(".rodata"))
    pointers = 8 * sum(len(c.classes) for c in [*model_classes(specs / f"{name}.dl")])
    assert constants <= readable <= constants + pointers + 256  # numbers in formulas, and gaps
    assert measured[".data"] == measured[".bss"] == 0
    assert sections(static)[".bss"] == ram
    usage = re.search(r"net_predict_with\t(\d+)", plain.with_suffix(".su").read_text())
    assert ram <= int(usage.group(1)) <= ram + 256
    library = library_of(tmp_path, made)
    assert ctypes.sizeof(library.state()) == told(r"theta, ([\d,]+) for the state", made.code)


@needs_compiler
@pytest.mark.skipif(not shutil.which("size"), reason="there is no `size`")
def test_where_entries_of_sparse_layers_are_counts_as_flash(tmp_path):
    """12 entries have a weight, and a column of 2 bytes; so have the 13 places where rows begin and end."""
    model = small("input 2", "sparse 12 density=50%", "output 1")
    made = document_of(model, "net")
    cc(*STRICT, "-Os", "-fno-pic", "-c", write(tmp_path, made, "net"), "-o", tmp_path / "net.o")
    measured = sum(n for name, n in sections(tmp_path / "net.o").items() if name.startswith(".rodata"))
    constants = told(r"Flash: ([\d,]+) bytes", made.code)
    scalings = 2 * 2 * 4  # of two inputs; those of the one output stand in the code
    assert constants == (12 + 12 + 12 + 1) * 4 + scalings + (13 + 12) * 2
    assert constants <= measured <= constants + 64


def model_classes(path):
    return load_dataset(deltaplan.load(path), Path()).preprocessing.targets.values()


@needs_compiler
@pytest.mark.skipif(not shutil.which("nm"), reason="there is no `nm`")
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_a_file_needs_libm_alone_and_of_its_own_precision(precision, tmp_path):
    kinds = ("sigmoid", "softplus", "elu", "gelu", "mish", "tanh")
    model = small("input 2", *(f"dense 3 {kind}" for kind in kinds), "output 1", precision=precision)
    path = write(tmp_path, document_of(model, "net", train=True), "net")
    cc(*STRICT, "-Os", "-c", path, "-o", tmp_path / "net.o", "-fno-builtin")
    listed = subprocess.run(["nm", "-u", str(tmp_path / "net.o")], capture_output=True, text=True, check=True)
    needed = {line.split()[-1] for line in listed.stdout.splitlines()} - {"_GLOBAL_OFFSET_TABLE_"}
    mark = "f" if precision == "float32" else ""
    names = ("exp", "expm1", "log", "log1p", "tanh", "fabs", "erf", "sqrt", "pow")
    assert needed <= {f"{name}{mark}" for name in names}
    assert {f"exp{mark}", f"tanh{mark}"} <= needed


@needs_compiler
@pytest.mark.parametrize("stem", ["3x5", "for", "größe", "a b", "sign"])
def test_names_of_files_become_names_in_c(stem, specs, tmp_path):
    path, header = export(specs / "iris.dl", tmp_path / f"{stem}.c", train=True)
    cc(*STRICT, "-c", path, "-o", tmp_path / "net.o")
    assert header.name == f"{stem}.h"


@needs_compiler
@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "leaky_relu(0.1)", "softplus"])
def test_what_is_not_a_number_or_infinite_comes_through(activation, tmp_path):
    model = small("input 2", f"dense 3 {activation}", "output 1", precision="float64")
    library = library_of(tmp_path, document_of(model, "net"))
    x = np.array([[np.nan, 1.0], [np.inf, 1.0], [-np.inf, 1.0], [1e308, -1e308], [1.0, 2.0]])
    (found,) = library.predict([x], [1])
    wanted = model.predict_columns({"input": model.preprocessing.inputs["input"].scaling.apply(x.T)})
    np.testing.assert_allclose(found, wanted["output"].T, rtol=1e-12)


@needs_compiler
def test_a_header_is_for_cplusplus_too(specs, tmp_path):
    if not shutil.which("c++"):
        pytest.skip("there is no C++ compiler")
    _, header = export(specs / "iris.dl", tmp_path / "iris.c", train=True)
    (tmp_path / "user.cpp").write_text('#include "iris.h"\nint main() { return 0; }\n')
    ended = subprocess.run(["c++", "-Wall", "-Werror", "-c", "user.cpp"], cwd=tmp_path, capture_output=True)
    assert ended.returncode == 0, ended.stderr
    assert header.exists()


def test_samples_of_a_check_are_like_those_of_training(specs):
    """Around the means: what a file is checked with is what it is for."""
    model = model_of(deltaplan.load(specs / "wine.dl"), "float64")
    raw = raw_inputs(model, loaded(specs / "wine.dl"))
    assert np.abs(scaled(model, raw)["input"].mean()) < 0.1
    code = document_of(model, "net").code
    given = re.search(r"given_x\[52\] = \{(.*?)\};", code, re.DOTALL).group(1)
    numbers = np.array([float(text) for text in given.split(",") if text.strip()]).reshape(4, 13)
    assert np.abs(model.preprocessing.inputs["input"].scaling.apply(numbers.T)).max() < 5


@needs_compiler
def test_the_c_of_the_documentation_compiles(specs, tmp_path, monkeypatch):
    """Its prototypes are those of the header, and its loop trains."""
    page = (specs.parent / "docs" / "export.md").read_text(encoding="utf-8")
    (spec,) = re.findall(r"```dl file=grapes.dl\n(.*?)```", page, re.DOTALL)
    prototypes, loop = re.findall(r"```c\n(.*?)```", page, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    Path("grapes.dl").write_text(spec.replace("specs/wine.csv", str(specs / "wine.csv")))
    file, _ = export(Path("grapes.dl"), Path("grapes.c"), train=True)
    parts = "static float objective, x[13 * 32 * 5], p[3];\nstatic int y[32 * 5];\n"
    program = f"{prototypes}{parts}int main(void)\n{{\n{loop}return objective > 0.1f;\n}}\n"
    Path("user.c").write_text(program)
    cc(*STRICT, "-O1", "user.c", file, "-o", "user", "-lm")
    assert subprocess.run(["./user"]).returncode == 0


@needs_compiler
def test_the_convolution_of_the_documentation_is_what_is_written(specs, tmp_path, monkeypatch):
    page = (specs.parent / "docs" / "export.md").read_text(encoding="utf-8")
    (spec,) = re.findall(r"```dl file=strokes.dl\n(.*?)```", page, re.DOTALL)
    (shown,) = re.findall(r"```text\n(/\* v1.*?)```", page, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    Path("strokes.dl").write_text(spec.replace("specs/digits.csv", str(specs / "digits.csv")))
    file, _ = export(Path("strokes.dl"), Path("strokes.c"))
    assert shown in file.read_text()
    cc(*STRICT, "-O2", "-DSTROKES_SELF_TEST", file, "-o", "strokes", "-lm")
    assert subprocess.run(["./strokes"], stdout=subprocess.DEVNULL).returncode == 0
