"""Graphs in the order of the spec and out of it, against networkx."""

import networkx as nx
import pytest

import deltaplan
from deltaplan.compiler.graph import Graph

SPEC = """
model m { input 2; a = dense 3 tanh; b = dense 3 tanh residual; c = dense 3 from a; add from b, c; output 1 }
train { minimize mean(squared_error); optimizer adam(lr=0.05); epochs 1; batch full; seed 1 }
"""


@pytest.fixture(scope="module")
def graph():
    return deltaplan.loads(SPEC).graph


def net_of(graph):
    net = nx.DiGraph()
    net.add_nodes_from(graph.edges)
    net.add_edges_from((source, name) for name, sources in graph.edges.items() for source in sources)
    return net


@pytest.fixture(params=["in order", "reversed"])
def arranged(graph, request):
    return graph if request.param == "in order" else Graph(reversed(list(graph)), graph.edges)


def test_every_node_comes_after_its_arguments_and_else_as_in_the_spec(arranged):
    names = [node.name for node in arranged]
    net = net_of(arranged)
    wanted = list(nx.lexicographical_topological_sort(net, key=names.index))
    assert [node.name for node in arranged.ordered()] == wanted
    assert arranged.is_acyclic()


def test_what_a_node_depends_on_and_who_uses_it(arranged):
    net = net_of(arranged)
    for name in arranged.edges:
        assert arranged.reaching([name]) == nx.ancestors(net, name) | {name}
        assert set(arranged.users_of(name)) == set(net.successors(name))


def test_a_circle_is_found(graph):
    first, *rest = (node.name for node in graph)
    assert not Graph(graph, {**graph.edges, first: (rest[-1],)}).is_acyclic()
    assert not Graph(graph, {**graph.edges, first: (first,)}).is_acyclic()
