"""Passes: graph to graph, in the order in which they run; a graph that one changed is verified."""

from collections.abc import Sequence

from deltaplan.compiler.graph import Graph
from deltaplan.compiler.passes.drop_dead import DropDead
from deltaplan.compiler.passes.infer_shapes import InferShapes
from deltaplan.compiler.verify import verify

Pass = DropDead | InferShapes

PIPELINE: tuple[Pass, ...] = (DropDead(), InferShapes())


def run(passes: Sequence[Pass], graph: Graph) -> Graph:
    """The graph after all passes. SpecError where shapes do not fit, BrokenGraphError for our mistakes."""
    verify(graph)
    for each in passes:
        before, graph = graph, each(graph)
        if graph is not before:
            verify(graph, after=each.name)
    return graph


__all__ = ["PIPELINE", "DropDead", "InferShapes", "Pass", "run"]
