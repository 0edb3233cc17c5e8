"""How much work LLVM puts into machine code while a test runs.

What users get is compiled with LLVM's full effort, which is most of the time of a test that compares the
numbers of machine code with those of numpy. Whether our text computes the right numbers does not depend on
it: a test marked `light` has it compiled with the lowest effort, in a third of the time. See
docs/decisions/0017-tests-compile-light.md for which tests are marked.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import pytest

FULL = pytest.mark.light(False)  # what keeps the full effort in a module that is light


def is_light(item: pytest.Item) -> bool:
    """Whether a test, and nothing about it otherwise, is marked so; the exhaustive tests have full effort."""
    marks = [mark.args for mark in item.iter_markers("light")]
    return bool(marks) and (False,) not in marks and not item.get_closest_marker("long")


@contextmanager
def lightly() -> Iterator[None]:
    """Within it, what this process compiles is compiled with the lowest effort, and kept apart."""
    from deltaplan.runtime.backends.native.target import Target

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Target, "lent", _lowest(Target.lent))
        patch.setenv("DELTAPLAN_CACHE", f"{os.environ['DELTAPLAN_CACHE']}-light")
        yield


@cache
def _lowest(lent: Callable[..., Any]) -> Callable[..., Any]:
    return lambda target, effort: lent(target, 0)
