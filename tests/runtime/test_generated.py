"""Samples from functions and iterators train as the same samples in arrays do."""

from itertools import count, islice
from pathlib import Path

import numpy as np
import pytest

import deltaplan
from deltaplan.diagnostics import SpecError
from deltaplan.runtime.data.generated import gathered

ERRORS = Path(__file__).parent / "errors"
SPEC = """\
model m { input 2; dense 3 tanh; output 1 }
train { minimize mean(squared_error); optimizer adam; epochs 3 }
"""
X = np.arange(12.0).reshape(6, 2)
Y = X.sum(axis=1)


def samples():
    yield from zip(X, Y, strict=True)


def batches():
    for begin in (0, 4):
        yield X[begin : begin + 4], Y[begin : begin + 4]


def columns():
    for x, y in samples():
        yield {"y": y, "b": x[1], "a": x[0]}


@pytest.mark.parametrize("given", [samples, samples(), batches, iter(list(batches()))])
def test_training_is_that_of_the_arrays(given):
    spec = deltaplan.loads(SPEC)
    run, same = deltaplan.train(spec, given), deltaplan.train(spec, X, Y)
    assert np.array_equal(run.theta, same.theta)


def test_mappings_of_columns():
    spec = deltaplan.loads(SPEC.replace("train", 'data { csv "none.csv"; inputs a, b; targets y }\ntrain'))
    assert np.array_equal(deltaplan.train(spec, columns).theta, deltaplan.train(spec, X, Y).theta)


def test_labels():
    x, y = gathered(iter([(1.0, "cat"), (2.0, "dog")]))
    assert (x.tolist(), y.tolist()) == ([[1.0], [2.0]], ["cat", "dog"])


def test_pictures_in_batches_are_flattened():
    x, y = gathered(iter([(np.ones((2, 4, 4, 3)), [0, 1])]))
    assert (x.shape, y.tolist()) == ((2, 48), [0, 1])


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([], "the generator gave nothing at all"),
        ([3], "gave `3`, and not samples"),
        ([(np.ones((3, 2)), [1, 2])], "gave 3 samples of x and 2 of y"),
        ([([1, 2], 1), ([1, 2, 3], 1)], "gave items of several shapes"),
    ],
)
def test_items_that_are_no_samples(items, message):
    with pytest.raises(SpecError, match=message):
        gathered(iter(items))


def test_what_is_told_of_items(golden):
    with pytest.raises(SpecError) as told:
        deltaplan.train(deltaplan.loads(SPEC), iter([(1, 2, 3)]))
    golden(ERRORS / "generator-item.err", f"{told.value}\n")


def test_a_generator_without_an_end(golden):
    endless = ((float(i), 0.0) for i in count())
    with pytest.raises(SpecError) as told:
        gathered(endless, limit=1600)
    golden(ERRORS / "generator-too-long.err", f"{told.value}\n")
    assert len(gathered(islice(endless, 50), limit=1600)[0]) == 50


def test_y_beside_a_generator():
    with pytest.raises(ValueError, match="x and y together"):
        deltaplan.train(deltaplan.loads(SPEC), samples, Y)
