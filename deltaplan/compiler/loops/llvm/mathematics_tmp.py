# mypy: ignore-errors
# ruff: noqa
"""Stands in for `mathematics` until it lands."""

from deltaplan.plugins.expressions import Op

OPERATIONS: dict = {
    Op.NEG: lambda l, a: l.neg(a),
    Op.ADD: lambda l, a, b: l.add(a, b),
    Op.SUB: lambda l, a, b: l.sub(a, b),
    Op.MUL: lambda l, a, b: l.mul(a, b),
    Op.DIV: lambda l, a, b: l.div(a, b),
    Op.SQRT: lambda l, a: l.sqrt(a),
    Op.ABS: lambda l, a: l.abs(a),
    Op.MAX: lambda l, a, b: l.select(l.compare("ogt", a, b), a, b),
    Op.MIN: lambda l, a, b: l.select(l.compare("olt", a, b), a, b),
    Op.GT: lambda l, a, b: l.compare("ogt", a, b),
    Op.GE: lambda l, a, b: l.compare("oge", a, b),
    Op.EQ: lambda l, a, b: l.compare("oeq", a, b),
    Op.WHERE: lambda l, c, a, b: l.select(c, a, b),
    Op.EXP: lambda l, a: l.intrinsic("exp", a),
    Op.LOG: lambda l, a: l.intrinsic("log", a),
    Op.TANH: lambda l, a: l.intrinsic("tanh", a),
    Op.POW: lambda l, a, b: l.intrinsic("pow", a, b),
}


def power_of(l: object, u: str, n: float) -> str:
    if n == 2.0:
        return l.mul(u, u)
    return l.intrinsic("pow", u, l.const(n))
