"""Shape inference: what each node gives for one sample."""

from typing import ClassVar

from deltaplan.compiler.graph import Graph
from deltaplan.compiler.shapes import infer
from deltaplan.records import dataclass


@dataclass(frozen=True, slots=True)
class InferShapes:
    """Gives every node its shape. SpecError where shapes do not fit."""

    name: ClassVar[str] = "infer-shapes"

    def __call__(self, graph: Graph) -> Graph:
        return graph.with_shapes(infer(graph.ordered(), graph.edges))
