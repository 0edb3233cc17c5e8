"""A model as one C file and its header."""

from collections.abc import Iterator, Sequence
from textwrap import wrap

from deltaplan.compiler.loops.c.arguments import inputs_of, outputs_of, table
from deltaplan.compiler.loops.c.check import check
from deltaplan.compiler.loops.c.code import folded
from deltaplan.compiler.loops.c.expressions import Writer, helper_texts, place_text
from deltaplan.compiler.loops.c.functions import Functions
from deltaplan.compiler.loops.c.kernels import PLACES
from deltaplan.compiler.loops.c.numbers import Real
from deltaplan.compiler.loops.c.ports import InputPort, OutputPort, Source
from deltaplan.compiler.loops.c.predict import FIRST_LARGEST, Prediction
from deltaplan.compiler.loops.c.random import DRAW
from deltaplan.compiler.loops.c.train import Training
from deltaplan.compiler.loops.program import Made
from deltaplan.compiler.parameters import place_blocks
from deltaplan.diagnostics.letters import ascii
from deltaplan.records import dataclass

CPLUSPLUS = '#ifdef __cplusplus\nextern "C" {\n#endif\n', "#ifdef __cplusplus\n}\n#endif\n"


@dataclass(frozen=True, slots=True)
class Document:
    """The texts of `NAME.c` and `NAME.h`."""

    code: str
    header: str


def document(source: Source, train: bool) -> Document:
    """The file for prediction, with `train` for training too, and its header.

    NoScheduleError for a step that has no form in C.
    """
    return Writing(source, train).document()


class Writing:
    """The parts of a file on their way into it."""

    def __init__(self, source: Source, train: bool) -> None:
        self.source, self.name = source, source.name
        self.real = Real("float" if source.precision == "float32" else "double")
        self.writer = Writer(self.real)
        functions, made = Functions(self.writer), Made()
        functions.reserve(self._own_names())
        self.functions = functions
        self.prediction = Prediction(source, functions, made)
        self.training = Training(source, self.prediction, functions, made) if train else None
        self.entries = self.prediction.entries

    def _own_names(self) -> Iterator[str]:
        yield from ("model", "first_largest", "differs")
        yield from ("a", "c", "i", "n", "s", "t", "epoch", "gnorm", "scale", "theta", "state", "samples")
        yield from ("y", "y_s", *(f"{letter}{i}" for letter in "rs" for i in range(1, 20)))
        arrays = inputs_of(self.source.inputs)
        arrays |= outputs_of(self.source.outputs, [array.name for array in arrays.values()])
        for array in arrays.values():
            yield from (array.name, *(f"{array.name}_{ending}" for ending in ("s", "mean", "scale")))
        for ending in ("predict", "predict_with", "predict_batch", "decide", "begin", "step", "state"):
            yield f"{self.name}_{ending}"
        yield from (f"{self.name}_weights", f"{self.name}_classes", PLACES)
        yield from (f"entries_{number}" for number, _ in enumerate(self.source.experiment.graph, 1))

    @property
    def weights(self) -> str:
        return f"{self.name}_weights" if self.training else "weights"

    def document(self) -> Document:
        functions = [*self.prediction.text(self.name, self.weights, self.training is not None)]
        functions += self.training.text(self.name, self.weights) if self.training else []
        parts = [
            self._head(),
            self._includes(),
            self._memory(),
            *self._constants(),
            *self.entries.text(),
            *helper_texts(self.real, self.writer.helpers),
            *([place_text(self.real)] if self.writer.places else []),
            *([DRAW.replace("real", self.real.type)] if self._draws() else []),
            *([FIRST_LARGEST.replace("real", self.real.type)] if self.prediction.picks_largest else []),
            *self.functions.text(),
            *functions,
            check(self.source, self.prediction, self.real),
        ]
        return Document("\n".join(parts), self._header())

    def _draws(self) -> bool:
        return self.training is not None and self.training.random

    # the head of the file
    def _head(self) -> str:
        lines = [*self.source.notes, ""]
        lines += [*self._ports(), ""]
        lines += self._how(), "", *self._costs()
        return comment(lines)

    def _ports(self) -> Iterator[str]:
        for port in self.source.inputs:
            yield from _port_lines(self.prediction.inputs[port.node].name, port)
        for out in self.source.outputs:
            yield from _output_lines(self.prediction.outputs[out.node].name, out, bool(self.prediction.links))

    def _how(self) -> str:
        flags = f"-std=c99 -O2 -D{self._macro('SELF_TEST')}"
        return f"cc {flags} {self.source.file}.c -lm && ./a.out checks this file."

    def _costs(self) -> Iterator[str]:
        yield f"Flash: {self.constant_bytes:,} bytes of constants, and the code."
        memory = self.real.bytes * max(self.prediction.memory, 1)
        yield (
            f"RAM:   {memory:,} bytes on the stack during a prediction; with -D{self._macro('STATIC')} they "
            "lie in static memory, and one prediction at a time is made."
        )
        if self.training:
            theta = self.real.bytes * len(self.source.values)
            state = self.state_bytes
            yield f"       Training: {theta:,} bytes for theta, {state:,} for the state; both are yours."

    @property
    def constant_bytes(self) -> int:
        """Weights, scalings, and the names of classes with the pointers to them left out."""
        names = sum(len(_c_bytes(c)) + 1 for port in self.source.outputs for c in port.classes)
        key = (8 if self._draws() else 0) + self.entries.bytes
        return self.real.bytes * len(self.source.values) + self.prediction.constant_bytes + names + key

    @property
    def state_bytes(self) -> int:
        assert self.training is not None
        members = self.training.members()
        numbers = sum(m.count for m in members if not m.words) * self.real.bytes
        words = 4 * sum(m.words for m in members)
        return -(-(numbers + words) // self.real.bytes) * self.real.bytes

    # what stands before the functions
    def _includes(self) -> str:
        whole = "#include <stdint.h>\n" if self.entries.tables else ""
        return f'#include "{self.source.file}.h"\n\n#include <math.h>\n{whole}'

    def _memory(self) -> str:
        """Memory for what lies between the layers: each call's own, or one for all."""
        declared = f"{self.real.type} a[{max(self.prediction.memory, 1)}];"
        return f"""\
#ifdef {self._macro("STATIC")}
static {declared}
#define {self._macro("MEMORY")}
#else
#define {self._macro("MEMORY")} {declared}
#endif
"""

    def _constants(self) -> Iterator[str]:
        linkage = "" if self.training else "static "
        remarks = {
            block.offset: ascii(f"{block.tensor.name} {list(block.tensor.shape)}, {block.name}")
            for block in place_blocks(self.source.experiment.graph)
        }
        head = f"{linkage}const {self.real.type} {self.weights}"
        yield table(head, self.source.values, self.real, remarks)
        yield from self.prediction.constants()
        for port in self.source.outputs:
            if port.classes:
                yield self._class_names(port)
        if self._draws():
            words = ", ".join(f"0x{word:08X}u" for word in self.source.key)
            yield f"/* of the random numbers */\nstatic const uint32_t key[2] = {{{words}}};\n"

    def _class_names(self, port: OutputPort) -> str:
        names = ",\n".join(f"    {_c_string(name)}" for name in port.classes)
        return f"{self._classes(port)} = {{\n{names},\n}};\n"

    def _classes(self, port: OutputPort) -> str:
        several = f"_{self.prediction.outputs[port.node].name}" if len(self.source.outputs) > 1 else ""
        return f"const char *const {self.name}_classes{several}[{len(port.classes)}]"

    def _macro(self, ending: str) -> str:
        return f"{self.name.upper()}_{ending}"

    # the header
    def _header(self) -> str:
        guard = self._macro("H")
        parts = [comment([*self.source.notes[:1], f"See {self.source.file}.c."])]
        parts.append(f"#ifndef {guard}\n#define {guard}\n\n#include <stddef.h>")
        if self.training:
            parts.append("#include <stdint.h>")
        parts += ["", *self._sizes(), CPLUSPLUS[0], *self._declared(), CPLUSPLUS[1]]
        parts.append(f"#endif /* {guard} */\n")
        return "\n".join(parts)

    def _sizes(self) -> Iterator[str]:
        if self.training:
            yield f"#define {self._macro('PARAMETERS')} {len(self.source.values)}\n"

    def _declared(self) -> Iterator[str]:
        for port in self.source.outputs:
            if port.classes:
                yield f"extern {self._classes(port)};\n"
        for what, head in self.prediction.prototypes(self.name, self.training is not None):
            yield _prototype(what, head)
        if self.training:
            yield from self._training_declared(self.training)

    def _training_declared(self, training: Training) -> Iterator[str]:
        yield f"extern const {self.real.type} {self.weights}[{self._macro('PARAMETERS')}];\n"
        members = [
            f"    {'uint32_t' if m.words else self.real.type} {m.name}"
            f"{'' if m.words else f'[{m.count}]'}; /* {m.what} */"
            for m in training.members()
        ]
        yield "\n".join([comment(["The state of a training."]) + "typedef struct {", *members])
        yield f"}} {self.name}_state;\n"
        for what, head in training.prototypes(self.name):
            yield _prototype(what, head)


def _prototype(what: str, head: str) -> str:
    return comment([what]) + "\n".join(folded(f"{head};")) + "\n"


def comment(lines: Sequence[str]) -> str:
    """A comment in lines that are not too long."""
    found: list[str] = []
    for line in lines:
        bare = ascii(line).replace("*/", "* /")
        margin = " " * (len(bare) - len(bare.lstrip()))
        found += wrap(bare.strip(), 92, initial_indent=margin, subsequent_indent=margin + "  ") or [""]
    while found and not found[-1]:
        found.pop()
    if len(found) == 1:
        return f"/* {found[0]} */\n"
    return "\n".join([f"/* {found[0]}", *(f"   {line}".rstrip() for line in found[1:])]) + " */\n"


def _port_lines(name: str, port: InputPort) -> Iterator[str]:
    labels = ", ".join(port.labels) if len(port.labels) == port.size else ""
    yield f"{name}[{port.size}]: {labels or port.node}"


def _output_lines(name: str, port: OutputPort, linked: bool) -> Iterator[str]:
    names = port.classes if port.decision == "argmax" else port.names
    what = "the probability of each class: " if linked and port.decision != "none" else ""
    yield f"{name}[{port.size}]: {what}{', '.join(names) or port.node}"


def _c_bytes(text: str) -> bytes:
    return text.encode()


def _c_string(text: str) -> str:
    """A literal: UTF-8, other bytes than printable ASCII in octal."""
    return (
        '"'
        + "".join(chr(b) if 32 <= b < 127 and chr(b) not in '"\\?' else f"\\{b:03o}" for b in _c_bytes(text))
        + '"'
    )
