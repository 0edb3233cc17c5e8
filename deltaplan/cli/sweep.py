"""`deltaplan sweep`: all trials of a spec's `sweep` block."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deltaplan.cli.spec import json_option, params_option

if TYPE_CHECKING:
    from deltaplan.runtime.outcome import Backend
    from deltaplan.runtime.sweeps.folder import Earlier
    from deltaplan.runtime.sweeps.result import Swept

SHOWN = 10  # settings and reasons that are told at the end


@click.command("sweep")
@click.argument("file", type=click.Path(path_type=Path))
@params_option
@click.option(
    "--runs",
    type=click.Path(path_type=Path),
    default=Path("runs"),
    show_default=True,
    help="Folder for the sweep's own folder.",
)
@click.option("--jobs", type=click.IntRange(min=1), help="Processes; as many as there are cores.")
@click.option(
    "--backend",
    type=click.Choice(["native", "numpy"]),
    help="Machine code, or numpy, the definition; native where it can be had.",
)
@click.option("--anew", is_flag=True, help="Begin a new sweep, where one of the spec is there to go on with.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but the sweep's folder.")
@json_option("Print the result as JSON.")
def command(
    file: Path,
    params: dict[str, Any],
    runs: Path,
    jobs: int | None,
    backend: "Backend | None",
    anew: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Train a spec once for each trial of its `sweep { ... }`, and compare them.

    The sweep's folder holds the table (results.csv), the picture (sweep.svg) and the run of the best trial
    (best/). A sweep that was stopped goes on where it was, also after its `sweep` block has changed; what is
    trained is not trained again. A trial that diverges or cannot be built is a row that says why.

    Exit code 1 means that no trial came to a good end, 130 that Ctrl-C came before the last one.
    """
    from deltaplan.cli.console import say, say_json, warn
    from deltaplan.cli.sweeping import shown_sweep
    from deltaplan.runtime.sweep_session import sweep

    with shown_sweep(silent=quiet or as_json) as heard:
        found = sweep(
            file,
            params=params,
            runs=runs,
            jobs=jobs,
            backend=backend,
            anew=anew,
            heard=heard,
            told=_tell if not (quiet or as_json) else _silent,
        )
    warn(found.experiment.warnings)
    if as_json:
        say_json(_data(found))
    elif quiet:
        say(str(found.folder))
    else:
        say(_text(found, file))
    if found.interrupted:
        raise click.exceptions.Exit(130)
    if found.best_row() is None:
        raise click.exceptions.Exit(1)


def _silent(before: "Earlier | None", known: int) -> None:
    return None


def _tell(before: "Earlier | None", known: int) -> None:
    """What becomes of the sweep that was there."""
    if before is None:
        return
    if before.same:
        click.echo(f"going on in {before.folder}: {known:,} trials are there", err=True)
    else:
        click.echo(f"the spec or its data have changed since {before.folder}: this is a new sweep", err=True)


def _data(found: "Swept") -> dict[str, Any]:
    from deltaplan.cli.console import finite

    return {
        "ok": found.best_row() is not None and not found.interrupted,
        "folder": str(found.folder),
        "trials": found.total,
        "ended": dict(found.ended),
        "interrupted": found.interrupted,
        "by": found.column,
        "best": finite(found.best()),
        "ranking": finite(found.ranking()),
        "rows": finite(found.rows),
    }


def _text(found: "Swept", file: Path) -> str:
    ended = ", ".join(f"{count:,} {how}" for how, count in found.ended.items())
    of = f" of {found.total:,}" if len(found.found) < found.total else ""
    lines = [f"{len(found.found):,}{of} trials: {ended or 'none'}"]
    lines += [f"  {count:,}: {reason}" for reason, count in [*found.reasons.items()][:SHOWN]]
    best = found.best_row()
    if best is not None:
        lines += ["", *_ranking(found), "", *_best(found)]
    names = {"results.csv": "table", "sweep.svg": "picture"}
    assert found.folder is not None
    lines += [f"{what}: {found.folder / name}" for name, what in names.items()]
    if found.interrupted:
        lines.append(f"`deltaplan sweep {file}` goes on")
    return "\n".join(lines)


def _ranking(found: "Swept") -> list[str]:
    from deltaplan.cli.sweeping import ranking_table

    settings = found.settings()
    of = f"{found.column.replace('_', ' ')}"
    median = f"the median {of} over the seeds" if any(s.trials > 1 for s in settings) else f"the {of}"
    return [f"by {median}:", ranking_table(settings, SHOWN)]


def _best(found: "Swept") -> list[str]:
    from deltaplan.compiler.nodes import show_value

    best = found.best_row()
    assert best is not None
    assert found.folder is not None
    given = [f"{name}={show_value(value)}" for name, value in best.trial.given.items()]
    lines = [f"best: {', '.join(given)}: {found.column.replace('_', ' ')} {best.scores[found.column]:.4g}"]
    if (found.folder / "best").exists():
        lines.append(f"its run: {found.folder / 'best'}")
    return lines
