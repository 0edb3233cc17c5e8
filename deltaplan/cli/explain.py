"""`deltaplan explain`: what the code of a mistake stands for."""

from textwrap import fill, indent
from typing import TYPE_CHECKING

import click

from deltaplan.cli.spec import json_option

if TYPE_CHECKING:
    from deltaplan.diagnostics.explain import Explanation

WIDTH = 80


@click.command("explain")
@click.argument("code", required=False)
@json_option("Print it as JSON.")
def command(code: str | None, as_json: bool) -> None:
    """Say what a mistake is, why it is one, and show an example; without CODE list all codes.

    CODE is what stands in brackets behind a message: `unknown-name`.
    """
    from dataclasses import asdict

    from deltaplan.cli.console import say, say_json, table
    from deltaplan.diagnostics.explain import explain, explanations

    if code is None:
        found = explanations()
        if as_json:
            say_json([asdict(each) for each in found])
            return
        say(table([("code", "what it says"), *((each.code, each.title) for each in found)]))
        return
    one = explain(code.strip("[]"))
    if as_json:
        say_json(asdict(one))
    else:
        say(_page(one))


def _page(one: "Explanation") -> str:
    kind = "" if one.severity == "error" else f" ({one.severity})"
    parts = [f"{one.code}{kind}: {one.title}"]
    parts += [fill(one.text, WIDTH)] if one.text else []
    parts += [f"For example\n\n{indent(one.spec.rstrip(), '    ')}"] if one.spec else []
    parts += [f"{'is told' if one.spec else 'For example'}\n\n{indent(one.report.rstrip(), '    ')}"]
    return "\n\n".join(parts)
