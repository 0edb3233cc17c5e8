"""Scalar expressions on lanes: each operation at the width that its operands have."""

from collections.abc import Callable, Sequence

from deltaplan.compiler.loops.llvm.avx512 import fits
from deltaplan.compiler.loops.llvm.estimates import ESTIMATED
from deltaplan.compiler.loops.llvm.lanes import Lanes
from deltaplan.compiler.loops.llvm.mathematics import OPERATIONS, power_of
from deltaplan.plugins.expressions import CONDITIONS, Expr, Op, walk
from deltaplan.records import dataclass


@dataclass(frozen=True, slots=True)
class Held:
    """A value: its name and how many lanes it has; or one number in `lane` of a vector of `of` lanes."""

    value: str
    count: int
    lane: int | None = None
    of: int = 1


def wide(lanes: Lanes, held: Held) -> str:
    """A value in as many lanes; a number is in all of them."""
    if held.lane is not None:
        return lanes.spread(held.value, held.of, held.lane)
    if held.count == lanes.count:
        return held.value
    assert held.count == 1, "a vector of another width"
    return lanes.splat(held.value)


class Evaluator:
    """Writes expressions whose argument `xi` is the i-th input. What two of them share is computed once."""

    def __init__(
        self, lanes: Callable[[int], Lanes], inputs: Sequence[Held], estimates: bool = False
    ) -> None:
        self._lanes, self._estimates = lanes, estimates
        self._arguments = {f"x{i}": held for i, held in enumerate(inputs)}
        self._known: dict[Expr, Held] = {}

    def number(self, expression: Expr) -> Held:
        """The value of an expression that is a number."""
        for node in walk(expression, below=_read):
            if node not in self._known:
                self._known[node] = self._node(node)
        return self._known[expression]

    def _node(self, node: Expr) -> Held:
        if node.op is Op.ARG:
            return self._arguments[node.name or ""]
        if node.op is Op.CONST:
            assert node.value is not None
            return Held(self._lanes(1).const(node.value), 1)
        args = _read(node)
        count = max(self._known[a].count for a in args)
        lanes = self._lanes(count)
        operands = [self._wide(a, lanes) for a in args]
        if is_leaky(node):
            u, scaled = operands
            return Held(lanes.select(lanes.compare("ogt", u, scaled), u, scaled), count)
        if node.op is Op.POW and node.args[1].op is Op.CONST:
            return Held(power_of(lanes, operands[0], node.args[1].value or 0.0), count)
        if self._estimates and node.op in ESTIMATED and fits(lanes):
            return Held(ESTIMATED[node.op](lanes, *operands), count)
        return Held(OPERATIONS[node.op](lanes, *operands), count)

    def _wide(self, node: Expr, lanes: Lanes) -> str:
        held = self._known[node]
        if node.op is Op.CONST:
            assert node.value is not None
            return lanes.const(node.value)
        if node.op in CONDITIONS and held.count != lanes.count:
            return _splat_condition(lanes, held.value)
        return wide(lanes, held)


def _read(node: Expr) -> tuple[Expr, ...]:
    """The operands that an operation is written with."""
    return node.args[1:] if is_leaky(node) else node.args


def is_leaky(node: Expr) -> bool:
    """Whether an expression is u for u > 0, else c·u with 0 < c < 1: that is the larger of the two, which is
    one instruction, and NaN for NaN."""
    if node.op is not Op.WHERE:
        return False
    condition, u, scaled = node.args
    if condition.op is not Op.GT or condition.args[0] != u or scaled.op is not Op.MUL:
        return False
    limit, (factor, other) = condition.args[1], scaled.args
    if other.op is Op.CONST:
        factor, other = other, factor
    return other == u and limit.value == 0 and factor.value is not None and 0 < factor.value < 1


def _splat_condition(lanes: Lanes, condition: str) -> str:
    one = lanes.text.value(f"insertelement {lanes.condition} poison, i1 {condition}, i64 0")
    zeros = f"<{lanes.count} x i32> zeroinitializer"
    return lanes.text.value(f"shufflevector {lanes.condition} {one}, {lanes.condition} poison, {zeros}")
