"""`deltaplan gradcheck`: the derived gradients against central differences."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deltaplan.cli.spec import json_option, spec_argument

if TYPE_CHECKING:
    from deltaplan.runtime.gradcheck import Row

SAMPLES = 32  # more samples make more kinks, not a better check


@click.command("gradcheck")
@spec_argument
@click.option("--seed", type=int, default=None, help="Seed of the parameters; the spec's if not given.")
@json_option("Print the table as JSON.")
def command(file: Path, params: dict[str, Any], seed: int | None, as_json: bool) -> None:
    """Check the gradient of every parameter block against central differences in float64.

    The parameters are those that training would begin with, the samples the first 32 of the training part.
    A number beside a kink, where the difference says nothing, is left out and counted. Exit code 1 where a
    block is off by more than 1e-6.
    """
    from deltaplan.cli.console import say, say_json
    from deltaplan.cli.spec import load
    from deltaplan.runtime.gradcheck import TOLERANCE
    from deltaplan.runtime.inquiries import check_gradients

    rows = check_gradients(load(file, params), seed, SAMPLES)
    passed = all(row.passed for row in rows)
    if as_json:
        say_json({"ok": passed, "tolerance": TOLERANCE, "blocks": [asdict(row) for row in rows]})
    else:
        say(_table(rows))
        say(_verdict(rows, passed))
    if not passed:
        raise click.exceptions.Exit(1)


def _table(rows: "tuple[Row, ...]") -> str:
    from deltaplan.cli.console import table

    head = ("block", "numbers", "checked", "at kinks", "worst error")
    lines = [
        (
            r.block,
            f"{r.numbers:,}",
            f"{r.checked:,}",
            f"{r.kinks:,}",
            f"{r.error:.1e}" + ("" if r.passed else " !"),
        )
        for r in rows
    ]
    return table([head, *lines], right=frozenset({1, 2, 3, 4}))


def _verdict(rows: "tuple[Row, ...]", passed: bool) -> str:
    worst = max(rows, key=lambda row: row.error)
    if passed:
        return f"{len(rows)} blocks agree with central differences: worst error {worst.error:.1e}"
    return (
        f"the gradient of `{worst.block}` is wrong at {list(worst.index)}: derived {worst.derived:.9g}, "
        f"by differences {worst.difference:.9g}"
    )
