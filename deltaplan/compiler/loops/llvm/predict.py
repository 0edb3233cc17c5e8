"""A predictor as functions: `@one()` for the sample that lies in memory, `@many(count, rows, results, raw)`.

`@bind(table)` comes first: it takes the pointers, in the order of `TABLE`, so that a call for one sample has
no argument that is to be converted. `raw` tells whether rows are still to be scaled.
"""

from deltaplan.compiler.loops.llvm.calls import write_program
from deltaplan.compiler.loops.llvm.code import SIZES, Code, Value
from deltaplan.compiler.loops.llvm.lower import KernelWriter, Width
from deltaplan.compiler.loops.llvm.parts import Take
from deltaplan.compiler.loops.llvm.text import Text
from deltaplan.compiler.loops.nest import Buffer, Kernel, Transpose
from deltaplan.compiler.loops.prediction import Prediction

ONE = {"raw": "raw one", "in": "in one", "out": "out one"}  # spaces that one sample has for itself
TABLE = (
    *("θ", "constants", "arena", "scratch", "raw", "in", "out"),
    *ONE.values(),
    *("rows", "results"),  # of a block that is not full
)


def write_prediction(prediction: Prediction, width: Width, take: Take | None = None) -> str:
    """The text of a module."""
    return PredictionWriter(prediction, width, take).module().end()


class PredictionWriter:
    """Writes the kernels, the programs and the loop over blocks of samples."""

    def __init__(self, prediction: Prediction, width: Width, take: Take | None = None) -> None:
        self.prediction, self.text = prediction, Text(take)
        self.code = Code(self.text)
        self.kernels = KernelWriter(self.text, prediction.kind, width)
        self.spaces: dict[str, tuple[str, ...]] = {}
        self.size = SIZES[prediction.kind]

    def module(self) -> Text:
        p, text = self.prediction, self.text
        text.variable("memory", f"[{len(TABLE)} x ptr]")
        for kernel in {k.name: k for program in p.programs for k in program.kernels}.values():
            self.kernels.kernel(kernel)
        named = {"one": p.one, "many": p.many, "scale_one": p.scale_one, "scale_many": p.scale_many}
        for name, program in named.items():
            if program:
                self.spaces[name] = write_program(text, f"{name}_program", program, p.kind)
        self._turn("turn_in", p.block, p.inputs)
        self._turn("turn_out", p.outputs, p.block)
        self._bind()
        self._one()
        self._block()
        self._many()
        return text

    def _turn(self, name: str, rows: int, columns: int) -> None:
        turned = Transpose(Buffer("rows", (rows, columns)), Buffer("turned", (columns, rows)))
        self.kernels.kernel(Kernel(name, (turned.source, turned.target), (turned,)))

    def _bind(self) -> None:
        code = self.code
        with code.function("bind", [("ptr", "table")], public=True) as f:
            code.copy(Value(code, "@memory", "ptr"), f["table"], 8 * len(TABLE))
            code.give()

    def _one(self) -> None:
        """One sample: from `raw one` where there is something to scale, else from `in one`."""
        with self.code.function("one", [], public=True):
            if self.prediction.scale_one:
                self._call("scale_one", ONE)
            self._call("one", ONE)
            self.code.give()

    def _block(self) -> None:
        """A whole block of rows into rows of results."""
        code = self.code
        with code.function("block", [("ptr", "rows"), ("ptr", "results"), ("i64", "raw")]) as f:

            def as_is() -> None:
                code.call("turn_in", [f["rows"], self._slot("in")])

            def scaled() -> None:
                code.call("turn_in", [f["rows"], self._slot("raw")])
                self._call("scale_many", {})

            if self.prediction.scale_many:
                code.choose(f["raw"].is_not(0), scaled, as_is)
            else:
                as_is()
            self._call("many", {})
            code.call("turn_out", [self._slot("out"), f["results"]])
            code.give()

    def _many(self) -> None:
        code, p = self.code, self.prediction
        parameters = [("i64", "count"), ("ptr", "rows"), ("ptr", "results"), ("i64", "raw")]
        with code.function("many", parameters, public=True) as f:
            whole = f["count"] // p.block

            def block(i: Value) -> None:
                rows = code.place(f["rows"], i * (p.block * p.inputs), p.kind)
                results = code.place(f["results"], i * (p.block * p.outputs), p.kind)
                code.call("block", [rows, results, f["raw"]])

            code.each(whole, block)
            done, left = whole * p.block, f["count"] - whole * p.block
            rows = code.place(f["rows"], done * p.inputs, p.kind)
            results = code.place(f["results"], done * p.outputs, p.kind)
            code.choose(
                left * 2 >= p.block,
                lambda: self._part(rows, results, left, f["raw"]),
                lambda: code.each(left, lambda i: self._row(rows, results, i, f["raw"])),
            )
            code.give()

    def _part(self, rows: Value, results: Value, left: Value, raw: Value) -> None:
        """The last rows as a block whose other rows are those of earlier calls, which go nowhere."""
        code, p = self.code, self.prediction
        aside, found = self._slot("rows"), self._slot("results")
        code.copy(aside, rows, left * (p.inputs * self.size))
        code.call("block", [aside, found, raw])
        code.copy(results, found, left * (p.outputs * self.size))

    def _row(self, rows: Value, results: Value, number: Value, raw: Value) -> None:
        """One row by itself."""
        code, p = self.code, self.prediction
        row = code.place(rows, number * p.inputs, p.kind)

        def scaled() -> None:
            code.copy(self._slot(ONE["raw"]), row, p.inputs * self.size)
            self._call("scale_one", ONE)

        def as_is() -> None:
            code.copy(self._slot(ONE["in"]), row, p.inputs * self.size)

        if p.scale_one:
            code.choose(raw.is_not(0), scaled, as_is)
        else:
            as_is()
        self._call("one", ONE)
        code.copy(
            code.place(results, number * p.outputs, p.kind), self._slot(ONE["out"]), p.outputs * self.size
        )

    def _call(self, name: str, own: dict[str, str]) -> None:
        spaces = self.spaces[name]
        self.code.call(f"{name}_program", [self._slot(own.get(space, space)) for space in spaces])

    def _slot(self, name: str) -> Value:
        return self.code.load(Value(self.code, "@memory", "ptr"), TABLE.index(name), "ptr")
