"""`deltaplan render`: a spec with nothing left unsaid."""

from pathlib import Path
from typing import Any

import click

from deltaplan.cli.spec import spec_argument


@click.command("render")
@spec_argument
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Write it to this file, which is never replaced, instead of standard output.",
)
def command(file: Path, params: dict[str, Any], output: Path | None) -> None:
    """Print a spec with every default written out, and where each came from.

    The text compiles to the same model; params have the values that were used. Comments are not kept: those
    in the text say what was added. Paths stay as they are, relative to the folder of FILE.
    """
    from deltaplan.cli.console import say, say_data
    from deltaplan.cli.spec import load
    from deltaplan.compiler.render import render
    from deltaplan.runtime.writing import refuse_to_overwrite, write_together

    if output is not None:
        refuse_to_overwrite([output])
    text = render(load(file, params))
    if output is None:
        say_data(text)
        return
    write_together({output: text.encode("utf-8")})
    say(f"{output}: {file} with every default written out")
