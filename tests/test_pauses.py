"""The garbage collector is paused while a spec is compiled, and runs again whatever happens."""

import gc

import pytest

import deltaplan
from deltaplan.pauses import uncollected


def test_it_runs_again_after_a_pause_and_after_a_mistake():
    with uncollected():
        assert not gc.isenabled()
        with uncollected():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ZeroDivisionError), uncollected():
        raise ZeroDivisionError
    assert gc.isenabled()


def test_it_stays_off_where_it_was():
    gc.disable()
    try:
        with uncollected():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_it_runs_during_training_and_after_a_wrong_spec(tmp_path):
    (tmp_path / "net.dl").write_text(
        "model net { input 1; dense 3 tanh; output 1 }\n"
        "train { minimize mean(squared_error); optimizer adam(lr=0.01); epochs 5; batch full; seed 1 }\n"
    )
    seen = []
    x = [[0.1 * i] for i in range(9)]
    deltaplan.train(tmp_path / "net.dl", x, x, progress=lambda record: seen.append(gc.isenabled()))
    assert seen == [True] * 5
    with pytest.raises(deltaplan.SpecError):
        deltaplan.train(tmp_path / "nowhere.dl")
    assert gc.isenabled()
