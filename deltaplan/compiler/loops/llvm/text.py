"""LLVM's assembly while it is written: values in static single assignment form, blocks, declarations."""

import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from deltaplan.compiler.loops.llvm.parts import Parts, Take

Loop = Callable[[str, Sequence[str]], Sequence[str]]


class Text:
    """The lines of a module. Operations and types are LLVM's own words; a value is its name or a constant.
    Whoever compiles them may take them in parts, as soon as each is written."""

    def __init__(self, take: Take | None = None) -> None:
        self.lines: list[str] = []
        self.declarations: dict[str, None] = {}
        self.parts = Parts(take, self.declarations) if take else None
        self.block = ""
        self._count = 0

    @contextmanager
    def function(
        self, name: str, parameters: Sequence[str], returns: str, kept: str, public: bool, light: bool = False
    ) -> Iterator[None]:
        """A function: its parameters as LLVM writes them, and the attributes that it is `kept` with. What
        has little work of its own is `light`: it is compiled in a third of the time, to slower code."""
        begin, self._count = len(self.lines), 0
        scope = "" if public else "internal "
        self.lines.append(f"define {scope}{returns} @{name}({', '.join(parameters)}) {kept} {{")
        self.begin("entry")
        yield
        self.lines.append("}")
        if self.parts:
            types = ", ".join(parameter.split(maxsplit=1)[0] for parameter in parameters)
            self.parts.add(f"{returns} @{name}({types})", self.lines[begin:], light)

    def variable(self, name: str, kind: str) -> None:
        """A variable of the module, all zeros at first."""
        self.lines.append(f"@{name} = internal global {kind} zeroinitializer, align 64")
        if self.parts:
            self.parts.variable(name, kind)

    def value(self, operation: str) -> str:
        """The name of what an operation gives."""
        self._count += 1
        name = f"%t{self._count}"
        self.lines.append(f"  {name} = {operation}")
        return name

    def do(self, operation: str) -> None:
        """An operation that gives nothing."""
        self.lines.append("  " + operation)

    def declare(self, signature: str) -> None:
        """A function of LLVM's or of the host's that is called: `float @llvm.fabs.f32(float)`."""
        self.declarations[signature] = None

    def fresh(self, stem: str) -> str:
        """A name for a block that no other has."""
        self._count += 1
        return f"{stem}{self._count}"

    def begin(self, label: str) -> None:
        """A new block; what follows belongs to it."""
        self.lines.append(f"{label}:")
        self.block = label

    def jump(self, label: str) -> None:
        self.do(f"br label %{label}")

    def branch(self, condition: str, then: str, otherwise: str) -> None:
        self.do(f"br i1 {condition}, label %{then}, label %{otherwise}")

    def loop(
        self,
        count: int | str,
        body: Loop,
        *,
        step: int = 1,
        begin: int | str = 0,
        carried: Sequence[tuple[str, str]] = (),
    ) -> Sequence[str]:
        """A loop that runs at least once: `body(i, values)` for i = begin, begin + step, … below `count`.

        `carried` are (type, first value) of what goes from one turn to the next; the last values come back.
        """
        head, done, before = self.fresh("loop"), self.fresh("done"), self.block
        self.jump(head)
        self.begin(head)
        place = len(self.lines)
        index = f"%i{self._count}"
        names = [f"{index}.{k}" for k in range(len(carried))]
        values = body(index, names)
        following = self.value(f"add nuw nsw i64 {index}, {step}")
        more = self.value(f"icmp slt i64 {following}, {count}")
        phis = [("i64", index, str(begin), following)]
        phis += [(kind, n, first, v) for (kind, first), n, v in zip(carried, names, values, strict=True)]
        self.lines[place:place] = [
            f"  {n} = phi {kind} [ {first}, %{before} ], [ {v}, %{self.block} ]" for kind, n, first, v in phis
        ]
        self.branch(more, head, done)
        self.begin(done)
        return values

    def loop_or_none(
        self, begin: int | str, end: int | str, body: Loop, carried: Sequence[tuple[str, str]]
    ) -> Sequence[str]:
        """The same where `begin` may not lie below `end`: the first values come back then."""
        inside, after, before = self.fresh("some"), self.fresh("none"), self.block
        self.branch(self.value(f"icmp slt i64 {begin}, {end}"), inside, after)
        self.begin(inside)
        values = self.loop(str(end), body, begin=begin, carried=carried)
        last = self.block
        self.jump(after)
        self.begin(after)
        return [
            self.value(f"phi {kind} [ {first}, %{before} ], [ {value}, %{last} ]")
            for (kind, first), value in zip(carried, values, strict=True)
        ]

    def end(self) -> str:
        """The text of the whole module, the last of whose parts are taken now."""
        if self.parts:
            self.parts.end()
        return str(self)

    def __str__(self) -> str:
        return "\n".join([*(f"declare {d}" for d in self.declarations), *self.lines, ""])


def real_constant(kind: str, value: float) -> str:
    """A number of type `float` or `double`: the bits of the double, as LLVM writes both."""
    if kind == "float":
        value = struct.unpack("f", struct.pack("f", _in_range(value)))[0]
    return f"0x{struct.unpack('Q', struct.pack('d', value))[0]:016X}"


def constant_number(constant: str) -> float:
    """The number of a `real_constant`."""
    return float(struct.unpack("d", struct.pack("Q", int(constant[:18], 16)))[0])


def _in_range(value: float) -> float:
    """What a float32 makes of a double: infinity beyond its range."""
    try:
        struct.pack("f", value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
    return value
