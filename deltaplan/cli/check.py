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

    Prints one line where nothing is wrong. Exit code 1 means that something is. The values of a `sweep` are
    tried one at a time, and those that the spec cannot be built with are told as warnings.
    """
    import deltaplan
    from deltaplan.cli.console import diagnostics_data, say, say_json, warn
    from deltaplan.compiler.parameters import place_parameters
    from deltaplan.runtime.sweeps.foreseen import wrong_trials

    experiment = deltaplan.load(file, params=params)
    count = sum(p.size for p in place_parameters(experiment.graph))
    if quiet and not as_json:
        return
    trials = wrong_trials(experiment, lambda values: deltaplan.load(file, params={**params, **values}))
    if as_json:
        warnings = diagnostics_data((*experiment.warnings, *trials))
        say_json({"ok": True, "model": experiment.name, "parameters": count, "diagnostics": warnings})
        return
    warn((*experiment.warnings, *trials))
    skips = "".join(f", skips on {have} of {of} layers" for _, have, of in experiment.skips)
    swept = f", a sweep of {experiment.sweep.trials:,} trials" if experiment.sweep else ""
    say(f"{file}: no mistakes; model `{experiment.name}`, {count:,} parameters{skips}{swept}")
