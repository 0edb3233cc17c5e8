"""`deltaplan check`: every mistake of a spec, all at once."""

from pathlib import Path
from typing import Any

import click

from deltaplan.cli.spec import json_option, spec_argument


@click.command("check")
@spec_argument
@click.option("-q", "--quiet", is_flag=True, help="Print mistakes alone: no warnings, no last line.")
@json_option("Print the result as JSON.")
def command(file: Path, params: dict[str, Any], quiet: bool, as_json: bool) -> None:
    """Say what is wrong with a spec, every mistake at once; nothing is trained and no data is read.

    Prints one line where nothing is wrong. Exit code 1 means that something is.
    """
    import deltaplan
    from deltaplan.cli.console import diagnostics_data, say, say_json, warn
    from deltaplan.compiler.parameters import place_parameters

    experiment = deltaplan.load(file, params=params)
    count = sum(p.size for p in place_parameters(experiment.graph))
    if as_json:
        warnings = diagnostics_data(experiment.warnings)
        say_json({"ok": True, "model": experiment.name, "parameters": count, "diagnostics": warnings})
        return
    if quiet:
        return
    warn(experiment.warnings)
    skips = "".join(f", skips on {have} of {of} layers" for _, have, of in experiment.skips)
    say(f"{file}: no mistakes; model `{experiment.name}`, {count:,} parameters{skips}")
