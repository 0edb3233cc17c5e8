"""Cells without a value: told, filled by what the training part says, or left out."""

from pathlib import Path

import numpy as np
import pytest
from blocks import data, spec

import deltaplan
from deltaplan.diagnostics import SpecError
from deltaplan.runtime.run import open_, score

GAPS = "a,b,word,y\n1,5,u,1\n,6,v,2\n4,7,v,3\n7,5,,4\n"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("gaps.csv").write_text(GAPS)


def rows(lines, **model):
    return data(f'csv "gaps.csv"; {lines}', **model).parts["train"].x["input"].T.tolist()


@pytest.mark.parametrize(("word", "value"), [("mean", 4.0), ("median", 4.0), ("mode", 1.0)])
def test_gaps_are_filled_with_a_statistic(word, value):
    assert rows(f"inputs a, b; targets y; missing {word}", inputs=2)[1] == [value, 6]


def test_the_statistic_is_that_of_the_training_part_alone():
    Path("gaps.csv").write_text("a,y\n1,1\n2,2\n,3\n100,4\n")
    found = data('csv "gaps.csv"; inputs a; targets y; missing mean; split validation=25% order=time')
    assert found.parts["train"].x["input"].tolist() == [[1, 2, 1.5]]
    assert found.parts["validation"].x["input"].tolist() == [[100]]


def test_dropped_rows_are_in_no_part():
    assert rows("inputs a, b; targets y; missing drop", inputs=2) == [[1, 5], [4, 7], [7, 5]]
    found = data('csv "gaps.csv"; inputs b; targets a; missing a=drop; split validation=1/3')
    assert sorted(n for part in found.parts.values() for n in part.y["output"][0]) == [1, 4, 7]


def test_a_column_may_have_a_word_of_its_own():
    found = rows("inputs a, word; targets y; missing mean word=mode", inputs=3)
    assert found == [[1, 1, 0], [4, 0, 1], [4, 0, 1], [7, 0, 1]]
    found = rows("inputs a, word; targets y; missing median word=drop", inputs=3)
    assert found == [[1, 1, 0], [2.5, 0, 1], [4, 0, 1]]  # 2.5: of the rows that are left


def test_derived_columns_are_made_of_filled_ones():
    assert rows("inputs a^2; targets y; missing mean") == [[1], [16], [16], [49]]


def test_a_trained_model_fills_with_what_it_was_trained_with():
    lines = 'csv "gaps.csv"; inputs a, b; targets y; missing mean; standardize inputs'
    run = open_(deltaplan.train(spec(lines, inputs=2), runs="runs").folder)
    assert np.array_equal(run.predict([[np.nan, 6.0]]), run.predict([[4.0, 6.0]]))
    assert np.array_equal(run.predict([[2.0, np.nan]]), run.predict([[2.0, 5.75]]))


def test_a_row_is_dropped_in_scoring_and_told_in_prediction():
    run = deltaplan.train(spec('csv "gaps.csv"; inputs a; targets y; missing drop'))
    assert len(run.dataset().parts["train"]) == 3
    (scores,) = score(run, path=Path("gaps.csv")).values()
    assert scores == run.metrics["train"]
    with pytest.raises(SpecError, match="the model was trained without a gap there"):
        run.predict([[np.nan]])


def test_gaps_of_a_word_of_the_files_own():
    Path("gaps.csv").write_text("a,y\n1,1\nNA,2\n5,3\n")
    found = data('csv "gaps.csv" empty="NA"; inputs a; targets y; missing mean')
    assert found.parts["train"].x["input"].tolist() == [[1, 3, 5]]


def test_gaps_that_nothing_fills_are_told():
    Path("gaps.csv").write_text("a,y\n,1\n,2\n5,3\n")
    with pytest.raises(SpecError, match="no value in any training row"):
        data('csv "gaps.csv"; inputs a; targets y; missing mean; split train=50% validation=50% order=time')
    with pytest.raises(SpecError, match="part is empty"):
        data('csv "gaps.csv"; inputs a; targets y; missing drop; split validation=20%')


def test_words_have_no_mean():
    with pytest.raises(SpecError, match="`missing word=mode` fills with the most frequent"):
        data('csv "gaps.csv"; inputs word; targets y; missing mean', inputs=2)
