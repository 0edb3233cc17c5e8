"""The training loop of many nets at once, one for each lane: the decisions of `train` for each net by itself.

`@train(table, whole, real)` has its tables in the order of `tables`. `whole` and `real` hold what is one for
all nets, at the places of `Whole` and `Real` of `train`; what each net has for itself lies in arrays of the
table. A net that has ended is carried along and changes no more.
"""

from deltaplan.compiler.loops.ensemble import Ensemble
from deltaplan.compiler.loops.llvm.calls import write_program
from deltaplan.compiler.loops.llvm.code import SIZES, Code, Value
from deltaplan.compiler.loops.llvm.kernels import KernelWriters
from deltaplan.compiler.loops.llvm.lower import Width
from deltaplan.compiler.loops.llvm.nets import Nets
from deltaplan.compiler.loops.llvm.order import write_order
from deltaplan.compiler.loops.llvm.parts import Take
from deltaplan.compiler.loops.llvm.text import Text
from deltaplan.compiler.loops.program import Program

OWN = ("status", "ended", "seen", "best value", "best step", "waited")  # a number for each net


def tables(ensemble: Ensemble) -> tuple[str, ...]:
    """The names of the pointers that the loop is called with, in order."""
    names = ["θ", "θ other", "records", "best", "orders", "work", "ahead", "ahead out", "shuffle", *OWN]
    names += [s for p in ensemble.programs for s in p.spaces if s not in ("θ", "next")]
    for leaf in ensemble.leaves:
        names += [f"rows {leaf.key}", f"in {leaf.key}", f"validation {leaf.key}"]
    names += [
        "rows samples",
        "counter",
        "samples",
        "scalars",
        "late",
        "arena",
        "g",
        "gg",
        "active",
        "watched",
        "watched totals",
        "results",
        "kept",
    ]
    return tuple(dict.fromkeys([*names, "sums", "hyper", "numbers"]))


def write_ensemble(ensemble: Ensemble, width: Width, take: Take | None = None) -> str:
    """The text of a module with the function `@train`."""
    return EnsembleWriter(ensemble, width, take).module().end()


class EnsembleWriter:
    """Writes the kernels, the programs and the loop."""

    def __init__(self, ensemble: Ensemble, width: Width, take: Take | None = None) -> None:
        self.ensemble, self.width = ensemble, width
        self.text = Text(take)
        self.code = Code(self.text)
        self.size = SIZES[ensemble.kind]
        self.slots = {name: number for number, name in enumerate(tables(ensemble))}
        self.spaces: dict[str, tuple[str, ...]] = {}

    def module(self) -> Text:
        e = self.ensemble
        self._kernels()
        for size, program in e.passes.items():
            self.program(f"pass{size}", program)
        for size, program in e.evaluate.items():
            self.program(f"evaluate{size}", program)
        if e.watched and e.watched.results:
            self.program("results", e.watched.results, "double")
        for size, program in e.further.items():
            self.program(f"further{size}", program)
        named = {"before": e.before, "after_sums": e.after, "norm": e.norm, "update": e.update}
        for name, program_ in (named | {"clip_norm": e.clip_norm}).items():
            if program_ is not None:
                self.program(name, program_)
        if e.batch is not None:
            write_order(self.code, e.samples)
            self._gather()
        parameters = [("ptr", "table"), ("ptr", "whole"), ("ptr", "real")]
        with self.code.function("train", parameters, public=True) as f:
            with self.code.without_subnormals(self.width.is_x86):
                Nets(self, f["table"], f["whole"], f["real"]).write()
            self.code.give()
        return self.text

    def _kernels(self) -> None:
        e, writers = self.ensemble, KernelWriters(self.text, self.ensemble.kind, self.width)
        for kernel in (*(k for p in e.programs for k in p.kernels), *e.scalars.kernels):
            writers.kernel(kernel)

    def program(self, name: str, program: Program, kind: str | None = None) -> None:
        self.spaces[name] = write_program(self.text, name, program, kind or self.ensemble.kind)

    def slot(self, table: Value, name: str) -> Value:
        return self.code.load(table, self.slots[name], "ptr")

    def _gather(self) -> None:
        """The function `@gather(order, rows, out, features, count, net)`: samples of one net into its lane
        of [features, count, nets]; and `@number` for the numbers of the samples, whole ones in memory of
        reals."""
        for name, kind in (("gather", self.ensemble.kind), ("number", f"i{8 * self.size}")):
            self._gatherer(name, kind)

    def _gatherer(self, name: str, kind: str) -> None:
        code, nets = self.code, self.ensemble.nets
        pointers = [("ptr", "order"), ("ptr", "rows"), ("ptr", "out")]
        sizes = [("i64", "features"), ("i64", "count"), ("i64", "net")]
        given = [*pointers, *sizes]
        with code.function(name, given) as f:

            def sample(i: Value) -> None:
                first = code.load(f["order"], i, "i64") * f["features"]

                def feature(k: Value) -> None:
                    place = (k * f["count"] + i) * nets + f["net"]
                    code.store(f["out"], place, code.load(f["rows"], first + k, kind), kind)

                code.each(f["features"], feature)

            code.each(f["count"], sample)
            code.give()
