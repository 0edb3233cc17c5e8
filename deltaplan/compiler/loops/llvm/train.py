"""The whole training loop as one function: epochs, batches, steps, history, early stopping, divergence.

`@train(table, whole, real)` works on a table of pointers (`tables` gives their order) and on two arrays that
it shares with its caller: whole numbers, at the places of `Whole`, and real ones, at those of `Real`. It
returns when training has ended or when the caller must act, with the reason in `Whole.STATUS`; called again,
it goes on. Nothing that it computes depends on when that is.
"""

from deltaplan.compiler.loops.llvm.calls import write_program
from deltaplan.compiler.loops.llvm.code import SIZES, Code, Value
from deltaplan.compiler.loops.llvm.kernels import KernelWriters
from deltaplan.compiler.loops.llvm.loop import Loop
from deltaplan.compiler.loops.llvm.lower import Width
from deltaplan.compiler.loops.llvm.order import write_order
from deltaplan.compiler.loops.llvm.parts import Take
from deltaplan.compiler.loops.llvm.sharing import Sharing, shared_tables, slot_of
from deltaplan.compiler.loops.llvm.text import Text
from deltaplan.compiler.loops.nest import Buffer, Kernel, Transpose
from deltaplan.compiler.loops.program import Program
from deltaplan.compiler.loops.training import Training


def tables(training: Training) -> tuple[str, ...]:
    """The names of the pointers that the loop is called with, in order."""
    names = ["θ", "θ other", "records", "best", "kept", "order", "work", "ahead", "ahead out", "shuffle"]
    names += [s for p in training.programs for s in p.spaces if s not in ("θ", "next")]
    for leaf in training.leaves:
        names += [f"rows {leaf.key}", f"gather {leaf.key}", f"validation {leaf.key}"]
    names += ["watched", "watched totals", "results", "units", "units of float64"]
    names += ["count", "rows samples", "counter", "samples", "scalars", "arena", "g"]
    if training.parallel:
        shared = [*shared_tables(training.parallel)]
        names = [slot_of(name) for name in names] + shared
        for c in range(training.parallel.most):
            names += [f"{kind} {leaf.key}@{c}" for leaf in training.leaves for kind in ("gather", "in")]
    return tuple(dict.fromkeys(names))


def write_training(training: Training, width: Width, take: Take | None = None) -> str:
    """The text of a module with the function `@train`."""
    return TrainingWriter(training, KernelWriters(Text(take), training.kind, width)).module().end()


class TrainingWriter:
    """Writes the kernels of one training, unless they are there, its programs and its loop."""

    def __init__(self, training: Training, kernels: KernelWriters) -> None:
        self.training, self.kernels = training, kernels
        self.text, self.width = kernels.text, kernels.width
        self.code = Code(self.text)
        self.slots = {name: number for number, name in enumerate(tables(training))}
        self.spaces: dict[str, tuple[str, ...]] = {}
        self.size = SIZES[training.kind]

    def module(self) -> Text:
        t = self.training
        self._kernels()
        for count, program in t.steps.items():
            self.program(f"step{count}", program)
        for count, program in t.evaluate.items():
            self.program(f"evaluate{count}", program)
        if t.clip_norm:
            self.program("clip_norm", t.clip_norm)
        if t.statistics:
            self.program("statistics", t.statistics)
        if t.watched and t.watched.results:
            self.program("results", t.watched.results, "double")
        if t.batch is not None:
            write_order(self.code, t.samples)
            for count in t.parallel.passes if t.parallel else t.steps:
                self._gather(count)
        if t.parallel:
            Sharing(self, t.parallel).write()
        else:
            self.program("norm", t.norm)
            self.program("update", t.update)
        self._train()
        return self.text

    def _kernels(self) -> None:
        t = self.training
        for kernel in (*(k for p in t.programs for k in p.kernels), *t.scalars.kernels):
            self.kernels.kernel(kernel)

    def program(self, name: str, program: Program, kind: str | None = None) -> None:
        self.spaces[name] = write_program(self.text, name, program, kind or self.training.kind)

    def _gather(self, count: int) -> None:
        """The function `@gather{count}(order, …)`: the samples of a step, in the order of its memory."""
        t, code = self.training, self.code
        as_is = count in t.steps and t.steps[count].axes.by_features
        for leaf in t.leaves:
            if leaf.size > 1 and not as_is:
                turned = Transpose(Buffer("rows", (count, leaf.size)), Buffer("out", (leaf.size, count)))
                name = f"turn{count}_{self.slots[f'rows {leaf.key}']}"
                self.kernels.kernel(Kernel(name, (turned.source, turned.target), (turned,)))
        given = [("ptr", "order"), *(("ptr", f"p{i}") for i in range(len(self._gathered())))]
        with code.function(f"gather{count}", given) as f:
            places = iter([f[name] for _, name in given[1:]])
            for leaf in t.leaves:
                rows, out = next(places), next(places)
                if leaf.size == 1:
                    self._pick(f["order"], rows, out, count, t.kind)
                    continue
                aside = next(places)
                self._copy_rows(f["order"], rows, out if as_is else aside, count, leaf.size * self.size)
                if not as_is:
                    code.call(f"turn{count}_{self.slots[f'rows {leaf.key}']}", [aside, out])
            if t.random:
                self._pick(f["order"], next(places), next(places), count, f"i{8 * self.size}")
            code.give()

    def _gathered(self, mark: str = "") -> list[str]:
        """The slots of what a gathering reads and writes; `mark` stands behind those of a chunk."""
        names = []
        for leaf in self.training.leaves:
            names += [f"rows {leaf.key}", f"in {leaf.key}{mark}"]
            names += [f"gather {leaf.key}{mark}"] if leaf.size > 1 else []
        return names + (["rows samples", f"samples{mark}"] if self.training.random else [])

    def gather(self, table: Value, order: Value, count: int, mark: str = "") -> None:
        """Calls it."""
        self.code.call(f"gather{count}", [order, *(self.slot(table, n) for n in self._gathered(mark))])

    def _pick(self, order: Value, rows: Value, out: Value, count: int, kind: str) -> None:
        code = self.code

        def one(i: Value) -> None:
            code.store(out, i, code.load(rows, code.load(order, i, "i64"), kind), kind)

        code.each(count, one)

    def _copy_rows(self, order: Value, rows: Value, out: Value, count: int, size: int) -> None:
        code = self.code

        def one(i: Value) -> None:
            source = code.place(rows, code.load(order, i, "i64") * size, "i8")
            code.copy(code.place(out, i * size, "i8"), source, size)

        code.each(count, one)

    def slot(self, table: Value, name: str) -> Value:
        return self.code.load(table, self.slots[name], "ptr")

    def _train(self) -> None:
        parameters = [("ptr", "table"), ("ptr", "whole"), ("ptr", "real")]
        with self.code.function("train", parameters, public=True, light=True) as f:
            with self.code.without_subnormals(self.width.is_x86):
                Loop(self, f["table"], f["whole"], f["real"]).write()
            self.code.give()
