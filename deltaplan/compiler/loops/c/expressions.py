"""Expressions in C: infix, with functions of libm; what occurs twice is computed once."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field

from deltaplan.compiler.loops.c.numbers import Real
from deltaplan.compiler.loops.schedule import NoScheduleError
from deltaplan.plugins.expressions import CONDITIONS, Expr, Op, walk
from deltaplan.records import dataclass

# how tightly an operation binds; where it stands in another, it must bind as tightly as that one asks for
CHOICE, OR, AND, EQUAL, COMPARE, SUM, PRODUCT, UNARY, ATOM = range(9)


@dataclass(frozen=True, slots=True)
class Piece:
    """A text and how tightly its outermost operation binds."""

    text: str
    binds: int = ATOM

    def at_least(self, least: int) -> str:
        """The text as an operand: in parentheses where it must be."""
        return self.text if self.binds >= least else f"({self.text})"


INFIX: Mapping[Op, tuple[str, int, int, int]] = {  # sign, binds, least on the left, least on the right
    Op.ADD: ("+", SUM, SUM, PRODUCT),
    Op.SUB: ("-", SUM, SUM, PRODUCT),
    Op.MUL: ("*", PRODUCT, PRODUCT, UNARY),
    Op.DIV: ("/", PRODUCT, PRODUCT, UNARY),
    Op.GT: (">", COMPARE, SUM, SUM),
    Op.GE: (">=", COMPARE, SUM, SUM),
    Op.EQ: ("==", EQUAL, SUM, SUM),
    Op.AND: ("&&", AND, EQUAL, EQUAL),
    Op.OR: ("||", OR, EQUAL, EQUAL),
}
LIBM: Mapping[Op, str] = {
    Op.EXP: "exp",
    Op.EXPM1: "expm1",
    Op.LOG: "log",
    Op.LOG1P: "log1p",
    Op.SQRT: "sqrt",
    Op.SIN: "sin",
    Op.COS: "cos",
    Op.TANH: "tanh",
    Op.ERF: "erf",
    Op.ABS: "fabs",
    Op.POW: "pow",
}
HELPERS: Mapping[Op, str] = {
    Op.SIGMOID: "sigmoid",
    Op.LOGADDEXP: "logaddexp",
    Op.SIGN: "sign",
    Op.MAX: "largest",
    Op.MIN: "smallest",
}


@dataclass(slots=True)
class Writer:
    """Writes expressions of one type. `helpers` are the operations of HELPERS that were needed; `places`
    tells whether numbers were places in memory."""

    real: Real
    helpers: set[Op] = field(default_factory=set)
    places: bool = False

    def write(
        self, expressions: Sequence[Expr], arguments: Mapping[str, Piece], declare: Callable[[str], str]
    ) -> list[Piece]:
        """The expressions of arguments. `declare(text)` makes a local of a text and gives its name: what is
        read twice becomes one."""
        order = list(dict.fromkeys(e for root in expressions for e in walk(root)))
        reads = Counter(a for e in order for a in e.args) + Counter(expressions)
        squared = {e.args[0] for e in order if _is_square(e)}
        done: dict[Expr, Piece] = {}
        for e in order:
            piece = self._piece(e, done, arguments)
            often = reads[e] > 1 or e in squared
            if often and e.args and e.op not in CONDITIONS:
                piece = Piece(declare(piece.text))
            done[e] = piece
        return [done[e] for e in expressions]

    def _piece(self, e: Expr, done: Mapping[Expr, Piece], arguments: Mapping[str, Piece]) -> Piece:
        pieces = [done[a] for a in e.args]
        match e.op:
            case Op.CONST:
                assert e.value is not None
                return self.constant(e.value)
            case Op.ARG:
                return arguments[e.name or ""]
            case Op.CALL:
                raise NoScheduleError(f"the numpy function `{e.name}`")
            case Op.NEG:
                return Piece("-" + pieces[0].at_least(ATOM), UNARY)
            case Op.NOT:
                return Piece("!" + pieces[0].at_least(ATOM), UNARY)
            case Op.WHERE:
                condition, a, b = (p.at_least(OR) for p in pieces)
                return Piece(f"{condition} ? {a} : {b}", CHOICE)
            case Op.POW if _is_square(e):
                return Piece(f"{pieces[0].at_least(UNARY)} * {pieces[0].at_least(UNARY)}", PRODUCT)
            case op if op in INFIX:
                sign, binds, left, right = INFIX[op]
                return Piece(f"{pieces[0].at_least(left)} {sign} {pieces[1].at_least(right)}", binds)
            case op:
                return self.call(op, *pieces)

    def call(self, op: Op, *pieces: Piece) -> Piece:
        """A function of libm or one of ours."""
        if op in HELPERS:
            self.helpers.add(op)
        name = HELPERS[op] if op in HELPERS else self.real.function(LIBM[op])
        return Piece(f"{name}({', '.join(p.text for p in pieces)})")

    def constant(self, value: float) -> Piece:
        text = self.real.literal(value)
        return Piece(text, UNARY if text.startswith("-") else ATOM)


def _is_square(e: Expr) -> bool:
    return e.op is Op.POW and e.args[1].op is Op.CONST and e.args[1].value == 2.0


def helper_texts(real: Real, needed: set[Op]) -> list[str]:
    """The definitions of the functions that libm lacks, those that are needed and no others."""
    needed = needed | ({Op.MAX} if Op.LOGADDEXP in needed else set())
    return [_define(real, op) for op in DEFINITIONS if op in needed]


def place_text(real: Real) -> str:
    """The definition of what makes a place of a number."""
    return f"""\
/* a number as one of the places 0, ..., n - 1: the nearest of them */
static inline int nearest_place({real.type} number, int n)
{{
    return number > {real.literal(0.0)} ? (number < ({real.type})n ? (int)number : n - 1) : 0;
}}
"""


def _define(real: Real, op: Op) -> str:
    comment, code = DEFINITIONS[op].split("\n", 1)
    code = re.sub(r"\b(exp|log1p|log|fabs)\(", lambda m: f"{real.function(m[1])}(", code)
    code = re.sub(r"\b(\d)R\b", lambda m: real.literal(float(m[1])), code)
    code = re.sub(r"\breal\b", real.type, code)
    return f"{comment}\n{code}"


DEFINITIONS: Mapping[Op, str] = {
    Op.SIGMOID: """\
/* 1 / (1 + exp(-u)), without overflow */
static inline real sigmoid(real u)
{
    const real e = exp(-fabs(u));
    return (u >= 0R ? 1R : e) / (1R + e);
}
""",
    Op.MAX: """\
/* the larger number; what is not a number comes through */
static inline real largest(real a, real b)
{
    return a > b || a != a ? a : b;
}
""",
    Op.MIN: """\
/* the smaller number; what is not a number comes through */
static inline real smallest(real a, real b)
{
    return a < b || a != a ? a : b;
}
""",
    Op.LOGADDEXP: """\
/* log(exp(a) + exp(b)), without overflow */
static inline real logaddexp(real a, real b)
{
    return a == b ? a + log(2R) : largest(a, b) + log1p(exp(-fabs(a - b)));
}
""",
    Op.SIGN: """\
/* -1, 0 or 1; what is not a number comes through */
static inline real sign(real u)
{
    return u > 0R ? 1R : u < 0R ? -1R : u;
}
""",
}
