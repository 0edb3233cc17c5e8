"""`plugin.toml`: what a plugin says of itself, read without importing it.

    api = 1
    name = "snake"
    version = "1.0"
    description = "the activation u + sin²(a·u)/a"
    module = "deltaplan_snake"

    [contributes]
    activation = ["snake"]

Every key but `description` is required and no other is known; the kinds are those of `contracts.Kind`, with
`data_source` for a source of data.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NoReturn, get_args

from deltaplan.diagnostics import PluginError, Source, Span, nearest
from deltaplan.plugins.contracts import Kind
from deltaplan.plugins.faults import BadManifest

API = 1  # the version of the manifest and of what it promises
MOST_BYTES = 64 << 10
FILE = "plugin.toml"
KINDS: Mapping[str, Kind] = {kind.replace(" ", "_"): kind for kind in get_args(Kind)}
TEXTS = ("name", "version", "module")
KEYS = ("api", *TEXTS, "description", "contributes")
NAME = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")
MODULE = re.compile(rf"{NAME.pattern}(\.{NAME.pattern})*")
VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+!_-]*")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a plugin says of itself. `path` is that of the file; `module` lies in its folder, or is that of
    the installed `distribution`."""

    name: str
    version: str
    description: str
    module: str
    contributes: Mapping[Kind, tuple[str, ...]]
    path: Path
    origin: Literal["folder", "installed"] = "folder"
    distribution: str = ""

    @property
    def names(self) -> frozenset[tuple[str, str]]:
        """All that it contributes, by kind and name."""
        return frozenset((kind, name) for kind, names in self.contributes.items() for name in names)

    def __str__(self) -> str:
        where = f"installed as {self.distribution}" if self.distribution else str(self.path.parent)
        return f"{self.name} {self.version} ({where})"


def read_manifest(
    path: Path, origin: Literal["folder", "installed"] = "folder", distribution: str = ""
) -> Manifest:
    """The manifest in a file. PluginError, at the line where there is one, where it is none."""
    source = _source(path)
    reading = _Reading(source)
    table = _table(source, reading)
    reading.check_keys(table, KEYS, "")
    if table.get("api") != API:
        reading.refuse(_version(table.get("api")), "api")
    texts = {key: reading.text(table, key) for key in TEXTS}
    for key, form in (("name", NAME), ("module", MODULE), ("version", VERSION)):
        if not form.fullmatch(texts[key]):
            reading.refuse(f"`{texts[key]}` is not a {key}", key)
    description = reading.text(table, "description") if "description" in table else ""
    contributes = reading.contributes(table.get("contributes"))
    return Manifest(
        **texts,
        description=description,
        contributes=contributes,
        path=path,
        origin=origin,
        distribution=distribution,
    )


def _source(path: Path) -> Source:
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise PluginError(BadManifest(path=str(path), why=f"it cannot be read: {why}")) from None
    if len(content) > MOST_BYTES:
        raise PluginError(BadManifest(path=str(path), why=f"it has more than {MOST_BYTES:,} bytes"))
    try:
        return Source(str(path), content.decode())
    except UnicodeDecodeError:
        raise PluginError(BadManifest(path=str(path), why="it is not UTF-8 text")) from None


def _table(source: Source, reading: "_Reading") -> dict[str, Any]:
    import tomli

    try:
        return tomli.loads(source.text)
    except tomli.TOMLDecodeError as error:
        at = min(error.pos, max(0, len(source.text) - 1))
        span = Span(source, at, min(at + 1, len(source.text)))
        raise PluginError(
            BadManifest(path=source.name, why=error.msg[:1].lower() + error.msg[1:], span=span)
        ) from None
    except RecursionError:
        reading.refuse("it is nested too deep")


def _version(found: object) -> str:
    if isinstance(found, int) and found > API:
        return f"it is written for version {found} of the plugin API, and this deltaplan knows {API}"
    return f"it needs `api = {API}`, the version of the plugin API"


@dataclass(frozen=True, slots=True)
class _Reading:
    """A manifest while it is checked: it knows where a key stands."""

    source: Source

    def refuse(self, why: str, key: str = "") -> NoReturn:
        found = (
            re.search(rf"^[ \t]*\"?({re.escape(key)})\"?[ \t]*=.*$", self.source.text, re.M) if key else None
        )
        span = Span(self.source, found.start(1), len(found[0].rstrip()) + found.start()) if found else None
        raise PluginError(BadManifest(path=self.source.name, why=why, span=span))

    def check_keys(self, table: Mapping[str, Any], known: "tuple[str, ...]", place: str) -> None:
        for key in table:
            if key not in known:
                similar = nearest(key, known)
                mend = f"; similar name: `{similar}`" if similar else ""
                self.refuse(f"unknown key `{key}`{place}{mend}", key)

    def text(self, table: Mapping[str, Any], key: str) -> str:
        value = table.get(key)
        if value is None:
            self.refuse(f"it has no `{key}`")
        if not isinstance(value, str) or not value.strip() or not value.isprintable():
            self.refuse(f"`{key}` is not a line of text", key)
        return value

    def contributes(self, table: object) -> "dict[Kind, tuple[str, ...]]":
        if not isinstance(table, dict) or not table:
            self.refuse("it has no table `[contributes]` with the names by their kinds", "contributes")
        self.check_keys(table, tuple(KINDS), " in `contributes`")
        return {KINDS[key]: self._names(key, names) for key, names in table.items()}

    def _names(self, key: str, names: object) -> tuple[str, ...]:
        if not isinstance(names, list) or not names:
            self.refuse(f"`{key}` is not a list of names", key)
        for name in names:
            if not isinstance(name, str) or not NAME.fullmatch(name):
                self.refuse(f"`{name!s:.60}` is not a name", key)
            if names.count(name) > 1:
                self.refuse(f"`{name}` is named twice", key)
        return tuple(names)
