"""The checks of each kind, and what they are run on: a file, a built-in, any contribution."""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from deltaplan.diagnostics import DeltaplanError
from deltaplan.plugins.contracts import Contribution
from deltaplan.plugins.loader import builtin_registry, load_file
from deltaplan.plugins.settings import NoValue
from deltaplan.testing import (
    activations,
    analyses,
    augmentations,
    hosts,
    initializers,
    layers,
    losses,
    optimizers,
    regularizers,
    schedules,
)
from deltaplan.testing.names import check_docstring, check_manifest, check_names
from deltaplan.testing.purity import check_loading
from deltaplan.testing.report import Report, Result

SUITES: Mapping[str, Callable[..., Iterator[Result]]] = {
    "activation": activations.checks,
    "loss": losses.checks,
    "regularizer": regularizers.checks,
    "layer": layers.checks,
    "optimizer": optimizers.checks,
    "schedule": schedules.checks,
    "initializer": initializers.checks,
    "augmentation": augmentations.checks,
    "analysis": analyses.checks,
    "metric": hosts.metric_checks,
    "data source": hosts.source_checks,
}


def check(contribution: Contribution) -> Report:
    """All checks of its kind, and of the file that it comes from. What a check raises is what it found."""
    return Report(contribution, tuple(_results(contribution)))


def check_file(path: str | os.PathLike[str]) -> tuple[Report, ...]:
    """Of all that a Python file contributes. PluginError where it cannot be loaded."""
    return tuple(check(found) for found in load_file(Path(path)))


def check_builtin(name: str) -> tuple[Report, ...]:
    """Of the built-ins of that name, of whatever kinds; empty where there are none."""
    registry = builtin_registry()
    found = [kinds[name] for kinds in registry.entries.values() if name in kinds]
    return tuple(map(check, found))


def _results(contribution: Contribution) -> Iterator[Result]:
    yield check_names(contribution)
    yield check_docstring(contribution)
    if contribution.owner.origin in ("folder", "installed"):
        yield check_manifest(contribution)
    if contribution.owner.sha256:
        yield check_loading(Path(contribution.owner.location), contribution)
    suite = SUITES.get(contribution.kind)
    if suite is None:
        yield Result("behaviour", "skipped", f"there are no checks for the kind `{contribution.kind}`")
        return
    try:
        yield from suite(contribution)
    except NoValue as error:
        yield Result("behaviour", "skipped", str(error))
    except DeltaplanError as error:
        yield Result("in a spec", "failed", error.diagnostics[0].message)
