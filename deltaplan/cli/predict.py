"""`deltaplan predict`: csv in, csv out."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from deltaplan.cli.spec import backend_option, run_plugins_option

if TYPE_CHECKING:
    from deltaplan.runtime.outcome import Backend


@click.command("predict")
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("data", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Write the predictions to this file instead of standard output.",
)
@run_plugins_option
@backend_option
@click.option("-q", "--quiet", is_flag=True, help="With -o: do not say how many there are.")
def command(
    run: Path, data: Path, output: Path | None, run_plugins: bool, backend: "Backend | None", quiet: bool
) -> None:
    """Predict every row of the file DATA with a trained run, as csv.

    DATA is read as the spec says and needs the input columns alone; other columns are left out. Predictions
    are in the data's own units; a classifier gives the class and the probability of each.
    """
    import deltaplan
    from deltaplan.cli.console import say_data
    from deltaplan.runtime.predictions import predictions_csv
    from deltaplan.runtime.writing import write_together

    text = predictions_csv(deltaplan.open(run, run_plugins), data, backend)
    if output is None:
        say_data(text)
        return
    write_together({output: text.encode()})
    if not quiet:
        click.echo(f"{text.count(chr(10)) - 1:,} predictions: {output}", err=True)
