"""`deltaplan evaluate`: the scores of a run."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from deltaplan.cli.spec import backend_option, json_option, run_plugins_option

if TYPE_CHECKING:
    from deltaplan.runtime.model import Table
    from deltaplan.runtime.outcome import Backend

MOST_CLASSES = 20  # of a matrix that is printed


@click.command("evaluate")
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("data", type=click.Path(path_type=Path), required=False)
@click.option(
    "--part", type=click.Choice(["train", "validation", "test"]), help="One part of the run's own data."
)
@run_plugins_option
@backend_option
@json_option("Print the scores as JSON.")
def command(
    run: Path,
    data: Path | None,
    part: Literal["train", "validation", "test"] | None,
    run_plugins: bool,
    backend: "Backend | None",
    as_json: bool,
) -> None:
    """Print loss and metrics of a run on the parts of its data, or on all rows of the file DATA.

    Metrics are in the data's own units. For classes the confusion matrix of the last part follows: a row for
    each true class, a column for each that is decided.
    """
    import deltaplan
    from deltaplan.cli.console import finite, say, say_json, scores_table
    from deltaplan.runtime.run import samples_of

    if data is not None and part is not None:
        raise click.UsageError("a file has no parts: give DATA or --part, not both")
    opened = deltaplan.open(run, run_plugins)
    parts = samples_of(opened, part, data)
    scores = {name: opened.model.score(samples, backend) for name, samples in parts.items()}
    tables = {name: opened.model.tables(samples, backend) for name, samples in parts.items()}
    if as_json:
        told = {name: {label: each.to_data() for label, each in own.items()} for name, own in tables.items()}
        say_json({name: {**finite(scores[name]), **told[name]} for name in parts})
        return
    say(scores_table(scores))
    last = list(parts)[-1]
    for label, each in tables[last].items():
        if len(each.classes) <= MOST_CLASSES:
            say(f"\n{last}, {label}: true by row, decided by column")
            say(_matrix(each))


def _matrix(found: "Table") -> str:
    from deltaplan.cli.console import table

    rows = [("", *found.classes)]
    rows += [(name, *map(str, row)) for name, row in zip(found.classes, found.values.tolist(), strict=True)]
    return table(rows, right=frozenset(range(1, len(rows[0]))))
