"""Runs a plugin that a manifest describes: from a plugin folder, or an installed package."""

import hashlib
import importlib
from pathlib import Path

from deltaplan.diagnostics import PluginError, Span
from deltaplan.plugins.contracts import Contribution, Owner
from deltaplan.plugins.faults import BadManifest, PluginChanged, WrongManifest
from deltaplan.plugins.loader import contributions, refuse_when_off, run_file, running
from deltaplan.plugins.manifest import Manifest


def load_plugin(
    manifest: Manifest, span: Span | None = None, sha256: str | None = None
) -> tuple[Contribution, ...]:
    """What the plugin contributes; its module is run. `span` is where the spec asks for it; with `sha256`
    only the plugin of that content.

    PluginError where it is another, fails, or does not contribute what its manifest says.
    """
    refuse_when_off(manifest.name, span)
    file = module_file(manifest, span)
    found_sha256 = content_sha256(file)
    if sha256 is not None and sha256 != found_sha256:
        raise PluginError(PluginChanged(path=str(manifest), span=span))
    owner = Owner(
        manifest.name,
        str(file),
        manifest.version,
        sha256=found_sha256,
        origin=manifest.origin,
        distribution=manifest.distribution,
    )
    if manifest.origin == "folder":
        found = run_file(file, owner, span)
    else:
        with running(file, span):
            module = importlib.import_module(manifest.module)
        found = tuple(contributions(module, owner))
    _check(manifest, found, span)
    return found


def module_file(manifest: Manifest, span: Span | None = None) -> Path:
    """The file of the module: `snake.py`, or `snake/__init__.py` where it is a package, beside the manifest;
    or the manifest lies in the package that the module is, or is in. PluginError where there is none."""
    folder, names = manifest.path.resolve().parent, manifest.module.split(".")
    within = [above.parent for above in (folder, *folder.parents) if above.name == names[0]]
    for root in (manifest.path.parent, *within):
        for file in (root.joinpath(*names).with_suffix(".py"), root.joinpath(*names, "__init__.py")):
            if file.is_file():
                return file
    why = f"its module `{manifest.module}` is not there"
    raise PluginError(BadManifest(path=str(manifest.path), why=why, span=span))


def content_sha256(file: Path) -> str:
    """That of the bytes of a module; of a package, of the names and bytes of all its Python files."""
    if file.name != "__init__.py":
        return hashlib.sha256(file.read_bytes()).hexdigest()
    whole = hashlib.sha256()
    for each in sorted(file.parent.rglob("*.py")):
        name, content = each.relative_to(file.parent).as_posix().encode(), each.read_bytes()
        whole.update(b"%d %b %d " % (len(name), name, len(content)) + content)
    return whole.hexdigest()


def _check(manifest: Manifest, found: tuple[Contribution, ...], span: Span | None) -> None:
    """The manifest is what names are looked up in, so it says neither too much nor too little."""
    names = frozenset((c.kind, c.name) for c in found)
    for words, left in (
        ("contributes no", manifest.names - names),
        ("does not say that it contributes the", names - manifest.names),
    ):
        if left:
            kind, name = min(left)
            raise PluginError(
                WrongManifest(
                    name=manifest.name, why=f"{words} {kind} `{name}`", path=str(manifest.path), span=span
                )
            )
