"""The arguments that verbs share: a spec file and values for its params."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from deltaplan.cli import JSON

if TYPE_CHECKING:
    from deltaplan.compiler.experiment import Experiment

F = TypeVar("F", bound=Callable[..., Any])


def spec_argument(function: F) -> F:
    """FILE and `--set NAME=VALUE`, given to the verb as `file` and `params`."""
    return click.argument("file", type=click.Path(path_type=Path))(params_option(function))


def params_option(function: F) -> F:
    """`--set NAME=VALUE`, given to the verb as `params`."""
    return click.option(
        "--set",
        "params",
        multiple=True,
        metavar="NAME=VALUE",
        callback=lambda ctx, option, given: dict(_param(text) for text in given),
        help="Give a param of the spec another value; may be repeated.",
    )(function)


def run_plugins_option(function: F) -> F:
    """`--run-plugins`, given to the verb as `run_plugins`."""
    return click.option(
        "--run-plugins",
        is_flag=True,
        help="Run the plugin files that the run was trained with, where it needs their code.",
    )(function)


def backend_option(function: F) -> F:
    """`--backend`, given to the verb as `backend`."""
    return click.option(
        "--backend",
        type=click.Choice(["native", "numpy"]),
        help="Machine code, or numpy, the definition; by default the one that is faster for so many samples.",
    )(function)


def json_option(help: str) -> Callable[[F], F]:
    """`--json`, given to the verb as `as_json`; its errors are JSON then too."""

    def keep(ctx: click.Context, option: click.Parameter, given: bool) -> bool:
        ctx.meta[JSON] = given
        return given

    return click.option("--json", "as_json", is_flag=True, callback=keep, help=help)


def _param(text: str) -> tuple[str, bool | int | float | str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise click.BadParameter(f"`{text}` is not NAME=VALUE", param_hint="--set")
    return name.strip(), _value(value.strip())


def _value(text: str) -> bool | int | float | str:
    """A value as a spec would say it: `true`, a number with its unit, else a word."""
    from deltaplan.dsl.numbers import WRITTEN, number_value

    if text in ("true", "false"):
        return text == "true"
    sign, digits = (-1, text[1:]) if text.startswith("-") else (1, text)
    try:
        return sign * number_value(digits) if WRITTEN.fullmatch(digits) else text
    except (KeyError, ValueError, OverflowError):
        return text


def load(file: Path, params: dict[str, Any]) -> "Experiment":
    """The experiment of a spec file, its warnings told."""
    import deltaplan
    from deltaplan.cli.console import warn

    experiment = deltaplan.load(file, params=params)
    warn(experiment.warnings)
    return experiment
