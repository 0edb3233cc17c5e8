"""What a spec takes from the registry."""

from collections.abc import Iterator

from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.nodes import Use, nested
from deltaplan.plugins.contracts import Contribution, InTraining, Layer


def used(experiment: Experiment) -> tuple[Contribution, ...]:
    """Every contribution that the spec uses, each once: those of the graph, of the solver, of the data."""
    found = {(use.contract.kind, use.name): use.contract for use in uses(experiment)}
    return tuple(found.values())


def uses(experiment: Experiment) -> Iterator[Use]:
    """Every use, with the values that the writer gives."""
    for node in experiment.graph:
        uses = (getattr(node, "use", None), getattr(node, "init", None))
        yield from (use for use in uses if use and not _augments(use.contract))
    if experiment.train:
        yield from nested(experiment.train.optimizer)
        yield from (monitored.use for monitored in experiment.train.monitor)
    if experiment.data:
        yield from (file.use for file in experiment.data.files)
        for augmentations in experiment.data.augment.values():
            yield from augmentations


def _augments(contract: Contribution) -> bool:
    """Whether it is the layer that an augmentation stands in the graph as."""
    return isinstance(contract, Layer) and isinstance(contract.forward, InTraining)
