"""`deltaplan export`: a model for other programs."""

from pathlib import Path
from typing import Any, Literal

import click

from deltaplan.cli.spec import params_option, run_plugins_option


@click.group("export")
def command() -> None:
    """Write a trained model for other programs."""


@command.command("c")
@click.argument("source", metavar="RUN|SPEC", type=click.Path(path_type=Path))
@click.argument("file", metavar="FILE.c", type=click.Path(path_type=Path))
@click.option("--train", is_flag=True, help="With a function for a step of training, too.")
@click.option("--float32", "precision", flag_value="float32", help="Numbers of 4 bytes.")
@click.option("--float64", "precision", flag_value="float64", help="Numbers of 8 bytes.")
@params_option
@run_plugins_option
@click.option("-q", "--quiet", is_flag=True, help="Print nothing.")
def c(
    source: Path,
    file: Path,
    train: bool,
    precision: Literal["float32", "float64"] | None,
    params: dict[str, Any],
    run_plugins: bool,
    quiet: bool,
) -> None:
    """Write one C99 file that predicts as the model does, and a header.

    RUN is a folder of a trained run; SPEC a .dl file, whose model is written with the parameters that
    training begins with. The file needs nothing but libm, allocates nothing, and checks itself when it is
    compiled with -DNAME_SELF_TEST. Its numbers have the precision of training unless another is asked for.
    """
    from deltaplan.cli.console import say
    from deltaplan.runtime.interop.c import export

    if params and source.is_dir():
        raise click.UsageError("--set changes a SPEC, and a run is given")
    written = export(source, file, params=params, train=train, precision=precision, run_plugins=run_plugins)
    if not quiet:
        say("\n".join(f"{path}: {path.stat().st_size:,} bytes" for path in written))
