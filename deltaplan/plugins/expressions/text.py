"""An expression as text in the words of the language: infix, with as few parentheses as it can have."""

from collections.abc import Mapping

from deltaplan.plugins.expressions.algebra import Expr
from deltaplan.plugins.expressions.ops import Op
from deltaplan.plugins.expressions.transform import walk

Form = tuple[str, int, tuple[int, int]]

# the operator and how tightly it binds; the operands must bind at least as tightly as the two figures say
_INFIX: dict[Op, Form] = {
    Op.GT: (">", 1, (2, 2)),
    Op.GE: (">=", 1, (2, 2)),
    Op.EQ: ("==", 1, (2, 2)),
    Op.ADD: ("+", 2, (2, 3)),
    Op.SUB: ("-", 2, (2, 3)),
    Op.MUL: ("*", 3, (3, 4)),
    Op.DIV: ("/", 3, (3, 4)),
    Op.POW: ("^", 5, (6, 5)),
}
_FLIPPED: dict[Op, Form] = {Op.GT: ("<", 1, (2, 2)), Op.GE: ("<=", 1, (2, 2))}  # 0 > u is read as u < 0
_NEG, _ATOM = 4, 6

Piece = tuple[str, int]  # a text and how tightly its outermost operation binds


def to_text(expr: Expr, names: Mapping[str, str] | None = None) -> str:
    """`where(u > 0, u, 0.01*u)`; `names` gives other names to arguments."""
    pieces: dict[Expr, Piece] = {}
    for e in walk(expr):
        pieces[e] = _piece(e, [pieces[a] for a in e.args], names or {})
    return pieces[expr][0]


def _piece(e: Expr, args: list[Piece], names: Mapping[str, str]) -> Piece:
    match e.op:
        case Op.CONST:
            return _number(e.value or 0.0)
        case Op.ARG:
            return names.get(e.name or "", e.name or ""), _ATOM
        case Op.NEG:
            return "-" + _in_parentheses(args[0], _NEG), _NEG
        case op if op in _FLIPPED and e.args[0].op is Op.CONST:
            return _infix(_FLIPPED[op], args[1], args[0])
        case op if op in _INFIX:
            return _infix(_INFIX[op], *args)
        case op:
            return f"{e.name if op is Op.CALL else op.value}({', '.join(text for text, _ in args)})", _ATOM


def _infix(form: Form, a: Piece, b: Piece) -> Piece:
    sign, binds, (left, right) = form
    space = "" if sign in "*/^" else " "
    return f"{_in_parentheses(a, left)}{space}{sign}{space}{_in_parentheses(b, right)}", binds


def _in_parentheses(piece: Piece, least: int) -> str:
    text, binds = piece
    return text if binds >= least else f"({text})"


def _number(value: float) -> Piece:
    text = repr(value).removesuffix(".0")
    return text, _NEG if text.startswith("-") else _ATOM
