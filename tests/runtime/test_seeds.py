"""Many seeds at once: each net is the one that its seed gives by itself."""

import csv

import numpy as np
import pytest
from effort import FULL
from programs import experiment
from trainings import NET, dataset

import deltaplan
from deltaplan.compiler.loops.schedule import NoScheduleError
from deltaplan.compiler.plan import compile_plans
from deltaplan.runtime.backends.native.target import host
from deltaplan.runtime.ensemble import prepared, prepared_variants, train_together
from deltaplan.runtime.nets import nets_of
from deltaplan.runtime.seeds import seeded, train_seeds
from deltaplan.runtime.train import train

pytestmark = pytest.mark.light

SPLIT = "t0; split train=60% validation=40%"
DROPPED = ("input 1", "dense 9 tanh", "dropout 40%", "dense 5 elu", "output 1")


def marks_of(case):
    """Full batches, drops and clips are in other cases, too."""
    if case in ("full", "dropout of all", "clip of a part"):
        return pytest.mark.long
    return FULL if case in ("batches", "dropout", "sparse") else ()


def alone(spec, data, seed):
    return train(seeded(spec, seed), data, backend="native")


CASES = {
    "full": (NET, {}),
    "batches": (NET, {"batch": 3, "optimizer": "adam(lr=0.01)"}),
    "dropout": (DROPPED, {"batch": 4, "optimizer": "sgd(lr=0.02, momentum=0.9)"}),
    "dropout of all": (DROPPED, {"length": "epochs 9"}),
    "sparse": (("input 1", "dense 9 tanh", "sparse 8 density=30% elu", "output 1"), {"batch": 4}),
    "penalties": (NET, {"minimize": "sum(squared_error) + l2(0.1) + l1(0.01)", "optimizer": "sgd(lr=0.001)"}),
    "schedule": (NET, {"optimizer": "adam(lr=step(0.05, at=4, factor=0.1))"}),
    "clip": (NET, {"more": "clip norm=0.05", "batch": 4}),
    "clip of a part": (NET, {"more": "clip norm=0.05; only weights"}),
}


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, marks=marks_of(case)) for case in CASES],
)
def test_a_net_among_others_is_the_net_by_itself(case):
    lines, options = CASES[case]
    spec, data = experiment(*lines, **options), dataset(11, validation=5)
    seeds = range(host().vector // 8 + 3)  # more than fit into one vector
    found = train_seeds(spec, data, seeds)
    for seed in (0, 1, seeds[-1]):
        one, other = found.outcome(seed), alone(spec, data, seed)
        np.testing.assert_allclose(one.theta, other.theta, rtol=1e-9, atol=1e-12)
        for name, state in other.states.items():
            np.testing.assert_allclose(one.states[name], state, rtol=1e-8, atol=1e-13)
        assert (one.ended, one.step) == (other.ended, other.step)
        for mine, theirs in zip(one.history, other.history, strict=True):
            assert mine.to_data() == pytest.approx(theirs.to_data(), rel=1e-9)


def test_each_net_stops_for_itself_and_keeps_its_best():
    options = {"optimizer": "adam(lr=0.05)", "length": "epochs 300", "targets": SPLIT}
    spec = experiment(*NET, more="stop_early patience=4; keep best", **options)
    data = dataset(12, validation=9)
    data.parts["validation"].y["output"][:] = 0.3
    found = train_seeds(spec, data, range(12))
    assert len({int(step) for step in found.nets.steps}) > 1
    for seed in range(12):
        one, other = found.outcome(seed), alone(spec, data, seed)
        assert (one.ended, one.step) == (other.ended, other.step)
        np.testing.assert_allclose(one.theta, other.theta, rtol=1e-7)
        assert float(one.counters["best_step"]) == float(other.counters["best_step"])


def test_a_net_that_diverges_leaves_the_others_alone():
    """Whether a step of 0.3 is too large depends on where a net begins."""
    spec, data = (
        experiment(*NET, optimizer="sgd(lr=0.55)", length="steps 200", precision="float32"),
        dataset(8),
    )
    found = train_seeds(spec, data, range(40))
    assert set(found.ended) == {"complete", "diverged"}
    for seed in range(40):
        one, other = found.outcome(seed), alone(spec, data, seed)
        assert one.ended == other.ended
        assert np.isfinite(one.theta).all()
        if one.ended == "diverged":
            assert abs(one.step - other.step) <= 1


@FULL
def test_the_number_of_threads_changes_no_bit():
    spec, data = experiment(*NET, batch=4), dataset(10)
    one, two = (train_seeds(spec, data, range(40), threads=n) for n in (1, 2))
    np.testing.assert_array_equal(one.theta, two.theta)


def test_nets_that_cannot_be_lanes_train_one_by_one():
    lines = ("input 1", "dense 90, 90 tanh", "output 1")
    spec, data = experiment(*lines, length="steps 3"), dataset(6)
    found = train_seeds(spec, data, (3, 8))
    np.testing.assert_array_equal(found.theta[1], alone(spec, data, 8).theta)
    assert found.losses().shape == (2,)


def test_outcomes_and_nets_say_the_same():
    spec, data = experiment(*NET, batch=4), dataset(10, validation=3)
    outcomes = [alone(spec, data, seed) for seed in (4, 9)]
    nets = nets_of((4, 9), outcomes)
    assert nets.outcome(1).history == outcomes[1].history
    np.testing.assert_array_equal(nets.outcome(0).theta, outcomes[0].theta)


def test_a_folder_of_seeds_has_table_and_parameters(tmp_path):
    spec, data = experiment(*NET), dataset(10)
    found = train_seeds(spec, data, (2, 5), runs=tmp_path)
    assert found.folder == tmp_path / "net-seeds-1"
    rows = list(csv.DictReader((found.folder / "seeds.csv").read_text().splitlines()))
    assert [row["seed"] for row in rows] == ["2", "5"]
    assert float(rows[1]["loss"]) == found.table[1]["loss"]
    assert {path.name for path in found.folder.iterdir()} == {
        "spec.dl",
        "resolved.dl",
        "seeds.csv",
        "seeds.json",
        "theta.safetensors",
    }
    assert found.model(5).theta.shape == (found.theta.shape[1],)


def test_one_compiled_loop_serves_all_blocks():
    spec, data = experiment(*NET), dataset(10)
    ready = prepared(spec, data, compile_plans(spec))
    assert ready.parts.nets == host().vector // 8


def test_seeds_from_python_are_different_numbers():
    with pytest.raises(ValueError, match="different"):
        deltaplan.train_seeds(experiment(*NET), seeds=(1, 1))


def variant(rate=0.05, momentum=0.5, penalty=0.01, slope=0.1, seed=3, clip="clip norm=0.5", drop="20%"):
    return experiment(
        *("input 1", f"dense 5, 5 leaky_relu({slope}) residual", f"dropout {drop}", "output 1"),
        optimizer=f"sgd(lr={rate}, momentum={momentum})",
        minimize=f"mean(squared_error) + l2({penalty})",
        length="epochs 6",
        batch=4,
        seed=seed,
        more=clip,
    )


def test_specs_that_differ_in_numbers_are_one_program():
    """Rates, momentums, penalties, slopes, dropout, seeds: each net is the one that its spec gives alone."""
    specs = [
        variant(),
        variant(rate=0.02, seed=4),
        variant(penalty=0.2, momentum=0.9),
        variant(slope=0.3, drop="50%"),
        variant(clip="clip norm=0.01"),
    ]
    data = dataset(11, validation=5)
    ready = prepared_variants(specs, data)
    assert ready.numbers.shape == (ready.parts.numbers, 5)
    found = train_together(ready, specs)
    for number, spec in enumerate(specs):
        one, other = found.outcome(number), train(spec, data, backend="native")
        np.testing.assert_allclose(one.theta, other.theta, rtol=1e-9, atol=1e-12)
        for mine, theirs in zip(one.history, other.history, strict=True):
            assert mine.to_data() == pytest.approx(theirs.to_data(), rel=1e-9)


def test_schedules_and_moments_may_differ_too():
    specs = [
        experiment(
            *NET, optimizer=f"adam(lr=step({rate}, at=4, factor={factor}), beta1={beta})", length="epochs 8"
        )
        for rate, factor, beta in ((0.05, 0.1, 0.9), (0.02, 0.5, 0.8), (0.01, 0.2, 0.95))
    ]
    data = dataset(9)
    found = train_together(prepared_variants(specs, data), specs)
    for number, spec in enumerate(specs):
        other = train(spec, data, backend="native")
        np.testing.assert_allclose(found.outcome(number).theta, other.theta, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    "other",
    [
        lambda: experiment("input 1", "dense 6 tanh", "output 1"),
        lambda: experiment(*NET, batch=3),
        lambda: experiment(*NET, optimizer="adam(lr=0.1)"),
    ],
)
def test_specs_that_differ_in_more_are_refused(other):
    with pytest.raises(NoScheduleError):
        prepared_variants([experiment(*NET), other()], dataset(8))


def test_a_regularizer_of_strength_0_is_none(tmp_path):
    """Ω = 0 is read by nothing, in one net and in many, with a validation part and without."""
    (tmp_path / "d.csv").write_text("a,y\n" + "\n".join(f"{a},{a * a}" for a in range(12)))
    for split in ("", "; split train=50% validation=50% seed=1"):
        text = (
            "model m { input 1; dense 3 tanh; output 1 }\n"
            f'data {{ csv "d.csv"; inputs a; targets y{split} }}\n'
            "train { minimize mean(squared_error) + l2(STRENGTH); optimizer adam; epochs 5 }"
        )
        none = deltaplan.loads(text.replace(" + l2(STRENGTH)", ""), folder=tmp_path)
        zero = deltaplan.loads(text.replace("STRENGTH", "0"), folder=tmp_path)
        assert (deltaplan.train(zero).theta == deltaplan.train(none).theta).all()
        both = [deltaplan.train_seeds(e, seeds=range(9)).theta for e in (zero, none)]
        assert (both[0] == both[1]).all()
