"""`dataclass` as in the standard library, made in a tenth of the time.

The standard library writes six functions for each class as text and compiles them, which takes longer than
all else of an import: with some three hundred classes that was a third of the time until a small net was
trained. Here `__init__` is written when the first object is made, and the other methods are closures. What a
class is, and what `fields`, `replace`, `asdict`, `copy` and `pickle` do with it, is the same.
"""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, Field, FrozenInstanceError
from inspect import get_annotations
from operator import attrgetter
from types import MemberDescriptorType, SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, get_origin

C = TypeVar("C", bound=type)
FIELDS = "__dataclass_fields__"

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(cls=None, /, **options):
        """The decorator, with and without options."""
        make = lambda found: _made(found, **options)  # noqa: E731
        return make if cls is None else make(cls)


def _made(
    cls: C,
    *,
    init: bool = True,
    repr: bool = True,
    eq: bool = True,
    frozen: bool = False,
    slots: bool = False,
    kw_only: bool = False,
    weakref_slot: bool = False,
) -> C:
    inherited = {name: f for base in cls.__mro__[:0:-1] for name, f in getattr(base, FIELDS, {}).items()}
    own = {f.name: f for f in _own_fields(cls, kw_only)}
    found: dict[str, Field[Any]] = inherited | own
    given = [f for f in found.values() if f.init]
    added: dict[str, Any] = {
        FIELDS: found,
        "__dataclass_params__": SimpleNamespace(init=init, repr=repr, eq=eq, order=False, frozen=frozen),
        "__match_args__": tuple(f.name for f in given if not f.kw_only),
    }
    if cls.__doc__ is None:
        added["__doc__"] = cls.__name__
    if repr:
        added["__repr__"] = _repr([f.name for f in found.values() if f.repr])
    if eq:
        added["__eq__"] = _eq([f.name for f in found.values() if f.compare])
    if frozen:
        added |= {"__setattr__": _no_setattr, "__delattr__": _no_delattr}
    written = {name: value for name, value in added.items() if name not in cls.__dict__ or name == "__doc__"}
    hashed = cls.__dict__.get("__hash__", MISSING)
    if eq and (hashed is MISSING or (hashed is None and "__eq__" in cls.__dict__)):
        names = [f.name for f in found.values() if (f.compare if f.hash is None else f.hash)]
        written["__hash__"] = _hash(names) if frozen else None
    for name, field in own.items():
        if isinstance(cls.__dict__.get(name), Field):
            _set_default(cls, name, field)
    if not slots:
        for name, value in written.items():
            setattr(cls, name, value)
    else:
        cls = _with_slots(cls, written, own, frozen, weakref_slot)
    if init:
        type.__setattr__(cls, "__init__", _first_init(cls, found))
    return cls


def _own_fields(cls: type, kw_only: bool) -> Iterable[Field[Any]]:
    """The fields that a class states itself, as the standard library describes them."""
    for name, kind in get_annotations(cls).items():
        if _is_classvar(kind):
            continue
        default = cls.__dict__.get(name, MISSING)
        if isinstance(default, MemberDescriptorType):
            default = MISSING
        found: Any = default if isinstance(default, Field) else dataclasses.field(default=default)
        if found.default.__class__ in (list, dict, set):
            raise ValueError(f"mutable default for `{cls.__name__}.{name}`: use default_factory")
        found.name, found.type, found._field_type = name, kind, _PLAIN
        found.kw_only = kw_only if found.kw_only is MISSING else found.kw_only
        yield found


@dataclasses.dataclass
class _Probe:
    field: int


_PLAIN = dataclasses.fields(_Probe)[0]._field_type  # type: ignore[attr-defined]  # not ClassVar, not InitVar


def _is_classvar(kind: object) -> bool:
    if isinstance(kind, str):
        return kind.startswith(("ClassVar", "typing.ClassVar"))
    return kind is ClassVar or get_origin(kind) is ClassVar


def _set_default(cls: type, name: str, field: Field[Any]) -> None:
    if field.default is MISSING:
        delattr(cls, name)
    else:
        setattr(cls, name, field.default)


def _with_slots(
    cls: C, written: Mapping[str, Any], own: Iterable[str], frozen: bool, weakref_slot: bool
) -> C:
    """The class once more, with a slot for each field: slots cannot be added to a class that is there."""
    taken = {slot for base in cls.__mro__[1:-1] for slot in _slots(base)}
    names = (*own, "__weakref__") if weakref_slot else tuple(own)
    content = {**cls.__dict__, **written, "__slots__": tuple(name for name in names if name not in taken)}
    for name in (*own, "__dict__", "__weakref__"):
        content.pop(name, None)
    if frozen:
        content.setdefault("__getstate__", _getstate)
        content.setdefault("__setstate__", _setstate)
    made = type(cls)(cls.__name__, cls.__bases__, content)
    made.__qualname__ = cls.__qualname__
    return made


def _slots(base: type) -> tuple[str, ...]:
    slots = base.__dict__.get("__slots__", ())
    return (slots,) if isinstance(slots, str) else tuple(slots)


# the methods
def _first_init(cls: type, fields: Mapping[str, Field[Any]]) -> Callable[..., None]:
    """Writes the true `__init__` when the first object is made, and calls it."""

    def __init__(self: Any, *args: Any, **values: Any) -> None:  # noqa: N807
        true = _init(cls, fields.values())
        type.__setattr__(cls, "__init__", true)
        true(self, *args, **values)

    __init__.__qualname__ = f"{cls.__qualname__}.__init__"
    return __init__


def _init(cls: type, fields: Iterable[Field[Any]]) -> Callable[..., None]:
    frozen = getattr(cls, "__dataclass_params__").frozen  # noqa: B009
    known: dict[str, Any] = {"_set": object.__setattr__, "_missing": MISSING}
    lines: list[str] = []
    plain: list[str] = []
    named: list[str] = []
    for f in fields:
        value = f.name
        if f.init:
            (named if f.kw_only else plain).append(_parameter(f, known))
        if f.default_factory is not MISSING:
            known[f"_make_{f.name}"] = f.default_factory
            value = (
                f"_make_{f.name}() if {f.name} is _missing else {f.name}" if f.init else f"_make_{f.name}()"
            )
        elif not f.init:
            if f.default is MISSING:
                continue
            known[value := f"_default_{f.name}"] = f.default
        slot = getattr(cls, f.name, None)
        if frozen and isinstance(slot, MemberDescriptorType):
            known[f"_set_{f.name}"] = slot.__set__
            lines.append(f"_set_{f.name}(self, {value})")
        else:
            lines.append(f"_set(self, {f.name!r}, {value})" if frozen else f"self.{f.name} = {value}")
    if hasattr(cls, "__post_init__"):
        lines.append("self.__post_init__()")
    parameters = ", ".join(["self", *plain, *(["*", *named] if named else [])])
    exec(f"def __init__({parameters}):\n " + "\n ".join(lines or ["pass"]), known)
    found: Callable[..., None] = known["__init__"]
    found.__qualname__ = f"{cls.__qualname__}.__init__"
    return found


def _parameter(field: Field[Any], known: dict[str, Any]) -> str:
    if field.default_factory is not MISSING:
        return f"{field.name}=_missing"
    if field.default is MISSING:
        return field.name
    known[f"_default_{field.name}"] = field.default
    return f"{field.name}=_default_{field.name}"


def _values(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    """Takes the values of the fields from an object."""
    if len(names) > 1:
        return attrgetter(*names)
    if names:
        (name,) = names
        return lambda owner: (getattr(owner, name),)
    return lambda owner: ()


def _repr(names: list[str]) -> Callable[[Any], str]:
    def __repr__(self: Any) -> str:  # noqa: N807
        parts = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{type(self).__qualname__}({parts})"

    return __repr__


def _eq(names: list[str]) -> Callable[[Any, object], bool]:
    values = _values(names)

    def __eq__(self: Any, other: object) -> bool:  # noqa: N807
        return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

    return __eq__


def _hash(names: list[str]) -> Callable[[Any], int]:
    values = _values(names)
    return lambda self: hash(values(self))


def _no_setattr(self: Any, name: str, value: object) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _no_delattr(self: Any, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _getstate(self: Any) -> list[Any]:
    return [getattr(self, name) for name in getattr(self, FIELDS)]


def _setstate(self: Any, state: Iterable[Any]) -> None:
    for name, value in zip(getattr(self, FIELDS), state, strict=True):
        object.__setattr__(self, name, value)
