"""An expression as JSON-able rows, so that a run can be read without the plugin it was made with."""

import math
from typing import Any

from deltaplan.plugins.expressions.algebra import Expr
from deltaplan.plugins.expressions.ops import LEAVES, OPAQUE, Op, arity
from deltaplan.plugins.expressions.transform import walk


def to_data(expr: Expr) -> list[list[Any]]:
    """A row for each distinct node, the whole last: ["const", 0.5], ["arg", "u", false], ["add", 0, 1] with
    the numbers of earlier rows. Numbers that JSON lacks are the words inf, -inf and nan."""
    rows: list[list[Any]] = []
    index: dict[Expr, int] = {}
    for e in walk(expr):
        index[e] = len(rows)
        rows.append(_row(e, index))
    return rows


def _row(e: Expr, index: dict[Expr, int]) -> list[Any]:
    if e.op is Op.CONST:
        assert e.value is not None
        return [e.op.value, e.value if math.isfinite(e.value) else str(e.value)]
    if e.op is Op.ARG:
        return [e.op.value, e.name, e.scalar]
    return [e.op.value, *(index[a] for a in e.args)]


def from_data(data: Any) -> Expr:
    """The expression of `to_data`'s rows, node for node. ValueError if they are none."""
    nodes: list[Expr] = []
    for row in _rows(data):
        nodes.append(_node(row, nodes))
    return nodes[-1]


def _rows(data: Any) -> list[list[Any]]:
    if isinstance(data, list) and data and all(isinstance(row, list) and row for row in data):
        return data
    raise _broken("it is not a list of rows")


def _node(row: list[Any], nodes: list[Expr]) -> Expr:
    match row:
        case ["const", int() | float() | "inf" | "-inf" | "nan" as value] if not isinstance(value, bool):
            return Expr(Op.CONST, value=float(value))
        case ["arg", str() as name, bool() as scalar]:
            return Expr(Op.ARG, name=name, scalar=scalar)
        case [str() as word, *operands] if _refers(operands, len(nodes)) and _has_arity(word, len(operands)):
            return Expr(Op(word), tuple(nodes[i] for i in operands))
    raise _broken(f"row {len(nodes)} is `{row!r:.60}`")


def _refers(operands: list[Any], known: int) -> bool:
    return all(type(i) is int and 0 <= i < known for i in operands)


def _has_arity(word: str, count: int) -> bool:
    op = Op._value2member_map_.get(word)
    return isinstance(op, Op) and op not in LEAVES | OPAQUE and arity(op) == count


def _broken(why: str) -> ValueError:
    return ValueError(f"a stored expression cannot be read: {why}")
