"""Training on the native backend: the same as on numpy, whatever happens on the way."""

import os
import signal
import threading
import time

import numpy as np
import pytest
from programs import experiment
from trainings import dataset, part, trained

from deltaplan.compiler.plan import compile_plans
from deltaplan.runtime.data.dataset import Dataset
from deltaplan.runtime.data.features import Feature
from deltaplan.runtime.data.preprocessing import Preprocessing, TargetColumns
from deltaplan.runtime.data.scaling import Scaling
from deltaplan.runtime.native_trainer import NativeTrainer
from deltaplan.runtime.train import train

DROPPED = ("input 1", "dense 9 tanh", "dropout 40%", "dense 5 elu", "output 1")
SPLIT = "t0; split train=60% validation=40%"
OPTIMIZERS = [
    "sgd(lr=0.05)",
    "sgd(lr=0.05, momentum=0.9, nesterov=true)",
    "adam(lr=0.02)",
    "adamw(lr=0.02)",
    "rmsprop(lr=0.01)",
    "adagrad(lr=0.05)",
    "adam(lr=step(0.05, at=4, factor=0.1))",
    "sgd(lr=cosine(0.1))",
]


def both(*model, **options):
    return (trained(*model, backend=backend, **options) for backend in ("native", "numpy"))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("batch", ["full", 3])
def test_every_optimizer_makes_the_steps_of_numpy(optimizer, batch):
    native, numpy = both(optimizer=optimizer, batch=batch, minimize="mean(squared_error) + l2(0.01)")
    assert native.backend == "native"
    np.testing.assert_allclose(native.theta, numpy.theta, rtol=1e-10, atol=1e-13)
    assert set(native.states) == set(numpy.states)
    for name, state in numpy.states.items():
        np.testing.assert_allclose(native.states[name], state, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("batch", [1, 2, 4, 7])
def test_few_samples_of_many_features_make_the_steps_of_numpy(batch):
    """Their memory is in another order; 7 leave 3 for the last step of an epoch."""
    model = ("input 33", "dense 24, 24 tanh residual", "dropout 20%", "output 2")
    options = {"inputs": 33, "targets": 2, "length": "epochs 3", "minimize": "mean(squared_error) + l2(0.01)"}
    data = Dataset({"train": part(10, inputs=33, outputs=2)}, None)
    native, numpy = both(*model, data=data, batch=batch, optimizer="sgd(lr=0.001, momentum=0.9)", **options)
    assert native.backend == "native"
    np.testing.assert_allclose(native.theta, numpy.theta, rtol=1e-10, atol=1e-13)
    for one, other in zip(native.history, numpy.history, strict=True):
        assert one.to_data() == pytest.approx(other.to_data(), rel=1e-10)


@pytest.mark.parametrize("average", ["mean", "sum"])
@pytest.mark.parametrize("batch", ["full", 4])
def test_the_history_is_that_of_numpy(average, batch):
    options = {"minimize": f"{average}(squared_error) + l1(1e-3)", "optimizer": "sgd(lr=0.01)"}
    native, numpy = both(*DROPPED, batch=batch, validation=7, **options)
    for one, other in zip(native.history, numpy.history, strict=True):
        assert one.to_data() == pytest.approx(other.to_data(), rel=1e-10)


def test_dropout_draws_the_same_numbers():
    native, numpy = both(*DROPPED, batch=4, length="epochs 5")
    np.testing.assert_allclose(native.theta, numpy.theta, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("keep", ["keep best", "keep last"])
def test_early_stopping_ends_at_the_same_step(keep):
    data = dataset(12, validation=9)
    data.parts["validation"].y["output"][:] = 0.3  # something else than what is trained: it gets worse
    options = {"optimizer": "adam(lr=0.05)", "length": "epochs 400", "more": f"stop_early patience=5; {keep}"}
    options["targets"] = SPLIT
    native, numpy = both(data=data, **options)
    assert native.ended == numpy.ended == "stopped early"
    assert native.step == numpy.step
    np.testing.assert_allclose(native.theta, numpy.theta, rtol=1e-8)
    for name, counter in numpy.counters.items():
        np.testing.assert_allclose(native.counters[name], counter, rtol=1e-8)


@pytest.mark.parametrize("batch", ["full", 3])
def test_divergence_is_told_as_on_numpy(batch):
    options = {"optimizer": "sgd(lr=1e6)", "length": "epochs 50", "batch": batch, "precision": "float32"}
    native, numpy = both(**options)
    assert native.ended == numpy.ended == "diverged"
    assert native.step == numpy.step
    assert native.divergence == numpy.divergence
    np.testing.assert_allclose(native.theta, numpy.theta, rtol=1e-4)


@pytest.mark.parametrize("batch", ["full", 3])
def test_ctrl_c_ends_a_long_training_after_a_whole_step(batch):
    def interrupt():
        while not any(thread.name == "training" for thread in threading.enumerate()):
            time.sleep(0.01)
        time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    cut = trained(length="steps 4000000000", batch=batch, backend="native")
    assert cut.ended == "interrupted"
    again = trained(length=f"steps {cut.step}", batch=batch, backend="native")
    np.testing.assert_array_equal(cut.counters["theta"], again.theta)


def test_other_python_threads_run_while_a_step_does():
    ticks = []

    def tick():
        while not ticks or ticks[-1] is not None:
            ticks.append(time.perf_counter())
            time.sleep(0.001)

    spec = experiment("input 1", "dense 5, 5 tanh", "output 1", length="steps 300000")
    trainer = NativeTrainer(spec, dataset(10), compile_plans(spec))
    threading.Thread(target=tick).start()
    outcome = trainer.run(lambda record: None)
    ticks.append(None)
    assert outcome.step == 300000
    assert len(ticks) > 20


def test_a_long_history_is_read_while_it_is_written():
    seen = []
    outcome = trained(
        length="epochs 20000",
        validation=3,
        more="keep best",
        targets=SPLIT,
        progress=seen.append,
        backend="native",
    )
    assert [r.step for r in outcome.history] == list(range(1, 20001))
    assert tuple(seen) == outcome.history


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_no_bit_depends_on_the_number_of_threads(threads):
    """A net whose step is large enough to be cut into chunks."""
    lines = ("input 64", "dense 300, 300 relu", "output 5")
    options = {"batch": 128, "length": "epochs 2", "precision": "float32", "inputs": 64, "targets": 5}
    spec = experiment(*lines, **options)
    data = Dataset({"train": part(300, inputs=64, outputs=5)}, None)
    plans = compile_plans(spec)
    trainer = NativeTrainer(spec, data, plans, threads=threads)
    assert trainer.loop.chunks
    found = trainer.run(lambda record: None)
    one = NativeTrainer(spec, data, plans, threads=1).run(lambda record: None)
    np.testing.assert_array_equal(found.theta, one.theta)
    assert found.history == one.history
    numpy = train(spec, data, plans, backend="numpy")
    np.testing.assert_allclose(found.theta, numpy.theta, rtol=1e-3, atol=1e-6)
    for mine, theirs in zip(found.history, numpy.history, strict=True):
        assert mine.to_data() == pytest.approx(theirs.to_data(), rel=1e-5)


MONITORED = [
    ("mean(squared_error)", "rmse, mae, r2, absolute_error, huber"),
    ("mean(logistic)", "accuracy, f1, logistic"),
]


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize(("loss", "monitored"), MONITORED)
def test_what_is_monitored_is_that_of_numpy(loss, monitored, outputs):
    data = dataset(14, validation=9, outputs=outputs)
    if "logistic" in loss:
        for samples in data.parts.values():
            samples.y["output"][:] = samples.y["output"] > np.arange(outputs)[:, None]
    columns = ", ".join(f"t{i}" for i in range(outputs)) + "; split train=60% validation=40%"
    options = {"minimize": loss, "targets": columns, "more": f"monitor {monitored}", "batch": 4}
    spec = experiment("input 1", "dense 5 tanh", f"output {outputs}", length="epochs 6", **options)
    data = with_targets(data, outputs, "binary" if "logistic" in loss else "real")
    native = NativeTrainer(spec, data, compile_plans(spec))
    assert native.loop.labels, "the loop follows them by itself"
    found = native.run(lambda record: None)
    numpy = train(spec, data, backend="numpy")
    for one, other in zip(found.history, numpy.history, strict=True):
        assert len(one.metrics) == len(monitored.split(","))
        assert one.to_data() == pytest.approx(other.to_data(), rel=1e-9)


def with_targets(data, count, kind):
    """The dataset with what tells how targets are scaled and decided."""
    scaling = Scaling(tuple(0.5 + i for i in range(count)), tuple(2.0 + i for i in range(count)))
    features = tuple(Feature(f"t{i}", (f"t{i}",)) for i in range(count))
    columns = TargetColumns(kind, features, scaling if kind == "real" else Scaling.none(count))
    return Dataset(data.parts, Preprocessing({}, {"output": columns}))
