"""`deltaplan plugins VERB …`: one file a verb, imported when it is used."""

from importlib import import_module

import click

VERBS = ("check", "list", "new", "show")


class Verbs(click.Group):
    """Finds a verb in the module of its name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*VERBS]  # `list` is a verb of this package

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        command: click.Command = import_module(f"deltaplan.cli.plugins.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        from deltaplan.diagnostics import nearest

        if args and args[0] not in VERBS and not args[0].startswith("-"):
            similar = nearest(args[0], VERBS)
            ctx.fail(f"no verb `{args[0]}`" + (f"; similar name: `{similar}`" if similar else ""))
        return super().resolve_command(ctx, args)


@click.group("plugins", cls=Verbs)
def command() -> None:
    """Plugins: activations, losses, regularizers, layers, optimizers and more.

    Those that come with deltaplan are written as any other plugin is. `use "./mine.py"` in a spec brings
    those of a file of one's own.
    """
