"""Names of a spec and what they stand for, innermost braces first."""

from collections.abc import Iterator
from dataclasses import field
from typing import ClassVar

from deltaplan.compiler.nodes import Shape
from deltaplan.diagnostics import Diagnostic, Span, mistake
from deltaplan.dsl import tree
from deltaplan.plugins.contracts import Value
from deltaplan.records import dataclass


@mistake
class NameTaken(Diagnostic):
    code: ClassVar[str] = "name-taken"
    title: ClassVar[str] = "`{name}` is {taken} already"
    name: str
    taken: str


@dataclass(frozen=True, slots=True)
class Wire:
    """What a line of a model gives: the node that has it, its shape, and which nodes the line made, as places
    in the draft's trail."""

    node: str
    shape: Shape
    span: Span
    made: range = range(0)


class Lost:
    """Stands for what could not be built; its mistake is told, and nothing is said about what uses it."""


LOST = Lost()


@dataclass(frozen=True, slots=True)
class Definition:
    """A name's value (a param or an argument of a block) or node."""

    meaning: Value | Wire | Lost
    span: Span


@dataclass(slots=True)
class Scope:
    """One pair of braces, or the whole file. `used` has the names that were looked up."""

    outer: "Scope | None" = None
    names: dict[str, Definition] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def inside(self) -> "Scope":
        return Scope(self)

    def find(self, name: str) -> Definition | None:
        found = self.names.get(name)
        if found is not None:
            self.used.add(name)
            return found
        return self.outer.find(name) if self.outer else None

    def node(self, name: str) -> Wire | Lost | None:
        """The node of that name; a value of the same name does not hide it."""
        found = self.names.get(name)
        if found is not None and isinstance(found.meaning, Wire | Lost):
            self.used.add(name)
            return found.meaning
        return self.outer.node(name) if self.outer else None

    def all(self) -> Iterator[tuple[str, Definition]]:
        yield from self.names.items()
        if self.outer:
            yield from self.outer.all()

    def values(self) -> list[str]:
        """The names that stand for values."""
        return [name for name, found in self.all() if not isinstance(found.meaning, Wire)]

    def nodes(self) -> list[str]:
        """The names that stand for nodes."""
        return [name for name, found in self.all() if isinstance(found.meaning, Wire)]


def is_lost(scope: Scope, value: tree.Value) -> bool:
    """Whether the value is a name whose own mistake is told."""
    found = scope.find(value.text) if isinstance(value, tree.Name) else None
    return found is not None and isinstance(found.meaning, Lost)
