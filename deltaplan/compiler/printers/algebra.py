"""Expressions made short for the reader: numbers in front of products, slopes of losses in known words."""

from collections import Counter
from collections.abc import Iterable
from math import prod

from deltaplan.plugins.expressions import (
    REDUCTIONS,
    Expr,
    Op,
    argument,
    const,
    gradient,
    replace,
    sum,
    to_text,
    walk,
)

PRODUCTS = frozenset({Op.MUL, Op.DIV, Op.NEG})
DIGITS = 12  # 1 - 0.9 is shown as 0.1


def short(expr: Expr, first: Iterable[str] = ()) -> Expr:
    """The expression with the numbers of each product multiplied out and the arguments `first` in front."""
    leading = frozenset(first)
    made: dict[Expr, Expr] = {}
    for old in walk(expr):
        if old.args:
            new = replace(old, {a: made[a] for a in old.args})
            made[old] = _product(new, leading) if new.op in PRODUCTS else new
        else:
            made[old] = old
    return rounded(made[expr])


def rounded(expr: Expr) -> Expr:
    """The expression with its numbers to 12 digits."""
    numbers = [e for e in walk(expr) if e.op is Op.CONST and e.value is not None]
    return replace(expr, {e: const(_shown(e.value)) for e in numbers if e.value is not None})


def _shown(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def _product(expr: Expr, leading: frozenset[str]) -> Expr:
    above, below = _factors(expr)
    number = prod(e.value or 0.0 for e in above if e.op is Op.CONST)
    number /= prod(e.value or 0.0 for e in below if e.op is Op.CONST)
    above = sorted((e for e in above if e.op is not Op.CONST), key=lambda e: e.name not in leading)
    below = [e for e in below if e.op is not Op.CONST]
    above, below = _without(above, common := Counter(above) & Counter(below)), _without(below, common)
    if number == 0 or (not above and not common):
        return expr
    if not above:
        above = [const(1.0)]
    size = abs(number)  # not rounded yet: it may be a factor of another product
    if _shown(size) == 0.5:
        below.append(const(2.0))
    elif _shown(size) != 1:
        above.insert(0, const(size))
    result = _chain(above) / _chain(below) if below else _chain(above)
    return -result if number < 0 else result


def _without(factors: list[Expr], common: Counter[Expr]) -> list[Expr]:
    """What is left where what stands above and below is cancelled."""
    left, found = common.copy(), []
    for factor in factors:
        if left[factor]:
            left[factor] -= 1
        else:
            found.append(factor)
    return found


def _factors(expr: Expr) -> tuple[list[Expr], list[Expr]]:
    """What an expression multiplies and what it divides by."""
    match expr.op:
        case Op.MUL:
            (a, b), (c, d) = _factors(expr.args[0]), _factors(expr.args[1])
            return a + c, b + d
        case Op.DIV:
            (a, b), (c, d) = _factors(expr.args[0]), _factors(expr.args[1])
            return a + d, b + c
        case Op.NEG:
            a, b = _factors(expr.args[0])
            return [const(-1.0), *a], b
        case _:
            return [expr], []


def _chain(factors: list[Expr]) -> Expr:
    """The product, equal factors as a power."""
    powers = [e if n == 1 else e**n for e, n in Counter(factors).items()]
    result = powers[0]
    for power in powers[1:]:
        result = result * power
    return result


def slope(expr: Expr, name: str, count: int) -> Expr:
    """∂expr/∂name of an expression that ends scalar over `count` elements, itself elementwise.

    The derivatives of logsumexp, amax, pick and spectral_norm are the symbols softmax(·), onehot(·) and
    uvᵀ(·), u and v the first singular vectors.
    """
    cuts = [e for e in walk(expr) if e.op in REDUCTIONS]
    symbols = {e: argument(f"#{i}", scalar=True) for i, e in enumerate(cuts)}
    names = [name, *(str(s.name) for s in symbols.values())]
    total, *flows = gradient(replace(expr, symbols), names)
    seeds = dict(zip(cuts, flows, strict=True))
    for cut in reversed(cuts):
        element = replace(cut.args[0], {e: s for e, s in symbols.items() if e is not cut})
        own, *flows = gradient(element, names, seeds[cut] * _weight(cut, count))
        total = total + own
        for inner, flow in zip(cuts, flows, strict=True):
            if flow.op is not Op.CONST or flow.value != 0:
                seeds[inner] = seeds[inner] + sum(flow)
    return replace(total, {s: e for e, s in symbols.items()})


def _weight(cut: Expr, count: int) -> Expr:
    """The derivative of a reduction by one of its elements."""
    element = to_text(cut.args[0])
    match cut.op:
        case Op.MEAN:
            return const(1 / count)
        case Op.LOGSUMEXP:
            return argument(f"softmax({element})")
        case Op.AMAX:
            return argument(f"onehot(argmax({element}))")
        case Op.PICK:
            return argument(f"onehot({to_text(cut.args[1])})")
        case Op.SPECTRAL:
            return argument(f"uvᵀ({element})")
        case _:
            return const(1.0)
