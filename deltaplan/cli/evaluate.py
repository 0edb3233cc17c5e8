"""`deltaplan evaluate`: the scores of a run."""

from pathlib import Path
from typing import Literal

import click

from deltaplan.cli.spec import json_option, run_plugins_option


@click.command("evaluate")
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("data", type=click.Path(path_type=Path), required=False)
@click.option(
    "--part", type=click.Choice(["train", "validation", "test"]), help="One part of the run's own data."
)
@run_plugins_option
@json_option("Print the scores as JSON.")
def command(
    run: Path,
    data: Path | None,
    part: Literal["train", "validation", "test"] | None,
    run_plugins: bool,
    as_json: bool,
) -> None:
    """Print loss and metrics of a run on the parts of its data, or on all rows of the file DATA.

    Metrics are in the data's own units.
    """
    import deltaplan
    from deltaplan.cli.console import finite, say, say_json, scores_table
    from deltaplan.runtime.run import score

    if data is not None and part is not None:
        raise click.UsageError("a file has no parts: give DATA or --part, not both")
    found = score(deltaplan.open(run, run_plugins), part, data)
    if as_json:
        say_json(finite(found))
    else:
        say(scores_table(found))
