"""Scalar mathematics as expressions: built with symbols, then derived, cut, bounded, evaluated, printed.

Standard library only. The functions are also in `deltaplan.plugins.api`; `analysis` (kinks, ranges, gain) and
`intervals` are imported by those that need them.
"""

from deltaplan.plugins.expressions.algebra import Expr, Number, argument, const, lift, node
from deltaplan.plugins.expressions.data import from_data, to_data
from deltaplan.plugins.expressions.derivatives import derivative, gradient
from deltaplan.plugins.expressions.evaluate import evaluate
from deltaplan.plugins.expressions.functions import (
    abs,
    amax,
    cos,
    cosh,
    equal,
    erf,
    exp,
    expm1,
    log,
    log1p,
    logaddexp,
    logsumexp,
    maximum,
    mean,
    minimum,
    pick,
    sigmoid,
    sign,
    sin,
    sinh,
    softplus,
    sqrt,
    sum,
    tanh,
    unequal,
    where,
)
from deltaplan.plugins.expressions.ops import COMPARISONS, CONDITIONS, LEAVES, LOGIC, REDUCTIONS, Op, arity
from deltaplan.plugins.expressions.reductions import COUNT, Cut, Stage, split_reductions
from deltaplan.plugins.expressions.text import to_text
from deltaplan.plugins.expressions.transform import arguments, replace, substitute, walk

__all__ = [
    "COMPARISONS",
    "CONDITIONS",
    "COUNT",
    "LEAVES",
    "LOGIC",
    "REDUCTIONS",
    "Cut",
    "Expr",
    "Number",
    "Op",
    "Stage",
    "abs",
    "amax",
    "argument",
    "arguments",
    "arity",
    "const",
    "cos",
    "cosh",
    "derivative",
    "equal",
    "erf",
    "evaluate",
    "exp",
    "expm1",
    "from_data",
    "gradient",
    "lift",
    "log",
    "log1p",
    "logaddexp",
    "logsumexp",
    "maximum",
    "mean",
    "minimum",
    "node",
    "pick",
    "replace",
    "sigmoid",
    "sign",
    "sin",
    "sinh",
    "softplus",
    "split_reductions",
    "sqrt",
    "substitute",
    "sum",
    "tanh",
    "to_data",
    "to_text",
    "unequal",
    "walk",
    "where",
]
