"""Archives, bundled sets and data from memory give the tables that files do."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from experiments import experiment

import deltaplan
from deltaplan.diagnostics import SpecError
from deltaplan.plugins.api import Unreadable
from deltaplan.plugins.builtin import sources
from deltaplan.plugins.builtin.tables import sklearn_table
from deltaplan.plugins.builtin.tables.npz_table import read_npz
from deltaplan.runtime.data import Preprocessing
from deltaplan.runtime.data.memory import dataset_from_memory, inputs_from_memory
from deltaplan.runtime.data.prepare import load_dataset, load_part

ALL = (1.0, 0.0, 0.0)


def widened(spec, width):
    """The spec with an input of another width than it names columns."""
    node, *others = spec.graph
    graph = type(spec.graph)([replace(node, shape=(width,)), *others], {}, spec.graph.shapes)
    return replace(spec, graph=graph)


def with_rest(spec, width):
    spec = widened(spec, width)
    return replace(spec, data=replace(spec.data, inputs={"input": ()}, rest="input"))


def test_npz(tmp_path):
    x = np.arange(6, dtype=np.int32).reshape(3, 2)
    np.savez(
        tmp_path / "a.npz", x=x, y=[0.5, 1.5, 2.5], who=["a", "b", "a"], raw=np.array([b"u", b"v", b"w"])
    )
    table = read_npz(tmp_path / "a.npz")
    assert (table.rows, table.row_name(1)) == (3, "a.npz, row 1")
    assert table.columns["who"].tolist() == ["a", "b", "a"]
    assert table.columns["raw"].tolist() == ["u", "v", "w"]
    spec = widened(experiment(inputs=("x",), split=ALL, source=sources.npz, path="a.npz"), 2)
    part = load_dataset(spec, tmp_path).parts["train"]
    assert part.x["input"].tolist() == x.T.tolist()


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.array([{}, []], dtype=object)}, "holds Python objects"),
        ({"x": np.zeros(3), "y": np.zeros(4)}, "differ in length"),
        ({"x": np.float64(3)}, "single value"),
        ({"x": np.array([1j])}, "neither numbers nor words"),
        ({"x": np.array(["2020-01-01"], dtype="datetime64[D]")}, "neither numbers nor words"),
        ({}, "no arrays"),
    ],
)
def test_archives_that_hold_no_columns(tmp_path, arrays, message):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(Unreadable, match=message):
        read_npz(tmp_path / "a.npz")


def test_what_is_of_no_use_in_an_archive_is_refused_where_it_is_needed(tmp_path):
    names = np.array([{}, [], None], dtype=object)
    np.savez(tmp_path / "a.npz", x=np.arange(3.0), y=np.ones(3), names=names, rate=np.float64(3))
    table = read_npz(tmp_path / "a.npz")
    assert list(table.columns) == ["x", "y"]
    assert table.unread.keys() == {"names", "rate"}
    spec = 'model m { input 1; output 1 }\ndata { npz "a.npz"; inputs COLUMNS; targets y }'
    for columns, told in (("names", "holds Python objects"), ("rest", "holds Python objects")):
        wanted = deltaplan.loads(spec.replace("COLUMNS", columns), folder=tmp_path)
        with pytest.raises(SpecError, match=told):
            load_dataset(wanted, tmp_path)
    plain = deltaplan.loads(spec.replace("COLUMNS", "x"), folder=tmp_path)
    assert len(load_dataset(plain, tmp_path).parts["train"]) == 3


@pytest.mark.parametrize("content", [b"", b"junk", b"PK\x03\x04" + b"\0" * 100])
def test_files_that_are_no_archive(tmp_path, content):
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(Unreadable, match="no archive"):
        read_npz(tmp_path / "a.npz")


def test_a_truncated_archive(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", x=np.arange(1000.0))
    content = bytearray((tmp_path / "a.npz").read_bytes())
    content[200] ^= 0xFF
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(Unreadable, match="no archive"):
        read_npz(tmp_path / "a.npz")


def test_iris_by_name():
    pytest.importorskip("sklearn")
    spec = experiment(
        inputs=("sepal_length", "petal_width"),
        targets=("target",),
        kind="class",
        units=3,
        source=sources.sklearn,
        path="specs/iris",
    )
    dataset = load_dataset(spec, Path())
    assert (len(dataset.parts["train"]), dataset.files) == (120, ())
    assert dataset.preprocessing.targets["output"].classes == ("setosa", "versicolor", "virginica")
    assert np.bincount(dataset.parts["validation"].y["output"]).tolist() == [10, 10, 10]


def test_digits_without_naming_64_columns():
    pytest.importorskip("sklearn")
    spec = experiment(targets=("target",), kind="class", units=10, source=sources.sklearn, path="digits")
    dataset = load_dataset(with_rest(spec, 64), Path())
    assert dataset.parts["train"].x["input"].shape == (64, 1438)
    assert dataset.preprocessing.targets["output"].classes == tuple("0123456789")


def test_an_unknown_bundled_set():
    with pytest.raises(Unreadable, match="no data set `irsi`") as error:
        sklearn_table.read_bundled("irsi")
    assert error.value.help == "similar name: `iris`"


def test_without_scikit_learn(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(sklearn_table, "import_module", missing)
    with pytest.raises(Unreadable, match="not installed") as error:
        sklearn_table.read_bundled("iris")
    assert "deltaplan[data]" in error.value.help


def test_rest_leaves_out_targets_and_columns_without_a_name(tmp_path):
    (tmp_path / "a.csv").write_text(",b,y,a\n0,1,2,3\n1,4,5,6\n")
    spec = with_rest(experiment(split=ALL), 2)
    dataset = load_dataset(spec, tmp_path)
    assert dataset.preprocessing.inputs["input"].labels == ("b", "a")
    (tmp_path / "new.csv").write_text("extra,a,b,y\n9,3,1,2\n")
    assert load_part(spec, dataset.preprocessing, tmp_path / "new.csv").x["input"].tolist() == [[1], [3]]


def test_rest_of_another_width_than_the_model(tmp_path):
    (tmp_path / "a.csv").write_text("b,y,a\n1,2,3\n")
    with pytest.raises(SpecError, match="input `input` takes 3 numbers, and its columns give 2"):
        load_dataset(with_rest(experiment(split=ALL), 3), tmp_path)


class Frame:
    """What is asked of a data frame."""

    def __init__(self, columns):
        self._columns = columns
        self.columns = list(columns)

    def __getitem__(self, name):
        return self._columns[name]


X, Y = np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]]), [5, 6, 7]


@pytest.mark.parametrize(
    "x", [X, X.tolist(), {"b": X[:, 1], "a": X[:, 0]}], ids=["array", "lists", "mapping"]
)
@pytest.mark.parametrize("y", [Y, np.array(Y)[:, None], {"y": Y}, Frame({"y": Y})])
def test_arrays_and_frames(x, y):
    part = dataset_from_memory(experiment(inputs=("a", "b"), split=ALL), x, y).parts["train"]
    assert part.x["input"].tolist() == X.T.tolist()
    assert part.y["output"].tolist() == [[5, 6, 7]]


def test_a_spec_without_a_data_block():
    spec = deltaplan.loads(
        "model m { input 2; output 2 }\n"
        "train { minimize mean(cross_entropy); optimizer sgd(lr=0.1); epochs 1; batch full }"
    )
    dataset = dataset_from_memory(spec, X, ["no", "yes", "no"])
    assert dataset.parts["train"].y["output"].tolist() == [0, 1, 0]
    assert dataset.preprocessing.inputs["input"].labels == ("x1", "x2")


def test_a_frame_is_asked_for_the_columns_that_the_spec_names():
    frame = Frame({"b": X[:, 1], "note": ["x", None, "y"], "a": X[:, 0]})
    part = dataset_from_memory(experiment(inputs=("a", "b"), split=ALL), frame, Y).parts["train"]
    assert part.x["input"].tolist() == X.T.tolist()


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (X[:, :1], Y, "`X` has 1 column, and the spec asks for 2"),
        (X, Y[:2], "`y` has 2 rows"),
        (X.reshape(1, 3, 2), Y, r"shape \(1, 3, 2\)"),
        (3.0, Y, r"shape \(\)"),
        ([[1, 2], [3]], Y, "rows differ in length"),
        (X * 1j, Y, "complex"),
        ({"a": X[:, 0]}, Y, "no column `b`"),
        ([["1", "u"], ["2", "3"], ["3", "w"]], Y, "column `b` must hold numbers"),
        ([[1, None], [2, 2], [3, 3]], Y, "column `b` has no value in 1 row"),
    ],
)
def test_data_from_memory_that_do_not_fit(x, y, message):
    with pytest.raises(SpecError, match=message):
        dataset_from_memory(experiment(inputs=("a", "b"), split=ALL), x, y)


def test_inputs_for_prediction():
    fitted: Preprocessing = dataset_from_memory(experiment(inputs=("a", "b"), split=ALL), X, Y).preprocessing
    assert inputs_from_memory(fitted, X)["input"].tolist() == X.T.tolist()
