"""`deltaplan lab`: the instruments of the laboratory, each a verb of its own."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

import click

from deltaplan.cli.spec import F, json_option, params_option, run_plugins_option

if TYPE_CHECKING:
    from deltaplan.plugins.contracts import Analysis, Attribute
    from deltaplan.plugins.examining import Sheet
    from deltaplan.plugins.registry import Registry
    from deltaplan.runtime.lab.examine import Examination, Target

WIDTH = 80  # columns
TYPES: dict[str, Any] = {"number": float, "boolean": bool, "text": str, "word": str}


class Instruments(click.Group):
    """A verb for each analysis: the built-in ones, and those of the files that `--use` names."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_registry(ctx).names("analysis"))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        from deltaplan.runtime.lab.examine import analysis_of

        registry = _registry(ctx)  # the files of `--use` are run once
        return _command(analysis_of(cmd_name, registry), registry)


@click.group("lab", cls=Instruments)
@click.option(
    "--use",
    "files",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A Python file with analyses of one's own; may be repeated. It is run.",
)
@click.pass_context
def command(ctx: click.Context, files: tuple[Path, ...]) -> None:
    """See what a network does: loss surfaces, kinks, norms, gradients by layer, flatness.

    Each instrument takes a run or a spec, at the parameters that training begins with. It prints what it
    found, and draws a picture whose file it names.
    """


def _registry(ctx: click.Context) -> "Registry":
    from deltaplan.plugins.loader import builtin_registry, load_file

    found = builtin_registry()
    for file in ctx.params.get("files", ()):
        found = found.with_(load_file(file))
    return found


def _command(contract: "Analysis", registry: "Registry") -> click.Command:
    from deltaplan.diagnostics.letters import ascii

    doc = ascii(contract.doc)

    @click.command(contract.name, help=doc, short_help=doc.strip().partition("\n")[0])
    @click.argument(
        "targets",
        metavar="RUN..." if contract.trained and contract.several else _metavar(contract),
        nargs=-1,
        required=True,
        type=click.Path(path_type=Path, exists=True),
    )
    @_options(contract.attributes)
    @click.option("--picture", type=click.Path(path_type=Path), help="The picture's file: svg, png or pdf.")
    @click.option("--no-picture", is_flag=True, help="Draw none.")
    @click.option("--dark", is_flag=True, help="Draw on a dark page.")
    @click.option(
        "--data", type=click.Path(path_type=Path), help="Write the numbers to this file: npz or csv."
    )
    @click.option("--seed", type=int, help="Seed of a spec's parameters; its own if not given.")
    @params_option
    @run_plugins_option
    @json_option("Print what was found as JSON.")
    def verb(
        targets: tuple[Path, ...],
        picture: Path | None,
        no_picture: bool,
        dark: bool,
        data: Path | None,
        seed: int | None,
        params: dict[str, Any],
        run_plugins: bool,
        as_json: bool,
        **options: Any,
    ) -> None:
        from deltaplan.cli.console import say_json
        from deltaplan.cli.progress import working
        from deltaplan.runtime.lab.examine import examine

        _check_places(picture, data)
        given = {name: value for name, value in options.items() if value is not None}
        given |= {"seed": seed, "params": params or None}
        with working(contract.name):
            opened = [_opened(target, run_plugins) for target in targets]
            found = examine(contract.name, *opened, registry=registry, **given)
        if as_json:
            say_json(_json(found))
        else:
            _print(found)
        if data is not None:
            _write(found, data)
        if found.findings.picture is not None and not no_picture:
            _draw(found, picture, targets[0], dark, as_json)

    return verb


def _check_places(picture: Path | None, data: Path | None) -> None:
    """Before anything is computed."""
    from deltaplan.runtime.lab import arrays, figures

    if picture is not None:
        figures.check_place(picture)
    if data is not None:
        arrays.check_place(data)


def _metavar(contract: "Analysis") -> str:
    return ("RUN" if contract.trained else "RUN|SPEC") + ("..." if contract.several else "")


def _opened(target: Path, run_plugins: bool) -> "Target":
    if not target.is_dir():
        return target
    import deltaplan

    return deltaplan.open(target, run_plugins)


def _options(attributes: "Sequence[Attribute]") -> Callable[[F], F]:
    def add(function: F) -> F:
        for attribute in reversed(attributes):
            function = _option(attribute)(function)
        return function

    return add


def _option(attribute: "Attribute") -> Callable[[F], F]:
    flag = f"--{attribute.name.replace('_', '-')}"
    default = "" if attribute.default in (None, False) else f"; {attribute.default} if not given"
    help = f"{attribute.doc or attribute.condition}{default}."
    if attribute.type == "boolean":
        flags = flag if attribute.default is False else f"{flag}/--no-{flag[2:]}"
        return click.option(flags, attribute.name, default=None, is_flag=True, help=help)
    kind = click.Choice(attribute.choices) if attribute.choices else TYPES.get(attribute.type, int)
    return click.option(flag, attribute.name, type=kind, required=attribute.required, help=help)


def _print(found: "Examination") -> None:
    from deltaplan.cli.console import say

    for sentence in found.findings.says:
        say(fill(sentence, WIDTH, subsequent_indent="  "))
    for sheet in found.findings.sheets:
        say("\n".join(["", *([sheet.title] if sheet.title else []), _table(sheet)]))


def _table(sheet: "Sheet") -> str:
    from deltaplan.cli.console import table

    words = {place for row in sheet.rows for place, cell in enumerate(row) if isinstance(cell, str)}
    rows = [sheet.head, *(tuple(map(_cell, row)) for row in sheet.rows)]
    return table(rows, right=frozenset(range(len(sheet.head))) - words)


def _cell(value: str | int | float | None) -> str:
    match value:
        case None:
            return ""
        case int() if not isinstance(value, bool):
            return f"{value:,}"
        case float():
            return f"{value:.4g}"
        case _:
            return str(value)


def _json(found: "Examination") -> dict[str, Any]:
    from deltaplan.cli.console import finite

    sheets = [
        {"title": s.title, "rows": [dict(zip(s.head, row, strict=True)) for row in s.rows]}
        for s in found.findings.sheets
    ]
    return {
        "analysis": found.name,
        "subject": found.subject,
        "says": list(found.findings.says),
        "tables": finite(sheets),
        "arrays": {name: finite(array.tolist()) for name, array in found.arrays.items()},
    }


def _write(found: "Examination", path: Path) -> None:
    from deltaplan.runtime.lab.arrays import write_arrays

    write_arrays(path, found.arrays)
    click.echo(f"numbers: {path}", err=True)


def _draw(found: "Examination", picture: Path | None, target: Path, dark: bool, quiet: bool) -> None:
    """A picture that was not asked for by name is left out where it cannot be drawn, and that is said."""
    from deltaplan.diagnostics import DeltaplanError
    from deltaplan.runtime.lab.figures import NoMatplotlib

    path = picture or _place(found, target)
    try:
        found.save(path, dark)
    except DeltaplanError as error:
        if picture is not None or not any(isinstance(d, NoMatplotlib) for d in error.diagnostics):
            raise
        click.echo("no picture: it needs matplotlib: pip install 'deltaplan[lab]'", err=True)
        return
    assert found.findings.picture is not None
    for line in _caption(found.findings.picture.caption, path):
        click.echo(line, err=quiet)


def _caption(caption: str, path: Path) -> Iterator[str]:
    yield ""
    if caption:
        yield fill(caption, WIDTH)
    yield f"picture: {path}"


def _place(found: "Examination", target: Path) -> Path:
    """Inside the folder of a run, else where one is."""
    return target / f"{found.name}.svg" if target.is_dir() else Path(f"{target.stem}-{found.name}.svg")
