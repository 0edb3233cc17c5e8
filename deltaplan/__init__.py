"""deltaplan: a declarative language and compiler for neural networks.

    import deltaplan

    experiment = deltaplan.load("wave.dl", params={"hidden": 10})
    run = deltaplan.train(experiment)             # on the data that the spec names
    run = deltaplan.train("wave.dl", X, y)        # or on arrays [N, features] and data frames
    run.predict([[0.5]])
    run.save("runs")

What it takes to run each part is imported when that part is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from deltaplan.pauses import uncollected

if TYPE_CHECKING:
    from deltaplan.compiler.experiment import Experiment
    from deltaplan.diagnostics import DeltaplanError, PluginError, SpecError
    from deltaplan.runtime.inquiries import compile_ as compile
    from deltaplan.runtime.inquiries import problem
    from deltaplan.runtime.lab.examine import Examination, examine
    from deltaplan.runtime.loading import load, loads
    from deltaplan.runtime.problem import Problem
    from deltaplan.runtime.run import Run
    from deltaplan.runtime.run import open_ as open
    from deltaplan.runtime.seed_session import train_seeds
    from deltaplan.runtime.session import train
    from deltaplan.runtime.sweep_session import sweep

__version__ = "0.1.0"
__all__ = [
    "DeltaplanError",
    "Examination",
    "Experiment",
    "PluginError",
    "Problem",
    "Run",
    "SpecError",
    "compile",
    "examine",
    "load",
    "loads",
    "open",
    "problem",
    "sweep",
    "train",
    "train_seeds",
]

HOMES = {
    "DeltaplanError": ("deltaplan.diagnostics", "DeltaplanError"),
    "Examination": ("deltaplan.runtime.lab.examine", "Examination"),
    "Experiment": ("deltaplan.compiler.experiment", "Experiment"),
    "PluginError": ("deltaplan.diagnostics", "PluginError"),
    "Problem": ("deltaplan.runtime.problem", "Problem"),
    "Run": ("deltaplan.runtime.run", "Run"),
    "SpecError": ("deltaplan.diagnostics", "SpecError"),
    "compile": ("deltaplan.runtime.inquiries", "compile_"),
    "examine": ("deltaplan.runtime.lab.examine", "examine"),
    "load": ("deltaplan.runtime.loading", "load"),
    "loads": ("deltaplan.runtime.loading", "loads"),
    "open": ("deltaplan.runtime.run", "open_"),
    "problem": ("deltaplan.runtime.inquiries", "problem"),
    "sweep": ("deltaplan.runtime.sweep_session", "sweep"),
    "train": ("deltaplan.runtime.session", "train"),
    "train_seeds": ("deltaplan.runtime.seed_session", "train_seeds"),
}


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = HOMES[name]
    with uncollected():
        return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted(__all__)
