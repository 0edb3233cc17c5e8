"""Native training that something breaks off: its threads end before their memory goes."""

import threading
import time

import pytest

import deltaplan
from deltaplan.runtime.threads import wait_for


def test_a_fault_of_the_progress_is_raised_when_the_threads_have_ended(specs):
    spec, begun = deltaplan.load(specs / "digits.dl"), threading.active_count()
    with pytest.raises(ZeroDivisionError):
        deltaplan.train(spec, runs=None, threads=2, progress=lambda record: 1 / 0)
    assert threading.active_count() == begun


def test_what_comes_while_waiting_is_raised_afterwards(monkeypatch):
    thread = threading.Thread(target=time.sleep, args=(0.05,))
    thread.start()
    join, calls = thread.join, []

    def broken():
        calls.append(None)
        if len(calls) < 3:
            raise KeyboardInterrupt
        join()

    monkeypatch.setattr(thread, "join", broken)
    with pytest.raises(KeyboardInterrupt):
        wait_for([thread])
    assert not thread.is_alive()
