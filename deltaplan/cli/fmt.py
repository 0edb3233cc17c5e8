"""`deltaplan fmt`: specs in normal form."""

import sys
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from deltaplan.diagnostics import Diagnostic, Source

STDIN = Path("-")


@click.command("fmt")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Change nothing; exit code 1 where a file would change.")
@click.option("--diff", is_flag=True, help="Change nothing; print what would change.")
def command(files: tuple[Path, ...], check: bool, diff: bool) -> None:
    """Put specs in normal form: blanks, margins and blank lines; `-` is standard input to standard output.

    Comments and line breaks stay as they are, and so does all that a spec says. A file with mistakes in its
    syntax is left alone, and its mistakes are told.
    """
    from deltaplan.cli.console import say, say_data
    from deltaplan.diagnostics import SpecError
    from deltaplan.dsl.formatter import format_text

    mistakes: list[Diagnostic] = []
    changed = False
    for file in files:
        try:
            source = _read(file)
            text = format_text(source)
            changed |= text != source.text
            if diff:
                say_data(_diff(source, text))
            elif check and text != source.text:
                say(f"{source.name}: not in normal form")
            elif not check:
                _write(file, source, text)
        except SpecError as error:
            mistakes += error.diagnostics
    if mistakes:
        raise SpecError(*mistakes)
    if check and changed:
        raise click.exceptions.Exit(1)


def _read(file: Path) -> "Source":
    from deltaplan.dsl.limits import LIMITS, decoded, read

    if file != STDIN:
        return read(file)
    return decoded("<stdin>", sys.stdin.buffer.read(LIMITS.bytes + 1))


def _write(file: Path, source: "Source", text: str) -> None:
    from deltaplan.cli.console import say, say_data
    from deltaplan.runtime.writing import write_together

    if file == STDIN:
        say_data(text)
    elif text != source.text:
        real = file.resolve()  # a link stays one
        mode = real.stat().st_mode
        write_together({real: text.encode("utf-8")})
        real.chmod(mode)
        say(f"{file}: formatted")


def _diff(source: "Source", text: str) -> str:
    old, new = source.text.splitlines(keepends=True), text.splitlines(keepends=True)
    lines = unified_diff(old, new, source.name, f"{source.name} (formatted)")
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )
