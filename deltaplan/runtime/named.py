"""What a name or a path stands for: built-ins, a Python file, or what a spec brings."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from deltaplan.compiler.load import registry_of
from deltaplan.diagnostics import Diagnostic, SpecError, mistake, nearest
from deltaplan.plugins.contracts import Contribution
from deltaplan.plugins.discovery import discover
from deltaplan.plugins.installed import load_plugin
from deltaplan.plugins.loader import builtin_registry, load_file
from deltaplan.plugins.manifest import FILE, read_manifest
from deltaplan.plugins.registry import Registry


@mistake
class NoContribution(Diagnostic):
    code: ClassVar[str] = "no-contribution"
    title: ClassVar[str] = "nothing is called `{name}`"
    label: ClassVar[str] = "similar name: `{similar}`"
    help: ClassVar[str] = "{mend}"
    name: str
    similar: str | None
    mend: str


def named(name: str, file: Path | None = None) -> tuple[Contribution, ...]:
    """The contributions of that name, of all kinds: built-ins, and with `file` those of a spec or a Python
    file. SpecError where there are none."""
    registry = builtin_registry() if file is None else _registry(file)
    found = tuple(kinds[name] for kinds in registry.entries.values() if name in kinds)
    if not found and file is None:
        found = tuple(_in_plugins(name))
    if not found:
        raise SpecError(_unknown(name, registry))
    return found


def standing_for(target: str) -> tuple[Contribution, ...]:
    """Of a path all that its file, or the plugin in its folder, brings; of a name the contributions called
    so."""
    path = Path(target)
    if path.is_dir() and (found := next(_manifests(path), None)):
        return load_plugin(read_manifest(found))
    if path.suffix == ".py":
        return load_file(path)
    if path.suffix == ".dl":
        return tuple(_brought(path))
    plugins = [manifest for manifest in discover().manifests if manifest.name == target]
    return load_plugin(plugins[0]) if plugins else named(target)


def _manifests(folder: Path) -> Iterator[Path]:
    """In the folder of a plugin, or one below, as in a package."""
    yield from (path for path in (folder / FILE, *sorted(folder.glob(f"*/{FILE}"))) if path.is_file())


def _in_plugins(name: str) -> Iterator[Contribution]:
    """What plugins that are installed or in plugin folders call so; their code is run."""
    for manifest in discover().manifests:
        if any(name == contributed for _, contributed in manifest.names):
            yield from (c for c in load_plugin(manifest) if c.name == name)


def _registry(file: Path) -> Registry:
    return builtin_registry().with_(load_file(file)) if file.suffix == ".py" else registry_of(file)


def _brought(spec: Path) -> Iterator[Contribution]:
    """What does not come with deltaplan."""
    builtin = builtin_registry()
    for kind, found in registry_of(spec).entries.items():
        yield from (c for name, c in found.items() if name not in builtin.entries.get(kind, {}))


def _unknown(name: str, registry: Registry) -> NoContribution:
    names = [known for kinds in registry.entries.values() for known in kinds]
    mend = "`deltaplan plugins list` shows all names; a file, a folder or a spec may stand here too"
    return NoContribution(name=name, similar=nearest(name, names), mend=mend)
