"""Windows over a time series, and splits that go by time, by groups and by folds."""

from pathlib import Path

import numpy as np
import pytest
from blocks import data, spec
from hypothesis import given
from hypothesis import strategies as st

import deltaplan
from deltaplan.compiler.experiment import Split
from deltaplan.diagnostics import SpecError
from deltaplan.runtime.data.split import split_rows
from deltaplan.runtime.predictions import predictions_csv
from deltaplan.runtime.run import open_


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("s.csv").write_text("count,warm\n" + "".join(f"{i},{100 + i}\n" for i in range(10)))


def test_a_window_has_its_rows_oldest_first_and_its_target_ahead():
    lines = 'csv "s.csv"; inputs count, warm window=3; targets count ahead=2'
    part = data(lines, inputs=6).parts["train"]
    assert part.x["input"][:, 0].tolist() == [0, 100, 1, 101, 2, 102]
    assert part.y["output"].tolist() == [[4, 5, 6, 7, 8, 9]]
    assert part.rows.tolist() == [2, 3, 4, 5, 6, 7]


def test_a_series_is_cut_in_order():
    lines = 'csv "s.csv"; inputs count window=2; targets count ahead=1; split validation=25% order=time'
    parts = data(lines, inputs=2).parts
    assert parts["train"].y["output"].tolist() == [[2, 3, 4, 5, 6, 7]]
    assert parts["validation"].x["input"].T.tolist() == [[6, 7], [7, 8]]


def test_windows_are_scaled_by_column_over_the_rows_that_train():
    lines = 'csv "s.csv"; inputs count window=2; targets count ahead=1; standardize inputs; '
    part = data(lines + "split validation=25% order=time", inputs=2).parts["train"]
    read = np.arange(7.0)  # six windows of two rows read rows 0 to 6
    assert np.allclose(part.x["input"][:, 0], (np.array([0, 1]) - read.mean()) / read.std())


def test_no_window_spans_two_files():
    Path("a.csv").write_text("v\n1\n2\n3\n")
    Path("b.csv").write_text("v\n10\n20\n30\n")
    lines = 'csv "a.csv" part=train; csv "b.csv" part=test; inputs v window=2; targets v ahead=1'
    parts = data(lines, inputs=2).parts
    assert [part.x["input"].T.tolist() for part in parts.values()] == [[[1, 2]], [[10, 20]]]


def test_a_window_with_a_gap_is_dropped_whole():
    Path("a.csv").write_text("v,w\n1,0\n2,0\n,0\n4,0\n5,0\n6,0\n7,0\n")
    part = data('csv "a.csv"; inputs v window=2; targets v ahead=1; missing drop', inputs=2).parts["train"]
    assert part.x["input"].T.tolist() == [[4, 5], [5, 6]]


def test_a_trained_model_predicts_from_the_last_rows():
    lines = 'csv "s.csv"; inputs count window=3; targets count ahead=1; standardize inputs, targets'
    run = open_(deltaplan.train(spec(lines, inputs=3), runs="runs").folder)
    count = np.arange(10.0)
    predicted = run.predict(count)
    assert predicted.shape == (8, 1)
    assert np.array_equal(run.predict(count[-3:]), predicted[-1:])
    assert len(predictions_csv(run, Path("s.csv")).splitlines()) == 1 + 8
    assert run.score({"count": count})["rmse"] == run.metrics["train"]["rmse"]


def test_a_window_that_does_not_fit(golden):
    with pytest.raises(SpecError) as told:
        data('csv "s.csv"; inputs count window=9; targets count ahead=2', inputs=9)
    golden(Path(__file__).parent / "errors" / "window-too-long.err", f"{told.value}\n")


def test_a_random_split_of_windows_is_warned_of():
    warnings = spec(
        'csv "s.csv"; inputs count window=3; targets count ahead=1; split test=20%', inputs=3
    ).warnings
    assert [w.code for w in warnings] == ["overlapping-windows"]


def test_groups_stay_together():
    rows = [(i, f"p{i % 7}") for i in range(100)]
    lines = 'csv "g.csv"; inputs a; targets b; split validation=30% by=who'
    Path("g.csv").write_text("a,b,who\n" + "".join(f"{a},{a},{who}\n" for a, who in rows))
    parts = data(lines).parts
    groups = {name: {rows[row][1] for row in part.rows} for name, part in parts.items()}
    assert groups["train"].isdisjoint(groups["validation"])
    assert 20 <= len(parts["validation"]) <= 40


@given(st.lists(st.integers(0, 9), min_size=1, max_size=60), st.integers(0, 99), st.integers(0, 2**64 - 1))
def test_parts_by_groups_share_the_rows(labels, percent, seed):
    groups = np.unique(labels, return_inverse=True)[1]
    share = percent / 100
    parts = split_rows(len(labels), Split(1 - share, share, 0, seed=seed), groups=groups)
    assert sorted(row for part in parts.values() for row in part.tolist()) == list(range(len(labels)))
    members = [{labels[row] for row in part} for part in parts.values()]
    assert sum(map(len, members)) == len(set(labels))


@given(st.integers(2, 10), st.integers(0, 50), st.integers(10, 200), st.integers(0, 2**64 - 1))
def test_every_row_validates_in_one_fold_and_trains_in_the_others(folds, percent, rows, seed):
    splits = [
        split_rows(rows, Split(0, 0, percent / 100, seed=seed, folds=folds, fold=k + 1)) for k in range(folds)
    ]
    tests = [split.get("test", np.empty(0, int)).tolist() for split in splits]
    assert all(test == tests[0] for test in tests)
    looked = sorted(row for split in splits for row in split["validation"].tolist())
    assert looked == sorted(set(range(rows)) - set(tests[0]))
    for split in splits:
        assert sorted([*split["train"], *split["validation"], *tests[0]]) == list(range(rows))


def test_folds_keep_the_share_of_each_class():
    classes = np.array([0] * 40 + [1] * 20)
    for fold in range(1, 5):
        part = split_rows(60, Split(0, 0, 0, seed=3, folds=4, fold=fold), classes)["validation"]
        assert [(classes[part] == c).sum() for c in (0, 1)] == [10, 5]


SEVERAL = """
model m {
    short = input 2
    both = input 4
    a = dense 3 tanh from short
    b = dense 3 tanh from both
    concat from a, b
    next = output 2
    again = output 4 from concat1
}

data {
    csv "s.csv"
    inputs short=count both=[count, warm] window=2
    targets next=inputs.short again=inputs.both ahead=3
    missing drop
}

train {
    minimize mean(squared_error(on=next) + squared_error(on=again))
    optimizer adam
    epochs 2
}
"""


def test_several_inputs_have_windows_of_their_own_and_outputs_are_compared_with_later_ones():
    run = deltaplan.train(deltaplan.loads(SEVERAL), runs=None)
    part = run.dataset().parts["train"]
    assert part.x["short"].T.tolist() == [[i, i + 1] for i in range(6)]
    assert part.x["both"][:, 0].tolist() == [0, 100, 1, 101]
    assert part.y["next"].T.tolist() == [[i + 3, i + 4] for i in range(6)]
    assert part.y["again"][:, 0].tolist() == [3, 103, 4, 104]
    assert len(predictions_csv(run, Path("s.csv")).splitlines()) == 10  # a header and the nine windows


def test_a_gap_in_the_later_window_drops_the_sample_too():
    Path("s.csv").write_text(
        "count,warm\n" + "".join(f"{i},{'' if i == 8 else 100 + i}\n" for i in range(10))
    )
    part = deltaplan.train(deltaplan.loads(SEVERAL), runs=None).dataset().parts["train"]
    assert part.x["short"][0].tolist() == [0, 1, 2, 3]
