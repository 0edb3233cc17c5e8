"""`deltaplan examples`: the specs that come with the package, and copies of them."""

from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

import click

from deltaplan.cli.spec import json_option

if TYPE_CHECKING:
    from deltaplan.runtime.examples import Copied, Example


WIDTH = 80


@click.command("examples")
@click.argument("name", required=False)
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
@click.option("--force", is_flag=True, help="Replace files that are in the way.")
@json_option("Print the list, or what was copied, as JSON.")
def command(name: str | None, folder: Path, force: bool, as_json: bool) -> None:
    """List the specs that come with deltaplan, or copy one with its data.

    NAME is copied into FOLDER, by default the current one; the name of a folder copies all specs in it.
    A file of the same name that holds something else is not replaced: nothing is written then.

    \b
    deltaplan examples
    deltaplan examples iris
    deltaplan train iris.dl
    """
    from deltaplan.cli.console import say, say_json
    from deltaplan.runtime.examples import copy_examples, examples, find_examples

    if name is None:
        found = examples()
        if as_json:
            say_json([{"name": e.name, "about": e.about, "files": list(e.files)} for e in found])
        else:
            say(_listed(found))
        return
    copied = copy_examples(find_examples(name), folder, force)
    if as_json:
        say_json({"ok": True} | {what: [str(path) for path in paths] for what, paths in _parts(copied)})
    else:
        say(_told(copied))


def _listed(found: "tuple[Example, ...]") -> str:
    from deltaplan.cli.console import table

    width = WIDTH - 2 - max(len(example.name) for example in found)
    rows = [
        (example.name if number == 0 else "", line)
        for example in found
        for number, line in enumerate(wrap(example.about, width))
    ]
    listed = table([("example", "what it is"), *rows])
    return f"{listed}\n\n`deltaplan examples NAME` copies one with its data"


def _parts(copied: "Copied") -> "tuple[tuple[str, tuple[Path, ...]], ...]":
    return ("specs", copied.specs), ("written", copied.written), ("kept", copied.kept)


def _told(copied: "Copied") -> str:
    lines = [f"{path}: copied" for path in copied.written]
    lines += [f"{path}: is there already, the same" for path in copied.kept]
    if {*copied.written, *copied.kept} - set(copied.specs):
        return "\n".join([*lines, f"next: deltaplan train {copied.specs[0]}"])
    lines.append("the data do not come with deltaplan: the spec says which it wants")
    return "\n".join([*lines, f"next: deltaplan show {copied.specs[0]}"])
