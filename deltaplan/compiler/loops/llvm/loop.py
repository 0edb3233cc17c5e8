"""The training loop itself: one step after the other, records, early stopping, divergence."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from deltaplan.compiler.loops.llvm.code import Value
from deltaplan.compiler.loops.llvm.control import COLUMNS, Real, Status, Whole
from deltaplan.compiler.loops.llvm.sharing import Phase, leave, share, slot_of
from deltaplan.compiler.loops.llvm.steps import Steps
from deltaplan.compiler.loops.parallel import Parallel
from deltaplan.compiler.loops.program import Program
from deltaplan.compiler.loops.training import BLOCK
from deltaplan.compiler.loops.update import GG

if TYPE_CHECKING:
    from deltaplan.compiler.loops.llvm.train import TrainingWriter


class Loop(Steps):
    """The body of `@train`."""

    def __init__(self, writer: "TrainingWriter", table: Value, whole: Value, real: Value) -> None:
        super().__init__(writer.code, writer.training, whole, real)
        self.writer, self.training, self.table = writer, writer.training, table

    def write(self) -> None:
        self.pointers = {name: self.writer.slot(self.table, name) for name in self.writer.slots}
        self._variables()
        with self.code.while_(self._goes_on):
            self._step()
        self._end()
        self._keep_state()

    def _variables(self) -> None:
        code = self.code
        self.step = code.variable("i64", self._get(Whole.STEP))
        self.last = self._get(Whole.LAST)
        asked = self._get(Whole.STOP, fresh=True)
        unfinished = asked.is_(1) & (self._get(Whole.STEP) < self.last)
        begin = code.select(unfinished, Status.INTERRUPTED, Status.RUNNING, "i64")
        self.status = code.variable("i64", code.select(asked.is_(2), Status.STOPPED, begin, "i64"))
        self.seen = code.variable("double", self._real(Real.SEEN))
        self.objective = code.variable("double", self._real(Real.OBJECTIVE))
        self.total = code.variable("double", 0.0)
        first = self._get(Whole.CURRENT).is_(0)
        one, two = self.pointers["θ"], self.pointers["θ other"]
        self.theta = code.variable("ptr", code.select(first, one, two, "ptr"))
        self.next = code.variable("ptr", code.select(first, two, one, "ptr"))
        self.current = code.variable("i64", self._get(Whole.CURRENT))
        self.ordered = code.variable("i64", -1)
        self.epoch = code.variable("i64", 0)
        self.gg = code.variable("double", 0.0)
        self.spins = code.variable("i64", 0)
        self.threads = self._get(Whole.THREADS)

    def _goes_on(self) -> Value:
        return (self.step.value < self.last) & self.status.value.is_(Status.RUNNING)

    def _real(self, place: Real) -> Value:
        return self.code.load(self.real, int(place), "double")

    # one step
    def _step(self) -> None:
        t, code = self.training, self.code
        step = self.step.value
        self.epoch.set(self._epoch_of(step))
        position = step % t.per_epoch
        if t.batch is not None:
            self._order(position)
        self._batch(position)
        self._finite()
        with code.when(self.status.value.is_(Status.RUNNING)):
            self._scalars(step)
            if t.parallel:
                self._share(Phase.UPDATE)
            else:
                self._call("update", {"θ": self.theta.value, "next": self.next.value})
            self._take_statistics(self.next.value, self.theta.value)
            theta, other = self.theta.value, self.next.value
            self.theta.set(other)
            self.next.set(theta)
            self.current.set(code.operate("^", self.current.value, 1))
            self.step.set(step + 1)
            self.seen.set(self.seen.value + self.total.value)
            self._keep()
            self._after_step()

    def _order(self, position: Value) -> None:
        code = self.code
        with code.when(self.epoch.value.is_not(self.ordered.value)):
            code.call("order", [self.epoch.value, *(self.pointers[n] for n in ("shuffle", "order", "work"))])
            self.ordered.set(self.epoch.value)

    def _batch(self, position: Value) -> None:
        """Runs the step's program on its samples: the last of an epoch may be fewer."""
        counts = self.training.counts
        if self.training.random:
            self.code.store(self.pointers["counter"], 2, self.code.convert(self.step.value, "i32"), "i32")
        if len(counts) == 1:
            self._run(counts[0], position)
            return
        whole, rest = counts
        is_last = position.is_(self.training.per_epoch - 1)
        self.code.choose(is_last, lambda: self._run(rest, position), lambda: self._run(whole, position))

    def _run(self, count: int, position: Value) -> None:
        begin = position * self.training.counts[0]
        order = self.code.place(self.pointers["order"], begin, "i64")
        if self.training.parallel:
            self._run_parts(self.training.parallel, count, order)
            return
        if self.training.batch is not None:
            self.writer.gather(self.table, order, count)
        self._call(f"step{count}", {"θ": self.theta.value})
        program = self.training.steps[count]
        self.objective.set(self._result(program, self.training.objective))
        self.total.set(self._result(program, self.training.total))

    def _run_parts(self, parallel: Parallel, count: int, order: Value) -> None:
        """The chunks, their sums, and what needs those."""
        number = self.training.counts.index(count)
        scale = self.code.place(self.pointers["scale"], number, self.kind)
        own = {"θ": self.theta.value, "scale": scale}
        if parallel.before:
            self._call("before", own)
        rest = Value(self.code, str(number), "i64")
        self._share(Phase.PASS, rest, order)
        self._share(Phase.COMBINE)
        self._call("total", own)
        self._call("after_sums", own)
        self.objective.set(self._result(parallel.after, self.training.objective))
        spot = parallel.after.spots[self.training.total]
        place = self.code.place(self.pointers["sums"], spot.offset, self.kind)
        self.total.set(self.code.convert(self.code.load(place, 0, self.kind), "double"))

    def _share(self, phase: Phase, rest: Value | None = None, order: Value | None = None) -> None:
        zero = Value(self.code, "0", "i64")
        places = self.theta.value, self.next.value, order or self.pointers["order"]
        share(self.writer, self.table, phase, rest or zero, places, self.threads, self.spins)

    def _result(self, program: Program, name: str) -> Value:
        """A number that a program has written, as a double."""
        spot = program.spots[name]
        place = self.code.place(self.pointers[spot.space], spot.offset, self.kind)
        return self.code.convert(self.code.load(place, 0, self.kind), "double")

    def _call(self, name: str, own: Mapping[str, Value]) -> None:
        spaces = self.writer.spaces[name]
        self.code.call(name, [own[s] if s in own else self.pointers[slot_of(s)] for s in spaces])

    def _finite(self) -> None:
        """NaN or infinity in the objective or the gradient ends training before the update."""
        if self.training.parallel:
            self._norm_of_parts(self.training.parallel)
        else:
            self._call("norm", {})
            self.gg.set(self._result(self.training.norm, GG.name))
        total = self.objective.value * 0.0 + self.gg.value * 0.0
        if self.training.statistics:
            self._call("statistics", {"θ": self.theta.value})
            total = total + self._result(self.training.statistics, GG.name) * 0.0
        with self.code.when(total.is_not(0.0)):
            self.status.set(Status.DIVERGED)

    def _norm_of_parts(self, parallel: Parallel) -> None:
        if parallel.norms:
            self._share(Phase.NORM)
        self.gg.set(0.0)
        for number in range(len(parallel.combine)):
            part = self.code.load(self.pointers["norms"], number, self.kind)
            self.gg.set(self.gg.value + self.code.convert(part, "double"))

    def _scalars(self, step: Value) -> None:
        self._early(step)
        if self.training.scalars.after:
            self._late(step)

    def _late(self, step: Value) -> None:
        """The scalars that need the gradient's norm."""
        code, t = self.code, self.training
        square = self.gg.value
        if t.clip_norm is not None:
            self._call("clip_norm", {})
            square = self._result(t.clip_norm, GG.name)
        out = self._after(step, square)
        for row, number in enumerate(t.scalars.late):
            value = code.load(out, row, "double")
            code.store(self.pointers["scalars"], number, code.convert(value, self.kind), self.kind)

    def _take_statistics(self, target: Value, source: Value) -> None:
        """The running statistics of one memory of θ for the other."""
        t, size = self.training, self.writer.size
        if t.length > t.size:
            to, of = (self.code.place(memory, t.size, self.kind) for memory in (target, source))
            self.code.copy(to, of, (t.length - t.size) * size)

    def _keep(self) -> None:
        """Keeps θ every so many steps where that is asked for."""
        code = self.code
        every = self._get(Whole.KEEP)
        with code.when(every > 0), code.when((self.step.value % every).is_(0)):
            kept = self._get(Whole.KEPT)
            size = self.training.size * self.writer.size
            code.copy(code.place(self.pointers["kept"], kept * size, "i8"), self.theta.value, size)
            self._put(Whole.KEPT, kept + 1)

    # epochs and records
    def _after_step(self) -> None:
        code = self.code
        self._recorded(self._record, lambda: self.seen.set(0.0))
        going = self.status.value.is_(Status.RUNNING) & (self.step.value < self.last)
        with code.when(self._get(Whole.STOP, fresh=True).is_not(0) & going):
            self.status.set(Status.INTERRUPTED)

    def _record(self) -> None:
        code, t = self.code, self.training
        number = self._get(Whole.RECORDS)
        columns = len(COLUMNS) + len(t.labels)
        row = code.place(self.pointers["records"], (number % self._get(Whole.ROOM)) * columns, "double")
        steps = self.step.value - self.epoch.value * t.per_epoch
        most = steps * (t.batch or t.samples)
        samples = code.select(most < t.samples, most, t.samples, "i64")
        loss = self.seen.value / code.convert(samples, "double") * self._real(Real.SCALE)
        values = [code.convert(self.step.value, "double"), code.convert(self.epoch.value + 1, "double"), loss]
        values.append(self.objective.value)
        for column, value in enumerate(values):
            code.store(row, column, value, "double")
        if t.validation:
            self._look(row)
        self.seen.set(0.0)
        code.choose(self._get(Whole.WATCHED).is_not(0), self._watch, lambda: self._follow(row))
        self._put(Whole.RECORDS, number + 1, shown=True)
        full = (number + 1 - self._get(Whole.DRAINED, fresh=True)) >= self._get(Whole.ROOM)
        with code.when(full & self.status.value.is_(Status.RUNNING)):
            self.status.set(Status.FULL)

    def _watch(self) -> None:
        self.status.set(Status.WATCH)

    def _follow(self, row: Value) -> None:
        """Keeps the best θ by the column that is followed, and stops after too long without a better one."""
        code = self.code
        column = self._get(Whole.FOLLOWED)
        with code.when(column >= 0):
            value = code.load(row, column, "double")
            best = self._real(Real.BEST)
            higher = self._get(Whole.HIGHER).is_not(0)
            gain = code.select(higher, value - best, best - value, "double")
            code.choose(
                gain > self._real(Real.MIN_CHANGE),
                lambda: self._better(value),
                lambda: self._put(Whole.WAITED, self._get(Whole.WAITED) + 1),
            )
            patience = self._get(Whole.PATIENCE)
            waited = (patience >= 0) & (self._get(Whole.WAITED) >= patience)
            with code.when(waited):
                self.status.set(Status.STOPPED)

    def _better(self, value: Value) -> None:
        self.code.store(self.real, int(Real.BEST), value, "double")
        self._put(Whole.BEST_STEP, self.step.value)
        self._put(Whole.WAITED, 0)
        self.code.copy(self.pointers["best"], self.theta.value, self.training.length * self.writer.size)

    def _look(self, row: Value) -> None:
        """The loss and what is followed, over the samples that are looked at, block by block, into a row."""
        code, t = self.code, self.training
        assert t.watched is not None
        totals, sums = self.pointers["watched totals"], t.watched.sums
        code.clear(totals, 8 * sums)
        blocks = t.validation // BLOCK if t.validation > BLOCK else 1
        counts = [*t.evaluate]

        def add(i: Value) -> None:
            more = code.convert(code.load(self.pointers["watched"], i, self.kind), "double")
            code.store(totals, i, code.load(totals, i, "double") + more, "double")

        def block(count: int, begin: Value) -> None:
            own = {"θ": self.theta.value}
            for leaf in t.leaves:
                base = self.pointers[f"validation {leaf.key}"]
                own[f"in {leaf.key}"] = code.place(base, begin * leaf.size, self.kind)
            self._call(f"evaluate{count}", own)
            code.each(sums, add)

        code.each(blocks, lambda i: block(counts[0], i * BLOCK))
        if len(counts) > 1:
            block(counts[1], Value(code, str(blocks * BLOCK), "i64"))
        code.store(row, 4, code.load(totals, 0, "double") * self._real(Real.VALIDATION_SCALE), "double")
        if t.watched.results:
            self._call("results", {})
        for number in range(len(t.labels)):
            value = code.load(self.pointers["results"], number, "double")
            code.store(row, len(COLUMNS) + number, value, "double")

    # the end
    def _end(self) -> None:
        """Once training has ended: whether what the last update made of θ is finite, on the first samples."""
        code = self.code
        ended = self.status.value
        is_open = ended.is_(Status.FULL) | ended.is_(Status.WATCH)
        with code.when(~(is_open | ended.is_(Status.DIVERGED))):
            with code.when(ended.is_(Status.RUNNING)):
                self.status.set(Status.COMPLETE)
            if self.training.batch is not None:
                order = self.pointers["order"]
                code.each(self.training.samples, lambda i: code.store(order, i, i, "i64"))
            kept = self.objective.value
            zero = Value(code, "0", "i64")
            if self.training.random:
                code.store(self.pointers["counter"], 2, code.convert(self.step.value, "i32"), "i32")
            self._run(self.training.counts[0], zero)
            self._finite()
            code.choose(
                self.status.value.is_(Status.DIVERGED),
                lambda: self._put(Whole.AT_END, 1),
                lambda: self._take_statistics(self.theta.value, self.next.value),
            )
            self.objective.set(kept)

    def _keep_state(self) -> None:
        if self.training.parallel:
            leave(self.writer, self.table)
        self._put(Whole.STEP, self.step.value)
        self._put(Whole.CURRENT, self.current.value)
        self.code.store(self.real, int(Real.SEEN), self.seen.value, "double")
        self.code.store(self.real, int(Real.OBJECTIVE), self.objective.value, "double")
        self._put(Whole.STATUS, self.status.value, shown=True)
