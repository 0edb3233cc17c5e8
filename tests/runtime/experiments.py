"""Small experiments for the tests of data: a data block as text becomes one without the compiler."""

import re

from deltaplan.compiler.experiment import Column, DataFile, DataSpec, Experiment, Split
from deltaplan.compiler.graph import Graph
from deltaplan.compiler.nodes import Input, Target, Use
from deltaplan.diagnostics import Source, Span
from deltaplan.plugins.builtin import sources


def experiment(
    inputs=("t",),
    targets=("y",),
    kind="real",
    split=(0.8, 0.2, 0.0),
    seed=1,
    standardize=(),
    units=None,
    source=sources.csv,
    path="a.csv",
    **options,
):
    """The experiment of a spec with one input and one output, its spans where a spec has them."""
    lines = [
        f'{source.name} "{path}"',
        f"inputs {', '.join(inputs)}",
        f"targets {', '.join(targets)}",
        "split",
        "output",
    ]
    spec = Source("spec.dl", "\n".join(lines))

    def span(line, word):
        start = sum(len(text) + 1 for text in lines[:line]) + re.search(rf"\b{word}\b", lines[line]).start()
        return Span(spec, start, start + len(word))

    nodes = [
        Input(name="input", span=span(1, "inputs"), shape=(len(inputs),)),
        Input(name="output", span=span(4, "output"), shape=(units or len(targets),)),
        Target(name="target", span=span(2, "targets"), kind=kind, output="output"),
    ]
    shapes = {"output": (units or len(targets),)}
    data = DataSpec(
        files=(DataFile(Use(source, {"path": path, **options}, span(0, source.name))),),
        inputs={"input": tuple(Column(name, span(1, name)) for name in inputs)},
        targets={"output": tuple(Column(name, span(2, name)) for name in targets)},
        split=Split(*split, seed=seed, span=span(3, "split")),
        standardize=standardize,
        span=span(0, source.name),
    )
    return Experiment(spec, "spec", {}, Graph(nodes, {}, shapes), data, None)
