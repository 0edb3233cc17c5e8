"""Accesses at places that are numbers themselves: of a table, or in each lane its own."""

from typing import TYPE_CHECKING

from deltaplan.compiler.loops.llvm.expressions import Held
from deltaplan.compiler.loops.nest import Gather, Lookup, ScatterAdd

if TYPE_CHECKING:
    from deltaplan.compiler.loops.llvm.lower import KernelWriter, Scope


def lookup(w: "KernelWriter", statement: Lookup, scope: "Scope") -> None:
    terms, fixed = w.offset(statement.table, statement.index, scope)
    place = w.moved(f"%{statement.table.name}", terms, fixed, "i32")
    whole = w.text.value(f"load i32, ptr {place}, align 4")
    scope.variables[statement.variable] = w.text.value(f"zext i32 {whole} to i64")


def gather(w: "KernelWriter", statement: Gather, scope: "Scope") -> None:
    lanes = w.lanes(scope.strip.count if scope.strip else 1)
    found = "poison"
    for lane, place in enumerate(_places(w, statement, scope)):
        number = w.text.value(f"load {w.kind}, ptr {place}, align {w.bytes}")
        found = _with(w, lanes.type, found, number, lane) if lanes.count > 1 else number
    scope.locals[statement.name] = Held(found, lanes.count)


def scatter_add(w: "KernelWriter", statement: ScatterAdd, scope: "Scope") -> None:
    lanes, one = w.lanes(scope.strip.count if scope.strip else 1), w.lanes(1)
    added = w.splat(scope.locals[statement.name], lanes.count)
    for lane, place in enumerate(_places(w, statement, scope)):
        number = _lane(w, lanes.type, added, lane) if lanes.count > 1 else added
        before = w.text.value(f"load {w.kind}, ptr {place}, align {w.bytes}")
        w.text.do(f"store {w.kind} {one.add(before, number)}, ptr {place}, align {w.bytes}")


def _places(w: "KernelWriter", statement: Gather | ScatterAdd, scope: "Scope") -> list[str]:
    """The pointer of each lane."""
    buffer, axis = statement.buffer, statement.axis
    base, vector = w.address(buffer, statement.index, scope)
    count = scope.strip.count if scope.strip else 1
    chosen = _chosen(w, w.splat(scope.locals[statement.chosen], count), count, buffer.shape[axis] - 1)
    stride, found = buffer.strides[axis], []
    for lane in range(count):
        number = _lane(w, w.lanes(count).integer, chosen, lane) if count > 1 else chosen
        wide = w.text.value(f"sext i{8 * w.bytes} {number} to i64") if w.bytes < 8 else number
        moved = wide if stride == 1 else w.text.value(f"mul nsw i64 {wide}, {stride}")
        place = w.text.value(f"getelementptr inbounds {w.kind}, ptr {base}, i64 {moved}")
        found.append(w.moved(place, (), lane, w.kind) if vector and lane else place)
    return found


def _chosen(w: "KernelWriter", value: str, count: int, most: int) -> str:
    """The whole number from 0 to `most` that is nearest; 0 for what is not a number."""
    lanes = w.lanes(count)
    zero, last = lanes.const(0.0), lanes.const(float(most))
    value = lanes.select(lanes.compare("ogt", value, zero), value, zero)
    return lanes.to_int(lanes.select(lanes.compare("olt", value, last), value, last))


def _lane(w: "KernelWriter", kind: str, vector: str, lane: int) -> str:
    return w.text.value(f"extractelement {kind} {vector}, i64 {lane}")


def _with(w: "KernelWriter", kind: str, vector: str, number: str, lane: int) -> str:
    return w.text.value(f"insertelement {kind} {vector}, {w.kind} {number}, i64 {lane}")
