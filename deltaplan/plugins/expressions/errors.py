"""What can go wrong while an expression is built. The caller knows the place and adds it."""

from typing import ClassVar

from deltaplan.diagnostics import Diagnostic, mistake


@mistake
class BranchOnSymbol(Diagnostic):
    code: ClassVar[str] = "branch-on-symbol"
    title: ClassVar[str] = "an `if` on a symbol cannot be compiled"
    label: ClassVar[str] = "use where(condition, a, b)"
    help: ClassVar[str] = (
        "`and`, `or`, `not`, max() and chained comparisons branch too: use `&`, `|`, `~`, maximum()"
    )


@mistake
class SymbolAsNumber(Diagnostic):
    code: ClassVar[str] = "symbol-as-number"
    title: ClassVar[str] = "a symbol has no value while the expression is built"
    help: ClassVar[str] = "take exp, log, sum and the others from deltaplan.plugins.api, not from math"


@mistake
class StructuralEquality(Diagnostic):
    code: ClassVar[str] = "structural-equality"
    title: ClassVar[str] = "`==` asks whether two expressions are the same, not whether their values are"
    help: ClassVar[str] = "use equal(a, b)"


@mistake
class NotAnExpression(Diagnostic):
    code: ClassVar[str] = "not-an-expression"
    title: ClassVar[str] = "{what} is neither a number nor an expression"
    help: ClassVar[str] = "operands are symbols, numbers and what the functions of deltaplan.plugins.api give"
    what: str
