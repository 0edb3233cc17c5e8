"""A diagnostic is data: a code, templates, and the fields that fill them.

A mistake is a frozen dataclass that stands beside the code that finds it:

    @mistake
    class UnknownName(Diagnostic):
        code: ClassVar[str] = "unknown-name"
        title: ClassVar[str] = "unknown {kind} `{name}`"
        label: ClassVar[str] = "similar name: `{similar}`"
        kind: str
        name: str
        similar: str | None

There are hundreds of kinds, and hardly a run makes one, so the methods of the dataclass are written when the
first of its kind is made.

A template that mentions a field that is None is left out, so an optional mend needs no second class.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from string import Formatter
from threading import RLock
from typing import Any, ClassVar, Literal, Self, TypeVar, dataclass_transform

from deltaplan.diagnostics.source import Span


@dataclass(frozen=True, slots=True)
class Note:
    """A remark under a diagnostic, drawn with its own source line where it has a span."""

    text: str
    span: Span | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One mistake: what is wrong (`title`), where (`span`, `label`), and the mend (`help`)."""

    code: ClassVar[str]
    title: ClassVar[str]
    label: ClassVar[str] = ""
    help: ClassVar[str] = ""
    severity: ClassVar[Literal["error", "warning"]] = "error"

    span: Span | None = None
    notes: tuple[Note, ...] = ()

    def __init_subclass__(cls) -> None:
        """A mistake without a docstring is described by its title; `dataclass` would work out a signature."""
        if cls.__doc__ is None:
            cls.__doc__ = cls.title
        for base in cls.__bases__:
            _write_methods(base)

    def __new__(cls, *args: Any, **values: Any) -> Self:
        with WRITING:
            _write_methods(cls)
        return object.__new__(cls)

    @property
    def message(self) -> str:
        return self._fill(self.title)

    @property
    def label_text(self) -> str:
        return self._fill(self.label)

    @property
    def help_text(self) -> str:
        return self._fill(self.help)

    def _fill(self, template: str) -> str:
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        used = [name for _, name, _, _ in Formatter().parse(template) if name]
        if any(values[name] is None for name in used):
            return ""
        return template.format_map(values)


WRITING = RLock()
D = TypeVar("D", bound=Diagnostic)


@dataclass_transform(frozen_default=True, kw_only_default=True)
def mistake(kind: type[D]) -> type[D]:
    """A class of mistakes: a frozen dataclass with keywords alone, once the first one is made."""
    return kind


def _write_methods(kind: type[Diagnostic]) -> None:
    """Makes the class and its bases the dataclasses that they say they are."""
    for base in reversed(kind.__mro__):
        if issubclass(base, Diagnostic) and "__dataclass_fields__" not in base.__dict__:
            dataclass(frozen=True, kw_only=True)(base)


class DeltaplanError(Exception):
    """Mistakes that were found together; the base of everything that deltaplan raises on purpose."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__(*diagnostics)
        self.diagnostics = diagnostics

    def __str__(self) -> str:
        from deltaplan.diagnostics.render import render_all

        return render_all(self.diagnostics)


class SpecError(DeltaplanError):
    """Mistakes in a spec or in the data that it names."""


class PluginError(DeltaplanError):
    """Mistakes in a plugin."""


class Problems:
    """Collects diagnostics, so that every mistake of a stage is told in one report."""

    def __init__(self) -> None:
        self._found: list[Diagnostic] = []
        self._at: dict[tuple[type[Diagnostic], Span | None], list[Diagnostic]] = {}

    def add(self, diagnostic: Diagnostic) -> None:
        """The same one is told once; those of other places are not looked through: there may be thousands."""
        alike = self._at.setdefault((type(diagnostic), diagnostic.span), [])
        if diagnostic not in alike:
            alike.append(diagnostic)
            self._found.append(diagnostic)

    def extend(self, diagnostics: Iterable[Diagnostic]) -> None:
        for diagnostic in diagnostics:
            self.add(diagnostic)

    def __iter__(self) -> Iterator[Diagnostic]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        return tuple(d for d in self._found if d.severity == "error")

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        return tuple(d for d in self._found if d.severity == "warning")

    def raise_errors(self) -> None:
        """SpecError with everything found so far, warnings too, if an error is among it."""
        if self.errors:
            raise SpecError(*self._found)
