"""The losses at a stack of θ as the function `@losses(count, thetas, results, table)`, and those on a plane.

`@plane(count, center, first, second, a, b, results, table)` forms θ = center + a·first + b·second in the
lanes that it is needed in: it never lies in a stack.
"""

from collections.abc import Mapping

from deltaplan.compiler.loops.llvm.calls import write_program
from deltaplan.compiler.loops.llvm.code import SIZES, Code, Value
from deltaplan.compiler.loops.llvm.lower import KernelWriter, Width
from deltaplan.compiler.loops.llvm.parts import Take
from deltaplan.compiler.loops.llvm.text import Text
from deltaplan.compiler.loops.nest import (
    Buffer,
    Compute,
    For,
    Index,
    Kernel,
    Load,
    Statement,
    Store,
    Transpose,
)
from deltaplan.compiler.loops.stack import Stack
from deltaplan.plugins.expressions import argument

X0, X1, X2, X3, X4 = (argument(f"x{i}") for i in range(5))
OWN = ("θ", "sum", "total", "penalty", "scale", "statistics", "arena", "scratch", "rows", "results")


def table_of(stack: Stack) -> tuple[str, ...]:
    """The names of the memory that is worked on, in the order of the table."""
    return (*OWN, *(f"in {leaf.key}" for leaf in stack.leaves), *(table.name for table in stack.tables))


def write_stack(stack: Stack, width: Width, take: Take | None = None) -> str:
    """The text of a module."""
    return StackWriter(stack, width, take).module().end()


class StackWriter:
    """Writes the kernels, the programs, and the loops over nets and samples."""

    def __init__(self, stack: Stack, width: Width, take: Take | None = None) -> None:
        self.stack, self.text = stack, Text(take)
        self.code = Code(self.text)
        self.kernels = KernelWriter(self.text, stack.kind, width)
        self.slots = {name: number for number, name in enumerate(table_of(stack))}
        self.spaces: dict[str, tuple[str, ...]] = {}
        self.size = SIZES[stack.kind]

    def module(self) -> Text:
        s = self.stack
        for kernel in {k.name: k for program in s.programs for k in program.kernels}.values():
            self.kernels.kernel(kernel)
        for count, program in s.blocks.items():
            self.spaces[f"block{count}"] = write_program(self.text, f"block{count}", program, s.kind)
        if s.penalty:
            self.spaces["penalties"] = write_program(self.text, "penalties", s.penalty, s.kind)
        for kernel in (_turned(s), _formed(s), _added(s), _finished(s)):
            self.kernels.kernel(kernel)
        self._at()
        self._nets()
        self._losses()
        self._plane()
        return self.text

    def _losses(self) -> None:
        code, s = self.code, self.stack
        parameters = [("i64", "count"), ("ptr", "thetas"), ("ptr", "results"), ("ptr", "table")]
        with code.function("losses", parameters, public=True) as f:
            whole = f["count"] // s.lanes

            def nets(i: Value) -> None:
                rows = code.place(f["thetas"], i * (s.lanes * s.size), s.kind)
                code.call("nets", [rows, code.place(f["results"], i * s.lanes, s.kind), f["table"]])

            code.each(whole, nets)
            left = f["count"] - whole * s.lanes
            with code.when(left > 0):
                rows, results = self._slot(f["table"], "rows"), self._slot(f["table"], "results")
                first = code.place(f["thetas"], whole * (s.lanes * s.size), s.kind)
                code.copy(rows, first, left * (s.size * self.size))
                code.call("nets", [rows, results, f["table"]])
                code.copy(code.place(f["results"], whole * s.lanes, s.kind), results, left * self.size)
            code.give()

    def _plane(self) -> None:
        code, s = self.code, self.stack
        names = ("center", "first", "second", "a", "b", "results", "table")
        parameters = [("i64", "count"), *(("ptr", name) for name in names)]
        with code.function("plane", parameters, public=True) as f:
            whole = f["count"] // s.lanes
            code.each(whole, lambda i: self._points(f, *self._places(f, i * s.lanes)))
            left = f["count"] - whole * s.lanes
            with code.when(left > 0):
                given = self._places(f, whole * s.lanes)
                rows = self._slot(f["table"], "rows")
                own = [code.place(rows, n * s.lanes, s.kind) for n in range(2)]
                own.append(self._slot(f["table"], "results"))
                for target, source in zip(own[:2], given, strict=False):
                    code.copy(target, source, left * self.size)
                self._points(f, *own)
                code.copy(given[2], own[2], left * self.size)
            code.give()

    def _places(self, f: Mapping[str, Value], begin: Value) -> list[Value]:
        """Where a, b and the results of the points from `begin` on lie."""
        return [self.code.place(f[name], begin, self.stack.kind) for name in ("a", "b", "results")]

    def _points(self, f: Mapping[str, Value], a: Value, b: Value, results: Value) -> None:
        """As many points as there are lanes."""
        theta = self._slot(f["table"], "θ")
        self.code.call("formed", [f["center"], f["first"], f["second"], a, b, theta])
        self.code.call("at", [theta, results, f["table"]])

    def _nets(self) -> None:
        """As many nets as there are lanes: rows of the stack to their losses."""
        code, s = self.code, self.stack
        with code.function("nets", [("ptr", "given"), ("ptr", "found"), ("ptr", "table")]) as f:
            theta = f["given"]
            if s.lanes > 1:
                theta = self._slot(f["table"], "θ")
                code.call("turned", [f["given"], theta])
                self._fetch(code.place(f["given"], s.lanes * s.size, s.kind))
            code.call("at", [theta, f["found"], f["table"]])
            code.give()

    def _at(self) -> None:
        """As many nets as there are lanes: θ in the lanes to their losses."""
        code, s = self.code, self.stack
        with code.function("at", [("ptr", "theta"), ("ptr", "found"), ("ptr", "table")]) as f:
            table, theta = f["table"], f["theta"]
            total = self._slot(table, "total")
            code.clear(total, s.lanes * self.size)
            whole = s.counts.count(s.counts[0])
            code.each(whole, lambda i: self._block(table, theta, s.counts[0], i * s.counts[0]))
            if whole < len(s.counts):
                begin = Value(code, str(whole * s.counts[0]), "i64")
                self._block(table, theta, s.counts[-1], begin)
            if s.penalty:
                self._call("penalties", table, {"θ": theta})
            code.call(
                "finished", [*(self._slot(table, n) for n in ("total", "scale", "penalty")), f["found"]]
            )
            code.give()

    def _fetch(self, rows: Value) -> None:
        """Asks for the rows of the next nets, which are there when these are done."""
        self.text.declare("void @llvm.prefetch.p0(ptr, i32, i32, i32)")
        lines = -(-self.stack.lanes * self.stack.size * self.size // 64)

        def line(i: Value) -> None:
            place = self.code.place(rows, i * 64, "i8")
            self.text.do(f"call void @llvm.prefetch.p0(ptr {place.name}, i32 0, i32 2, i32 1)")

        self.code.each(lines, line)

    def _block(self, table: Value, theta: Value, count: int, begin: Value) -> None:
        own = {"θ": theta}
        for leaf in self.stack.leaves:
            base = self._slot(table, f"in {leaf.key}")
            own[f"in {leaf.key}"] = self.code.place(base, begin * leaf.size, self.stack.kind)
        self._call(f"block{count}", table, own)
        self.code.call("added", [self._slot(table, "sum"), self._slot(table, "total")])

    def _call(self, name: str, table: Value, own: dict[str, Value]) -> None:
        self.code.call(name, [own.get(s) or self._slot(table, s) for s in self.spaces[name]])

    def _slot(self, table: Value, name: str) -> Value:
        return self.code.load(table, self.slots[name], "ptr")


def _turned(stack: Stack) -> Kernel:
    """Rows of θ to the lanes of nets."""
    rows, turned = Buffer("rows", (stack.lanes, stack.size)), Buffer("turned", (stack.size, stack.lanes))
    return Kernel("turned", (rows, turned), (Transpose(rows, turned),))


def _formed(stack: Stack) -> Kernel:
    """center + a·first + b·second in the lanes of nets."""
    given = tuple(Buffer(name, (stack.size,)) for name in ("center", "first", "second"))
    a, b = (Buffer(name, (stack.lanes,)) for name in ("a", "b"))
    names = ("x", "d", "h", "a", "b")
    vectors = tuple(Load(n, buffer, ("p",)) for n, buffer in zip(names, given, strict=False))
    value = Compute(("y",), (X0 + X1 * X3 + X2 * X4,), names)
    if stack.lanes == 1:
        formed = Buffer("formed", (stack.size,))
        one: tuple[Statement, ...] = (
            *vectors,
            Load("a", a, (0,)),
            Load("b", b, (0,)),
            value,
            Store(formed, ("p",), "y"),
        )
        return Kernel("formed", (*given, a, b, formed), (For("p", stack.size, one, "lanes"),))
    formed = Buffer("formed", (stack.size, stack.lanes))
    each: tuple[Statement, ...] = (
        Load("a", a, ("e",)),
        Load("b", b, ("e",)),
        value,
        Store(formed, ("p", "e"), "y"),
    )
    body: tuple[Statement, ...] = (*vectors, For("e", stack.lanes, each, "lanes"))
    return Kernel("formed", (*given, a, b, formed), (For("p", stack.size, body),))


def _added(stack: Stack) -> Kernel:
    """What a block of samples gives is added to the total."""
    given, total = Buffer("given", (stack.lanes,)), Buffer("total", (stack.lanes,))
    body: tuple[Statement, ...] = (
        Load("a", total, ("e",)),
        Load("b", given, ("e",)),
        Compute(("c",), (X0 + X1,), ("a", "b")),
        Store(total, ("e",), "c"),
    )
    return Kernel("added", (given, total), (For("e", stack.lanes, body, "lanes"),))


def _finished(stack: Stack) -> Kernel:
    """scale · total, and Ω where it is asked for."""
    each: Index = ("e",)
    total, found = Buffer("total", (stack.lanes,)), Buffer("found", (stack.lanes,))
    scale, penalty = Buffer("scale", (1,)), Buffer("penalty", (stack.lanes,))
    value = X0 * X1 + X2 if stack.penalty else X0 * X1
    names = ("a", "b", "c") if stack.penalty else ("a", "b")
    more = (Load("c", penalty, each),) if stack.penalty else ()
    body: tuple[Statement, ...] = (
        Load("a", total, each),
        Load("b", scale, (0,)),
        *more,
        Compute(("y",), (value,), names),
        Store(found, each, "y"),
    )
    return Kernel("finished", (total, scale, penalty, found), (For("e", stack.lanes, body, "lanes"),))
