"""Plans that go forward alone: machine code gives what numpy gives, for any number of samples."""

from pathlib import Path

import numpy as np
import pytest
from c_training import pair

import deltaplan
from deltaplan.compiler.plan import evaluate_plan, predict_plan
from deltaplan.diagnostics import SpecError
from deltaplan.runtime import forward as module
from deltaplan.runtime.backends.numpy.bind import target_key
from deltaplan.runtime.forward import NATIVE_BLOCK, Forward
from deltaplan.runtime.initial import initial, with_statistics

pytestmark = pytest.mark.light

LAYERS = sorted((Path(__file__).parents[1] / "reference" / "layers").glob("*.dl"))
TOLERANCE = {"float64": 1e-12, "float32": 1e-5}
COUNTS = (1, NATIVE_BLOCK - 1, NATIVE_BLOCK, 2 * NATIVE_BLOCK + 3)


def close(found, wanted, dtype):
    for own, other in zip(found, wanted, strict=True):
        assert own.dtype == np.float64
        np.testing.assert_allclose(own, other, rtol=0, atol=TOLERANCE[dtype] * np.abs(other).max())


def data_of(plan, count):
    random = np.random.default_rng(4)
    given = {name: random.normal(size=(t.size, count)) for name, t in plan.trace.inputs.items()}
    for name, tensor in plan.trace.targets.items():
        given[target_key(name)] = random.normal(size=(tensor.size, count))
    return given


def theta_of(spec, dtype):
    vector = with_statistics(spec.graph, initial(spec.graph, 0))
    return (vector + np.random.default_rng(1).uniform(0, 0.3, len(vector))).astype(dtype)


SINGLE = ("conv", "pools", "batch_norm")  # in float32, too
CASES = [
    *(pytest.param(path, "float64", id=path.stem) for path in LAYERS),
    *(
        pytest.param(
            path,
            "float32",
            marks=[] if path.stem in SINGLE else [pytest.mark.long],
            id=f"{path.stem} float32",
        )
        for path in LAYERS
    ),
]


@pytest.mark.parametrize(("path", "dtype"), CASES)
def test_outputs_and_losses_of_every_layer(path, dtype):
    spec = deltaplan.load(path)
    theta, plan = theta_of(spec, dtype), evaluate_plan(spec.graph)
    forward, wanted = Forward(plan), [*plan.kept[: len(plan.trace.outputs)], plan.trace.sample_loss]
    for count in COUNTS:
        data = data_of(plan, count)
        numpy, native = (forward(theta, data, wanted, backend) for backend in ("numpy", "native"))
        close(native, numpy, dtype)
        assert [values.shape for values in native] == [(t.size, count) for t in wanted]


def test_the_backend_goes_by_the_work_and_not_by_what_was_before(monkeypatch):
    """The same number of samples gives the same bits, however often it is asked for."""
    spec = deltaplan.load(LAYERS[0])
    plan = predict_plan(spec.graph)
    forward, theta = Forward(plan), theta_of(spec, "float64")
    monkeypatch.setattr(module, "WORTH", forward.work(200))
    few, many = data_of(plan, 199), data_of(plan, 200)
    for _ in range(2):
        np.testing.assert_array_equal(*both(forward, theta, few, "numpy"))
        np.testing.assert_array_equal(*both(forward, theta, many, "native"))


def both(forward, theta, data, backend):
    """What the plan's first output is by itself, and on a backend."""
    wanted = forward.plan.kept[:1]
    return [forward(theta, data, wanted, chosen)[0] for chosen in (None, backend)]


def test_products_of_matrices_are_no_reason_for_machine_code():
    spec = deltaplan.loads("model net {\n    input 500\n    dense 500 relu\n    output 500\n}\n")
    assert Forward(predict_plan(spec.graph)).work(1000) < 3_000_000


def test_no_samples_give_no_numbers():
    spec = deltaplan.load(LAYERS[0])
    plan = predict_plan(spec.graph)
    (found,) = Forward(plan)(theta_of(spec, "float64"), data_of(plan, 0), plan.kept[:1], "native")
    assert found.shape == (plan.kept[0].size, 0)


def test_a_model_predicts_decides_and_scores_on_either_backend():
    made = pair(
        "input 3", "dense 5 tanh", "output 3", minimize="mean(cross_entropy)", kind="class", targets=1
    )
    model, part = made.model, made.trainer.part
    x = made.raw["input"].T
    np.testing.assert_allclose(model.predict(x, "native"), model.predict(x, "numpy"), rtol=0, atol=1e-12)
    assert model.decide(x, "native").tolist() == model.decide(x, "numpy").tolist()
    native, numpy = model.score(part, "native"), model.score(part, "numpy")
    assert native.keys() == numpy.keys()
    assert native == pytest.approx(numpy, rel=1e-12)
    assert model.tables(part, "native")["confusion"].to_data() == model.tables(part)["confusion"].to_data()


def test_what_is_not_a_number_comes_through_in_its_sample_alone():
    spec = deltaplan.load(LAYERS[0])
    plan = predict_plan(spec.graph)
    data = data_of(plan, 130)
    next(iter(data.values()))[:, 129] = np.nan
    (found,) = Forward(plan)(theta_of(spec, "float32"), data, plan.kept[:1], "native")
    assert np.isnan(found).all(axis=0).tolist() == [False] * 129 + [True]


def test_without_llvmlite_numpy_does_it_unless_native_is_named(monkeypatch):
    made = pair("input 3", "dense 5 tanh", "output 2")
    monkeypatch.setattr(Forward, "_native", missing)
    monkeypatch.setattr(module, "WORTH", 0)
    x = made.raw["input"].T
    np.testing.assert_array_equal(made.model.predict(x), made.model.predict(x, "numpy"))
    with pytest.raises(SpecError, match="native-unavailable"):
        made.model.predict(x, "native")


def missing(self, theta):
    raise ImportError("no llvmlite here")
