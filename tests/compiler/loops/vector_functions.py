"""Functions of arrays in this process made from vector code, and what an object file of them needs."""

import ctypes
import struct
from collections.abc import Callable, Mapping, Sequence

import llvmlite.binding as llvm
import numpy as np

from deltaplan.compiler.loops.llvm.lanes import Lanes
from deltaplan.compiler.loops.llvm.text import Text
from deltaplan.plugins.expressions import CONDITIONS, LOGIC, Op, arity
from deltaplan.runtime.backends.native.target import Target, host

Body = Callable[..., str]  # of lanes and its operands
DTYPES = {"float": np.dtype(np.float32), "double": np.dtype(np.float64)}


def module(bodies: Mapping[str, tuple[Body, int]], kind: str, lanes: int, target: Target) -> str:
    """`void NAME(ptr a, …, ptr out, i64 n)` for each body and its number of operands: n is a multiple of
    `lanes`, at least that."""
    text = Text()
    for name, (body, operands) in bodies.items():
        pointers = [f"%a{i}" for i in range(operands)]
        given = ", ".join(f"ptr {pointer}" for pointer in [*pointers, "%out"])
        text.lines.append(f"define void @{name}({given}, i64 %n) {{")
        text.begin("entry")
        text.loop("%n", turn(lanes_of(text, kind, lanes, target), body, pointers), step=lanes)
        text.do("ret void")
        text.lines.append("}")
    return str(text)


def lanes_of(text: Text, kind: str, count: int, target: Target) -> Lanes:
    return Lanes(text, kind, count, target.fma, target.vector == 64)


def turn(lanes: Lanes, body: Body, pointers: Sequence[str]) -> Callable[..., Sequence[str]]:
    def at(pointer: str, index: str) -> str:
        return lanes.text.value(f"getelementptr {lanes.kind}, ptr {pointer}, i64 {index}")

    def once(index: str, _: Sequence[str]) -> Sequence[str]:
        given = [lanes.text.value(f"load {lanes.type}, ptr {at(p, index)}, align 4") for p in pointers]
        found = body(lanes, *given)
        lanes.text.do(f"store {lanes.type} {found}, ptr {at('%out', index)}, align 4")
        return ()

    return once


def on_numbers(op: Op, body: Body) -> Body:
    """An operation whose conditions, taken and given, are the numbers 1 and 0."""

    def found(lanes: Lanes, *operands: str) -> str:
        count = arity(op) if op in LOGIC else 1 if op is Op.WHERE else 0
        half, zero, one = (lanes.const(number) for number in (0.5, 0.0, 1.0))
        conditions = [lanes.compare("ogt", operand, half) for operand in operands[:count]]
        value = body(lanes, *conditions, *operands[count:])
        return lanes.select(value, one, zero) if op in CONDITIONS else value

    return found


class Compiled:
    """A body as a function of arrays."""

    def __init__(
        self, body: Body, operands: int, kind: str, lanes: int = 1, target: Target | None = None
    ) -> None:
        target = target or host()
        self.dtype, self.lanes = DTYPES[kind], lanes
        parsed = llvm.parse_assembly(module({"f": (body, operands)}, kind, lanes, target))
        self.engine = llvm.create_mcjit_compiler(parsed, target.machine())
        self.engine.finalize_object()
        signature = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * (operands + 1), ctypes.c_int64)
        self.function = signature(self.engine.get_function_address("f"))

    def __call__(self, *arrays: object) -> np.ndarray:
        given = [np.atleast_1d(np.asarray(a, self.dtype)) for a in arrays]
        size = given[0].size
        padded = -(-size // self.lanes) * self.lanes
        given = [np.concatenate([a, np.ones(padded - size, self.dtype)]) for a in given]
        out = np.empty(padded, self.dtype)
        self.function(*(a.ctypes.data for a in given), out.ctypes.data, padded)
        return out[:size]


def undefined_symbols(text: str, target: Target) -> set[str]:
    """What the object file of a module, a 64-bit little-endian ELF, wants from elsewhere."""
    parsed = llvm.parse_assembly(text)
    parsed.triple = target.triple
    elf = target.machine().emit_object(parsed)
    sections = section_headers(elf)
    return {
        symbol
        for section in sections
        if section[1] == 2  # a table of symbols
        for symbol in undefined(elf, section, sections[section[6]][4])
    }


def section_headers(elf: bytes) -> list[tuple[int, ...]]:
    (start,) = struct.unpack_from("<Q", elf, 40)
    size, count = struct.unpack_from("<HH", elf, 58)
    return [struct.unpack_from("<IIQQQQIIQQ", elf, start + i * size) for i in range(count)]


def undefined(elf: bytes, section: tuple[int, ...], names: int) -> list[str]:
    found = []
    for at in range(section[4] + 24, section[4] + section[5], 24):
        name, _, _, where = struct.unpack_from("<IBBH", elf, at)
        if where == 0:
            found.append(elf[names + name : elf.index(b"\0", names + name)].decode())
    return found
