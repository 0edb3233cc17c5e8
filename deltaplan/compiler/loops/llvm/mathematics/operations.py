"""The table of the scalar operations, and those that are a few instructions."""

from collections.abc import Callable, Mapping

from deltaplan.compiler.loops.llvm.lanes import Lanes
from deltaplan.compiler.loops.llvm.mathematics.error_function import erf
from deltaplan.compiler.loops.llvm.mathematics.exponential import exp, expm1, sigmoid, tanh
from deltaplan.compiler.loops.llvm.mathematics.exponents import power_of_any
from deltaplan.compiler.loops.llvm.mathematics.logarithm import log, log1p, logaddexp
from deltaplan.compiler.loops.llvm.mathematics.trigonometric import cos, sin
from deltaplan.plugins.expressions import Op


def sign(lanes: Lanes, u: str) -> str:
    """1, −1, and 0 at both zeros; NaN comes through."""
    zero, one, minus = (lanes.const(value) for value in (0.0, 1.0, -1.0))
    rest = lanes.select(lanes.compare("olt", u, zero), minus, lanes.abs(u))
    return lanes.select(lanes.compare("ogt", u, zero), one, rest)


def maximum(lanes: Lanes, a: str, b: str) -> str:
    """The larger; NaN if either is."""
    return extremum(lanes, "ogt", a, b)


def minimum(lanes: Lanes, a: str, b: str) -> str:
    """The smaller; NaN if either is."""
    return extremum(lanes, "olt", a, b)


def extremum(lanes: Lanes, first: str, a: str, b: str) -> str:
    """`a` if it stands `first` before b, else b. Such a select is one instruction, which gives b where either
    is NaN: so a constant goes first, and otherwise NaN in `a` is looked for."""
    if is_number(lanes, b):
        a, b = b, a
    found = lanes.select(lanes.compare(first, a, b), a, b)
    return found if is_number(lanes, a) else lanes.select(lanes.compare("uno", a, a), a, found)


def is_number(lanes: Lanes, a: str) -> bool:
    number = lanes.number(a)
    return number is not None and number == number


OPERATIONS: Mapping[Op, Callable[..., str]] = {
    Op.NEG: Lanes.neg,
    Op.ADD: Lanes.add,
    Op.SUB: Lanes.sub,
    Op.MUL: Lanes.mul,
    Op.DIV: Lanes.div,
    Op.POW: power_of_any,
    Op.EXP: exp,
    Op.EXPM1: expm1,
    Op.LOG: log,
    Op.LOG1P: log1p,
    Op.SQRT: Lanes.sqrt,
    Op.SIN: sin,
    Op.COS: cos,
    Op.TANH: tanh,
    Op.SIGMOID: sigmoid,
    Op.LOGADDEXP: logaddexp,
    Op.ERF: erf,
    Op.ABS: Lanes.abs,
    Op.SIGN: sign,
    Op.MAX: maximum,
    Op.MIN: minimum,
    Op.GT: lambda lanes, a, b: lanes.compare("ogt", a, b),
    Op.GE: lambda lanes, a, b: lanes.compare("oge", a, b),
    Op.EQ: lambda lanes, a, b: lanes.compare("oeq", a, b),
    Op.NOT: Lanes.invert,
    Op.AND: lambda lanes, c, d: lanes.logic("and", c, d),
    Op.OR: lambda lanes, c, d: lanes.logic("or", c, d),
    Op.WHERE: Lanes.select,
}

ULPS: Mapping[Op, float] = {
    Op.POW: 1.7,
    Op.EXP: 1.1,
    Op.EXPM1: 2.3,
    Op.LOG: 1.3,
    Op.LOG1P: 1.4,
    Op.SQRT: 0.5,
    Op.SIN: 2.5,
    Op.COS: 2.5,
    Op.TANH: 2.2,
    Op.SIGMOID: 2.3,
    Op.LOGADDEXP: 2.0,
    Op.ERF: 2.0,
}
"""The largest error found, in units of the last place of the result, over float and double, with fused
operations and without; of logaddexp in units of the larger of its two terms, which may cancel. A subnormal
result counts by its own unit. sin and cos: where the parts of π suffice (see `trigonometric`)."""
