"""A run folder: what a training run reached, and all that is needed to use it or to go on.

    run.json            format, versions, CPU, seeds, data, preprocessing, plugins, checksums
    spec.dl             the spec as it was written
    resolved.dl         the spec with every default written out
    model.safetensors   the parameters by name: `dense1.W`
    state.safetensors   the optimizer's vectors as `optimizer.m`, `step`, and what else it takes to go on
    recorded.safetensors  θ along the way and its steps, where the spec asks for it
    history.jsonl       a record a line
    metrics.json        the values at the end
    loss.svg, fit.svg   pictures

A folder appears whole or not at all. Reading runs no plugin. Numbers that JSON lacks (NaN, infinity) are
null in history and metrics.
"""

from deltaplan.runtime.runs.mistakes import RunDamaged
from deltaplan.runtime.runs.read import open_run
from deltaplan.runtime.runs.saved import FORMAT, SavedRun
from deltaplan.runtime.runs.write import save

__all__ = ["FORMAT", "RunDamaged", "SavedRun", "open_run", "save"]
