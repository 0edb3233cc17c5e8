"""The command line: `deltaplan VERB …`, one file a verb, imported when it is used."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from deltaplan.cli.verbs import Verbs

JSON = "deltaplan.json"  # in the context's meta: the verb was asked for JSON, so its errors are JSON too
NO_PLUGINS, OFF = "--no-plugins", "DELTAPLAN_NO_PLUGINS"  # as in plugins.loader, which no verb need import
VERBS = (
    *("check", "explain", "show", "render", "fmt", "diff"),
    *("trace", "train", "sweep", "evaluate", "predict", "export"),
    *("lab", "gradcheck", "plugins", "examples", "new"),
)


class MainVerbs(Verbs):
    """The verbs of `deltaplan`."""

    package, verbs = __name__, VERBS

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """`--no-plugins` may stand behind the verb too."""
        own = args[: args.index("--")] if "--" in args else args
        if NO_PLUGINS in own:
            args = [NO_PLUGINS, *(each for each in own if each != NO_PLUGINS), *args[len(own) :]]
        return super().parse_args(ctx, args)

    def main(self, *args: Any, **extra: Any) -> Any:
        from deltaplan.cli.console import flushed, use_plain_letters

        use_plain_letters()
        with flushed():
            return super().main(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        from deltaplan.diagnostics import DeltaplanError

        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            ctx.exit(130)
        except DeltaplanError as error:
            from deltaplan.cli.console import report

            report(error, ctx.meta.get(JSON, False))
            ctx.exit(1)


@click.group(
    cls=MainVerbs,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
    epilog="Exit codes: 0 done, 1 a mistake in the spec or the data, 2 wrong usage, 130 ended by Ctrl-C.",
)
@click.version_option(package_name="deltaplan", message="%(prog)s %(version)s")
@click.option(NO_PLUGINS, is_flag=True, help="Run no code of plugins; DELTAPLAN_NO_PLUGINS=1 does the same.")
@click.pass_context
def main(ctx: click.Context, no_plugins: bool) -> None:
    """Neural networks stated as they are taught: a .dl file says the model, the problem
    `minimize loss + regularizers`, the data and the solver; deltaplan compiles and trains it.

    \b
    deltaplan check wave.dl           what is wrong, all of it at once
    deltaplan show wave.dl            layers, parameters, problem, cost
    deltaplan train wave.dl           trains; the run goes to a folder in runs/
    deltaplan predict runs/wave-1 new.csv
    """
    if no_plugins:
        ctx.with_resource(_plugins_off())


@contextmanager
def _plugins_off() -> Iterator[None]:
    """Worker processes see the environment too; what it was comes back at the end."""
    before = os.environ.get(OFF)
    os.environ[OFF] = "1"
    try:
        yield
    finally:
        os.environ.pop(OFF, None)
        if before is not None:
            os.environ[OFF] = before
