"""What is saved comes back to the bit, and a folder that was tampered with is told, never a traceback."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deltaplan.diagnostics import DeltaplanError
from deltaplan.plugins.expressions import argument, log
from deltaplan.plugins.loader import builtin_registry
from deltaplan.runtime.contributions import contribution_from_data, contribution_to_data, is_saved
from deltaplan.runtime.data import InputColumns, Preprocessing, ReadFile, Scaling, TargetColumns
from deltaplan.runtime.data.features import Feature
from deltaplan.runtime.data.gaps import Fills
from deltaplan.runtime.runs import FORMAT, SavedRun, open_run, save

CONTRIBUTIONS = tuple(c for kind in builtin_registry().entries.values() for c in kind.values() if is_saved(c))


T = argument("t")
DERIVED = Feature("log(t)", ("t",), log(T) ** 2)
PORTS = Feature("port", ("port",), categories=("C", "Ω"), width=2)


def a_run(**changes):
    rng = np.random.default_rng(0)
    scaling = Scaling((0.1,), (1 / 3,))
    run = SavedRun(
        name="wave",
        spec="model wave {\r\n    input 1  # θ\n}\n",
        resolved="model wave { }\n",
        parameters={"dense1.W": rng.normal(size=(5, 1)), "dense1.b": rng.normal(size=5).astype(np.float32)},
        state={"m": rng.normal(size=10), "v": rng.normal(size=10)},
        step=5000,
        ended="complete",
        seeds={"train": 2**64 - 1, "split": 1},
        preprocessing=Preprocessing(
            {"input": InputColumns((Feature("t", ("t",)), DERIVED, PORTS), scaling, 2)},
            {"output": TargetColumns("class", (Feature("kind", ("kind",)),), Scaling.none(1), ("a", "β"))},
            Fills({"t": (0.1, 1 / 3)}, {"port": "Ω"}),
            1,
        ),
        history=({"step": 1, "epoch": 1, "loss": 0.1, "validation_loss": None}, {"step": 2, "loss": 1 / 3}),
        metrics={"train": {"loss": 0.25}},
        contributions=CONTRIBUTIONS,
        params={"hidden": 10, "residual": True},
    )
    return replace(run, **changes)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    return save(a_run(), tmp_path_factory.mktemp("saved"), {"loss.svg": "<svg/>"})


@pytest.fixture
def folder(saved, tmp_path):
    return Path(shutil.copytree(saved, tmp_path / "runs" / saved.name))


def told(folder):
    with pytest.raises(DeltaplanError) as error:
        open_run(folder)
    (diagnostic,) = error.value.diagnostics
    return diagnostic.code, diagnostic.message


def test_what_is_saved_comes_back(folder):
    run, back = a_run(), open_run(folder)
    for name in ("name", "spec", "resolved", "step", "ended", "seeds", "preprocessing", "history", "metrics"):
        assert getattr(back, name) == getattr(run, name), name
    assert back.params == run.params
    assert back.environment == run.environment
    assert back.contributions == run.contributions
    assert list(back.parameters) == ["dense1.W", "dense1.b"]
    for name, block in run.parameters.items():
        assert back.parameters[name].tobytes() == block.tobytes()
        assert (back.parameters[name].dtype, back.parameters[name].shape) == (block.dtype, block.shape)
    for name, vector in run.state.items():
        assert back.state[name].tobytes() == vector.tobytes()


def test_the_files_of_a_run(folder):
    assert folder.name == "wave-1"
    assert sorted(path.name for path in folder.iterdir()) == [
        "history.jsonl",
        "loss.svg",
        "metrics.json",
        "model.safetensors",
        "resolved.dl",
        "run.json",
        "spec.dl",
        "state.safetensors",
    ]
    assert json.loads((folder / "run.json").read_text("utf-8"))["format"] == FORMAT
    assert [json.loads(line)["step"] for line in (folder / "history.jsonl").read_text().splitlines()] == [
        1,
        2,
    ]


def test_the_same_run_gives_the_same_bytes(tmp_path):
    first, second = (save(a_run(), tmp_path / name) for name in ("a", "b"))
    for path in first.iterdir():
        assert path.read_bytes() == (second / path.name).read_bytes(), path.name


def test_no_run_is_overwritten(tmp_path):
    assert [save(a_run(), tmp_path).name for _ in range(3)] == ["wave-1", "wave-2", "wave-3"]


def test_data_are_found_from_the_run_wherever_both_go(tmp_path):
    data = tmp_path / "here" / "wave.csv"
    data.parent.mkdir()
    data.write_text("t,y\n")
    files = (ReadFile(data, "0" * 64), ReadFile(tmp_path / "other.csv"))
    saved = save(a_run(data=files), tmp_path / "here" / "runs")
    assert open_run(saved).data == files
    paths = [file["path"] for file in json.loads((saved / "run.json").read_text("utf-8"))["data"]]
    assert paths == ["../../wave.csv", "../../../other.csv"]
    shutil.move(tmp_path / "here", tmp_path / "there")
    moved = open_run(tmp_path / "there" / "runs" / "wave-1")
    assert moved.data[0] == ReadFile(tmp_path / "there" / "wave.csv", "0" * 64)


def test_what_json_lacks_is_null(tmp_path):
    history = ({"step": 1, "loss": float("nan"), "validation_loss": np.float64(np.inf)},)
    saved = open_run(save(a_run(history=history, metrics={"r2": float("-inf")}), tmp_path))
    assert saved.history == ({"step": 1, "loss": None, "validation_loss": None},)
    assert saved.metrics == {"r2": None}


def test_strided_parameters_are_saved_as_they_look(tmp_path):
    block = np.arange(6.0).reshape(2, 3).T
    assert (open_run(save(a_run(parameters={"W": block}), tmp_path)).parameters["W"] == block).all()


@pytest.mark.parametrize("contribution", CONTRIBUTIONS, ids=lambda c: f"{c.kind} {c.name}")
def test_every_expression_of_the_built_ins_is_plain_data(contribution):
    data = json.loads(json.dumps(contribution_to_data(contribution), allow_nan=False))
    assert contribution_from_data(data) == contribution


def test_no_folder(tmp_path, folder):
    code, message = told(tmp_path / "runs" / "wave-2")
    assert code == "run-not-found"
    assert message.endswith("wave-2` is no run folder: it does not exist")
    with pytest.raises(DeltaplanError, match="similar name: `wave-1`"):
        open_run(tmp_path / "runs" / "wave-2")
    assert told(tmp_path)[1].endswith("it has no `run.json`")
    assert told(folder / "run.json")[1].endswith("it is a file")


FILES = ["spec.dl", "resolved.dl", "model.safetensors", "state.safetensors", "history.jsonl", "metrics.json"]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", ["missing", "truncated", "changed", "folder"])
def test_damaged_files(folder, name, damage):
    path = folder / name
    content = path.read_bytes()
    path.unlink()
    match damage:
        case "truncated":
            path.write_bytes(content[:-1])
        case "changed":
            path.write_bytes(bytes([content[0] ^ 1]) + content[1:])
        case "folder":
            path.mkdir()
    code, message = told(folder)
    assert code == "run-damaged"
    assert f"{name}`" in message


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"\xff\xfe", b"null", b'{"format": "1"}', b'{"format": 1}', b"[" * 100_000],
    ids=lambda c: repr(c[:20]),
)
def test_a_damaged_record(folder, content):
    (folder / "run.json").write_bytes(content)
    assert told(folder)[0] == "run-damaged"


def rewritten(folder, change):
    record = json.loads((folder / "run.json").read_text("utf-8"))
    change(record)
    (folder / "run.json").write_text(json.dumps(record), "utf-8")


def test_a_newer_format(folder):
    rewritten(folder, lambda record: record.update(format=FORMAT + 1, environment={"deltaplan": "9.1"}))
    assert told(folder)[0] == "run-too-new"
    with pytest.raises(DeltaplanError, match=r"written by deltaplan 9\.1"):
        open_run(folder)


KEYS = [
    "name",
    "ended",
    "seeds",
    "params",
    "data",
    "preprocessing",
    "parameters",
    "contributions",
    "environment",
]


@pytest.mark.parametrize("key", KEYS)
def test_a_record_without_a_key(folder, key):
    rewritten(folder, lambda record: record.pop(key))
    code, message = told(folder)
    assert code == "run-damaged"
    assert message.endswith(f"run.json` is not of its form: there is no `{key}`")


@pytest.mark.parametrize("key", [key for key in KEYS if key not in ("name", "ended", "data")])
@pytest.mark.parametrize("value", [3, "text", [[]], {"a": {"b": 1}}], ids=repr)
def test_a_record_with_nonsense(folder, key, value):
    if key in ("params", "environment") and isinstance(value, dict):
        return
    rewritten(folder, lambda record: record.update({key: value}))
    assert told(folder)[0] == "run-damaged"


def test_a_disk_that_does_not_take_it(tmp_path):
    base = tmp_path / "runs"
    base.write_text("a file where the folder should be")
    with pytest.raises(DeltaplanError) as error:
        save(a_run(), base)
    assert error.value.diagnostics[0].code == "run-not-written"


PROGRAM = """
import sys
from pathlib import Path
from deltaplan.runtime.runs import open_run
run = open_run(Path(sys.argv[1]))
print(len(run.contributions), [m for m in sys.modules if m.startswith("deltaplan.plugins.builtin")])
"""


def test_reading_imports_no_plugin(folder):
    printed = subprocess.run(
        [sys.executable, "-c", PROGRAM, Path(folder)], capture_output=True, text=True, check=True
    )
    assert printed.stdout == f"{len(CONTRIBUTIONS)} []\n"
