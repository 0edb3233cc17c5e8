"""A spec with every default written out and where it came from."""

from pathlib import Path

from deltaplan import __version__
from deltaplan.compiler.build.imports import spliced
from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.render.lines import resolved
from deltaplan.dsl import parse, spec_text, tree

__all__ = ["render"]


def render(experiment: Experiment, spec: tree.Spec | None = None) -> str:
    """The text of the experiment's spec, with the values that were used.

    What the writer wrote stays, with its names, widths and braces: missing parameters of calls, options of
    layers and lines of `data` and `train` are added, each named in a comment as a default; a param carries
    the value that was used. Lines that no part of the model uses stay as they are. A name that stands for an
    activation stays a name, and a comment tells the defaults behind it. Imported lines stand in place of
    their `import`. `spec` is the tree of the same text, where the caller has it.
    """
    whole = spliced(spec or parse(experiment.source)[0], experiment.imports)
    return f"{_header(experiment.source.name)}\n\n{spec_text(resolved(experiment, whole))}"


def _header(name: str) -> str:
    shown = "".join(c if c.isprintable() else "?" for c in Path(name).name)
    return f"# {shown} with every default written out, by deltaplan {__version__}"
