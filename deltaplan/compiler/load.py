"""From a file or a text to an experiment, with the built-in contributions."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from deltaplan.compiler.build import ExpansionLimits, build
from deltaplan.compiler.build import registry_of as _registry_of
from deltaplan.compiler.build.context import Context
from deltaplan.compiler.build.imports import from_texts
from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.measured import Measure, Measured
from deltaplan.diagnostics import Problems, Source
from deltaplan.dsl import parse, read
from deltaplan.plugins.contracts import Contribution, Value
from deltaplan.plugins.loader import builtin_registry
from deltaplan.plugins.registry import Registry

LIMITS = ExpansionLimits()


def load(
    path: str | os.PathLike[str],
    params: Mapping[str, Value] | None = None,
    *,
    limits: ExpansionLimits = LIMITS,
    measure: Measure | None = None,
) -> Experiment:
    """The experiment that a .dl file states. `params` replace the values of its params; `measure` is asked
    for what the spec leaves to its data.

    Raises SpecError with every mistake of the file in one report.
    """
    return _experiment(read(path), params, Path(path).parent, limits, measure)


def loads(
    text: str,
    name: str = "<text>",
    params: Mapping[str, Value] | None = None,
    folder: str | os.PathLike[str] | None = None,
    *,
    limits: ExpansionLimits = LIMITS,
    measure: Measure | None = None,
) -> Experiment:
    """The experiment that a text states. Paths in it begin at `folder`, by default the current one."""
    return _experiment(Source(name, text), params, Path(folder or ""), limits, measure)


def registry_of(path: str | os.PathLike[str]) -> Registry:
    """The built-ins and what a .dl file defines and brings by its `use` lines.

    Raises SpecError where the file cannot be read or one of its plugins cannot be loaded.
    """
    spec, found = parse(read(path))
    context = Context(builtin_registry(), LIMITS, Path(path).parent, Problems())
    context.problems.extend(found)
    registry = _registry_of(spec, context)
    context.problems.raise_errors()
    return registry


def restore(
    text: str,
    name: str,
    params: Mapping[str, Value],
    contributions: Iterable[Contribution],
    measured: Measured,
    imports: Mapping[str, str],
) -> Experiment:
    """The experiment of a saved run, whose plugins' contributions are given, what was measured on its data
    and the texts that it imports: its `use` lines run nothing, and nothing is read."""
    spec, found = parse(Source(name, text))
    registry = builtin_registry().with_(contributions)
    reader = from_texts(Path(name).parent, imports)
    return build(spec, registry, params, LIMITS, found, Path(), False, lambda wanted: measured, reader)


def _experiment(
    source: Source,
    params: Mapping[str, Value] | None,
    folder: Path,
    limits: ExpansionLimits,
    measure: Measure | None,
) -> Experiment:
    spec, found = parse(source)
    return build(spec, builtin_registry(), params, limits, found, folder, measure=measure)
