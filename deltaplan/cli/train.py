"""`deltaplan train`: from a spec to a run folder."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deltaplan.cli.spec import json_option, params_option, run_plugins_option

if TYPE_CHECKING:
    from deltaplan.compiler.experiment import Experiment
    from deltaplan.runtime.outcome import Backend
    from deltaplan.runtime.run import Run


@click.command("train")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@params_option
@click.option(
    "--resume",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="Go on from a run that was interrupted, or with FILE from one whose spec now says more epochs.",
)
@click.option(
    "--runs",
    type=click.Path(path_type=Path),
    default=Path("runs"),
    show_default=True,
    help="Folder for the runs; each gets a new one in it.",
)
@run_plugins_option
@click.option(
    "--backend",
    type=click.Choice(["native", "numpy"]),
    help="Machine code, or numpy, the definition; native where it can be had.",
)
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    help="Threads; chosen by the work of a step. The native backend gives the same bits with any number.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but the run's folder.")
@json_option("Print the result as JSON.")
def command(
    file: Path | None,
    params: dict[str, Any],
    resume: Path | None,
    runs: Path,
    run_plugins: bool,
    backend: "Backend | None",
    threads: int | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Train a spec on its data and write the run to a new folder.

    The folder holds the spec, the parameters, the history, the metrics and pictures. Ctrl-C ends training
    after the step at hand and keeps what was reached; NaN or infinity ends it too, and the last good
    parameters are kept.
    """
    from deltaplan.cli.console import say, say_json, warn
    from deltaplan.cli.progress import shown_progress
    from deltaplan.runtime.run import open_, train

    if run_plugins and not resume:
        raise click.UsageError("--run-plugins belongs to --resume; a spec runs what it names with `use`")
    earlier = open_(resume, run_plugins) if resume else None
    experiment = _experiment(file, params, earlier)
    dataset = earlier.dataset() if earlier and file is None else None
    with shown_progress(experiment, silent=quiet or as_json) as progress:
        run = train(
            experiment,
            dataset,
            runs=runs,
            progress=progress,
            resume=earlier,
            threads=threads,
            backend=backend,
        )
    warn(run.warnings)
    if as_json:
        say_json(_data(run))
    elif quiet:
        say(str(run.folder))
    else:
        say(result(run))
    _end(run)


def _experiment(file: Path | None, params: dict[str, Any], earlier: "Run | None") -> "Experiment":
    """The spec that is named, else that of the run that is resumed."""
    from deltaplan.cli.spec import load

    if file is not None:
        return load(file, params)
    if earlier is None:
        raise click.UsageError("give a FILE to train, or a run to go on from with --resume")
    if params:
        raise click.UsageError("--set changes a FILE, and none is given")
    return earlier.experiment


def result(run: "Run") -> str:
    """What was reached: scores of the parts, and where the pictures and the rest are."""
    from deltaplan.cli.console import scores_table

    assert run.folder is not None
    lines = [f"{run.saved.step:,} steps, {run.ended}", scores_table(_parts(run))]
    pictures = {"fit.svg": "the fit", "loss.svg": "the loss curve"}
    found = [(what, run.folder / name) for name, what in pictures.items() if (run.folder / name).exists()]
    lines += [f"{what}: {path}" for what, path in found]
    lines.append(f"run: {run.folder}")
    return "\n".join(lines)


def _parts(run: "Run") -> dict[str, dict[str, float]]:
    return {name: scores for name, scores in run.metrics.items() if isinstance(scores, dict)}


def _data(run: "Run") -> dict[str, Any]:
    from deltaplan.cli.console import diagnostics_data, finite

    told = diagnostics_data((run.divergence,)) if run.divergence else []
    return {
        "ok": run.ended == "complete",
        "ended": run.ended,
        "step": run.saved.step,
        "run": str(run.folder),
        "metrics": finite(_parts(run)),
        "diagnostics": told,
    }


def _end(run: "Run") -> None:
    """Exit codes of what was not completed."""
    if run.divergence is not None:
        from deltaplan.diagnostics import SpecError

        raise SpecError(run.divergence)
    if run.ended == "interrupted":
        raise click.exceptions.Exit(130)
