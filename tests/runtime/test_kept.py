"""Compiled specs that are kept: a warm start gives what a cold one gave; what changed is compiled anew."""

import pickle
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

import deltaplan
from deltaplan.cli.train import result
from deltaplan.runtime import kept
from deltaplan.runtime.kept import Reader, Writer, kept_in, place_of
from deltaplan.runtime.opening import opened

pytestmark = [
    pytest.mark.light,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="kept on Linux alone"),
]

ROOT = Path(__file__).parents[2]
SPEC = """\
param hidden = 3

model wave {
    input 1
    dense hidden x 3, 1  tanh  residual
    output 1
}

data {
    csv "wave.csv"
    inputs t
    targets y
    split train=80% validation=20% seed=1
    standardize inputs
}

train {
    minimize mean(squared_error) + l2(1e-4)
    optimizer adam(lr=1e-2)
    epochs 20
    batch 16
    seed 4
}
"""
PLUGIN = """\
from deltaplan.plugins.api import activation

@activation("twice")
def twice(u):
    return 2 * u
"""
SPLIT = "split train=80% validation=20% seed=1"
LAYERS = "dense hidden x 3, 1  tanh  residual"
VARIANTS = {
    "as it is": {},
    "dropout, statistics and a schedule": {
        LAYERS: "dense 6 tanh; batch_norm; dropout 20%",
        "lr=1e-2": "lr=cosine(0.02)",
        "epochs 20": "epochs 20; clip norm=0.5; lr_scale 2 on=biases",
    },
    "sparse, with metrics in the loop": {
        LAYERS: "sparse 8 density=40% seed=3 tanh",
        "epochs 20": "epochs 20; monitor mae, r2; stop_early patience=3 on=mae",
    },
    "images, recorded": {
        LAYERS: "dense 16; reshape 4x4x1; conv 2 kernel=3 elu; flatten",
        SPLIT: "", "epochs 20": "epochs 20; record parameters every=7",
    },
    "classes": {
        "targets y": "targets label",
        "mean(squared_error)": "mean(logistic)",
        "epochs 20": "epochs 20; monitor accuracy, auc",
    },
    "defined and asserted": {
        "model wave": "activation bump(u; a = 2) = u * exp(-a * u^2)\n\nmodel wave", "tanh": "bump",
        "param hidden = 3": "param hidden = 3\nassert lipschitz <= 1000\nassert parameters > 10",
    },
    "measured": {"output 1": "output", "targets y": "targets y, label"},
}  # fmt: skip


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a spec and its data, and a cache of its own."""
    monkeypatch.setenv("DELTAPLAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    t = np.linspace(-1, 1, 50)
    rows = "".join(f"{a:.4f},{np.sin(3 * a):.6f},{int(a > 0.1)}\n" for a in t)
    (tmp_path / "wave.csv").write_text("t,y,label\n" + rows)
    (tmp_path / "wave.dl").write_text(SPEC)
    return tmp_path


def is_kept(path="wave.dl", params=None):
    place = place_of(path, params)
    return place is not None and kept_in(place) is not None


def change(path, old, new):
    text = Path(path).read_text()
    assert old in text
    Path(path).write_text(text.replace(old, new))


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_kept_spec_trains_as_a_new_one(folder, variant):
    for old, new in VARIANTS[variant].items():
        change("wave.dl", old, new)
    cold, warm = (deltaplan.train("wave.dl", runs="runs") for _ in range(2))
    assert is_kept()
    assert warm.experiment is not cold.experiment
    assert str(warm.experiment) == str(cold.experiment)
    assert warm.theta.tobytes() == cold.theta.tobytes()
    assert (warm.history, warm.metrics) == (cold.history, cold.metrics)
    assert result(warm).replace("wave-2", "wave-1") == result(cold)
    assert_same_folders(cold.folder, warm.folder)


def assert_same_folders(first, second):
    names = [sorted(path.name for path in folder.iterdir()) for folder in (first, second)]
    assert names[0] == names[1]
    for name in names[0]:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name


def test_a_warm_start_imports_no_compiler(folder):
    code = (
        "import sys, deltaplan; print(deltaplan.train('wave.dl', params={'hidden': 2}).metrics)\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    first, second = (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=folder)
        for _ in range(2)
    )
    assert second.stdout == first.stdout
    compiler = {
        "lark",
        "networkx",
        "llvmlite",
        "deltaplan.dsl",
        "deltaplan.compiler.build",
        "deltaplan.compiler.plan",
    }
    assert compiler - {"networkx"} <= set(first.stderr.split())
    assert not compiler & set(second.stderr.split())
    assert not {"numpy.ma", "difflib"} & set(first.stderr.split())  # a twentieth of the time


# what has changed is compiled anew
def test_another_text_or_param_is_another_spec(folder):
    deltaplan.train("wave.dl", params={"hidden": 2})
    assert is_kept(params={"hidden": 2})
    assert not any(is_kept(params=params) for params in (None, {"hidden": 4}, {"hidden": 2.0}))
    change("wave.dl", "epochs 20", "epochs 21")
    assert not is_kept(params={"hidden": 2})
    assert deltaplan.train("wave.dl", params={"hidden": 2}).history[-1]["epoch"] == 21


def test_an_imported_file_that_has_changed(folder):
    change("wave.dl", "param hidden = 3", 'import "widths.dl"')
    Path("widths.dl").write_text("param hidden = 3\n")
    deltaplan.train("wave.dl")
    assert is_kept()
    Path("widths.dl").write_text("param hidden = 5\n")
    assert not is_kept()
    assert deltaplan.train("wave.dl").theta.size == 6 + 4 * 12 + 4 + 2


def test_data_that_have_changed(folder):
    """A loop is for a number of samples, and all else is read anew."""
    before = deltaplan.train("wave.dl")
    Path("wave.csv").write_text("\n".join(Path("wave.csv").read_text().splitlines()[:-9]))
    assert is_kept()
    after = deltaplan.train("wave.dl")
    again = deltaplan.train("wave.dl")
    fresh = deltaplan.train(deltaplan.load("wave.dl"))
    assert after.theta.tobytes() == again.theta.tobytes() == fresh.theta.tobytes() != before.theta.tobytes()


def test_a_size_that_was_measured_on_data_that_have_changed(folder):
    change("wave.dl", "input 1", "input")
    change("wave.dl", "inputs t", "inputs rest")
    deltaplan.train("wave.dl")
    assert is_kept()
    lines = Path("wave.csv").read_text().splitlines()
    Path("wave.csv").write_text(
        "\n".join([lines[0] + ",z", *(f"{line},{i}" for i, line in enumerate(lines[1:]))])
    )
    assert not is_kept()
    assert deltaplan.train("wave.dl").predict([[0.0, 1.0, 2.0]]).shape == (1, 1)


OTHERS = [
    (kept, "_sources", list),
    (kept, "processor", lambda: "another"),
    (kept, "_library", lambda name: None),
    (np, "__version__", "9.9"),
    (sys, "version", "4"),
]


def test_another_version_or_processor(folder, monkeypatch):
    deltaplan.train("wave.dl")
    for owner, name, value in OTHERS:
        assert is_kept()
        with monkeypatch.context() as changed:
            changed.setattr(owner, name, value)
            assert not is_kept(), name


def test_every_source_file_counts(folder):
    names = {
        Path(name).relative_to(Path(deltaplan.__file__).parent).as_posix() for name, _, _ in kept._sources()
    }
    assert {"__init__.py", "runtime/kept.py", "dsl/grammar.py", "diagnostics/explanations.toml"} <= names


# what is not kept
@pytest.mark.parametrize("line", ['use "./mine.py"', ' use "./mine.py"', 'param a = 1; use "./mine.py"'])
def test_a_spec_with_a_plugin_is_not_kept(folder, line):
    Path("mine.py").write_text(PLUGIN)
    change("wave.dl", "param hidden = 3", f"{line}\nparam hidden = 3".replace("param a", "param unused"))
    deltaplan.train("wave.dl")
    assert not list(Path("cache").glob("*.spec"))


def test_other_backends_and_given_samples_leave_nothing(folder):
    deltaplan.train("wave.dl", backend="numpy")
    deltaplan.train("wave.dl", [[0.0], [0.5], [1.0]] * 5, [[0.0], [0.5], [1.0]] * 5)
    assert not list(Path("cache").glob("*.spec"))


def test_a_folder_of_others_or_none_at_all(folder, monkeypatch):
    Path("cache").mkdir()
    Path("cache").chmod(0o777)
    assert place_of("wave.dl", None) is None
    first = deltaplan.train("wave.dl")
    assert not list(Path("cache").iterdir())
    monkeypatch.setenv("DELTAPLAN_CACHE", "off")
    assert deltaplan.train("wave.dl").theta.tobytes() == first.theta.tobytes()


def test_a_disk_that_is_full(folder, monkeypatch):
    def full(path, content):
        raise OSError("no space left")

    monkeypatch.setattr(kept, "write", full)
    assert deltaplan.train("wave.dl").ended == "complete"
    assert not is_kept()


def test_a_spec_that_is_wrong_is_told_as_ever(folder):
    change("wave.dl", "tanh", "tahn")
    for _ in range(2):
        with pytest.raises(deltaplan.SpecError, match="similar name: `tanh`"):
            deltaplan.train("wave.dl")
    with pytest.raises(deltaplan.SpecError, match="nowhere"):
        deltaplan.train("nowhere.dl")


# damage
def test_a_damaged_file_is_made_anew(folder):
    first = deltaplan.train("wave.dl")
    (file,) = Path("cache").glob("*.spec")
    whole = file.read_bytes()
    for damage in (b"", b"nonsense", whole[:-1], whole[:-1] + b"?"):
        file.write_bytes(damage)
        assert not is_kept()
        assert deltaplan.train("wave.dl").theta.tobytes() == first.theta.tobytes()
        assert is_kept()


class Foreign:
    def __reduce__(self):
        return print, ("run",)


@pytest.mark.parametrize("value", [Foreign(), deltaplan.train, Path, subprocess.Popen])
def test_a_file_makes_nothing_but_classes_of_deltaplan(value):
    if value is Path:
        assert Reader(BytesIO(pickle.dumps(value))).load() is Path
        return
    with pytest.raises(pickle.UnpicklingError):
        Reader(BytesIO(pickle.dumps(value))).load()


def test_what_is_kept_has_the_contributions_of_the_registry(folder):
    """Those that are code are named; their functions are the built-ins' own."""
    deltaplan.train("wave.dl")
    found = opened("wave.dl")
    assert found.kept is not None
    fresh = deltaplan.load("wave.dl")
    for one, other in zip(found.experiment.graph.layers, fresh.graph.layers, strict=True):
        assert one.use.contract == other.use.contract
    assert found.experiment.data.source.contract.read is fresh.data.source.contract.read
    content = BytesIO()
    Writer(content).dump(found.kept)
    assert Reader(BytesIO(content.getvalue())).load().loop == found.kept.loop
