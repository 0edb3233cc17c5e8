"""deltaplan: a declarative language and compiler for neural networks.

    import deltaplan

    experiment = deltaplan.load("wave.dl", params={"hidden": 10})

What it takes to run each part is imported when that part is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deltaplan.compiler.experiment import Experiment
    from deltaplan.compiler.load import load, loads
    from deltaplan.diagnostics import DeltaplanError, PluginError, SpecError

__version__ = "0.1.0"
__all__ = ["DeltaplanError", "Experiment", "PluginError", "SpecError", "load", "loads"]

HOMES = {
    "DeltaplanError": "deltaplan.diagnostics",
    "Experiment": "deltaplan.compiler.experiment",
    "PluginError": "deltaplan.diagnostics",
    "SpecError": "deltaplan.diagnostics",
    "load": "deltaplan.compiler.load",
    "loads": "deltaplan.compiler.load",
}


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
