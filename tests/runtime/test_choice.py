"""The native backend unless another is named; where it cannot be had, numpy and a word."""

from pathlib import Path

import pytest

from deltaplan.compiler.loops.schedule import NoScheduleError
from deltaplan.diagnostics import SpecError
from deltaplan.runtime.choice import choose

ERRORS = Path(__file__).parent / "errors"
WHYS = {
    "native-without-code": NoScheduleError("a thing of its own"),
    "native-without-llvmlite": ImportError("No module named 'llvmlite'"),
}


def fails(error):
    def native():
        raise error

    return native


def test_which_backend_works():
    assert choose(None, lambda: "native", lambda: "numpy") == ("native", ())
    assert choose("native", lambda: "native", lambda: "numpy") == ("native", ())
    assert choose("numpy", fails(AssertionError()), lambda: "numpy") == ("numpy", ())


@pytest.mark.parametrize("why", WHYS)
def test_numpy_works_where_native_code_cannot_be_had(why, golden):
    made, warnings = choose(None, fails(WHYS[why]), lambda: "numpy")
    assert made == "numpy"
    golden(ERRORS / f"{why}.err", f"{SpecError(*warnings)}\n")


def test_the_backend_that_is_named_is_needed():
    with pytest.raises(SpecError, match="the native backend cannot run this: it has no code for that"):
        choose("native", fails(NoScheduleError("that")), lambda: "numpy")
