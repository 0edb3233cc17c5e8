"""`deltaplan plugins new`: a package for a plugin of one's own."""

from pathlib import Path

import click

from deltaplan.cli.plugins.list import KINDS


@click.command("new")
@click.argument("name")
@click.option("--kind", type=click.Choice(KINDS), metavar="KIND", default="activation", show_default=True,
              help=f"What it adds: {', '.join(KINDS)}.")  # fmt: skip
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="The folder; by default deltaplan-NAME, here."
)
def command(name: str, kind: str, output: Path | None) -> None:
    """Write a package for a plugin: manifest, module, tests, a file for CI and a README.

    Its tests pass at once; change the formula and them. A folder that is there already is never written to.
    """
    from deltaplan.cli.console import say
    from deltaplan.runtime.scaffold.package import package
    from deltaplan.runtime.writing import refuse_to_overwrite, write_together

    folder = output or Path(f"deltaplan-{name.replace('_', '-')}")
    files = package(name, kind)
    refuse_to_overwrite([folder])
    write_together({folder / path: text.encode() for path, text in files.items()})
    say("\n".join(f"{folder / path}" for path in files))
    say(f"next: cd {folder}; pytest; deltaplan plugins check .")
