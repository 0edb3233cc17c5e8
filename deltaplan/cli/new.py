"""`deltaplan new`: a starter spec for a csv file."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from deltaplan.cli.spec import json_option

if TYPE_CHECKING:
    from deltaplan.runtime.starter import Findings


@click.command("new")
@click.argument("data", metavar="DATA.csv", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The spec; by default DATA.dl, here.")
@click.option("--target", metavar="COLUMN", help="The column to predict; by default the last one.")
@json_option("Print what was found and chosen as JSON.")
def command(data: Path, output: Path | None, target: str | None, as_json: bool) -> None:
    """Write a first spec for a csv file.

    Looks at the columns: a target of words or of few whole numbers makes a classification, any other a
    regression; the other columns of numbers, and those of a few different words, are the inputs. Gaps are
    filled. Comments in the spec say what was chosen and which columns were left out. A column named target,
    label, class or y is taken before the last one. A file that is there already is never replaced.
    """
    from deltaplan.cli.console import say, say_json, warn
    from deltaplan.runtime.starter import look_at, starter_text
    from deltaplan.runtime.writing import refuse_to_overwrite, write_together

    spec = output or Path(data.name).with_suffix(".dl")
    refuse_to_overwrite([spec])
    found = look_at(data, target)
    write_together({spec: starter_text(found, spec).encode("utf-8")})
    if as_json:
        say_json({"ok": True, "spec": str(spec)} | _data(found))
        return
    warn(found.warnings)
    say(_told(found, spec))


def _data(found: "Findings") -> dict[str, object]:
    return {
        "rows": found.rows,
        "target": found.target,
        "why": found.why,
        "classes": list(found.classes),
        "inputs": list(found.inputs),
        "left_out": dict(found.left_out),
        "categories": dict(found.categories),
        "missing": dict(found.gaps),
    }


def _told(found: "Findings", spec: Path) -> str:
    inputs = f"{len(found.inputs)} input{'s' * (len(found.inputs) != 1)}"
    lines = [f"{spec}: {inputs}, target `{found.target}` ({found.why})"]
    lines += [f"left out: `{name}` ({why})" for name, why in list(found.left_out.items())[:10]]
    lines += [f"and {len(found.left_out) - 10} more"] if len(found.left_out) > 10 else []
    lines += [f"gaps: `{name}` ({word})" for name, word in list(found.gaps.items())[:10]]
    lines += [f"and {len(found.gaps) - 10} more"] if len(found.gaps) > 10 else []
    return "\n".join([*lines, f"next: deltaplan train {spec}"])
