"""The data block carried out: columns, parts, scaling from the training part alone, mistakes told."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from experiments import experiment
from hypothesis import given
from hypothesis import strategies as st

from deltaplan.compiler.experiment import Split
from deltaplan.diagnostics import SpecError, render
from deltaplan.plugins.builtin.tables.csv_table import read_csv
from deltaplan.runtime.data import Preprocessing, load_dataset
from deltaplan.runtime.data.scaling import Scaling
from deltaplan.runtime.data.split import split_rows

SPECS = Path(__file__).parents[2] / "specs"
ROWS = [(i, 10 * i, i % 3) for i in range(10)]
TEN = "t,y,k\n" + "".join(f"{t},{y},{k}\n" for t, y, k in ROWS)


@pytest.fixture
def load(tmp_path):
    def load(text, spec):
        (tmp_path / "a.csv").write_text(text, encoding="utf-8")
        return load_dataset(spec, tmp_path)

    return load


@pytest.fixture
def mistakes(load):
    def mistakes(text, spec):
        with pytest.raises(SpecError) as error:
            load(text, spec)
        return [render(diagnostic) for diagnostic in error.value.diagnostics]

    return mistakes


def test_wave(tmp_path):
    dataset = load_dataset(experiment(standardize=("inputs",), path="wave.csv"), SPECS)
    train, validation = dataset.parts["train"], dataset.parts["validation"]
    assert (len(train), len(validation), set(dataset.parts)) == (32, 8, {"train", "validation"})
    content = (SPECS / "wave.csv").read_bytes()
    assert dataset.files[0].sha256 == hashlib.sha256(content).hexdigest()
    t, y = np.array([line.split(",") for line in content.decode().split()[1:]], float).T
    mean, scale = t[train.rows].mean(), t[train.rows].std()
    for part in (train, validation):
        np.testing.assert_allclose(part.x["input"], [(t[part.rows] - mean) / scale], atol=1e-15)
        assert (part.y["output"] == y[part.rows]).all()
        assert part.x["input"].flags.c_contiguous
        assert part.x["input"].dtype == part.y["output"].dtype == np.float64


def test_features_are_rows_in_the_order_of_the_spec(load):
    part = load(TEN, experiment(inputs=("k", "t"), split=(1, 0, 0))).parts["train"]
    assert part.x["input"].tolist() == [[k for _, _, k in ROWS], [t for t, _, _ in ROWS]]
    assert part.y["output"].tolist() == [[y for _, y, _ in ROWS]]


def test_standardized_targets_go_back_to_their_units(load):
    dataset = load(TEN, experiment(standardize=("targets",), split=(1, 0, 0)))
    scaled = dataset.parts["train"].y["output"]
    assert abs(scaled.mean()) < 1e-15
    assert abs(scaled.std() - 1) < 1e-15
    back = dataset.preprocessing.targets_back({"output": scaled})["output"]
    np.testing.assert_allclose(back, [[y for _, y, _ in ROWS]], atol=1e-12)


def test_preprocessing_survives_json_and_applies_to_a_new_file(load, tmp_path):
    fitted = load(TEN, experiment(inputs=("t", "k"), standardize=("inputs", "targets"))).preprocessing
    read_back = Preprocessing.from_data(json.loads(json.dumps(fitted.to_data())))
    assert read_back == fitted
    (tmp_path / "new.csv").write_text("other,k,t\nx,2,30\n")
    x = read_back.apply_inputs(read_csv(tmp_path / "new.csv"))["input"]
    scaling = fitted.inputs["input"].scaling
    wanted = [(30 - scaling.means[0]) / scaling.scales[0], (2 - scaling.means[1]) / scaling.scales[1]]
    assert x[:, 0].tolist() == wanted


def test_a_new_file_without_a_column(load, tmp_path):
    fitted = load(TEN, experiment()).preprocessing
    (tmp_path / "new.csv").write_text("T,y\n1,2\n")
    with pytest.raises(SpecError, match="no column `t`"):
        fitted.apply_inputs(read_csv(tmp_path / "new.csv"))


def test_a_constant_column_is_shifted_and_told(load):
    dataset = load("t,y\n0.1,1\n0.1,2\n0.1,3\n", experiment(standardize=("inputs",), split=(1, 0, 0)))
    assert dataset.parts["train"].x["input"].tolist() == [[0.0, 0.0, 0.0]]
    assert dataset.preprocessing.inputs["input"].scaling.scales == (1.0,)
    assert [w.code for w in dataset.warnings] == ["constant-column"]


def test_one_row_is_enough_where_nothing_is_split(load):
    assert load("t,y\n1,2\n", experiment(split=(1, 0, 0))).parts["train"].x["input"].tolist() == [[1.0]]


@given(st.lists(st.floats(-1e300, 1e300), min_size=2, max_size=30))
def test_scaling_is_that_of_numpy_and_of_any_order(values):
    column = np.array([values])
    scaling = Scaling.fitted(column)
    assert scaling == Scaling.fitted(column[:, ::-1])
    if max(map(abs, values)) < 1e100:
        np.testing.assert_allclose(scaling.means, column.mean(axis=1), atol=1e-12 * np.abs(column).max())
    assert np.isfinite(scaling.apply(column)).all()


def test_fractions_are_taken_as_the_decimals_they_are():
    parts = split_rows(1000, Split(0.7, 0.1, 0.2, seed=0))
    assert [len(parts[name]) for name in ("train", "validation", "test")] == [700, 100, 200]
    assert [len(rows) for rows in split_rows(5, Split(0.5, 0.5, 0, seed=0)).values()] == [3, 2]


@given(st.integers(1, 200), st.integers(0, 100), st.integers(0, 2**64 - 1))
def test_parts_share_the_rows(rows, percent, seed):
    parts = split_rows(rows, Split(percent / 100, 1 - percent / 100, 0, seed=seed))
    assert sorted(row for part in parts.values() for row in part.tolist()) == list(range(rows))
    assert all((np.diff(part) > 0).all() for part in parts.values())


def test_the_seed_chooses_the_parts():
    splits = {tuple(split_rows(40, Split(0.8, 0.2, 0, seed=seed))["validation"]) for seed in range(20)}
    assert len(splits) == 20


@given(st.lists(st.integers(0, 3), min_size=4, max_size=80), st.integers(0, 9))
def test_classes_are_shared_out(labels, seed):
    classes = np.array(labels)
    parts = split_rows(len(labels), Split(0.6, 0.2, 0.2, seed=seed), classes)
    plain = split_rows(len(labels), Split(0.6, 0.2, 0.2, seed=seed))
    assert {name: len(rows) for name, rows in parts.items()} == {n: len(r) for n, r in plain.items()}
    for name, share in (("train", 0.6), ("validation", 0.2), ("test", 0.2)):
        for label in set(labels):
            wanted = share * labels.count(label)
            assert abs((classes[parts[name]] == label).sum() - wanted) <= 2


UNKNOWN = """\
spec.dl:2:8: the data have no column `T` [unknown-column]
   2 | inputs T
     |        ^ similar name: `t`
     = help: columns: `t`, `y`, `k`"""

WORDS = """\
spec.dl:2:8: column `t` must hold numbers, and 6 rows do not [data-not-numbers]
   2 | inputs t
     |        ^
     = note: a.csv:3: `abc`
     = note: a.csv:5: `x`
     = note: a.csv:6: `x`
     = note: a.csv:7: `x`
     = note: a.csv:8: `x`
     = note: and 1 more
     = help: `category(t)` reads all of them as names"""

GAP = """\
spec.dl:2:8: column `t` has no value in 1 row [data-missing]
   2 | inputs t
     |        ^
     = note: a.csv:4
     = help: `missing mean`, `median`, `mode` or `drop` in the `data` block says what to do"""

NO_VALUE = """\
spec.dl:3:9: column `y` has no value in 1 row [data-missing]
   3 | targets y
     |         ^
     = note: a.csv:3
     = help: `missing y=drop` leaves such rows out"""

RAGGED = """\
spec.dl:1:1: 1 row has another number of cells than the header of `a.csv`, which has 2 [data-unreadable]
   1 | csv "a.csv"
     | ^^^
     = note: a.csv:3: 3 cells
     = help: a cell that holds `,` stands in quotes"""

EMPTY_PART = """\
spec.dl:4:1: the `validation` part is empty: the data have 2 rows [empty-part]
   4 | split
     | ^^^^^
     = help: give it a larger share, or leave it out"""


@pytest.mark.parametrize(
    ("text", "spec", "told"),
    [
        (TEN, experiment(inputs=("T",)), [UNKNOWN]),
        ("t,y\n1,2\nabc,2\n,2\n" + "x,1\n" * 5, experiment(), [WORDS, GAP]),
        ("t,y\n1,2\n3,\n", experiment(), [NO_VALUE]),
        ("t,y\n1,2\n3,4,5\n", experiment(), [RAGGED]),
        ("t,y\n1,2\n3,4\n", experiment(), [EMPTY_PART]),
    ],
    ids=["unknown", "words", "missing", "ragged", "empty part"],
)
def test_mistakes(mistakes, text, spec, told):
    assert mistakes(text, spec) == told


def test_mistakes_of_several_columns_are_told_together(mistakes):
    told = mistakes("t,y\n,nan\n1,2\n", experiment(inputs=("t", "z")))
    assert [text.split(" [")[1].split("]")[0] for text in told] == [
        "unknown-column",
        "data-not-numbers",
        "data-missing",
    ]


def test_a_decimal_comma_is_recognized_in_the_mend(mistakes):
    assert "`decimal=comma`" in mistakes("t;y\n1,5;2\n", experiment())[0]
