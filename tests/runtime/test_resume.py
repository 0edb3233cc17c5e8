"""A run that goes on ends with the bits of one that was never interrupted."""

import hashlib
import signal

import numpy as np
import pytest

import deltaplan

SPEC = """
model wave {{
    input 1
    dense 5, 5 tanh
    dropout 20%
    output 1
}}
data {{
    csv "wave.csv"
    inputs t
    targets y
    split train=70% validation=30% seed=2
}}
train {{
    minimize mean(squared_error) + l2(1e-3)
    optimizer {optimizer}
    {length}
    batch 8
    seed 5
    {more}
}}
"""


def experiment(specs, length="epochs 12", optimizer="adam(lr=1e-2)", more="keep best"):
    text = SPEC.format(length=length, optimizer=optimizer, more=more)
    return deltaplan.loads(text, name="wave.dl", folder=specs)


def stop_at(step):
    def progress(record):
        if record.step == step:
            signal.raise_signal(signal.SIGINT)

    return progress


def bits(run):
    arrays = [run.theta, *run.saved.state.values(), *run.saved.counters.values()]
    return hashlib.sha256(b"".join(np.ascontiguousarray(a).tobytes() for a in arrays)).hexdigest()


@pytest.mark.parametrize(
    "optimizer", ["adam(lr=1e-2)", "sgd(lr=0.05, momentum=0.9)", "rmsprop(lr=step(0.01, at=4))"]
)
def test_an_interrupted_run_goes_on_with_the_same_bits(specs, tmp_path, optimizer):
    spec = experiment(specs, optimizer=optimizer)
    whole = deltaplan.train(spec, runs=tmp_path, backend="numpy")
    cut = deltaplan.train(spec, runs=tmp_path, progress=stop_at(20), backend="numpy")
    assert (cut.ended, cut.saved.step) == ("interrupted", 20)
    again = deltaplan.open(cut.folder)
    rest = deltaplan.train(again.experiment, runs=tmp_path, resume=again, backend="numpy")
    assert rest.ended == "complete"
    assert bits(rest) == bits(whole)
    assert list(rest.history) == list(whole.history)
    assert rest.folder.name == "wave-3"


def test_a_run_goes_on_in_the_middle_of_an_epoch(specs, tmp_path):
    """28 samples in batches of 8 are 4 steps: step 10 is the second of the third epoch."""
    whole = deltaplan.train(experiment(specs, "steps 30"), runs=None)
    part = deltaplan.train(experiment(specs, "steps 10"), runs=tmp_path)
    rest = deltaplan.train(experiment(specs, "steps 30"), runs=None, resume=deltaplan.open(part.folder))
    assert bits(rest) == bits(whole)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"length": "epochs 2"}, "it has made its 8 steps"),
        ({"optimizer": "sgd(lr=0.1)", "length": "epochs 9"}, "the spec has another optimizer"),
        ({"more": "precision float64", "length": "epochs 9"}, "it was trained in float32"),
    ],
)
def test_what_does_not_fit_is_refused(specs, tmp_path, change, told):
    run = deltaplan.train(experiment(specs, "epochs 2"), runs=None)
    with pytest.raises(deltaplan.SpecError, match=told):
        deltaplan.train(experiment(specs, **change), runs=tmp_path, resume=run)
    assert not list(tmp_path.iterdir())


def test_other_data_are_refused(specs, tmp_path):
    run = deltaplan.train(experiment(specs, "epochs 2"), runs=None)
    (tmp_path / "wave.csv").write_text((specs / "wave.csv").read_text() + "3.5,1.0\n")
    with pytest.raises(deltaplan.SpecError, match="is not what it was trained on"):
        deltaplan.train(experiment(tmp_path, "epochs 9"), runs=None, resume=run)
