"""Scalar expressions as numpy calls that allocate nothing: the definition of every operation on arrays."""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

import numpy as np

from deltaplan.plugins.expressions import Expr, Op, const, maximum, replace, walk
from deltaplan.plugins.expressions.opaque import Opaque

Array = np.ndarray[Any, Any]
Thunk = Callable[[], object]
Kernel = Callable[["Scratch", Sequence[Array], Array], Iterator[Thunk]]

CONDITIONS = frozenset({Op.GT, Op.GE, Op.EQ, Op.NOT, Op.AND, Op.OR})
BOOLEAN = np.dtype(bool)


class Scratch:
    """Temporary arrays for the operations inside one map, given back after their last use.

    Maps run one after the other, so all maps of a program share one scratch.
    """

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype
        self._free: dict[tuple[tuple[int, ...], np.dtype[Any]], list[Array]] = {}

    def take(self, shape: tuple[int, ...], dtype: np.dtype[Any] | None = None) -> Array:
        """Memory of a shape, for numbers where no other type is asked for."""
        dtype = dtype or self.dtype
        free = self._free.setdefault((shape, dtype), [])
        return free.pop() if free else np.empty(shape, dtype)

    def give(self, array: Array) -> None:
        self._free[array.shape, array.dtype].append(array)


def ufunc(function: Callable[..., object]) -> Kernel:
    """The kernel of an operation that is one numpy function with an output."""

    def kernel(scratch: Scratch, operands: Sequence[Array], out: Array) -> Iterator[Thunk]:
        yield partial(function, *operands, out)

    return kernel


def extremum(function: Callable[..., object]) -> Kernel:
    """The kernel of numpy's maximum or minimum, which keep NaN and take their output by its name alone."""

    def kernel(scratch: Scratch, operands: Sequence[Array], out: Array) -> Iterator[Thunk]:
        yield partial(function, *operands, out=out)

    return kernel


def power(scratch: Scratch, operands: Sequence[Array], out: Array) -> Iterator[Thunk]:
    base, exponent = operands
    if _is_constant(exponent, 2.0):
        yield partial(np.multiply, base, base, out)
    else:
        yield partial(np.power, base, exponent, out)


def sigmoid(scratch: Scratch, operands: Sequence[Array], out: Array) -> Iterator[Thunk]:
    """With e = exp(−|u|): where(u ≥ 0, 1, e) / (1 + e). No overflow, NaN comes through."""
    (u,) = operands
    e, above = scratch.take(out.shape), scratch.take(out.shape)
    one = np.ones((), scratch.dtype)
    yield partial(np.abs, u, e)
    yield partial(np.negative, e, e)
    yield partial(np.exp, e, e)
    yield partial(np.heaviside, u, one, above)  # 1 for u ≥ 0, else 0
    yield partial(np.maximum, above, e, out=above)
    yield partial(np.add, e, one, e)
    yield partial(np.divide, above, e, out)
    scratch.give(e)
    scratch.give(above)


def where(scratch: Scratch, operands: Sequence[Array], out: Array) -> Iterator[Thunk]:
    """A select. `out` may be the memory of either branch."""
    condition, chosen, other = operands
    if _is_constant(other, 0.0) and out.size >= MASKED and condition.shape == chosen.shape == out.shape:
        yield from masked(scratch, condition, chosen, out)
        return
    if np.may_share_memory(out, chosen) and not np.may_share_memory(out, other):
        inverse = scratch.take(condition.shape, BOOLEAN)
        yield partial(np.logical_not, condition, inverse)
        if out is not chosen:
            yield partial(np.copyto, out, chosen)
        yield partial(np.copyto, out, other, where=inverse)
        scratch.give(inverse)
        return
    if out is not other:
        yield partial(np.copyto, out, other)
    yield partial(np.copyto, out, chosen, where=condition)


MASKED = 512  # numbers, from which on bits are faster than two copies


def masked(scratch: Scratch, condition: Array, chosen: Array, out: Array) -> Iterator[Thunk]:
    """where(condition, chosen, 0) on the bits: chosen & −1 or & 0. A copy under a condition has a branch for
    each number, which for the slopes of relu is as good as random."""
    bits = np.dtype(f"i{out.itemsize}")
    mask = scratch.take(out.shape, np.dtype(np.int8))
    yield partial(np.negative, condition.view(np.int8), mask)
    yield partial(np.bitwise_and, chosen.view(bits), mask, out.view(bits))
    scratch.give(mask)


def _call(function: Opaque, operands: Sequence[Array], out: Array) -> None:
    """A plain function writes nowhere: what it returns is copied."""
    np.copyto(out, function.on(operands), casting="unsafe")


def _is_constant(array: Array, value: float) -> bool:
    """Whether an operand is this number in the formula itself, bit for bit: `Lowering` makes such arrays."""
    own = array.ndim == 0 and array.base is None and not array.flags.writeable
    return own and repr(array.item()) == repr(value)


_erf = np.vectorize(math.erf, otypes=[np.float64])


def error_function(scratch: Scratch, operands: Sequence[Array], out: Array) -> Iterator[Thunk]:
    (u,) = operands
    yield lambda: np.copyto(out, _erf(u), casting="same_kind")


KERNELS: Mapping[Op, Kernel] = {
    Op.NEG: ufunc(np.negative),
    Op.ADD: ufunc(np.add),
    Op.SUB: ufunc(np.subtract),
    Op.MUL: ufunc(np.multiply),
    Op.DIV: ufunc(np.divide),
    Op.POW: power,
    Op.EXP: ufunc(np.exp),
    Op.EXPM1: ufunc(np.expm1),
    Op.LOG: ufunc(np.log),
    Op.LOG1P: ufunc(np.log1p),
    Op.SQRT: ufunc(np.sqrt),
    Op.SIN: ufunc(np.sin),
    Op.COS: ufunc(np.cos),
    Op.TANH: ufunc(np.tanh),
    Op.SIGMOID: sigmoid,
    Op.LOGADDEXP: ufunc(np.logaddexp),
    Op.ERF: error_function,
    Op.ABS: ufunc(np.absolute),
    Op.SIGN: ufunc(np.sign),
    Op.MAX: extremum(np.maximum),
    Op.MIN: extremum(np.minimum),
    Op.GT: ufunc(np.greater),
    Op.GE: ufunc(np.greater_equal),
    Op.EQ: ufunc(np.equal),
    Op.NOT: ufunc(np.logical_not),
    Op.AND: ufunc(np.logical_and),
    Op.OR: ufunc(np.logical_or),
    Op.WHERE: where,
}


def calls(
    expressions: Sequence[Expr], arguments: Mapping[str, Array], outs: Sequence[Array], scratch: Scratch
) -> list[Thunk]:
    """The calls that write `expressions` of `arguments` into `outs`, in order.

    An output may have the memory of an argument: it is then written only after the argument's last use.
    """
    return Lowering(expressions, arguments, outs, scratch).thunks()


class Lowering:
    """One map on its way to numpy calls."""

    def __init__(
        self,
        expressions: Sequence[Expr],
        arguments: Mapping[str, Array],
        outs: Sequence[Array],
        scratch: Scratch,
    ) -> None:
        self.roots = [shorter(e) for e in expressions]
        self.outs = outs
        self.scratch = scratch
        self.order = list(dict.fromkeys(node for root in self.roots for node in walk(root)))
        self.leaves = {n: self._leaf(n, arguments) for n in self.order if not n.args}
        self.values: dict[Expr, Array] = dict(self.leaves)
        self.last = {a: index for index, node in enumerate(self.order) for a in node.args}
        self.last |= dict.fromkeys(self.roots, len(self.order))
        self.taken: list[Array] = []
        self.homes = dict(self._homes())

    def thunks(self) -> list[Thunk]:
        found: list[Thunk] = []
        for index, node in enumerate(self.order):
            if node.args:
                found += self._operation(index, node)
        found += self._copies()
        for array in self.taken:
            self.scratch.give(array)
        return found

    def _leaf(self, node: Expr, arguments: Mapping[str, Array]) -> Array:
        if node.op is Op.ARG:
            return arguments[node.name or ""]
        array = np.asarray(node.value, self.scratch.dtype)
        array.flags.writeable = False
        return array

    def _operation(self, index: int, node: Expr) -> Iterator[Thunk]:
        operands = [self.values[a] for a in node.args]
        shape = np.broadcast_shapes(*(a.shape for a in operands))
        self.values[node] = out = self._destination(index, node, shape)
        if node.function is not None:
            yield partial(_call, node.function, operands, out)
        else:
            yield from KERNELS[node.op](self.scratch, operands, out)
        for used in dict.fromkeys(node.args):
            array = self.values[used]
            if self.last[used] == index and any(array is t for t in self.taken):
                self.taken = [t for t in self.taken if t is not array]
                self.scratch.give(array)

    def _homes(self) -> Iterator[tuple[Expr, Array]]:
        """The output that a node is. What a select falls back to is written there too, if nothing else reads
        it: that spares a copy.

        Conditions have none: they are booleans, and an output holds numbers.
        """
        readers = Counter(a for node in self.order for a in node.args)
        for root, out in reversed(list(zip(self.roots, self.outs, strict=True))):
            node = root
            while node.args and node.op not in CONDITIONS:
                yield node, out
                if node.op is not Op.WHERE or readers[node.args[2]] > 1 or node.args[2] in self.roots:
                    break
                node = node.args[2]

    def _destination(self, index: int, node: Expr, shape: tuple[int, ...]) -> Array:
        """The node's home, if nothing in that memory is read later; else a temporary array."""
        out = self.homes.get(node)
        if out is not None and out.shape == shape:
            later = self._read_after(index, node)
            if not any(np.may_share_memory(out, a) for a in later):
                return out
        array = self.scratch.take(shape, BOOLEAN if node.op in CONDITIONS else None)
        self.taken.append(array)
        return array

    def _read_after(self, index: int, node: Expr) -> Iterator[Array]:
        later = {a: None for n in self.order[index + 1 :] for a in n.args}
        for read in (*later, *(root for root in self.roots if root is not node)):
            if read in self.values:
                yield self.values[read]

    def _copies(self) -> Iterator[Thunk]:
        """What could not be written in its place, and outputs that are arguments as they are.

        An argument in the memory of another output is put aside before any output is written.
        """
        pending = [
            (out, self.values[root])
            for root, out in zip(self.roots, self.outs, strict=True)
            if self.values[root] is not out
        ]
        for index, (out, value) in enumerate(pending):
            if any(np.may_share_memory(value, other) for other, _ in pending if other is not out):
                aside = self.scratch.take(value.shape)
                self.taken.append(aside)
                yield partial(np.copyto, aside, value)
                pending[index] = out, aside
        for out, value in pending:
            yield partial(np.copyto, out, value)


@lru_cache(maxsize=500)
def shorter(expression: Expr) -> Expr:
    """where(u > 0, u, c·u) with 0 < c < 1 is max(u, c·u): the same values in two calls instead of four."""
    found = {node: maximum(*node.args[1:]) for node in walk(expression) if _is_leaky(node)}
    return replace(expression, found) if found else expression


def _is_leaky(node: Expr) -> bool:
    if node.op is not Op.WHERE:
        return False
    condition, u, other = node.args
    if condition.op is not Op.GT or condition.args != (u, const(0)) or other.op is not Op.MUL:
        return False
    factors = [a for a in other.args if a is not u]
    return len(factors) == 1 and factors[0].value is not None and 0 < factors[0].value < 1
