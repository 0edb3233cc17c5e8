"""A mistake behaves as the frozen dataclass that it says it is, from the first one that is made."""

import pickle
from dataclasses import FrozenInstanceError, replace
from typing import ClassVar

import pytest

from deltaplan.diagnostics import Diagnostic, mistake


@mistake
class Lost(Diagnostic):
    code: ClassVar[str] = "lost"
    title: ClassVar[str] = "`{name}` is lost"
    help: ClassVar[str] = "look {where}"
    name: str
    where: str | None = None


@mistake
class LostTwice(Lost):
    title: ClassVar[str] = "`{name}` is lost {times} times"
    times: int = 2


def test_a_mistake_fills_its_templates_and_leaves_out_what_is_not_given():
    assert Lost(name="a").message == "`a` is lost"
    assert Lost(name="a").help_text == ""
    assert LostTwice(name="b", where="up").message == "`b` is lost 2 times"
    assert LostTwice(name="b", where="up").help_text == "look up"


def test_equal_mistakes_are_one():
    assert {Lost(name="a"), Lost(name="a"), Lost(name="b")} == {Lost(name="b"), Lost(name="a")}
    assert Lost(name="a") != LostTwice(name="a")
    assert repr(Lost(name="a")).startswith("Lost(span=None")


def test_a_mistake_does_not_change_and_takes_its_own_fields_alone():
    with pytest.raises(FrozenInstanceError):
        Lost(name="a").name = "b"  # type: ignore[misc]
    with pytest.raises(TypeError, match="nam"):
        Lost(nam="a")  # type: ignore[call-arg]


def test_a_mistake_can_be_replaced_and_pickled():
    assert replace(Lost(name="a"), where="up") == Lost(name="a", where="up")
    assert pickle.loads(pickle.dumps(LostTwice(name="a"))) == LostTwice(name="a")
