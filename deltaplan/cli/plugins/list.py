"""`deltaplan plugins list`: what a spec may name, and who brings it."""

import sys
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import click

from deltaplan.cli.spec import json_option

if TYPE_CHECKING:
    from deltaplan.diagnostics import Diagnostic
    from deltaplan.plugins.contracts import Attribute, Contribution, Kind, Parameter
    from deltaplan.plugins.manifest import Manifest
    from deltaplan.plugins.registry import Registry

KINDS: "tuple[Kind, ...]" = (  # as in plugins.contracts, which `--help` need not import
    "activation", "loss", "regularizer", "optimizer", "schedule", "layer", "initializer", "metric",
    "data source", "augmentation", "analysis",
)  # fmt: skip
NAMES, WIDTH = 30, 80  # columns for the name with its parameters, and in all


@click.command("list")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option(
    "--kind", type=click.Choice(KINDS), metavar="KIND", help=f"Those of one kind: {', '.join(KINDS)}."
)
@json_option("Print the list as JSON, with the bounds of every parameter.")
def command(file: Path | None, kind: "Kind | None", as_json: bool) -> None:
    """List what a spec may name: its parameters with their defaults, and what it is.

    Plugins that are installed or in a plugin folder are listed from their manifests, and not run; a spec
    uses one by its name: `use snake`. With FILE, a spec, also what it defines and what its `use` lines
    bring; their Python files are run.
    """
    from deltaplan.cli.console import say, say_json
    from deltaplan.diagnostics import as_data
    from deltaplan.plugins.discovery import discover

    registry, discovery = _registry(file), discover(file.parent if file else Path())
    found = [c for k in KINDS if kind in (None, k) for c in _contributions(registry, k)]
    brought = {c.owner.plugin for c in found if c.owner.foreign}
    others = [
        m for m in discovery.manifests if m.name not in brought and (kind is None or kind in m.contributes)
    ]
    if as_json:
        problems = [as_data(problem) for problem in discovery.problems]
        plugins = [_manifest_data(manifest) for manifest in others]
        say_json({"contributions": [_data(c) for c in found], "plugins": plugins, "problems": problems})
    else:
        say("\n".join([*_text(found), *_not_used(others), *_told(discovery.problems)]))


def _registry(file: Path | None) -> "Registry":
    if file is None:
        from deltaplan.plugins.loader import builtin_registry

        return builtin_registry()
    from deltaplan.compiler.load import registry_of

    return registry_of(file)


def _contributions(registry: "Registry", kind: "Kind") -> "Iterator[Contribution]":
    for name in registry.names(kind):
        contribution = registry.find(kind, name)
        assert contribution is not None
        yield contribution


def _text(found: "Iterable[Contribution]") -> Iterator[str]:
    for number, (kind, group) in enumerate(groupby(found, key=lambda c: c.kind)):
        if number:
            yield ""
        yield kind
        for contribution in group:
            yield from _entry(contribution)


def _entry(contribution: "Contribution") -> Iterator[str]:
    """The name with its parameters, and beside it the first line of the docstring and the owner."""
    from deltaplan.plugins.settings import signature

    told = [_first_line(contribution)]
    if contribution.owner.origin != "built-in":
        told.append(f"from {contribution.owner}")
    yield from _beside(signature(contribution), told)


def _beside(name: str, paragraphs: list[str]) -> Iterator[str]:
    """A name in the left column, and beside it what is told of it."""
    from deltaplan.cli.console import shown

    names = wrap(name, NAMES - 4, subsequent_indent="  ")
    told = [line for each in paragraphs for line in wrap(shown(each, sys.stdout.encoding), WIDTH - NAMES)]
    for row in range(max(len(names), len(told))):
        name, text = (texts[row] if row < len(texts) else "" for texts in (names, told))
        yield f"  {name:<{NAMES - 2}}{text}".rstrip()


def _not_used(manifests: "list[Manifest]") -> Iterator[str]:
    """Plugins that a spec may `use`, as their manifests tell of them."""
    if manifests:
        yield from ("", "plugins, brought by `use NAME`")
    for manifest in manifests:
        names = [f"{kind} {', '.join(names)}" for kind, names in manifest.contributes.items()]
        told = [*filter(None, [manifest.description]), "; ".join(names), f"from {_place(manifest)}"]
        yield from _beside(f"{manifest.name} {manifest.version}", told)


def _place(manifest: "Manifest") -> str:
    if manifest.origin == "installed":
        return f"the installed package {manifest.distribution or manifest.module}"
    return str(manifest.path.parent)


def _told(problems: "tuple[Diagnostic, ...]") -> Iterator[str]:
    """What is wrong with the plugins that are left out."""
    from deltaplan.diagnostics import render_all

    if problems:
        yield from ("", "problems", render_all(problems))


def _first_line(contribution: "Contribution") -> str:
    return contribution.doc.strip().partition("\n")[0]


def _data(contribution: "Contribution") -> dict[str, Any]:
    owner = contribution.owner
    return {
        "kind": contribution.kind,
        "name": contribution.name,
        "parameters": [_parameter_data(p) for p in contribution.parameters],
        "attributes": [_attribute_data(a) for a in getattr(contribution, "attributes", ())],
        "owner": {
            "plugin": owner.plugin,
            "origin": owner.origin,
            "file": owner.location or None,
            "version": owner.version or None,
        },
        "doc": contribution.doc,
    }


def _manifest_data(manifest: "Manifest") -> dict[str, Any]:
    return {
        "name": manifest.name,
        "version": manifest.version,
        "origin": manifest.origin,
        "distribution": manifest.distribution or None,
        "description": manifest.description,
        "contributes": {kind: list(names) for kind, names in manifest.contributes.items()},
        "manifest": str(manifest.path),
    }


def _parameter_data(parameter: "Parameter") -> dict[str, Any]:
    return {"name": parameter.name, "default": parameter.default, "condition": parameter.condition}


def _attribute_data(attribute: "Attribute") -> dict[str, Any]:
    return {
        "name": attribute.name,
        "type": attribute.type,
        "default": attribute.default,
        "required": attribute.required,
        "choices": list(attribute.choices),
        "doc": attribute.doc,
    }
