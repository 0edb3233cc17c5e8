"""`deltaplan plugins VERB …`: one file a verb, imported when it is used."""

import click

from deltaplan.cli.verbs import Verbs

VERBS = ("check", "list", "new", "show")


class PluginVerbs(Verbs):
    """The verbs of `deltaplan plugins`."""

    package, verbs = __name__, VERBS


@click.group("plugins", cls=PluginVerbs)
def command() -> None:
    """Plugins: activations, losses, regularizers, layers, optimizers and more.

    Those that come with deltaplan are written as any other plugin is. `use "./mine.py"` in a spec brings
    those of a file of one's own.
    """
