"""Specs with what they leave to their data: `deltaplan.load` and `deltaplan.loads`."""

import os
from collections.abc import Mapping

from deltaplan.compiler import load as compiler
from deltaplan.compiler.build.context import ExpansionLimits
from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.measured import Measured, Unmeasured
from deltaplan.pauses import uncollected
from deltaplan.plugins.contracts import Value

LIMITS = ExpansionLimits()


@uncollected()
def load(
    path: str | os.PathLike[str],
    params: Mapping[str, Value] | None = None,
    *,
    limits: ExpansionLimits = LIMITS,
) -> Experiment:
    """The experiment that a .dl file states. `params` replace the values of its params. Its data are read
    where it leaves a size or class weights to them, and not otherwise.

    Raises SpecError with every mistake of the file in one report.
    """
    return compiler.load(path, params, limits=limits, measure=measure)


@uncollected()
def loads(
    text: str,
    name: str = "<text>",
    params: Mapping[str, Value] | None = None,
    folder: str | os.PathLike[str] | None = None,
    *,
    limits: ExpansionLimits = LIMITS,
) -> Experiment:
    """The experiment that a text states. Paths in it begin at `folder`, by default the current one."""
    return compiler.loads(text, name, params, folder, limits=limits, measure=measure)


def measure(wanted: Unmeasured) -> Measured | None:
    """On the files that the spec names; what reads them is imported when that is needed."""
    from deltaplan.runtime.data.measuring import measure_files

    return measure_files(wanted)
