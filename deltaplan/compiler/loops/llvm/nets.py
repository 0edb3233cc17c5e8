"""The training loop of many nets: the decisions of one loop for each net by itself."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from deltaplan.compiler.loops.ensemble import MOST
from deltaplan.compiler.loops.llvm.code import Value
from deltaplan.compiler.loops.llvm.control import COLUMNS, Real, Status, Whole
from deltaplan.compiler.loops.llvm.steps import Steps

if TYPE_CHECKING:
    from deltaplan.compiler.loops.llvm.ensemble import EnsembleWriter


class Nets(Steps):
    """The body of `@train`."""

    def __init__(self, writer: "EnsembleWriter", table: Value, whole: Value, real: Value) -> None:
        super().__init__(writer.code, writer.ensemble, whole, real)
        self.writer, self.ensemble, self.table = writer, writer.ensemble, table
        self.nets = writer.ensemble.nets

    def write(self) -> None:
        code = self.code
        self.pointers = {name: self.writer.slot(self.table, name) for name in self.writer.slots}
        self.step = code.variable("i64", self._get(Whole.STEP))
        self.theta = code.variable("ptr", self.pointers["θ"])
        self.next = code.variable("ptr", self.pointers["θ other"])
        self.current = code.variable("i64", 0)
        self.epoch = code.variable("i64", 0)
        self.left = code.variable("i64", self.nets)
        self.last = self._get(Whole.LAST)
        with code.while_(self._goes_on):
            self._step()
        self._end()
        self._put(Whole.STEP, self.step.value)
        self._put(Whole.CURRENT, self.current.value)
        self._put(Whole.STATUS, Status.COMPLETE, shown=True)

    # small words
    def _whole_of(self, name: str, net: Value) -> Value:
        return self.code.load(self.pointers[name], net, "i64")

    def _real_of(self, name: str, net: Value) -> Value:
        return self.code.load(self.pointers[name], net, "double")

    def _set(self, name: str, net: Value, value: Value | int | float) -> None:
        real = name in ("seen", "best value")
        self.code.store(self.pointers[name], net, value, "double" if real else "i64")

    def _number(self, space: str, place: Value) -> Value:
        return self.code.convert(self.code.load(self.pointers[space], place, self.kind), "double")

    def _call(self, name: str, own: Mapping[str, Value]) -> None:
        spaces = self.writer.spaces[name]
        self.code.call(name, [own[s] if s in own else self.pointers[s] for s in spaces])

    def _is_active(self, net: Value) -> Value:
        return self._whole_of("status", net).is_(Status.RUNNING)

    def _goes_on(self) -> Value:
        going = (self.step.value < self.last) & (self.left.value > 0)
        return going & self._get(Whole.STOP, fresh=True).is_(0)

    # one step
    def _step(self) -> None:
        e, code = self.ensemble, self.code
        step = self.step.value
        self.epoch.set(self._epoch_of(step))
        position = step % e.per_epoch
        if e.batch is not None:
            with code.when(position.is_(0) | step.is_(self._get(Whole.STEP))):
                self._orders()
        self._samples(position, step)
        with code.when(self._any_spoiled()):
            code.each(self.nets, self._look)
        self._scalars(step)
        self._call("update", {"θ": self.theta.value, "next": self.next.value})
        theta, other = self.theta.value, self.next.value
        self.theta.set(other)
        self.next.set(theta)
        self.current.set(code.operate("^", self.current.value, 1))
        self.step.set(step + 1)
        self._see()
        self._keep()
        self._after_step()

    def _orders(self) -> None:
        """A new order of the samples for each net."""
        e, code = self.ensemble, self.code

        def one(net: Value) -> None:
            key = code.place(self.pointers["shuffle"], net * 2, "i32")
            order = code.place(self.pointers["orders"], net * (e.samples + 8), "i64")
            code.call("order", [self.epoch.value, key, order, self.pointers["work"]])

        code.each(self.nets, one)

    def _samples(self, position: Value, step: Value) -> None:
        """Runs the samples of a step: the last one of an epoch may have fewer."""
        counts = self.ensemble.counts
        if self.ensemble.random:
            self.code.store(self.pointers["counter"], 2 * self.nets, self.code.convert(step, "i32"), "i32")
        if len(counts) == 1:
            self._pass(counts[0], position)
            return
        whole, rest = counts
        is_last = position.is_(self.ensemble.per_epoch - 1)
        self.code.choose(is_last, lambda: self._pass(rest, position), lambda: self._pass(whole, position))

    def _pass(self, count: int, position: Value) -> None:
        e, code = self.ensemble, self.code
        number = e.counts.index(count)
        own = {"θ": self.theta.value, "scale": code.place(self.pointers["scale"], number, self.kind)}
        if e.before:
            self._call("before", own)
        begin = position * e.counts[0]
        chunks = e.chunks[count]
        equal = [c for c in chunks if c.size == chunks[0].size]
        self._chunk(f"pass{chunks[0].size}", chunks[0].size, begin, Value(code, "0", "i64"), own)
        size = chunks[0].size
        if len(equal) > 1:
            code.each(
                len(equal), lambda i: self._chunk(f"further{size}", size, begin, i * size, own), begin=1
            )
        for chunk in chunks[len(equal) :]:
            at = Value(code, str(chunk.begin), "i64")
            self._chunk(f"further{chunk.size}", chunk.size, begin, at, own)
        self._call("after_sums", own)
        self._call("norm", own)

    def _chunk(self, name: str, size: int, begin: Value, at: Value, own: Mapping[str, Value]) -> None:
        e, code = self.ensemble, self.code
        places = dict(own)
        if e.batch is None:
            for leaf in e.leaves:
                first = at * leaf.size
                places[f"in {leaf.key}"] = code.place(self.pointers[f"in {leaf.key}"], first, self.kind)
            if e.random:
                places["samples"] = code.place(self.pointers["samples"], at, self.kind)
        else:
            code.each(self.nets, lambda net: self._gathered(net, begin + at, size))
        self._call(name, places)

    def _gathered(self, net: Value, begin: Value, size: int) -> None:
        e, code = self.ensemble, self.code
        order = code.place(self.pointers["orders"], net * (e.samples + 8) + begin, "i64")
        count = Value(code, str(size), "i64")
        for leaf in e.leaves:
            features = Value(code, str(leaf.size), "i64")
            rows, out = self.pointers[f"rows {leaf.key}"], self.pointers[f"in {leaf.key}"]
            code.call("gather", [order, rows, out, features, count, net])
        if e.random:
            one = Value(code, "1", "i64")
            rows, out = self.pointers["rows samples"], self.pointers["samples"]
            code.call("number", [order, rows, out, one, count, net])

    def _vector(self, space: str, offset: int) -> str:
        """The numbers of all nets."""
        place = self.code.place(self.pointers[space], offset, self.kind)
        kind = f"<{self.nets} x {self.kind}>"
        return self.code.text.value(f"load {kind}, ptr {place.name}, align {self.writer.size}")

    def _any_spoiled(self) -> Value:
        """Whether NaN or infinity is in the objective or the gradient of some net."""
        text, kind = self.code.text, f"<{self.nets} x {self.kind}>"
        found = []
        for vector in (self._vector("objective", 0), self._vector("gg", 0)):
            found.append(text.value(f"fmul {kind} {vector}, zeroinitializer"))
        total = text.value(f"fadd {kind} {found[0]}, {found[1]}")
        spoiled = text.value(f"fcmp une {kind} {total}, zeroinitializer")
        bits = text.value(f"bitcast <{self.nets} x i1> {spoiled} to i{self.nets}")
        return Value(self.code, text.value(f"icmp ne i{self.nets} {bits}, 0"), "i1")

    def _look(self, net: Value) -> None:
        """NaN or infinity in a net's objective or gradient ends it, with the θ before its last update."""
        objective = self._number("objective", net)
        spoiled = (objective * 0.0 + self._number("gg", net) * 0.0).is_not(0.0)
        with self.code.when(spoiled & self._is_active(net)):
            self._leave(net, Status.DIVERGED)
            self._take_back(net)

    def _take_back(self, net: Value) -> None:
        code, size = self.code, self.ensemble.size
        theta, before = self.theta.value, self.next.value

        def one(i: Value) -> None:
            place = i * self.nets + net
            code.store(theta, place, code.load(before, place, self.kind), self.kind)

        code.each(size, one)

    def _leave(self, net: Value, status: Status) -> None:
        """A net that ends here."""
        self._set("status", net, int(status))
        self._set("ended", net, self.step.value)
        self.code.store(self.pointers["active"], net, 0.0, self.kind)
        self.left.set(self.left.value - 1)

    def _scalars(self, step: Value) -> None:
        self._early(step)
        if self.ensemble.scalars.after:
            norm = "gg"
            if self.ensemble.clip_norm:
                self._call("clip_norm", {"gg": self.pointers["late"]})
                norm = "late"
            self.code.each(self.nets, lambda net: self._late(net, step, norm))

    def _late(self, net: Value, step: Value, norm: str) -> None:
        """The scalars that need the norm of a net's gradient."""
        code, e = self.code, self.ensemble
        own = code.place(self.pointers["numbers"], net * e.numbers, "double")
        out = self._after(step, self._number(norm, net), own)
        for row, place in enumerate(e.scalars.late):
            value = code.convert(code.load(out, row, "double"), self.kind)
            code.store(self.pointers["late"], net + place * self.nets, value, self.kind)

    def _see(self) -> None:
        """Adds the losses of the step to those that the epoch has seen."""
        text, wide = self.code.text, f"<{self.nets} x double>"
        total = self._vector("sums", self.ensemble.total * self.nets)
        if self.kind == "float":
            total = text.value(f"fpext <{self.nets} x float> {total} to {wide}")
        place = self.pointers["seen"].name
        before = text.value(f"load {wide}, ptr {place}, align 8")
        text.do(f"store {wide} {text.value(f'fadd {wide} {before}, {total}')}, ptr {place}, align 8")

    def _keep(self) -> None:
        """Keeps the θ of all nets every so many steps where that is asked for."""
        code, e = self.code, self.ensemble
        every = self._get(Whole.KEEP)
        with code.when(every > 0), code.when((self.step.value % every).is_(0)):
            kept, size = self._get(Whole.KEPT), e.size * e.nets * self.writer.size
            code.copy(code.place(self.pointers["kept"], kept * size, "i8"), self.theta.value, size)
            self._put(Whole.KEPT, kept + 1)

    # epochs and records
    def _after_step(self) -> None:
        self._recorded(
            self._record, lambda: self.code.each(self.nets, lambda net: self._set("seen", net, 0.0))
        )

    def _record(self) -> None:
        """A line of the history of every net."""
        code, e = self.code, self.ensemble
        number = self._get(Whole.RECORDS)
        columns = len(COLUMNS) + len(e.labels)
        rows = code.place(self.pointers["records"], number * (columns * self.nets), "double")
        steps = self.step.value - self.epoch.value * e.per_epoch
        most = steps * (e.batch or e.samples)
        samples = code.convert(code.select(most < e.samples, most, e.samples, "i64"), "double")
        scale = code.load(self.real, int(Real.SCALE), "double")
        if e.validation:
            self._look_at(rows)

        def one(net: Value) -> None:
            loss = self._real_of("seen", net) / samples * scale
            values = [code.convert(self.step.value, "double"), code.convert(self.epoch.value + 1, "double")]
            values += [loss, self._number("objective", net)]
            for column, value in enumerate(values):
                code.store(rows, net + column * self.nets, value, "double")
            self._set("seen", net, 0.0)
            with code.when(self._is_active(net)):
                self._follow(net, rows)

        code.each(self.nets, one)
        self._put(Whole.RECORDS, number + 1, shown=True)

    def _look_at(self, rows: Value) -> None:
        """The loss of every net and what is followed, over the samples that are looked at, into a line."""
        code, e = self.code, self.ensemble
        assert e.watched is not None
        sums, totals = e.watched.sums, self.pointers["watched totals"]
        code.clear(totals, 8 * sums * self.nets)
        blocks, rest = divmod(e.validation, MOST)
        if blocks:
            code.each(blocks, lambda i: self._look_at_some(MOST, i * MOST))
        if rest:
            self._look_at_some(rest, Value(code, str(blocks * MOST), "i64"))
        code.each(self.nets, lambda net: self._looked(net, rows))

    def _look_at_some(self, count: int, begin: Value) -> None:
        """Adds the sums of a block of samples; those of each net lie side by side."""
        code, e = self.code, self.ensemble
        assert e.watched is not None
        sums, totals = e.watched.sums, self.pointers["watched totals"]
        own = {"θ": self.theta.value}
        for leaf in e.leaves:
            base = self.pointers[f"validation {leaf.key}"]
            own[f"in {leaf.key}"] = code.place(base, begin * leaf.size, self.kind)
        self._call(f"evaluate{count}", own)

        def add(net: Value) -> None:
            def one(i: Value) -> None:
                place = net * sums + i
                more = self._number("watched", i * self.nets + net)
                code.store(totals, place, code.load(totals, place, "double") + more, "double")

            code.each(sums, one)

        code.each(self.nets, add)

    def _looked(self, net: Value, rows: Value) -> None:
        """The numbers of a net in a line."""
        code, e = self.code, self.ensemble
        assert e.watched is not None
        totals = code.place(self.pointers["watched totals"], net * e.watched.sums, "double")
        scale = code.load(self.real, int(Real.VALIDATION_SCALE), "double")
        code.store(rows, net + 4 * self.nets, code.load(totals, 0, "double") * scale, "double")
        if e.watched.results:
            self._call("results", {"watched totals": totals})
        for number in range(len(e.labels)):
            value = code.load(self.pointers["results"], number, "double")
            code.store(rows, net + (len(COLUMNS) + number) * self.nets, value, "double")

    def _follow(self, net: Value, rows: Value) -> None:
        """Keeps the best θ of a net, and ends it after too long without a better one."""
        code = self.code
        column = self._get(Whole.FOLLOWED)
        with code.when(column >= 0):
            value = code.load(rows, column * self.nets + net, "double")
            best = self._real_of("best value", net)
            higher = self._get(Whole.HIGHER).is_not(0)
            gain = code.select(higher, value - best, best - value, "double")
            code.choose(
                gain > code.load(self.real, int(Real.MIN_CHANGE), "double"),
                lambda: self._better(net, value),
                lambda: self._set("waited", net, self._whole_of("waited", net) + 1),
            )
            patience = self._get(Whole.PATIENCE)
            with code.when((patience >= 0) & (self._whole_of("waited", net) >= patience)):
                self._leave(net, Status.STOPPED)

    def _better(self, net: Value, value: Value) -> None:
        code = self.code
        self._set("best value", net, value)
        self._set("best step", net, self.step.value)
        self._set("waited", net, 0)
        theta = self.theta.value

        def one(i: Value) -> None:
            place = i * self.nets + net
            code.store(self.pointers["best"], place, code.load(theta, place, self.kind), self.kind)

        code.each(self.ensemble.size, one)

    def _end(self) -> None:
        """How each net ended; whether what its last update made of θ is finite, on the first samples."""
        code, e = self.code, self.ensemble
        asked = self._get(Whole.STOP, fresh=True).is_not(0) & (self.step.value < self.last)
        ended = code.select(asked, Status.INTERRUPTED, Status.COMPLETE, "i64")

        def close(net: Value) -> None:
            with code.when(self._is_active(net)):
                self._set("status", net, ended)
                self._set("ended", net, self.step.value)

        def straight(net: Value) -> None:
            order = code.place(self.pointers["orders"], net * (e.samples + 8), "i64")
            code.each(e.samples, lambda i: code.store(order, i, i, "i64"))

        def check(net: Value) -> None:
            total = self._number("objective", net) * 0.0 + self._number("gg", net) * 0.0
            with code.when(total.is_not(0.0) & self._whole_of("status", net).is_not(Status.DIVERGED)):
                self._set("status", net, int(Status.DIVERGED))
                self._take_back(net)

        code.each(self.nets, close)
        if e.batch is not None:
            code.each(self.nets, straight)
        if e.random:
            code.store(self.pointers["counter"], 2 * self.nets, code.convert(self.step.value, "i32"), "i32")
        self._pass(e.counts[0], Value(code, "0", "i64"))
        code.each(self.nets, check)
