"""The kernels of some programs as C functions, and calls of them."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field

from deltaplan.compiler.loops.c.code import Block, Code, folded, lines_of
from deltaplan.compiler.loops.c.comments import Comments, written_by
from deltaplan.compiler.loops.c.expressions import Writer
from deltaplan.compiler.loops.c.kernels import Parameter, body_of, parameters_of
from deltaplan.compiler.loops.c.names import identifier, parameter_names
from deltaplan.compiler.loops.calls import Call, Run
from deltaplan.compiler.loops.nest import Kernel
from deltaplan.compiler.loops.program import Program
from deltaplan.compiler.loops.runs import runs
from deltaplan.diagnostics.letters import ascii
from deltaplan.records import dataclass


@dataclass(frozen=True, slots=True)
class Function:
    """A kernel in C. `parameters` are in the kernel's order; two that are always the same memory are one, and
    `given` tells at which of the kernel's parameters it is passed."""

    name: str
    parameters: tuple[Parameter, ...]
    given: tuple[int, ...]
    text: str


NUMBERED = re.compile(r"\.\d+$")  # the part of an update that a tensor belongs to
Base = str | tuple[str, int]  # a pointer, or one with so many numbers before


@dataclass(frozen=True, slots=True)
class Memory:
    """What the spaces of a program are called in a C function: for `θ` an expression that points to its
    first number. `values` gives single numbers that lie in no memory."""

    spaces: Mapping[str, Base]
    values: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def pointer(self, space: str, offset: int, moving: str = "") -> str:
        """`theta + 30 + 25 * i`"""
        base, offset = self._place(space, offset)
        return " + ".join([base, *([str(offset)] if offset else []), *([moving] if moving else [])])

    def value(self, space: str, offset: int, moving: str = "") -> str:
        """`theta[30 + 25 * i]`"""
        if space in self.values:
            return self.values[space][offset]
        base, offset = self._place(space, offset)
        place = [*([str(offset)] if offset or not moving else []), *([moving] if moving else [])]
        return f"{base}[{' + '.join(place)}]"

    def _place(self, space: str, offset: int) -> tuple[str, int]:
        base = self.spaces[space]
        return (base, offset) if isinstance(base, str) else (base[0], base[1] + offset)


class Functions:
    """Collects the functions of programs; a kernel that several programs call is one function."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self.made: dict[str, Function] = {}
        self._calls: dict[str, list[Call]] = {}
        self._taken: set[str] = set()

    def reserve(self, names: Iterable[str]) -> None:
        """No function gets one of these names."""
        self._taken |= set(names)

    def add(self, programs: Sequence[tuple[Program, Comments]]) -> None:
        """Makes a function of each kernel that is not there yet."""
        for program, _ in programs:
            for call in program.calls:
                self._calls.setdefault(call.kernel.name, []).append(call)
        for program, comments in programs:
            for call in program.calls:
                if call.kernel.name not in self.made:
                    self.made[call.kernel.name] = self._function(call, comments)

    def text(self) -> Iterator[str]:
        for function in self.made.values():
            yield function.text

    def calls(self, program: Program, memory: Memory) -> list[Code]:
        """The calls of a program; runs of equal ones are loops."""
        found: list[Code] = []
        for run in runs(program.calls):
            if run.times == 1:
                found += [self._call(call, memory) for call in run.calls]
            else:
                found.append(self._loop(run, memory))
        return found

    def _loop(self, run: Run, memory: Memory) -> Block:
        head = f"for (int i = 0; i < {run.times}; i++)"
        pairs = zip(run.calls, run.steps, strict=True)
        return Block(head, [self._call(call, memory, steps) for call, steps in pairs])

    def _call(self, call: Call, memory: Memory, steps: Sequence[int] = ()) -> str:
        function = self.made[call.kernel.name]
        given = []
        for number in function.given:
            spot, step = call.spots[number], steps[number] if steps else 0
            moving = "" if not step else f"{step} * i" if step != 1 else "i"
            alone = function.parameters[number].by_value
            place = memory.value if alone else memory.pointer
            given.append(place(spot.space, spot.offset, moving).replace("+ -", "- "))
        return f"{function.name}({', '.join(given)});{_remark(call, bool(steps))}"

    def _function(self, call: Call, comments: Comments) -> Function:
        kernel = call.kernel
        same = _same_memory(kernel, self._calls[kernel.name])
        outputs = kernel.outputs
        written = [buffer.name in outputs for buffer in kernel.parameters]
        names = parameter_names(call.tensors, written)
        for read, twin in same.items():
            names[read], names[twin] = names[twin], names[read]
        found = parameters_of(kernel, names)
        parameters = tuple(found[same.get(number, number)] for number in range(len(found)))
        given = tuple(number for number in range(len(found)) if number not in same)
        name = identifier(comments.stem(call), self._taken, "f")
        self._taken.add(name)
        lines = list(comments.of(call))
        alike = len(self._calls[kernel.name]) > 1
        listed = ", ".join(found[number].declared(self.writer.real.type) for number in given)
        body = lines_of(body_of(kernel, parameters, self.writer), "    ")
        head = [*_comment(lines, alike), *folded(f"static void {name}({listed})")]
        return Function(name, parameters, given, "\n".join([*head, "{", *body, "}"]) + "\n")


def _same_memory(kernel: Kernel, calls: Sequence[Call]) -> dict[int, int]:
    """From the number of a parameter that is read to that of the one that is written in the same memory."""
    outputs = kernel.outputs
    written = [n for n, b in enumerate(kernel.parameters) if b.name in outputs]
    found: dict[int, int] = {}
    for number in range(len(kernel.parameters)):
        twins = (w for w in written if w != number and number not in written)
        for twin in twins:
            if all(call.spots[number] == call.spots[twin] for call in calls):
                found[number] = twin
    return found


def _comment(lines: Sequence[str], alike: bool) -> list[str]:
    if not lines:
        return []
    lines = [*lines, *(["and so for other layers"] if alike else [])]
    if len(lines) == 1:
        return [f"/* {lines[0]} */"]
    return [f"/* {lines[0]}", *(f"   {line}" for line in lines[1:-1]), f"   {lines[-1]} */"]


def _remark(call: Call, repeated: bool) -> str:
    """What a call writes, where it has a name."""
    written = written_by(call)
    named = [name for name in dict.fromkeys(call.tensors) if name in written and name[0] != "%"]
    told = [ascii(NUMBERED.sub("", name)) for name in named]
    return f" /* {', '.join(told)}{', ...' * repeated} */" if told else ""
