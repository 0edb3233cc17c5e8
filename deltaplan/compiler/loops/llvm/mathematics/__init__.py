"""The scalar operations as vector code without branches: one function of `Lanes` for each."""

from deltaplan.compiler.loops.llvm.mathematics.exponents import power_of
from deltaplan.compiler.loops.llvm.mathematics.operations import OPERATIONS, ULPS

__all__ = ["OPERATIONS", "ULPS", "power_of"]
