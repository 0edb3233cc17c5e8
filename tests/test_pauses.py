"""The garbage collector is paused while a spec is compiled, and runs again whatever happens."""

import gc
import subprocess
import sys

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


def test_what_a_process_begins_with_is_old_and_later_all_is_collected():
    code = (
        "import gc, weakref\n"
        "from deltaplan.pauses import FRESH, uncollected\n"
        "class Ring: pass\n"
        "def ring():\n"
        "    with uncollected():\n"
        "        made = Ring(); made.itself = made\n"
        "    return weakref.ref(made)\n"
        "first = ring()\n"
        "print(gc.get_count()[0] < 50, gc.get_freeze_count())\n"
        "rings = [ring() for _ in range(50_000)]\n"
        "print(first() is None, sum(r() is not None for r in rings) < 25_000)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["True 0", "True True"]
