"""Tests that are marked `light` have LLVM's lowest effort, and all others the effort that users get."""

import os

import pytest
from effort import FULL, is_light, lightly

from deltaplan.runtime.backends.native.assembler import compile_text
from deltaplan.runtime.backends.native.target import host

TEXT = """\
define double @f(double %x, double %y) {
  %a = fmul contract double %x, %y
  %b = fadd contract double %a, %x
  %c = fmul contract double %b, %b
  ret double %c
}
"""


def code():
    return compile_text(TEXT, host())


def test_the_lowest_effort_gives_other_code_and_keeps_it_apart():
    high, kept = code(), os.environ["DELTAPLAN_CACHE"]
    with lightly():
        assert code() == compile_text(TEXT, host(), light=True) != high
        assert os.environ["DELTAPLAN_CACHE"] != kept
    assert code() == high
    assert os.environ["DELTAPLAN_CACHE"] == kept


@pytest.mark.light
@pytest.mark.parametrize("light", [True, pytest.param(False, marks=FULL)])
def test_a_mark_says_which(request, light):
    assert is_light(request.node) == light
    with lightly():
        low = code()
    assert (code() == low) == light
