"""Machine code: kept on disk, made for other processors, freed with what held it."""

import gc
import hashlib
import os
import resource
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from programs import experiment
from trainings import dataset, trained

from deltaplan.compiler.loops.ensemble import ensemble
from deltaplan.compiler.loops.llvm.ensemble import write_ensemble
from deltaplan.compiler.loops.llvm.parts import Part
from deltaplan.compiler.loops.llvm.text import Text
from deltaplan.compiler.loops.llvm.train import write_training
from deltaplan.compiler.loops.training import training
from deltaplan.compiler.plan import compile_plans
from deltaplan.runtime.backends.native.cache import cache_folder, cached
from deltaplan.runtime.backends.native.engine import Engine, compile_parts, compile_text
from deltaplan.runtime.backends.native.library import Library
from deltaplan.runtime.backends.native.target import NAMED, host, named
from deltaplan.runtime.native_trainer import NativeTrainer

NET = ("input 1", "dense 5, 5 leaky_relu residual", "dropout 20%", "output 1")
SMALL = "define i64 @twice(i64 %x) {\n  %y = add i64 %x, %x\n  ret i64 %y\n}\n"


def text_of(target, take=None, precision="float64", samples=40, batch=16):
    """A whole training as text for a processor."""
    plans = compile_plans(experiment(*NET))
    itemsize, kind = {"float64": (8, "double"), "float32": (4, "float")}[precision]
    made = training(
        plans.train, plans.evaluate, plans.update, kind, target.schedule(itemsize), samples, batch, 30
    )
    return write_training(made, target.width, take)


@pytest.mark.parametrize(
    ("name", "precision"),
    [
        pytest.param(name, precision, marks=[pytest.mark.long] * (number % 2 != wide))
        for number, name in enumerate(NAMED)
        for wide, precision in enumerate(("float64", "float32"))
    ],
)
def test_a_training_compiles_for_every_processor(name, precision):
    """What cannot be run here is at least compiled, with no call of a function that is not the system's."""
    target = named(name)
    code = compile_text(text_of(target, precision=precision), target)
    assert code[:4] == b"\x7fELF"
    for function in (b"exp", b"fma", b"tanh", b"rint", b"log1p"):
        assert b"\0" + function + b"\0" not in code


@pytest.mark.parametrize(
    "name", ["avx512", "x86-64", "aarch64", pytest.param("avx2", marks=pytest.mark.long)]
)
def test_many_nets_compile_for_every_processor(name):
    target = named(name)
    plans = compile_plans(experiment(*NET))
    made = ensemble(plans.train, plans.evaluate, plans.update, "float", target.schedule(4), 20, None, 10)
    assert compile_text(write_ensemble(made, target.width), target)[:4] == b"\x7fELF"


def test_the_text_does_not_depend_on_the_order_of_sets():
    program = "from test_native_code import *; print(digest())"
    tests = Path(__file__).parents[1]
    path = os.pathsep.join([str(tests), str(tests / "runtime"), os.environ.get("PYTHONPATH", "")])
    other = {"0": "1"}.get(os.environ.get("PYTHONHASHSEED", ""), "0")
    found = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": path, "PYTHONHASHSEED": other},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == digest()


def digest():
    return hashlib.sha256(text_of(host()).encode()).hexdigest()


def written(take):
    """Two functions and a variable in two parts, of which each calls or reads what is in the other."""
    text = Text(take)
    text.variable("kept", "[1 x i64]")
    with text.function("twice", ["i64 %x"], "i64", "nounwind", public=False, light=True):
        before = text.value("load i64, ptr @kept")
        text.do(f"ret i64 {text.value(f'add i64 %x, {before}')}")
    with text.function("begin", ["i64 %x"], "i64", "nounwind", public=True):
        text.do("store i64 %x, ptr @kept")
        text.do(f"ret i64 {text.value('call i64 @twice(i64 %x)')}")
    return text.end()


def test_parts_call_each_other_and_share_variables():
    objects = compile_parts(written, host())
    assert len(objects) == 2
    assert Library(objects, host()).function("begin", ["i64"], "i64")(21) == 42
    assert Library([compile_text(written(None), host())], host()).function("begin", ["i64"], "i64")(4) == 8


def test_llvms_own_loader_takes_parts_too(monkeypatch):
    monkeypatch.setattr("deltaplan.runtime.backends.native.library.Image", Engine)
    monkeypatch.setattr(Engine.__init__, "__defaults__", (host(),))
    library = Library(compile_parts(written, host()), host())
    assert library.function("begin", ["i64"], "i64")(21) == 42


def test_object_files_do_not_depend_on_the_number_of_cores(monkeypatch):
    many = compile_parts(partial(text_of, host()), host())
    monkeypatch.setattr("deltaplan.runtime.backends.native.engine.cores", lambda: 1)
    assert compile_parts(partial(text_of, host()), host()) == many
    assert len(many) > 2


def test_what_goes_wrong_in_a_part_is_told():
    def wrong(take):
        take(Part("define void @f() {", light=False))

    with pytest.raises(RuntimeError, match="expecting more instructions"):
        compile_parts(wrong, host())


def cycles(count):
    """Compiles and frees a small library so many times; the memory of the process in MiB."""
    code = compile_text(SMALL, host())
    for _ in range(count):
        assert Library([code], host()).function("twice", ["i64"], "i64")(4) == 8
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux")
@pytest.mark.parametrize("count", [300, pytest.param(10_000, marks=pytest.mark.long)])
def test_libraries_are_freed(count):
    before = cycles(200)
    assert cycles(count) < before + 8


def test_trainers_are_freed():
    spec, data = experiment(*NET, length="steps 20"), dataset(10)
    plans = compile_plans(spec)
    NativeTrainer(spec, data, plans).run(lambda record: None)
    before = cycles(20)
    for _ in range(30):
        NativeTrainer(spec, data, plans).run(lambda record: None)
    assert cycles(20) < before + 6


# the cache
@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("DELTAPLAN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_what_was_made_once_is_not_made_again(folder):
    made = []
    assert [cached(("a", "b"), lambda: made.append(1) or b"code") for _ in range(3)] == [b"code"] * 3
    assert len(made) == 1
    assert cached(("a", "c"), lambda: b"other") == b"other"
    assert cached(("ab",), lambda: b"third") == b"third"


def test_a_damaged_file_is_made_anew(folder):
    cached(("x",), lambda: b"good" * 100)
    (file,) = folder.glob("*.o")
    for damage in (b"", b"nonsense", file.read_bytes()[:-1], file.read_bytes()[:-1] + b"?"):
        file.write_bytes(damage)
        assert cached(("x",), lambda: b"good" * 100) == b"good" * 100
        assert cached(("x",), lambda: pytest.fail("it is whole again")) == b"good" * 100


def test_a_folder_of_somebody_else_is_not_used(folder):
    folder.mkdir()
    folder.chmod(0o777)
    assert cache_folder() is None
    assert cached(("x",), lambda: b"code") == b"code"
    assert not list(folder.iterdir())


def test_a_folder_that_cannot_be_made_is_done_without(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DELTAPLAN_CACHE", str(tmp_path / "file" / "cache"))
    assert cached(("x",), lambda: b"code") == b"code"


def test_the_cache_can_be_switched_off(folder, monkeypatch):
    monkeypatch.setenv("DELTAPLAN_CACHE", "off")
    assert cache_folder() is None
    assert trained(*NET, backend="native").ended == "complete"
    assert not folder.exists()


@pytest.mark.slow
@pytest.mark.parametrize("count", [3, pytest.param(16, marks=pytest.mark.long)])
def test_many_processes_may_start_at_once(folder, count):
    program = "from trainings import trained; print(trained(backend='native').theta.tobytes().hex())"
    tests = str(Path(__file__).parents[1])
    env = os.environ | {"PYTHONPATH": os.pathsep.join([tests, os.environ.get("PYTHONPATH", "")])}

    def start(_):
        command = [sys.executable, "-c", program]
        return subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout

    with ThreadPoolExecutor(count) as pool:
        found = set(pool.map(start, range(count)))
    assert len(found) == 1
    assert not list(folder.glob("writing-*"))


def test_a_cached_training_gives_the_same_bits(folder):
    first = trained(*NET, batch=4, backend="native")
    files = set(folder.glob("*.o"))
    second = trained(*NET, batch=4, backend="native")
    assert files == set(folder.glob("*.o")) != set()
    np.testing.assert_array_equal(first.theta, second.theta)
