"""`deltaplan train`: from a spec to a run folder."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deltaplan.cli.spec import json_option, params_option, run_plugins_option

if TYPE_CHECKING:
    from deltaplan.compiler.experiment import Experiment
    from deltaplan.diagnostics import Diagnostic
    from deltaplan.runtime.outcome import Backend
    from deltaplan.runtime.prepared import Prepared
    from deltaplan.runtime.run import Run
    from deltaplan.runtime.seeds import Seeds


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
@click.option(
    "--seeds",
    metavar="FIRST..LAST",
    callback=lambda ctx, option, given: _seeds(given),
    help="Train a net for each of these seeds, `0..999` or `1,5,7`; many small nets are trained at once.",
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
    seeds: tuple[int, ...] | None,
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
    prepared = _prepared(file, params, earlier)
    experiment = prepared.experiment
    if seeds is not None:
        if earlier:
            raise click.UsageError("--seeds begins new runs, and --resume goes on from one")
        _train_seeds(experiment, seeds, runs, threads, backend, quiet, as_json)
        return
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
            prepared=prepared,
        )
    warn(run.warnings)
    if as_json:
        say_json(_data(run))
    elif quiet:
        say(str(run.folder))
    else:
        say(result(run))
    _end(run, as_json)


MOST_SEEDS = 1_000_000


def _seeds(given: str | None) -> tuple[int, ...] | None:
    """`0..9` with both ends, or `1,5,7`."""
    if given is None:
        return None
    try:
        first, dots, last = given.partition("..")
        found = range(int(first), int(last) + 1) if dots else [int(part) for part in given.split(",")]
    except ValueError:
        raise click.BadParameter(f"`{given}` is not FIRST..LAST or a list like 1,5,7") from None
    if not 0 < len(found) <= MOST_SEEDS or min(found) < 0 or max(found) >= 2**64:
        raise click.BadParameter(f"`{given}` names no seed, more than {MOST_SEEDS:,}, or one out of range")
    if len(set(found)) < len(found):
        raise click.BadParameter(f"`{given}` names a seed twice")
    return tuple(found)


def _train_seeds(
    experiment: "Experiment",
    seeds: tuple[int, ...],
    runs: Path,
    threads: int | None,
    backend: "Backend | None",
    quiet: bool,
    as_json: bool,
) -> None:
    from deltaplan.cli.console import say, say_json, warn
    from deltaplan.cli.progress import counted
    from deltaplan.runtime.seed_session import train_seeds

    with counted(len(seeds), silent=quiet or as_json) as done:
        found = train_seeds(experiment, seeds=seeds, runs=runs, threads=threads, backend=backend, done=done)
    warn(found.warnings)
    if as_json:
        say_json({"ok": True, "folder": str(found.folder), **_seeds_data(found)})
    else:
        say(str(found.folder) if quiet else _seeds_text(found))


QUANTILES = {"lowest": 0.0, "25 %": 0.25, "median": 0.5, "75 %": 0.75, "highest": 1.0}


def _seeds_data(found: "Seeds") -> dict[str, Any]:
    """How many ended how, and the spread of the losses."""
    return {
        "seeds": len(found.seeds),
        "ended": found.ended,
        "spread": found.spread(tuple(QUANTILES.values())),
    }


def _seeds_text(found: "Seeds") -> str:
    from deltaplan.cli.console import table

    spread = found.spread(tuple(QUANTILES.values()))
    rows = [("", *QUANTILES)]
    rows += [(name.replace("_", " "), *(f"{v:.4g}" for v in values)) for name, values in spread.items()]
    ended = ", ".join(f"{count:,} {how}" for how, count in found.ended.items())
    lines = [f"{len(found.seeds):,} seed{'s' * (len(found.seeds) > 1)}: {ended}"]
    if len(spread):
        lines.append(table(rows, right=frozenset(range(1, len(QUANTILES) + 1))))
        column, seed = found.best
        lines.append(f"lowest {column.replace('_', ' ')}: seed {seed}")
    return "\n".join([*lines, f"table: {found.folder}/seeds.csv"])


def _prepared(file: Path | None, params: dict[str, Any], earlier: "Run | None") -> "Prepared":
    """The spec that is named, else that of the run that is resumed."""
    from deltaplan.cli.console import warn
    from deltaplan.runtime.opening import opened
    from deltaplan.runtime.prepared import Prepared

    if file is not None:
        found = opened(file, params)
        warn(found.experiment.warnings)
        return found
    if earlier is None:
        raise click.UsageError("give a FILE to train, or a run to go on from with --resume")
    if params:
        raise click.UsageError("--set changes a FILE, and none is given")
    return Prepared(earlier.experiment)


def result(run: "Run") -> str:
    """What was reached: scores of the parts, and where the pictures and the rest are."""
    from deltaplan.cli.console import scores_table

    assert run.folder is not None
    norm = run.metrics.get("gradient_norm")
    certificate = [] if norm is None else [f"‖∇J‖ = {norm:.3g}"]
    lines = [f"{run.saved.step:,} steps, {run.ended}", *certificate, scores_table(_parts(run))]
    pictures = {"fit.svg": "the fit", "loss.svg": "the loss curve"}
    found = [(what, run.folder / name) for name, what in pictures.items() if (run.folder / name).exists()]
    lines += [f"{what}: {path}" for what, path in found]
    lines.append(f"run: {run.folder}")
    return "\n".join(lines)


def _parts(run: "Run") -> dict[str, dict[str, float]]:
    return {name: scores for name, scores in run.metrics.items() if isinstance(scores, dict)}


def _data(run: "Run") -> dict[str, Any]:
    from deltaplan.cli.console import diagnostics_data, finite

    return {
        "ok": run.ended not in ("diverged", "interrupted") and not run.failed,
        "ended": run.ended,
        "step": run.saved.step,
        "run": str(run.folder),
        "gradient_norm": run.metrics.get("gradient_norm"),
        "metrics": finite(_parts(run)),
        "diagnostics": diagnostics_data(_mistakes(run)),
    }


def _mistakes(run: "Run") -> "tuple[Diagnostic, ...]":
    return (*((run.divergence,) if run.divergence else ()), *run.failed)


def _end(run: "Run", told: bool) -> None:
    """Exit codes of what was not completed, or is not as the spec asserts; `told` says that the mistakes are
    printed already."""
    mistakes = _mistakes(run)
    if mistakes and told:
        raise click.exceptions.Exit(1)
    if mistakes:
        from deltaplan.diagnostics import SpecError

        raise SpecError(*mistakes)
    if run.ended == "interrupted":
        raise click.exceptions.Exit(130)
