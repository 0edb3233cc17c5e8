"""What the values of a graph are called in its plan: the lecture's z, v, W and b."""

import re
from collections import Counter
from collections.abc import Collection

from deltaplan.compiler.graph import Graph
from deltaplan.compiler.nodes import Activate, AnyNode, Input, Join, Layer, Target, show_value
from deltaplan.compiler.parameters import numbered, place_parameters

OWN_NAMES = frozenset({"B", "scale", "θ", "g", "ℓ", "Σℓ", "L", "Ω", "J", "ŷ"})
OWN_FORMS = re.compile(r"[avzWb][0-9]+|[ℓΩŷ]_.*")  # of the names that a plan gives by itself


def symbols(graph: Graph) -> dict[str, str]:
    """The lecture's name for each node's value: z1 for the input, v_j and z_{j+1} around the j-th layer.

    A node of another name keeps it, with primes where it stands for something else in the plan already.
    """
    inputs, targets = graph.of(Input), graph.of(Target)
    names = {n.name: "z1" if len(inputs) == 1 else f"x_{n.name}" for n in inputs}
    names |= {n.name: "y" if len(targets) == 1 else f"y_{n.output}" for n in targets}
    for number, layer in numbered(graph):
        nodes = chain(graph, layer)
        names |= dict.fromkeys([n.name for n in nodes], f"a{number}")
        names[layer.name] = f"v{number}"
        names[nodes[-1].name] = f"z{number + 1}"
    taken = {*names.values(), *OWN_NAMES, *(p.tensor.name for p in place_parameters(graph))}
    for node in graph:
        if node.name not in names:
            names[node.name] = own = _free(node.name, taken)
            taken.add(own)
    return names


def _free(name: str, taken: Collection[str]) -> str:
    while name in taken or OWN_FORMS.fullmatch(name):
        name += "\N{PRIME}"
    return name


def chain(graph: Graph, layer: Layer) -> list[AnyNode]:
    """The layer, and the activation and the skip that follow it without a branch."""
    nodes: list[AnyNode] = [layer]
    while len(users := graph.users_of(nodes[-1].name)) == 1:
        following = graph[users[0]]
        first = graph.inputs_of(following.name)[0] == nodes[-1].name
        if not (
            isinstance(following, Activate) or (isinstance(following, Join) and following.skip and first)
        ):
            break
        nodes.append(following)
    return nodes


def functions(graph: Graph) -> dict[str, str]:
    """What each activation is called in formulas: `0.5 tanh`, with its parameters where they tell it apart
    from another one of the same name: `elu(0.1)`."""
    activations = graph.of(Activate)
    variants = {(node.use.name, str(node.use)) for node in activations}
    common = Counter(name for name, _ in variants)
    found = {}
    for node in activations:
        name = str(node.use) if common[node.use.name] > 1 else node.use.name
        found[node.name] = name if node.factor == 1 else f"{show_value(node.factor)} {name}"
    return found
