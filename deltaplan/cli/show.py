"""`deltaplan show`: what a spec says and what it compiles to."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deltaplan.cli.spec import json_option, spec_argument

if TYPE_CHECKING:
    from deltaplan.compiler.experiment import Experiment

GRAPHS = ("text", "dot", "mermaid", "svg")
TARGETS = ("avx512", "avx2", "x86-64", "aarch64")


@click.command("show")
@spec_argument
@click.option("--tree", is_flag=True, help="The tree that the file is read into.")
@click.option("--graph", is_flag=True, help="The graph of layers and skips.")
@click.option(
    "--as", "form", type=click.Choice(GRAPHS), help="With --graph: text, or what another program draws."
)
@click.option("--plan", is_flag=True, help="The recursions that train it: forward, backward and update.")
@click.option("--loops", is_flag=True, help="The loop nests that a step of training consists of.")
@click.option("--llvm", is_flag=True, help="The LLVM module of the training loop.")
@click.option(
    "--target",
    type=click.Choice(TARGETS),
    help="With --loops or --llvm: for this processor, not that at hand.",
)
@click.option(
    "--full", is_flag=True, help="With --plan or --loops: every layer, where equal ones are told once."
)
@click.option("--buffers", is_flag=True, help="With --plan or --loops: where each tensor lies in memory.")
@json_option("The summary as JSON.")
def command(
    file: Path,
    params: dict[str, Any],
    tree: bool,
    graph: bool,
    form: str | None,
    plan: bool,
    loops: bool,
    llvm: bool,
    target: str | None,
    full: bool,
    buffers: bool,
    as_json: bool,
) -> None:
    """Show a spec's layers with their shapes, parameters and cost, the problem, the data and the solver.

    With an option, show one of the stages that it is compiled through instead.
    """
    from deltaplan.cli.console import say, say_json

    if sum((tree, graph, plan, loops, llvm, as_json)) > 1:
        raise click.UsageError("--tree, --graph, --plan, --loops, --llvm and --json exclude each other")
    if (full or buffers) and not (plan or loops):
        raise click.UsageError("--full and --buffers belong to --plan and --loops")
    if target and not (loops or llvm):
        raise click.UsageError("--target belongs to --loops and --llvm")
    if form and not graph:
        raise click.UsageError("--as belongs to --graph")
    if tree:
        say(_tree(file))
        return
    from deltaplan.cli.spec import load

    experiment = load(file, params)
    if graph:
        say(_graph(experiment, form or "text"))
        return
    samples = _samples(experiment)
    if loops or llvm:
        from deltaplan.runtime.levels import llvm_text, loops_text

        text = (
            loops_text(experiment, samples, target, full=full, buffers=buffers)
            if loops
            else llvm_text(experiment, samples, target)
        )
        say(text.rstrip("\n"))
        return
    from deltaplan.compiler.plan import compile_plans
    from deltaplan.compiler.printers import plan_text, summary, summary_data

    plans = compile_plans(experiment)
    if as_json:
        say_json(summary_data(experiment, plans, samples))
    elif plan:
        batch = experiment.train.batch if experiment.train else None
        say(plan_text(experiment, plans, batch or samples, full=full, buffers=buffers))
    else:
        say(summary(experiment, plans, samples))


def _tree(file: Path) -> str:
    from deltaplan.diagnostics import SpecError
    from deltaplan.dsl import parse, read, tree_text

    spec, problems = parse(read(file))
    if problems:
        raise SpecError(*problems)
    return tree_text(spec)


def _graph(experiment: "Experiment", form: str) -> str:
    from deltaplan.compiler import printers

    match form:
        case "text":
            return printers.graph_text(experiment)
        case "dot":
            return printers.graph_dot(experiment)
        case "mermaid":
            return printers.graph_mermaid(experiment)
        case _:
            from deltaplan.runtime.svg.graph import graph_svg

            return graph_svg(experiment)


def _samples(experiment: "Experiment") -> int | None:
    """The size of the training part, where the data can be read."""
    from deltaplan.diagnostics import SpecError

    if experiment.data is None:
        return None
    from deltaplan.runtime.data.prepare import load_dataset

    try:
        return len(load_dataset(experiment, Path()).parts["train"])
    except SpecError:
        return None
