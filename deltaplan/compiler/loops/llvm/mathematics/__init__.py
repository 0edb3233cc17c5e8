"""The scalar operations as vector code without branches: one function of `Lanes` for each."""

from deltaplan.compiler.loops.llvm.mathematics.operations import OPERATIONS
from deltaplan.compiler.loops.llvm.mathematics.powers import power_of

__all__ = ["OPERATIONS", "power_of"]
