"""The places z_1, z_2, …, z_{n+1} that the lecture names: what goes into each layer, and what comes out."""

from deltaplan.plugins.api import Node, Subject, Unfit


def layers_of(subject: Subject) -> tuple[Node, ...]:
    """The layers with parameters, in order. Unfit where there are none."""
    layers = tuple(node for node in subject.nodes if node.number is not None)
    if not layers:
        raise Unfit("needs layers with parameters", "add a `dense` layer")
    return layers


def last_of(subject: Subject) -> str:
    """The output, the last one of several."""
    outputs = [node.name for node in subject.nodes if node.output]
    return outputs[-1] if outputs else subject.nodes[-1].name


def chain_of(subject: Subject) -> tuple[str, ...]:
    """The nodes of z_1 to z_{n+1}, each once."""
    return (*dict.fromkeys(layer.sources[0] for layer in layers_of(subject)), last_of(subject))
