"""The functions that an expression is written with. They take expressions and numbers alike."""

import math
from builtins import abs as _abs

from deltaplan.diagnostics import PluginError
from deltaplan.plugins.expressions.algebra import Expr, Number, is_const, lift, node
from deltaplan.plugins.expressions.errors import StructuralEquality
from deltaplan.plugins.expressions.ops import Op


def exp(u: Number) -> Expr:
    return node(Op.EXP, u)


def expm1(u: Number) -> Expr:
    """eᵘ − 1, exact near 0."""
    return node(Op.EXPM1, u)


def log(u: Number) -> Expr:
    """The natural logarithm. What would overflow is written otherwise: log(eᵃ + eᵇ) is logaddexp(a, b),
    log Σ eᵘ is logsumexp(u), log sigmoid(u) is −logaddexp(0, −u)."""
    stable = _stable_log(lift(u))
    return node(Op.LOG, u) if stable is None else stable


def log1p(u: Number) -> Expr:
    """log(1 + u), exact near 0; log1p(eᵘ) becomes logaddexp(0, u)."""
    u = lift(u)
    return logaddexp(0, u.args[0]) if u.op is Op.EXP else node(Op.LOG1P, u)


def sqrt(u: Number) -> Expr:
    return node(Op.SQRT, u)


def sin(u: Number) -> Expr:
    return node(Op.SIN, u)


def cos(u: Number) -> Expr:
    return node(Op.COS, u)


def tanh(u: Number) -> Expr:
    return node(Op.TANH, u)


def sigmoid(u: Number) -> Expr:
    """1/(1 + e⁻ᵘ), without overflow."""
    return node(Op.SIGMOID, u)


def logaddexp(a: Number, b: Number) -> Expr:
    """log(eᵃ + eᵇ), without overflow."""
    return node(Op.LOGADDEXP, a, b)


def softplus(u: Number) -> Expr:
    """log(1 + eᵘ)"""
    return logaddexp(0, u)


def cosh(u: Number) -> Expr:
    """(eᵘ + e⁻ᵘ)/2; log(cosh(u)) does not overflow."""
    return (exp(u) + exp(-lift(u))) / 2


def sinh(u: Number) -> Expr:
    """(eᵘ − e⁻ᵘ)/2, exact near 0"""
    return (expm1(u) - expm1(-lift(u))) / 2


def erf(u: Number) -> Expr:
    """2/√π ∫₀ᵘ exp(−t²) dt"""
    return node(Op.ERF, u)


def abs(u: Number) -> Expr:
    return _abs(lift(u))


def sign(u: Number) -> Expr:
    """−1, 0 or 1; its derivative is 0."""
    return node(Op.SIGN, u)


def maximum(a: Number, b: Number) -> Expr:
    """The larger; the derivative goes to a where a > b, else to b."""
    return node(Op.MAX, a, b)


def minimum(a: Number, b: Number) -> Expr:
    """The smaller; the derivative goes to a where a < b, else to b."""
    return node(Op.MIN, a, b)


def equal(a: Number, b: Number) -> Expr:
    """The condition that the values are equal."""
    return node(Op.EQ, a, b)


def unequal(a: Number, b: Number) -> Expr:
    """The condition that the values differ."""
    return ~equal(a, b)


def where(condition: Number, a: Number, b: Number) -> Expr:
    """a where the condition holds, else b: a choice, so neither b nor its derivative matters there."""
    if isinstance(condition, bool):
        raise PluginError(StructuralEquality())  # `u == v` is a bool, the comparisons are not
    return node(Op.WHERE, condition, a, b)


def sum(u: Number) -> Expr:
    """Σᵢ uᵢ"""
    return node(Op.SUM, u)


def mean(u: Number) -> Expr:
    """Σᵢ uᵢ / n"""
    return node(Op.MEAN, u)


def amax(u: Number) -> Expr:
    """The largest element; the derivative goes to the first of them."""
    return node(Op.AMAX, u)


def logsumexp(u: Number) -> Expr:
    """log Σᵢ exp(uᵢ), without overflow; −∞ where all elements are."""
    return node(Op.LOGSUMEXP, u)


def spectral_norm(w: Number) -> Expr:
    """The largest singular value of a parameter block as a matrix with a row for each output; of a vector,
    √Σ w²."""
    return node(Op.SPECTRAL, w)


def pick(u: Number, index: Number) -> Expr:
    """The element of u at an index that counts from 0."""
    return node(Op.PICK, u, index)


def _stable_log(u: Expr) -> Expr | None:
    """log(eᵃ + eᵇ), log(1 + eᵇ), log((eᵃ + eᵇ)/2) and log Σ eᵘ, whose sums overflow long before their
    logarithm, and log sigmoid(u), which is −∞ from −746 on."""
    if u.op is Op.SIGMOID:
        return -logaddexp(0, -u.args[0])
    if u.op is Op.SUM and u.args[0].op is Op.EXP and not u.args[0].scalar:
        return logsumexp(u.args[0].args[0])
    if u.op is Op.DIV and is_const(u.args[1], 2):
        inner = _stable_log(u.args[0])
        return None if inner is None else inner - math.log(2)
    if u.op is not Op.ADD:
        return None
    exponents = [0 if is_const(a, 1) else a.args[0] if a.op is Op.EXP else None for a in u.args]
    return None if None in exponents else logaddexp(*exponents)  # type: ignore[arg-type]
