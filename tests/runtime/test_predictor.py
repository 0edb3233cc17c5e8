"""Prepared predictors give what `Run.predict` gives."""

import threading

import numpy as np
import pytest
from effort import FULL
from programs import experiment, spec

import deltaplan
from deltaplan.diagnostics import SpecError

pytestmark = pytest.mark.light

TOLERANCE = {"float64": 1e-12, "float32": 1e-5}
COUNTS = (1, 2, 15, 16, 31, 32, 33, 63, 64, 65, 200)
SCALED = """
model net {{
    {model}
}}
data {{
    csv "none.csv"
    inputs {inputs}
    targets {targets}
    {more}
}}
train {{
    minimize {minimize}
    optimizer adam(lr=0.01)
    epochs 3
    seed 3
    precision {precision}
}}
"""
MODELS = {
    "regression": (("input 3", "dense 5 tanh", "output 2"), "a, b, c", "y, z", "mean(squared_error)"),
    "wide": (("input 40", "dense 70, 33 relu", "output 3"), "a", "y, z, w", "mean(squared_error)"),
    "classes": (("input 6", "dense 20 relu", "output 4"), "a", "k", "mean(cross_entropy)"),
    "yes or no": (("input 2", "dense 4 tanh", "output 1"), "a, b", "k", "mean(logistic)"),
    "picture": (
        ("input 6x6x1", "conv 3 kernel=3 relu", "max_pool 2", "flatten", "output 2"),
        "a",
        "y, z",
        "mean(squared_error)",
    ),
}
SCALING = {
    "as it is": "",
    "scaled": "standardize inputs, targets",
    "multiplied": "multiply inputs 1/7",
}


def trained(name, precision="float64", scaling="scaled", offset=0.0):
    """A run on made-up samples, and rows like those that it was trained on."""
    lines, inputs, targets, minimize = MODELS[name]
    classes = "cross_entropy" in minimize or "logistic" in minimize
    more = SCALING[scaling].replace(", targets", "") if classes else SCALING[scaling]
    text = SCALED.format(
        model="\n    ".join(lines),
        inputs=inputs,
        targets=targets,
        minimize=minimize,
        more=more,
        precision=precision,
    )
    random = np.random.default_rng(5)
    width = int(np.prod([int(n) for n in lines[0].removeprefix("input ").split("x")]))
    x = random.normal(size=(200, width)) * 3 + 1 + offset
    count = int(lines[-1].split()[1])
    y = np.arange(200) % max(count, 2) if classes else random.normal(size=(200, count)) * 5 + 100
    return deltaplan.train(deltaplan.loads(text), x, y), x


def assert_close(given, expected, precision):
    assert given.shape == expected.shape
    assert given.dtype == precision
    scale = np.abs(expected).max(initial=0.0)
    np.testing.assert_allclose(given, expected, rtol=0, atol=TOLERANCE[precision] * scale)


@pytest.mark.parametrize(
    ("scaling", "precision"),
    [
        pytest.param("scaled", "float64", marks=FULL),
        pytest.param("scaled", "float32", marks=FULL),
        ("as it is", "float64"),
        pytest.param("as it is", "float32", marks=pytest.mark.long),
        pytest.param("multiplied", "float64", marks=pytest.mark.long),
        pytest.param("multiplied", "float32", marks=pytest.mark.long),
    ],
)
@pytest.mark.parametrize("name", MODELS)
def test_any_number_of_rows(name, scaling, precision):
    run, x = trained(name, precision, scaling)
    predictor, expected = run.predictor(), run.predict(x)
    for given in (x, x.astype(precision)):
        assert_close(predictor(given[7]), expected[7], precision)
        for count in COUNTS:
            assert_close(predictor(given[:count]), expected[:count], precision)


def test_models_without_a_convolution_are_native():
    for name in ("regression", "wide", "classes", "yes or no"):
        run, _ = trained(name)
        assert run.predictor().backend == "native"
        assert run.predictor("numpy").backend == "numpy"


@pytest.mark.parametrize("backend", ["native", "numpy"])
def test_rows_of_any_type_and_order(backend):
    run, x = trained("regression", "float32")
    predictor, expected = run.predictor(backend), run.predict(x[:9])
    whole = np.round(x[:9]).astype(np.int64)
    assert_close(predictor(x[:9].tolist()), expected, "float32")
    assert_close(predictor(np.asfortranarray(x[:9])), expected, "float32")
    assert_close(predictor(x[:18:2]), run.predict(x[:18:2]), "float32")
    assert_close(predictor(whole), run.predict(whole), "float32")
    assert_close(predictor(whole[2]), run.predict(whole[2:3])[0], "float32")
    assert_close(predictor({name: x[:9, i] for i, name in enumerate("abc")}), expected, "float32")


@pytest.mark.parametrize("backend", ["native", "numpy"])
def test_what_does_not_fit_is_told_as_by_predict(backend):
    run, x = trained("regression")
    predictor = run.predictor(backend)
    for wrong in (x[:, :2], x[0, :2], [["a", "b", "c"]], x[None], x[:0]):
        with pytest.raises(SpecError):
            predictor(wrong)


def test_a_large_mean_costs_no_digits_in_float32():
    """Its own float32 is off by up to an eighth, which is a twentieth of the spread."""
    run, x = trained("regression", "float32", offset=2_000_000.3)
    rows = x.astype(np.float32)
    expected, predictor = run.predict(rows), run.predictor("native")
    assert_close(predictor(rows), expected, "float32")
    assert_close(predictor(rows[3]), expected[3], "float32")


@pytest.mark.parametrize("backend", ["native", "numpy"])
def test_input_run_and_output(backend):
    run, x = trained("regression")
    predictor, expected = run.predictor(backend), run.predict(x)
    for row in (3, 11):
        predictor.input[:] = x[row]
        predictor.run()
        np.testing.assert_allclose(predictor.output, expected[row], rtol=1e-12)
    kept = predictor(x[0])
    predictor(x[1])
    np.testing.assert_allclose(kept, expected[0], rtol=1e-12)


@pytest.mark.parametrize("backend", ["native", "numpy"])
def test_several_inputs_and_outputs(backend):
    text = spec(
        *("left = input 2", "right = input 3", "concat from left, right", "a = dense 7 tanh"),
        *("price = output 2 from a", "kind = output 3 from a"),
        inputs="left=[a, b] right=[c, d, e]",
        targets="price=[y, z] kind=k",
        minimize="mean(squared_error(on=price) + cross_entropy(on=kind))",
    )
    random = np.random.default_rng(0)
    x = {"left": random.normal(size=(30, 2)), "right": random.normal(size=(30, 3))}
    y = {"price": random.normal(size=(30, 2)), "kind": np.arange(30) % 3}
    run = deltaplan.train(deltaplan.loads(text), x, y)
    predictor, expected = run.predictor(backend), run.predict(x)
    rows = np.hstack([x["left"], x["right"]])
    for name, values in expected.items():
        assert_close(predictor(rows)[name], values, "float64")
        assert_close(predictor(rows[4])[name], values[4], "float64")
        assert_close(predictor(x)[name], values, "float64")
    predictor.input[:] = rows[4]
    predictor.run()
    np.testing.assert_allclose(predictor.output, np.concatenate([v[4] for v in expected.values()]))


def test_computed_columns_fall_back_to_numpy():
    text = spec("input 2", "dense 4 tanh", "output 1", inputs="a, log(b)", targets="y")
    random = np.random.default_rng(0)
    x = {"a": random.normal(size=30), "b": random.uniform(1, 2, size=30)}
    run = deltaplan.train(deltaplan.loads(text), x, random.normal(size=30))
    predictor = run.predictor()
    assert predictor.backend == "numpy"
    assert_close(predictor(x), run.predict(x), "float64")
    with pytest.raises(SpecError):
        run.predictor("native")


def test_predictors_are_independent_of_each_other_and_of_their_run():
    run, x = trained("wide")
    expected = run.predict(x)
    first, predictors = run.predictor(), [run.predictor() for _ in range(3)]
    wrong = []

    def predict(predictor, begin):
        for row in list(range(begin, 200)) * 3:
            found = predictor(x[row])
            many = predictor(x[:50])
            if not np.allclose(found, expected[row], rtol=1e-12):
                wrong.append(row)
            if not np.allclose(many, expected[:50], rtol=1e-12):
                wrong.append(-row)

    threads = [threading.Thread(target=predict, args=(p, 50 * i)) for i, p in enumerate(predictors)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    run.model.theta[:] = 0
    np.testing.assert_allclose(first(x), expected, rtol=1e-12)


def test_nan_and_infinity_come_through():
    run, x = trained("regression", "float32", "as it is")
    predictor = run.predictor("native")
    row = x[0].astype(np.float32)
    row[1] = np.nan
    assert np.isnan(predictor(row)).all()
    rows = x[:40].astype(np.float32)
    rows[3, 0] = np.nan
    found = predictor(rows)
    assert np.isnan(found[3]).all()
    assert np.isfinite(np.delete(found, 3, 0)).all()


def test_what_it_is_called():
    run, _ = trained("regression")
    assert repr(run.predictor("native")) == "<predictor of `net`, 3 -> 2, float64, native>"


def test_a_model_without_training_predicts_too():
    net = experiment("input 2", "dense 3 tanh", "output 1", inputs="a, b", targets="y")
    run = deltaplan.train(net, np.eye(2), np.zeros(2))
    assert run.predictor()(np.eye(2)).shape == (2, 1)
