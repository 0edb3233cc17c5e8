"""The value of an expression on plain floats: the definition that the backends are compared with."""

from collections.abc import Callable, Mapping, Sequence

from deltaplan.plugins.expressions.algebra import Expr
from deltaplan.plugins.expressions.floats import FLOATS, VECTORS
from deltaplan.plugins.expressions.ops import REDUCTIONS, Op
from deltaplan.plugins.expressions.transform import walk

Values = float | list[float]


def evaluate(expr: Expr, values: Mapping[str, float | Sequence[float]]) -> Values:
    """The value: a float, or a list where an argument is given as a list and no reduction takes it away.

    IEEE's results throughout (1/0 = inf), no exception but KeyError for an argument without a value. To a
    reduction a float is a vector of one element, except that Σ of a scalar counts the elements of the lists.
    """
    count = max((len(v) for v in values.values() if isinstance(v, Sequence)), default=1)
    found: dict[Expr, Values] = {}
    for e in walk(expr):
        found[e] = _value(e, [found[a] for a in e.args], values, count)
    return found[expr]


def _value(
    e: Expr, operands: list[Values], values: Mapping[str, float | Sequence[float]], count: int
) -> Values:
    if e.op is Op.CONST:
        assert e.value is not None
        return e.value
    if e.op is Op.ARG:
        assert e.name is not None
        given = values[e.name]
        return list(map(float, given)) if isinstance(given, Sequence) else float(given)
    if e.op in REDUCTIONS:
        return VECTORS[e.op](_vector(operands[0], count if e.args[0].scalar else 1), *operands[1:])
    if e.function is not None:
        return _each(e.function.of_floats, operands)
    return _each(FLOATS[e.op], operands)


def _vector(value: Values, count: int) -> list[float]:
    return value if isinstance(value, list) else [value] * count


def _each(function: Callable[..., float], operands: list[Values]) -> Values:
    lengths = [len(v) for v in operands if isinstance(v, list)]
    if not lengths:
        return function(*operands)
    columns = (_vector(v, lengths[0]) for v in operands)
    return [function(*row) for row in zip(*columns, strict=True)]
