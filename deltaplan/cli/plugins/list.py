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
    from deltaplan.plugins.contracts import Attribute, Contribution, Kind, Parameter
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

    With FILE, a spec, also what its `use` lines bring; their Python files are run.
    """
    from deltaplan.cli.console import say, say_json

    found = [c for k in KINDS if kind in (None, k) for c in _contributions(_registry(file), k)]
    if as_json:
        say_json([_data(contribution) for contribution in found])
    else:
        say("\n".join(_text(found)))


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
    from deltaplan.cli.console import shown
    from deltaplan.plugins.settings import signature

    names = wrap(signature(contribution), NAMES - 4, subsequent_indent="  ")
    told = wrap(shown(_first_line(contribution), sys.stdout.encoding), WIDTH - NAMES)
    if contribution.owner.origin != "built-in":
        told += wrap(f"from {contribution.owner}", WIDTH - NAMES)
    for row in range(max(len(names), len(told))):
        name, text = (texts[row] if row < len(texts) else "" for texts in (names, told))
        yield f"  {name:<{NAMES - 2}}{text}".rstrip()


def _first_line(contribution: "Contribution") -> str:
    return contribution.doc.strip().partition("\n")[0]


def _data(contribution: "Contribution") -> dict[str, Any]:
    owner = contribution.owner
    return {
        "kind": contribution.kind,
        "name": contribution.name,
        "parameters": [_parameter_data(p) for p in contribution.parameters],
        "attributes": [_attribute_data(a) for a in getattr(contribution, "attributes", ())],
        "owner": {"plugin": owner.plugin, "file": owner.location or None, "version": owner.version or None},
        "doc": contribution.doc,
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
