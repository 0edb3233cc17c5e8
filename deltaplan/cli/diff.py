"""`deltaplan diff`: what two specs say differently."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from deltaplan.cli.spec import json_option

if TYPE_CHECKING:
    from deltaplan.compiler.differences import Change, Differences, Moved
    from deltaplan.compiler.experiment import Experiment


@click.command("diff")
@click.argument("first", metavar="A", type=click.Path(path_type=Path))
@click.argument("second", metavar="B", type=click.Path(path_type=Path))
@click.option("-q", "--quiet", is_flag=True, help="Print nothing; exit code 1 where they differ.")
@json_option("Print the differences as JSON.")
def command(first: Path, second: Path, quiet: bool, as_json: bool) -> None:
    """Print what the specs or runs A and B say differently: layers, sizes, problem, data, solver.

    How each is written does not count: blanks, comments, params, blocks and defaults that are spelled out.
    """
    from deltaplan.cli.console import say, say_json
    from deltaplan.compiler.differences import differences

    found = differences(_experiment(first), _experiment(second))
    if quiet:
        raise click.exceptions.Exit(1 if found else 0)
    if as_json:
        say_json(found.to_data())
    elif found:
        say("\n".join(_lines(found, first, second)))
    else:
        say(f"{first} and {second} say the same")


def _experiment(path: Path) -> "Experiment":
    import deltaplan

    return deltaplan.open(path).experiment if path.is_dir() else deltaplan.load(path)


def _lines(found: "Differences", first: Path, second: Path) -> list[str]:
    width = max((len(change.what) for change in found.facts), default=0)
    lines = [_fact(change, width) for change in found.facts]
    if found.layers:
        lines += ["layers", *(_layer(moved, first, second) for moved in found.layers)]
    return lines


def _fact(change: "Change", width: int) -> str:
    what = change.what.ljust(width)
    if change.first is None:
        return f"{what}  + {change.second}"
    if change.second is None:
        return f"{what}  - {change.first}"
    return f"{what}  {change.first} → {change.second}"


def _layer(moved: "Moved", first: Path, second: Path) -> str:
    times = f"{moved.times} times " if moved.times > 1 else ""
    file = first if moved.mark == "-" else second
    text = f"  {moved.mark} {times}{moved.text}"
    return f"{text:<58}  {file.name}:{moved.line}"
