"""The arguments of a model's functions in C: arrays for its inputs, outputs and targets."""

import re
from collections.abc import Sequence

from deltaplan.compiler.loops.c.code import Block, Code
from deltaplan.compiler.loops.c.names import identifier
from deltaplan.compiler.loops.c.numbers import Real
from deltaplan.compiler.loops.c.ports import InputPort, OutputPort, Scale
from deltaplan.records import dataclass

LINE = 96


@dataclass(frozen=True, slots=True)
class Array:
    """An array that is handed over: its name and its numbers for one sample."""

    name: str
    size: int

    def declared(self, type_: str) -> str:
        return f"{type_} {self.name}[{self.size}]"

    def each(self, type_: str) -> str:
        """Of many samples."""
        return f"{type_} *{self.name}"

    def at(self, sample: str) -> str:
        """Where a sample begins."""
        return f"{self.name} + {sample}" if self.size == 1 else f"{self.name} + {self.size} * {sample}"


def inputs_of(ports: Sequence[InputPort]) -> dict[str, Array]:
    """By node: `x` for a single input, else the nodes' names."""
    return _arrays({port.node: port.size for port in ports}, "x", ())


def outputs_of(ports: Sequence[OutputPort], taken: Sequence[str]) -> dict[str, Array]:
    return _arrays({port.node: port.size for port in ports}, "y", taken)


def _arrays(sizes: dict[str, int], alone: str, taken: Sequence[str]) -> dict[str, Array]:
    found: dict[str, Array] = {}
    names = {*taken, "theta", "state", "samples", "a", "i", "n", "c", "s"}
    for node, size in sizes.items():
        name = alone if len(sizes) == 1 else identifier(node, names, alone)
        names.add(name)
        found[node] = Array(name, size)
    return found


@dataclass(frozen=True, slots=True)
class Scaling:
    """The constants of a scale in C: arrays named after what they scale, or numbers where there is one."""

    stem: str
    scale: Scale
    real: Real

    def constants(self) -> list[str]:
        if len(self.scale.means) < 2:
            return []
        return [
            table(f"static const {self.real.type} {self.stem}_mean", self.scale.means, self.real),
            table(f"static const {self.real.type} {self.stem}_scale", self.scale.scales, self.real),
        ]

    @property
    def bytes(self) -> int:
        return 0 if len(self.scale.means) < 2 else 2 * self.real.bytes * len(self.scale.means)

    def done(self, text: str, size: int) -> str:
        """The number `text` at place i, scaled."""
        if not self.scale:
            return text
        mean, scale = self._at(size)
        return f"{text} / {scale}" if not any(self.scale.means) else f"({text} - {mean}) / {scale}"

    def undone(self, text: str, size: int) -> str:
        if not self.scale:
            return text
        mean, scale = self._at(size)
        return f"{text} * {scale}" if not any(self.scale.means) else f"{text} * {scale} + {mean}"

    def _at(self, size: int) -> tuple[str, str]:
        count = len(self.scale.means)
        if count == 1:
            mean = self.real.literal(self.scale.means[0])
            scale = self.real.literal(self.scale.scales[0])
            return (f"({mean})" if mean.startswith("-") else mean), scale
        place = "i" if count == size else f"i % {count}"
        return f"{self.stem}_mean[{place}]", f"{self.stem}_scale[{place}]"


def each(size: int, statement: str) -> Code:
    """A statement for i = 0 … size − 1."""
    if size == 1:
        return re.sub(r"\[(\d+) \+ i\]", r"[\1]", statement.replace("[i]", "[0]"))
    return Block(f"for (int i = 0; i < {size}; i++)", [statement])


def at(base: str, offset: int) -> str:
    """`a[i]`, `a[74 + i]`"""
    return f"{base}[i]" if not offset else f"{base}[{offset} + i]"


def table(head: str, values: Sequence[float], real: Real, remarks: dict[int, str] | None = None) -> str:
    """An array of constants in lines; `remarks` stand before the numbers of their places."""
    lines = [f"{head}[{len(values)}] = {{"]
    line = "   "
    for place, value in enumerate(values):
        if remarks and place in remarks:
            lines += [line] if line.strip() else []
            lines.append(f"    /* {remarks[place]} */")
            line = "   "
        text = f" {real.literal(value)},"
        if len(line) + len(text) > LINE:
            lines.append(line)
            line = "   "
        line += text
    return "\n".join([*lines, line, "};"]) + "\n"
