"""Work that takes long tells so on a terminal, and leaves nothing there."""

import sys
from io import StringIO
from time import sleep

import pytest

from deltaplan.cli import progress


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def at_work(monkeypatch: pytest.MonkeyPatch, stream: StringIO, seconds: float) -> str:
    """What stands on standard error afterwards."""
    monkeypatch.setattr(sys, "stderr", stream)
    with progress.working("landscape"):
        sleep(seconds)
    return stream.getvalue()


def test_the_seconds_are_told_and_erased(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "QUIET", 0.0)
    monkeypatch.setattr(progress, "EVERY", 0.01)
    told = at_work(monkeypatch, Terminal(), 0.5)
    assert told.startswith("\rlandscape: 0 s\rlandscape: ")
    assert told.endswith(progress.ERASE)


def test_what_ends_soon_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert at_work(monkeypatch, Terminal(), 0.0) == ""


def test_in_a_pipe_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "QUIET", 0.0)
    monkeypatch.setattr(progress, "EVERY", 0.01)
    assert at_work(monkeypatch, StringIO(), 0.1) == ""
