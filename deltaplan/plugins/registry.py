"""The registry: who contributes what, as a value that is passed in."""

from collections.abc import Iterable, Mapping
from dataclasses import field
from types import MappingProxyType
from typing import Literal, overload

from deltaplan.diagnostics import Diagnostic, Note, PluginError
from deltaplan.plugins.contracts import (
    Activation,
    Analysis,
    Augmentation,
    Contribution,
    DataSource,
    Initializer,
    Kind,
    Layer,
    Loss,
    Metric,
    Optimizer,
    Regularizer,
    Schedule,
    Solver,
)
from deltaplan.plugins.faults import NameClash
from deltaplan.plugins.places import line_span
from deltaplan.records import dataclass

Entries = Mapping[Kind, Mapping[str, Contribution]]


@dataclass(frozen=True, slots=True)
class Registry:
    """Contributions by kind and name. The same name may stand for one contribution of each kind."""

    entries: Entries = field(default_factory=lambda: MappingProxyType({}))

    @staticmethod
    def of(contributions: Iterable[Contribution]) -> "Registry":
        return Registry().with_(contributions)

    def with_(self, contributions: Iterable[Contribution]) -> "Registry":
        """This registry and more. PluginError names both owners of each name that is taken."""
        entries: dict[Kind, dict[str, Contribution]] = {k: dict(v) for k, v in self.entries.items()}
        clashes: list[Diagnostic] = []
        for new in contributions:
            known = entries.setdefault(new.kind, {})
            if new.name in known:
                clashes.append(_clash(known[new.name], new))
            known.setdefault(new.name, new)
        if clashes:
            raise PluginError(*clashes)
        return Registry(MappingProxyType({k: MappingProxyType(v) for k, v in entries.items()}))

    @overload
    def find(self, kind: Literal["activation"], name: str) -> Activation | None: ...
    @overload
    def find(self, kind: Literal["loss"], name: str) -> Loss | None: ...
    @overload
    def find(self, kind: Literal["regularizer"], name: str) -> Regularizer | None: ...
    @overload
    def find(self, kind: Literal["optimizer"], name: str) -> Optimizer | Solver | None: ...
    @overload
    def find(self, kind: Literal["schedule"], name: str) -> Schedule | None: ...
    @overload
    def find(self, kind: Literal["layer"], name: str) -> Layer | None: ...
    @overload
    def find(self, kind: Literal["initializer"], name: str) -> Initializer | None: ...
    @overload
    def find(self, kind: Literal["metric"], name: str) -> Metric | None: ...
    @overload
    def find(self, kind: Literal["data source"], name: str) -> DataSource | None: ...
    @overload
    def find(self, kind: Literal["augmentation"], name: str) -> Augmentation | None: ...
    @overload
    def find(self, kind: Literal["analysis"], name: str) -> Analysis | None: ...
    @overload
    def find(self, kind: Kind, name: str) -> Contribution | None: ...

    def find(self, kind: Kind, name: str) -> Contribution | None:
        """The contribution of that kind and name, None if there is none."""
        return self.entries.get(kind, {}).get(name)

    def names(self, kind: Kind) -> tuple[str, ...]:
        """All names of a kind, in alphabetical order."""
        return tuple(sorted(self.entries.get(kind, ())))


def _clash(first: Contribution, second: Contribution) -> NameClash:
    """At the line of the second in its plugin, with that of the first where a plugin's it is."""
    what = f"{first.kind} `{first.name}`"
    spans = [line_span(c.owner.location, c.owner.line) for c in (first, second)]
    notes = (Note("the first one", spans[0]),) if spans[0] else ()
    return NameClash(what=what, first=str(first.owner), second=str(second.owner), span=spans[1], notes=notes)
