"""The dataclasses of `records` behave as those of the standard library."""

import copy
import dataclasses
import inspect
import pickle
from typing import ClassVar

import pytest

from deltaplan import records

DECORATORS = {"standard": dataclasses.dataclass, "own": records.dataclass}
OPTIONS = [
    {},
    {"frozen": True},
    {"slots": True},
    {"frozen": True, "slots": True},
    {"frozen": True, "slots": True, "kw_only": True},
]


def point(decorator, **options):
    @decorator(**options)
    class Point:
        """A class with all that ours have."""

        KIND: ClassVar[str] = "point"
        x: float
        y: float = dataclasses.field(default=2.0, compare=False)
        names: list[str] = dataclasses.field(default_factory=list, hash=False)
        more: "dict[str, float]" = dataclasses.field(default_factory=dict, hash=False, repr=False)
        seen: int = dataclasses.field(default=0, init=False, compare=False)
        last: float = dataclasses.field(default=1.0, kw_only=True)

        @property
        def sum(self):
            return self.x + self.y

    return Point


def line(decorator, **options):
    base = point(decorator, **options)

    @decorator(**options)
    class Line(base):
        y: float = 7.0
        end: int = 9

    return Line


def outcome(function):
    """What a call gives, or the kind of its error."""
    try:
        return function()
    except Exception as error:
        return type(error)


ACTIONS = {
    "all": lambda c: repr(c(x=1.0, y=3.0, names=["a"], last=4.0)),
    "defaults": lambda c: (lambda p: (p.x, p.y, p.names, p.more, p.seen, p.last))(c(x=1.0)),
    "own lists": lambda c: c(x=1.0).names is c(x=1.0).names,
    "by place": lambda c: repr(c(1.0, 2.0, ["b"])),
    "missing": lambda c: c(),
    "unknown": lambda c: c(x=1.0, z=3),
    "too many": lambda c: c(1, 2, 3, 4, 5, 6, 7, 8),
    "not in init": lambda c: c(x=1.0, seen=3),
    "equal": lambda c: [c(x=1.0, y=a) == c(x=b) for a in (2.0, 3.0) for b in (1.0, 2.0)],
    "of another class": lambda c: c(x=1.0) == 3,
    "hash": lambda c: hash(c(x=1.0, names=[])) == hash(c(x=1.0, y=5.0, names=["b"])),
    "set": lambda c: setattr(c(x=1.0), "x", 2.0),
    "delete": lambda c: delattr(c(x=1.0), "x"),
    "replace": lambda c: repr(dataclasses.replace(c(x=1.0), x=5.0, last=3.0)),
    "asdict": lambda c: dataclasses.asdict(c(x=1.0, names=["a"])),
    "copy": lambda c: repr(copy.copy(c(x=1.0))) == repr(c(x=1.0)) or "as object's",
    "deepcopy": lambda c: copy.deepcopy(c(x=1.0, names=["a"])).names,
    "fields": lambda c: [(f.name, f.init, f.compare, f.kw_only, f.type) for f in dataclasses.fields(c)],
    "is": lambda c: (dataclasses.is_dataclass(c), dataclasses.is_dataclass(c(x=1.0))),
    "property": lambda c: c(x=1.0).sum,
    "class variable": lambda c: c.KIND,
    "slots": lambda c: getattr(c, "__slots__", None),
    "match": lambda c: c.__match_args__,
    "names": lambda c: (c.__name__, c.__qualname__.split(".")[0]),
}


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_both_do_the_same(options, action):
    for make in (point, line):
        standard, own = (
            outcome(lambda m=make, d=d: ACTIONS[action](m(d, **options))) for d in DECORATORS.values()
        )
        if isinstance(standard, str):
            standard, own = (text.split("(", 1)[-1] for text in (standard, own))
        assert own == standard


@records.dataclass(frozen=True, slots=True)
class Kept:
    a: int
    b: str = "b"


@records.dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Named:
    name: str

    def __post_init__(self):
        object.__setattr__(self, "name", self.name.upper())

    def __repr__(self):
        return f"<{self.name}>"

    def __hash__(self):
        return 7


def test_a_class_that_is_frozen_takes_nothing_new():
    with pytest.raises(dataclasses.FrozenInstanceError, match="'z'"):
        setattr(Kept(3), "z", 2)  # noqa: B010


def test_a_class_may_stay_without_equality_and_text():
    made = point(records.dataclass, eq=False, repr=False)
    one = made(x=1.0)
    assert one == one
    assert one != made(x=1.0)
    assert repr(one).endswith(hex(id(one))[2:] + ">")


def test_what_a_class_states_itself_is_kept():
    assert repr(Named("a")) == "<A>"
    assert hash(Named("a")) == 7
    assert Named("a") != Named("a")
    assert "__weakref__" in Named.__slots__


def test_objects_go_through_pickle():
    assert pickle.loads(pickle.dumps(Kept(3))) == Kept(3, "b")
    assert {Kept(3): 1}[pickle.loads(pickle.dumps(Kept(3)))] == 1


def test_a_first_object_may_be_made_by_a_subclass():
    @records.dataclass(frozen=True, slots=True)
    class Base:
        a: int

    class Derived(Base):
        pass

    assert [Derived(1).a, Base(2).a, Derived(3).a] == [1, 2, 3]
    assert str(inspect.signature(Base.__init__)) == "(self, a)"


def test_a_default_that_objects_would_share_is_refused():
    with pytest.raises(ValueError, match="default_factory"):

        @records.dataclass
        class Shared:
            names: list[str] = []  # noqa: RUF012


def test_match_takes_fields_in_their_order():
    match Kept(3, "c"):
        case Kept(a, b):
            assert (a, b) == (3, "c")
