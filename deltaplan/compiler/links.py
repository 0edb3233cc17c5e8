"""What an output's loss makes of it: the link that turns it into a prediction, and how it decides."""

from typing import Literal

from deltaplan.compiler.graph import Graph
from deltaplan.compiler.nodes import Loss
from deltaplan.plugins.contracts import Loss as LossContract

Link = Literal["identity", "sigmoid", "softmax"]
Decision = Literal["none", "argmax", "positive"]


def link_of(graph: Graph, output: str) -> Link:
    """The link that the first loss on an output states; the identity where there is none."""
    contract = loss_on(graph, output)
    return contract.link if contract else "identity"


def decision_of(graph: Graph, output: str) -> Decision:
    """How the first loss on an output decides between classes; `none` where it does not."""
    contract = loss_on(graph, output)
    return contract.decision if contract else "none"


def loss_on(graph: Graph, output: str) -> LossContract | None:
    """The first loss on an output."""
    losses = (n for n in graph.of(Loss) if graph.inputs_of(n.name)[0] == output)
    contract = next((n.use.contract for n in losses), None)
    assert contract is None or isinstance(contract, LossContract)
    return contract
