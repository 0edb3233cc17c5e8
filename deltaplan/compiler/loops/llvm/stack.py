"""The losses at a stack of θ as the function `@losses(count, thetas, results, table)`."""

from deltaplan.compiler.loops.llvm.calls import write_program
from deltaplan.compiler.loops.llvm.code import SIZES, Code, Value
from deltaplan.compiler.loops.llvm.lower import KernelWriter, Width
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

X0, X1, X2 = (argument(f"x{i}") for i in range(3))
OWN = ("θ", "sum", "total", "penalty", "scale", "statistics", "arena", "scratch", "rows", "results")


def table_of(stack: Stack) -> tuple[str, ...]:
    """The names of the memory that is worked on, in the order of the table."""
    return (*OWN, *(f"in {leaf.key}" for leaf in stack.leaves))


def write_stack(stack: Stack, width: Width) -> str:
    """The text of a module."""
    return str(StackWriter(stack, width).module())


class StackWriter:
    """Writes the kernels, the programs, and the loops over nets and samples."""

    def __init__(self, stack: Stack, width: Width) -> None:
        self.stack, self.text = stack, Text()
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
        for kernel in (_turned(s), _added(s), _finished(s)):
            self.kernels.kernel(kernel)
        self._nets()
        self._losses()
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

    def _nets(self) -> None:
        """As many nets as there are lanes: rows of the stack to their losses."""
        code, s = self.code, self.stack
        with code.function("nets", [("ptr", "given"), ("ptr", "found"), ("ptr", "table")]) as f:
            table, theta = f["table"], f["given"]
            if s.lanes > 1:
                theta = self._slot(table, "θ")
                code.call("turned", [f["given"], theta])
                self._fetch(code.place(f["given"], s.lanes * s.size, s.kind))
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
