"""`deltaplan plugins check`: the conformance suite on a plugin, as a table."""

from collections.abc import Iterator
from dataclasses import asdict
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import click

from deltaplan.cli.spec import json_option

if TYPE_CHECKING:
    from deltaplan.testing.report import Report, Result

CHECKS, STATES, WIDTH = 28, 9, 80  # columns of a check's name and of its result, and in all
MARKS = {"failed": " !"}


@click.command("check")
@click.argument("target", metavar="PATH|NAME")
@json_option("Print what was found as JSON.")
def command(target: str, as_json: bool) -> None:
    """Run the conformance suite on a plugin: a file, a folder with a manifest, what a spec brings, a name.

    Derivatives against differences and, where mpmath is installed, against many digits; the ends, NaN and
    subnormal numbers; numpy, machine code and C beside each other; a small net on every backend; that a file
    loads twice alike and changes nothing. Exit code 1 where a check fails.
    """
    from deltaplan.cli.console import say, say_json
    from deltaplan.runtime.named import standing_for
    from deltaplan.testing.suite import check

    reports = []
    for contribution in standing_for(target):
        reports.append(check(contribution))
        if not as_json:
            say("\n".join(_table(reports[-1])) + "\n")
    if as_json:
        say_json({"ok": all(r.passed for r in reports), "contributions": [_data(r) for r in reports]})
    else:
        say(_verdict(reports))
    if not all(report.passed for report in reports):
        raise click.exceptions.Exit(1)


def _table(report: "Report") -> Iterator[str]:
    owner = report.contribution.owner
    yield report.title
    if owner.plugin != "deltaplan":
        yield from wrap(f"from {owner}", WIDTH, initial_indent="  ", subsequent_indent="  ")
    for result in report.results:
        yield from _row(result)


def _row(result: "Result") -> Iterator[str]:
    told = wrap(result.found, WIDTH - CHECKS - STATES - 2) or [""]
    state = result.state + MARKS.get(result.state, "")
    yield f"  {result.check:<{CHECKS - 2}}{state:<{STATES}}  {told[0]}".rstrip()
    for line in told[1:]:
        yield " " * (CHECKS + STATES + 2) + line


def _verdict(reports: "list[Report]") -> str:
    states = [result.state for report in reports for result in report.results]
    counts = [f"{states.count(state)} {state}" for state in ("passed", "warned", "skipped", "failed")]
    what = "contribution" if len(reports) == 1 else "contributions"
    return f"{len(reports)} {what}: " + ", ".join(text for text in counts if text[0] != "0")


def _data(report: "Report") -> dict[str, Any]:
    found = report.contribution
    results = [asdict(result) for result in report.results]
    return {"kind": found.kind, "name": found.name, "ok": report.passed, "results": results}
