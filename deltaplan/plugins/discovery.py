"""Which plugins are there: those in plugin folders and those that are installed. None of them is imported.

A plugin folder is `plugins/` beside the spec, or one that the environment variable DELTAPLAN_PLUGINS names;
each folder in it that has a `plugin.toml` is a plugin. An installed one names its package in the entry point
group `deltaplan.plugins`, and the manifest lies in that package.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from deltaplan.diagnostics import Diagnostic, Note, PluginError, Span, nearest
from deltaplan.plugins.faults import BadManifest, NoSuchPlugin, TwoPlugins
from deltaplan.plugins.manifest import FILE, Manifest, read_manifest

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "deltaplan.plugins"
VARIABLE = "DELTAPLAN_PLUGINS"  # folders, separated as in PATH
HERE = Path()
SHOWN = 10  # names in a message


@dataclass(frozen=True, slots=True)
class Discovery:
    """The plugins that were found, in the order of their names, and what is wrong with the others."""

    manifests: tuple[Manifest, ...]
    problems: tuple[Diagnostic, ...]

    def find(self, name: str, span: Span | None = None) -> Manifest:
        """The plugin of that name. PluginError where there is none, or where there are two."""
        found = [manifest for manifest in self.manifests if manifest.name == name]
        if len(found) == 1:
            return found[0]
        if found:
            raise PluginError(_two(found[0], found[1], span))
        broken = [p for p in self.problems if isinstance(p, BadManifest) and Path(p.path).parent.name == name]
        if broken:
            used = (Note("used here", span),) if span else ()
            raise PluginError(*(replace(problem, notes=(*problem.notes, *used)) for problem in broken))
        raise PluginError(self._missing(name, span))

    def _missing(self, name: str, span: Span | None) -> NoSuchPlugin:
        names = list(dict.fromkeys(manifest.name for manifest in self.manifests))
        shown = [f"`{each}`" for each in names[:SHOWN]] + ["…"] * bool(names[SHOWN:])
        known = ", ".join(shown) or "none"
        return NoSuchPlugin(name=name, similar=nearest(name, names), known=known, span=span)


def discover(folder: Path = HERE, environment: Mapping[str, str] = os.environ) -> Discovery:
    """The plugins that a spec in `folder` may use."""
    manifests: list[Manifest] = []
    problems: list[Diagnostic] = []
    for read in (*_in_folders(folder, environment), *_installed()):
        if isinstance(read, Manifest):
            manifests.append(read)
        else:
            problems.extend(read.diagnostics)
    found = tuple(sorted(manifests, key=lambda m: (m.name, str(m.path))))
    twice = (_two(*pair) for pair in pairwise(found) if pair[0].name == pair[1].name)
    return Discovery(found, (*problems, *twice))


def _two(first: Manifest, second: Manifest, span: Span | None = None) -> TwoPlugins:
    return TwoPlugins(name=first.name, first=str(first), second=str(second), span=span)


def _in_folders(folder: Path, environment: Mapping[str, str]) -> Iterator[Manifest | PluginError]:
    named = [Path(each) for each in environment.get(VARIABLE, "").split(os.pathsep) if each]
    seen: set[Path] = set()
    for each in (folder / "plugins", *named):
        for path in sorted(each.glob(f"*/{FILE}")) if each.is_dir() else ():
            if path.resolve() not in seen:
                seen.add(path.resolve())
                yield _read(path)


def _read(path: Path) -> Manifest | PluginError:
    try:
        return read_manifest(path)
    except PluginError as error:
        return error


def _installed() -> Iterator[Manifest | PluginError]:
    from importlib.metadata import entry_points  # it brings half of the standard library

    for point in entry_points(group=GROUP):
        try:
            yield _of(point)
        except PluginError as error:
            yield error


def _of(point: "EntryPoint") -> Manifest:
    """The manifest in the package that an entry point names; the package is found and not imported."""
    distribution = point.dist.name if point.dist else ""
    package, *inner = point.value.split(".")
    place = _place(package)
    if place is None:
        owner = distribution or "a package"
        why = f"the entry point `{point.name}` of {owner} names `{point.value}`, which is no package"
        raise PluginError(BadManifest(path=point.value, why=why))
    return read_manifest(place.joinpath(*inner, FILE), "installed", distribution)


def _place(package: str) -> Path | None:
    """The folder of a package at the top level, whose name alone says where it is."""
    try:
        found = find_spec(package)
    except (ImportError, ValueError):
        return None
    places = list(found.submodule_search_locations or ()) if found else []
    return Path(places[0]) if places else None
