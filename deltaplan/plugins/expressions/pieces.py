"""A function of one symbol cut where it switches: on each piece no comparison, abs, max, min or sign is left.

Cuts are found where what is compared is affine in the symbol, on the piece at hand: so hard_tanh,
abs(abs(u) - 1) and every other function of affine parts is cut completely. Parameters must have their values.
"""

from collections.abc import Callable
from math import inf, isfinite

from deltaplan.plugins.expressions.algebra import ONE, ZERO, Expr, again, node
from deltaplan.plugins.expressions.ops import CONDITIONS, LEAVES, OPAQUE, Op
from deltaplan.plugins.expressions.transform import replace, walk
from deltaplan.records import dataclass

Line = tuple[float, float]  # slope and offset


@dataclass(frozen=True, slots=True)
class Piece:
    """The function between `low` and `high`, without the switches that could be decided there."""

    low: float
    high: float
    expr: Expr


def pieces(expr: Expr, name: str) -> tuple[Piece, ...]:
    """The function from −∞ to ∞, piece by piece from the left."""
    done: list[Piece] = []
    open_pieces = [Piece(-inf, inf, expr)]
    while open_pieces:
        piece = open_pieces.pop()
        parts = _cut(piece, name)
        if parts is None:
            done.append(piece)
        else:
            open_pieces.extend(reversed(parts))
    return tuple(done)


def line(expr: Expr, name: str) -> Line | None:
    """Slope and offset of an affine function of the symbol, None if it is another or has more arguments."""
    found: dict[Expr, Line | None] = {}
    for e in walk(expr):
        found[e] = _line(e, [found[a] for a in e.args], name)
    return found[expr]


def _line(e: Expr, operands: list[Line | None], name: str) -> Line | None:
    match e.op, operands:
        case Op.CONST, _:
            return 0.0, e.value or 0.0
        case Op.ARG, _:
            return (1.0, 0.0) if e.name == name else None
        case Op.NEG, [(s, c)]:
            return -s, -c
        case Op.ADD, [(s, c), (t, d)]:
            return s + t, c + d
        case Op.SUB, [(s, c), (t, d)]:
            return s - t, c - d
        case Op.MUL, [(0.0, k), (s, c)] | [(s, c), (0.0, k)]:
            return k * s, k * c
        case Op.DIV, [(s, c), (0.0, k)] if k != 0:
            return s / k, c / k
    return None


def _cut(piece: Piece, name: str) -> list[Piece] | None:
    """The piece with its innermost switch decided, in two parts if that is inside; None if none is left."""
    for e in walk(piece.expr):
        crossing = _crossing(e, name)
        if crossing is None:
            continue
        zero = _zero(crossing)
        if piece.low < zero < piece.high:
            parts = [(piece.low, zero), (zero, piece.high)]
        elif e.op in DECIDED:
            parts = [(piece.low, piece.high)]
        else:
            continue
        return [Piece(a, b, _decided(piece.expr, e, _sign(crossing, zero, a, b))) for a, b in parts]
    return None


def _crossing(e: Expr, name: str) -> Line | None:
    """The affine function at whose zero the node switches (or is not smooth)."""
    if e.op in (Op.GT, Op.GE, Op.EQ, Op.MAX, Op.MIN):
        return line(e.args[0] - e.args[1], name)
    if e.op in (Op.ABS, Op.SIGN, Op.SQRT) or (e.op is Op.POW and not _is_whole(e.args[1])):
        return line(e.args[0], name)
    return None


def _is_whole(e: Expr) -> bool:
    return e.value is not None and e.value >= 0 and isfinite(e.value) and e.value == int(e.value)


def _zero(crossing: Line) -> float:
    slope, offset = crossing
    return -offset / slope + 0.0 if slope else inf  # never -0.0


def _sign(crossing: Line, zero: float, low: float, high: float) -> int:
    """The sign of the affine function between low and high, where it has no zero."""
    slope, offset = crossing
    if slope == 0:
        return (offset > 0) - (offset < 0)
    return 1 if (slope > 0) == (low >= zero) else -1


def _decided(expr: Expr, switch: Expr, sign: int) -> Expr:
    if switch.op not in DECIDED:
        return expr
    return replace(expr, {switch: DECIDED[switch.op](sign, *switch.args)}, again_unrounded)


def unrounded(op: Op, *args: Expr) -> Expr:
    """The operation in its simplest form, but left as it is where a new constant would be a rounded one:
    bounds of a piece must hold for the function itself."""
    if op in ROUNDED and all(a.op is Op.CONST for a in args):
        return Expr(op, args)
    return node(op, *args)


def again_unrounded(old: Expr, args: tuple[Expr, ...]) -> Expr:
    """The operation of a node on other operands, `unrounded`."""
    return again(old, args) if old.op in OPAQUE else unrounded(old.op, *args)


ROUNDED = frozenset(Op) - LEAVES - OPAQUE - CONDITIONS - {Op.NEG, Op.ABS, Op.SIGN, Op.MAX, Op.MIN, Op.WHERE}


def _truth(holds: bool) -> Expr:
    return ONE if holds else ZERO


DECIDED: dict[Op, Callable[..., Expr]] = {
    Op.GT: lambda sign, a, b: _truth(sign > 0),
    Op.GE: lambda sign, a, b: _truth(sign >= 0),
    Op.EQ: lambda sign, a, b: _truth(sign == 0),
    Op.MAX: lambda sign, a, b: a if sign > 0 else b,
    Op.MIN: lambda sign, a, b: a if sign < 0 else b,
    Op.ABS: lambda sign, u: -u if sign < 0 else u,
    Op.SIGN: lambda sign, u: node(Op.ADD, sign, ZERO),
}
