"""Targets of every kind: classes by name, two labels, numbers as they are; and all that does not fit."""

import numpy as np
import pytest
from experiments import experiment

from deltaplan.diagnostics import SpecError
from deltaplan.runtime.data.distinct import distinct
from deltaplan.runtime.data.prepare import load_dataset, load_part

ALL = (1.0, 0.0, 0.0)


@pytest.fixture
def load(tmp_path):
    def load(cells, kind, units=1, split=ALL, **options):
        rows = "".join(f"{i},{cell}\n" for i, cell in enumerate(cells))
        (tmp_path / "a.csv").write_text("t,y\n" + rows, encoding="utf-8")
        return load_dataset(experiment(kind=kind, units=units, split=split, **options), tmp_path)

    return load


@pytest.fixture
def told(load):
    def told(*args, **options):
        with pytest.raises(SpecError) as error:
            load(*args, **options)
        return [(d.code, d.message, *(note.text for note in d.notes)) for d in error.value.diagnostics]

    return told


@pytest.mark.parametrize(
    ("cells", "classes", "indices"),
    [
        (["rose", "iris", "rose", "ahorn"], ("ahorn", "iris", "rose"), [2, 1, 2, 0]),
        (["10", "9", "10"], ("9", "10"), [1, 0, 1]),
        (["2.5", "-1.0"], ("-1", "2.5"), [1, 0]),
        (["10", "9", "x"], ("10", "9", "x"), [0, 1, 2]),
    ],
)
def test_classes_are_sorted_by_name_or_number(load, cells, classes, indices):
    dataset = load(cells, "class", units=len(classes))
    y = dataset.parts["train"].y["output"]
    assert dataset.preprocessing.targets["output"].classes == classes
    assert (y.tolist(), y.dtype) == (indices, np.int64)


@pytest.mark.parametrize(
    ("kind", "cells", "values", "classes"),
    [
        ("binary", ["0", "1", "0.25"], [0, 1, 0.25], ()),
        ("binary", ["no", "yes", "no"], [0, 1, 0], ("no", "yes")),
        ("binary", ["2", "1"], [1, 0], ("1", "2")),
        ("sign", ["-1", "1", "1"], [-1, 1, 1], ()),
        ("sign", ["0", "1", "0"], [-1, 1, -1], ("0", "1")),
        ("sign", ["no", "yes"], [-1, 1], ("no", "yes")),
    ],
)
def test_two_labels(load, kind, cells, values, classes):
    dataset = load(cells, kind)
    assert dataset.parts["train"].y["output"].tolist() == [values]
    assert dataset.preprocessing.targets["output"].classes == classes


def test_parts_have_their_share_of_every_class(load):
    cells = ["a"] * 50 + ["b"] * 30 + ["c"] * 20
    parts = load(cells, "class", units=3, split=(0.7, 0.2, 0.1)).parts
    assert np.bincount(parts["train"].y["output"]).tolist() == [35, 21, 14]
    assert np.bincount(parts["validation"].y["output"]).tolist() == [10, 6, 4]


@pytest.mark.parametrize(
    ("cells", "kind", "units", "code", "message"),
    [
        (
            ["a", "b", "c"],
            "class",
            2,
            "class-count",
            "column `y` has 3 classes, and `output` gives 2 numbers",
        ),
        (
            ["a", "b", "c"],
            "binary",
            1,
            "two-classes-wanted",
            "the loss compares two classes, and column `y` has 3",
        ),
        (["a", "a"], "sign", 1, "two-classes-wanted", "the loss compares two classes, and column `y` has 1"),
        (["a", "", "b"], "class", 2, "data-missing", "column `y` has no value in 1 row"),
        (["1", "", "2"], "class", 2, "data-missing", "column `y` has no value in 1 row"),
    ],
)
def test_labels_that_do_not_fit(told, cells, kind, units, code, message):
    assert [problem[:2] for problem in told(cells, kind, units)] == [(code, message)]


def test_a_trained_model_knows_its_classes(load, tmp_path):
    fitted = load(["a", "b", "c"], "class", units=3).preprocessing
    (tmp_path / "new.csv").write_text("t,y\n1,c\n2,a\n")
    spec = experiment(kind="class", units=3)
    assert load_part(spec, fitted, tmp_path / "new.csv").y["output"].tolist() == [2, 0]
    (tmp_path / "new.csv").write_text("t,y\n1,c\n2,d\n")
    with pytest.raises(SpecError) as error:
        load_part(spec, fitted, tmp_path / "new.csv")
    (diagnostic,) = error.value.diagnostics
    assert diagnostic.code == "unseen-class"
    assert [note.text for note in diagnostic.notes] == ["new.csv:3: `d`"]
    assert diagnostic.help_text == "classes: `a`, `b`, `c`"


def test_numbers_do_not_turn_into_labels_later(load, tmp_path):
    fitted = load(["0", "1"], "binary").preprocessing
    (tmp_path / "new.csv").write_text("t,y\n1,3\n2,0\n")
    with pytest.raises(SpecError) as error:
        load_part(experiment(kind="binary"), fitted, tmp_path / "new.csv")
    assert error.value.diagnostics[0].code == "target-outside"


@pytest.mark.parametrize("kind", ["int64", "float64", "bool"])
def test_distinct_numbers_are_those_of_numpy(kind):
    random = np.random.default_rng(1)
    for size in (0, 1, 2, 100):
        values = random.integers(0, 9, size).astype(kind)
        np.testing.assert_array_equal(distinct(values), np.unique(values))
