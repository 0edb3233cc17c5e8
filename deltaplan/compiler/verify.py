"""What must hold of every graph; what does not is our mistake, not the writer's."""

from collections.abc import Callable, Iterator

from deltaplan.compiler.graph import Graph
from deltaplan.compiler.nodes import Activate, Adapt, AnyNode, Input, Join, Layer, Loss, Penalty, Target
from deltaplan.compiler.shapes import infer

ARGUMENTS: dict[type[AnyNode], tuple[int, int | None]] = {  # least and most
    Input: (0, 0),
    Layer: (1, 1),
    Activate: (1, 1),
    Join: (2, None),
    Adapt: (1, 1),
    Target: (0, 0),
    Loss: (2, 2),
    Penalty: (0, 0),
}


class BrokenGraphError(AssertionError):
    """A graph that a pass left in a state that it must not have."""

    def __init__(self, after: str, faults: list[str]) -> None:
        super().__init__(
            f"{after} left a broken graph: {'; '.join(faults)}. "
            "This is a mistake in deltaplan: please report it with the spec."
        )


def verify(graph: Graph, after: str = "build") -> None:
    """Raises BrokenGraphError if the graph has a cycle, a node with a wrong number or kind of arguments, a
    missing or inconsistent shape, or a span outside its source."""
    faults = list(_sources(graph)) or (["it has a cycle"] if not graph.is_acyclic() else [])
    faults = faults or [fault for check in CHECKS for fault in check(graph)]
    if faults:
        raise BrokenGraphError(after, faults)


def _sources(graph: Graph) -> Iterator[str]:
    for name, sources in graph.edges.items():
        yield from (
            f"`{name}` takes `{source}`, which does not exist" for source in sources if source not in graph
        )


def _arguments(graph: Graph) -> Iterator[str]:
    for node in graph:
        least, most = ARGUMENTS[type(node)]
        count = len(graph.inputs_of(node.name))
        if count < least or (most is not None and count > most):
            yield f"`{node.name}` ({type(node).__name__}) has {count} arguments"


def _references(graph: Graph) -> Iterator[str]:
    for node in graph.of(Loss):
        output, target = graph.inputs_of(node.name)
        if not isinstance(graph[target], Target):
            yield f"the loss `{node.name}` compares `{output}` with `{target}`, which is no target"
    for target_node in graph.of(Target):
        if target_node.output not in graph:
            yield f"`{target_node.name}` is the target of `{target_node.output}`, which does not exist"


def _shapes(graph: Graph) -> Iterator[str]:
    if not graph.shapes:  # not inferred yet
        return
    for name, shape in infer(graph.ordered(), graph.edges).items():
        if graph.shapes.get(name) != shape:
            yield f"`{name}` has the shape {graph.shapes.get(name)} and gives {shape}"
    for name in graph.shapes.keys() - {node.name for node in graph}:
        yield f"there is a shape for `{name}`, which does not exist"


def _spans(graph: Graph) -> Iterator[str]:
    for node in graph:
        span = node.span
        if not 0 <= span.start <= span.end <= len(span.source.text):
            yield f"`{node.name}` comes from outside its source"


CHECKS: tuple[Callable[[Graph], Iterator[str]], ...] = (_arguments, _references, _shapes, _spans)
