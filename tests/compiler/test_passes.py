"""Passes over the graph, and the verifier that runs after each."""

from dataclasses import replace

import pytest

import deltaplan
from deltaplan.compiler.graph import Graph
from deltaplan.compiler.nodes import AnyNode, Loss, Penalty
from deltaplan.compiler.passes import PIPELINE, DropDead, InferShapes, run
from deltaplan.compiler.verify import ARGUMENTS, BrokenGraphError, verify
from deltaplan.diagnostics import Span

TEXT = """
model m {
    input 3
    trunk = dense 4 tanh residual=project
    dense 7, 8 relu
    output 2 from trunk
}
train {
    minimize mean(squared_error) + l2(1, on=dense1) + l1(1, on=[trunk, dense1])
    optimizer adam
    epochs 1
}"""


@pytest.fixture(scope="module")
def graph() -> Graph:
    return deltaplan.loads(TEXT).graph


def test_the_pipeline_can_be_read() -> None:
    assert [each.name for each in PIPELINE] == ["drop-dead", "infer-shapes"]


def test_what_reaches_no_output_is_dropped_with_its_penalties(graph: Graph) -> None:
    assert [node.name for node in graph] == [
        "input",
        "trunk",
        "trunk.tanh",
        "trunk.project",
        "trunk.skip",
        "output",
        "output.target",
        "loss.squared_error",
        "penalty.l1",
    ]
    assert [penalty.places for penalty in graph.of(Penalty)] == [("trunk", "trunk.project")]


def test_passes_are_idempotent(graph: Graph) -> None:
    again = run(PIPELINE, graph)
    assert (list(again), again.edges, again.shapes) == (list(graph), graph.edges, graph.shapes)
    assert DropDead()(graph) is graph


def test_shapes_are_those_of_one_sample(graph: Graph) -> None:
    bare = Graph(graph, graph.edges)
    assert InferShapes()(bare).shapes == {
        "input": (3,),
        "trunk": (4,),
        "trunk.tanh": (4,),
        "trunk.project": (4,),
        "trunk.skip": (4,),
        "output": (2,),
        "output.target": (2,),
        "loss.squared_error": (),
        "penalty.l1": (),
    }


def test_every_type_of_node_has_its_number_of_arguments() -> None:
    assert set(ARGUMENTS) == set(AnyNode.__args__)


def test_the_verifier_finds_what_a_pass_broke(graph: Graph) -> None:
    edges = dict(graph.edges)
    span = Span(graph["trunk"].span.source, 5, 10**6)
    loss = graph.of(Loss)[0].name
    broken = {
        "has a cycle": Graph(graph, edges | {"trunk": ("trunk.skip",)}),
        "has 1 arguments": Graph(graph, edges | {"trunk.skip": ("trunk",)}),
        "has 0 arguments": Graph(graph, edges | {"trunk": ()}),
        "takes `ghost`": Graph(graph, edges | {"trunk": ("ghost",)}),
        "is no target": Graph(graph, edges | {loss: ("output", "trunk")}),
        "gives (4,)": Graph(graph, edges, {**graph.shapes, "trunk": (5,)}),
        "shape for `ghost`": Graph(graph, edges, {**graph.shapes, "ghost": (5,)}),
        "outside its source": Graph(
            [replace(n, span=span) if n.name == "trunk" else n for n in graph], edges, graph.shapes
        ),
    }
    for fault, each in broken.items():
        with pytest.raises(BrokenGraphError) as error:
            verify(each, after="some-pass")
        assert fault in str(error.value)
        assert "some-pass" in str(error.value)
        assert "please report it" in str(error.value)
    verify(graph)
