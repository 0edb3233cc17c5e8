"""The closed set of scalar operations. Every table over it is tested to have no hole."""

from enum import Enum


class Op(Enum):
    """One scalar operation; the value is its name in texts and files.

    Less-than forms are written with the operands exchanged, so they have no member of their own.
    """

    __hash__ = object.__hash__  # Enum's own is written in Python, and tables are by operation

    CONST = "const"
    ARG = "arg"
    NEG = "neg"
    ADD = "add"
    SUB = "sub"
    MUL = "mul"
    DIV = "div"
    POW = "pow"
    EXP = "exp"
    EXPM1 = "expm1"
    LOG = "log"
    LOG1P = "log1p"
    SQRT = "sqrt"
    SIN = "sin"
    COS = "cos"
    TANH = "tanh"
    SIGMOID = "sigmoid"
    LOGADDEXP = "logaddexp"
    ERF = "erf"
    ABS = "abs"
    SIGN = "sign"
    MAX = "max"
    MIN = "min"
    GT = "gt"
    GE = "ge"
    EQ = "eq"
    NOT = "not"
    AND = "and"
    OR = "or"
    WHERE = "where"
    SUM = "sum"
    MEAN = "mean"
    AMAX = "amax"
    LOGSUMEXP = "logsumexp"
    PICK = "pick"
    SPECTRAL = "spectral_norm"
    CALL = "call"

    def __repr__(self) -> str:
        return self.name


LEAVES = frozenset({Op.CONST, Op.ARG})
OPAQUE = frozenset({Op.CALL})  # a plain function, which only the host can call
COMPARISONS = frozenset({Op.GT, Op.GE, Op.EQ})
LOGIC = frozenset({Op.NOT, Op.AND, Op.OR})
CONDITIONS = COMPARISONS | LOGIC  # their value is true or false, not a number
REDUCTIONS = frozenset({Op.SUM, Op.MEAN, Op.AMAX, Op.LOGSUMEXP, Op.PICK, Op.SPECTRAL})  # elements to a scalar

_BINARY = {Op.ADD, Op.SUB, Op.MUL, Op.DIV, Op.POW, Op.LOGADDEXP, Op.MAX, Op.MIN, Op.AND, Op.OR, Op.PICK}


def arity(op: Op) -> int:
    """The number of operands; −1 for a plain function, which has as many as it takes."""
    if op in LEAVES:
        return 0
    if op in OPAQUE:
        return -1
    if op is Op.WHERE:
        return 3
    return 2 if op in _BINARY or op in COMPARISONS else 1
