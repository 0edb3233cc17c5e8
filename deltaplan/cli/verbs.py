"""A group whose verbs are modules, imported when they are used: start-up pays for the one verb alone."""

from importlib import import_module

import click


class Verbs(click.Group):
    """Finds a verb in the module of its name. `package` holds the modules and `verbs` are their names."""

    package: str
    verbs: tuple[str, ...]

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self.verbs]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.verbs:
            return None
        command: click.Command = import_module(f"{self.package}.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        from deltaplan.diagnostics import nearest

        if args and args[0] not in self.verbs and not args[0].startswith("-"):
            similar = nearest(args[0], self.verbs)
            ctx.fail(f"no verb `{args[0]}`" + (f"; similar name: `{similar}`" if similar else ""))
        return super().resolve_command(ctx, args)
