"""Loop nests as LLVM's text, with vectors written out: no optimization pass has to find them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, replace

from deltaplan.compiler.loops.llvm.expressions import Evaluator, Held, wide
from deltaplan.compiler.loops.llvm.lanes import BITS, Lanes
from deltaplan.compiler.loops.llvm.philox import draw
from deltaplan.compiler.loops.llvm.scattered import gather, lookup, scatter_add
from deltaplan.compiler.loops.llvm.sums import gathered, packed
from deltaplan.compiler.loops.llvm.text import Text, real_constant
from deltaplan.compiler.loops.llvm.transpose import transpose
from deltaplan.compiler.loops.nest import (
    Accumulator,
    Affine,
    Buffer,
    Compute,
    Draw,
    Fold,
    For,
    Gather,
    Index,
    Kernel,
    Load,
    Lookup,
    MultiplyAdd,
    Number,
    Place,
    ScatterAdd,
    Statement,
    Store,
    Transpose,
    Within,
    affine,
    statements,
)
from deltaplan.records import dataclass

MANY = 8  # strips of which one more is not much

Terms = tuple[
    tuple[str, int], ...
]  # (value of a loop's variable, numbers per step), the outermost loop first


@dataclass(frozen=True, slots=True)
class Width:
    """How wide code is made: `vector` bytes in a native vector, whether fused multiply-adds are cheap, and
    whether there are AVX-512's estimates of quotients and roots, and what a waiting core calls."""

    vector: int
    fma: bool
    estimates: bool = False
    pause: str = ""

    @property
    def is_x86(self) -> bool:
        return "x86" in self.pause

    def lanes(self, kind: str) -> int:
        return self.vector * 8 // BITS[kind]


@dataclass(slots=True)
class Strip:
    """The turns of a lanes loop at hand: its variable, how many lanes, and how many of them are real (a fold
    reads zeros in the others)."""

    variable: str
    count: int
    real: int


@dataclass(slots=True)
class Scope:
    """What is known at a point of a kernel: loop variables, locals, and pointers that are already there."""

    variables: dict[str, int | str] = field(default_factory=dict)
    locals: dict[str, Held] = field(default_factory=dict)
    pointers: dict[tuple[str, Terms], str] = field(default_factory=dict)
    strip: Strip | None = None

    def inner(self, **changes: object) -> "Scope":
        """A scope within this one: what is added there is unknown here."""
        scope = Scope(dict(self.variables), dict(self.locals), dict(self.pointers), self.strip)
        for name, value in changes.items():
            setattr(scope, name, value)
        return scope


class KernelWriter:
    """Writes kernels for numbers of one type, `float` or `double`; with `estimates`, quotients and roots from
    the processor's estimates where it has them."""

    def __init__(self, text: Text, kind: str, width: Width, estimates: bool = False) -> None:
        self.text, self.kind, self.width = text, kind, width
        self.estimates = estimates and width.estimates
        self.native = width.lanes(kind)
        self.bytes = BITS[kind] // 8
        self._lanes: dict[int, Lanes] = {}

    def lanes(self, count: int) -> Lanes:
        if count not in self._lanes:
            self._lanes[count] = Lanes(self.text, self.kind, count, self.width.fma, self.width.estimates)
        return self._lanes[count]

    def kernel(self, kernel: Kernel) -> None:
        """The function `@name(ptr, …)`, never put into its caller."""
        given = [f"ptr noalias nocapture %{b.name}" for b in kernel.parameters]
        # vectors that do not fit the registers lie on the stack, and must not cross lines of the cache there
        kept = f"noinline nounwind alignstack({self.width.vector})"
        with self.text.function(kernel.name, given, "void", kept, public=False):
            self.body(kernel.body, Scope())
            self.text.do("ret void")

    def body(self, body: Sequence[Statement], scope: Scope) -> None:
        position = 0
        while position < len(body):
            statement = body[position]
            match statement:
                case Load():
                    scope.locals[statement.name] = self.load(statement, scope)
                case Store():
                    position += self.stores(body, position, scope)
                    continue
                case Compute():
                    self.compute(statement, scope)
                case MultiplyAdd():
                    self.multiply_add(statement, scope)
                case Number():
                    self.number(statement, scope)
                case Transpose():
                    transpose(self.text, self.lanes, self.native, statement)
                case Draw():
                    self.draw(statement, scope)
                case Lookup():
                    lookup(self, statement, scope)
                case Within():
                    raise NotImplementedError("plain loops are for C")
                case Gather():
                    gather(self, statement, scope)
                case ScatterAdd():
                    scatter_add(self, statement, scope)
                case For(kind="loop"):
                    self.loop(statement, scope)
                case For():
                    self.along_lanes(statement, scope)
                case Fold(kind="loop"):
                    self.fold(statement, scope)
                case Fold():
                    self.fold_lanes(statement, scope)
            position += 1

    # memory
    def load(self, load: Load, scope: Scope) -> Held:
        pointer, vector = self.address(load.buffer, load.index, scope)
        strip = scope.strip
        if strip is None or strip.count == 1:
            return Held(self.text.value(f"load {self.kind}, ptr {pointer}, align {self.bytes}"), 1)
        if not vector:  # as a vector of one, which goes into all lanes by one operation
            return Held(self.text.value(f"load <1 x {self.kind}>, ptr {pointer}, align {self.bytes}"), 1, 0)
        kind = self.lanes(strip.real).type
        value = self.text.value(f"load {kind}, ptr {pointer}, align {self.bytes}")
        return Held(self.padded(value, strip), strip.count)

    def padded(self, value: str, strip: Strip) -> str:
        """`real` lanes with zeros behind them up to `count`."""
        if strip.real == strip.count:
            return value
        numbers = [*range(strip.real), *[strip.real] * (strip.count - strip.real)]
        kind = self.lanes(strip.real).type
        if strip.real == 1:
            return self.text.value(
                f"insertelement {self.lanes(strip.count).type} zeroinitializer, {kind} {value}, i64 0"
            )
        mask = ", ".join(f"i32 {n}" for n in numbers)
        return self.text.value(
            f"shufflevector {kind} {value}, {kind} zeroinitializer, <{strip.count} x i32> <{mask}>"
        )

    def real(self, value: str, strip: Strip) -> str:
        """The lanes of a value that are real."""
        if strip.real == strip.count:
            return value
        kind = self.lanes(strip.count).type
        if strip.real == 1:
            return self.text.value(f"extractelement {kind} {value}, i64 0")
        mask = ", ".join(f"i32 {n}" for n in range(strip.real))
        return self.text.value(f"shufflevector {kind} {value}, {kind} poison, <{strip.real} x i32> <{mask}>")

    def stores(self, body: Sequence[Statement], position: int, scope: Scope) -> int:
        """One store, or the stores of neighbouring sums as one vector; gives how many statements it did."""
        store = body[position]
        assert isinstance(store, Store)
        held = scope.locals[store.name]
        if held.lane is None or held.of == 1:
            pointer, vector = self.address(store.buffer, store.index, scope)
            if vector and scope.strip:
                value, count = self.real(self.splat(held, scope.strip.count), scope.strip), scope.strip.real
            else:
                value, count = self.plain(held), 1
            self.text.do(f"store {self.lanes(count).type} {value}, ptr {pointer}, align {self.bytes}")
            return 1
        run = [held]
        first = self.offset(store.buffer, store.index, scope)
        for following in body[position + 1 :]:
            if not isinstance(following, Store) or following.buffer != store.buffer:
                break
            other = scope.locals[following.name]
            one_further = (other.value, other.lane) == (
                held.value,
                run[-1].lane + 1 if run[-1].lane is not None else -1,
            )
            terms, number = self.offset(following.buffer, following.index, scope)
            if not one_further or terms != first[0] or number != first[1] + len(run):
                break
            run.append(other)
        pointer, _ = self.address(store.buffer, store.index, scope)
        assert held.lane is not None
        packed(self.text, self.lanes, held.value, held.of, held.lane, len(run), pointer, self.bytes)
        return len(run)

    def offset(self, buffer: Buffer, index: Index, scope: Scope) -> tuple[Terms, int]:
        """The moving terms and the fixed number of an access, in numbers from the start of its buffer."""
        terms: dict[str, int] = {}
        variables, fixed = scope.variables, 0
        for place, stride in zip(index, buffer.strides, strict=True):
            if isinstance(place, int):
                fixed += place * stride
                continue
            found = affine(place)
            fixed += found.offset * stride
            for variable, factor in found.terms:
                value = variables[variable]
                if isinstance(value, int):
                    fixed += value * factor * stride
                else:
                    terms[variable] = terms.get(variable, 0) + factor * stride
        if not terms:
            return (), fixed
        return tuple([(str(variables[v]), terms[v]) for v in variables if v in terms]), fixed

    def address(self, buffer: Buffer, index: Index, scope: Scope) -> tuple[str, bool]:
        """The pointer of an access, and whether it moves with the lanes."""
        terms, fixed = self.offset(buffer, index, scope)
        pointer = self.moved(self.pointer(buffer, terms, scope), (), fixed, self.kind)
        return pointer, scope.strip is not None and _moves(index, scope.strip.variable)

    def pointer(self, buffer: Buffer, terms: Terms, scope: Scope) -> str:
        """The buffer's start plus moving terms: built outermost loop first, so that its parts are shared."""
        if not terms:
            return f"%{buffer.name}"
        key = buffer.name, terms
        if key not in scope.pointers:
            before = self.pointer(buffer, terms[:-1], scope)
            scope.pointers[key] = self.moved(before, terms[-1:], 0, self.kind)
        return scope.pointers[key]

    def moved(self, pointer: str, terms: Terms, fixed: int, kind: str) -> str:
        """A pointer so many numbers of a kind further."""
        for value, factor in terms:
            moved = value if factor == 1 else self.text.value(f"mul nsw i64 {value}, {factor}")
            pointer = self.text.value(f"getelementptr inbounds {kind}, ptr {pointer}, i64 {moved}")
        if not fixed:
            return pointer
        return self.text.value(f"getelementptr inbounds {kind}, ptr {pointer}, i64 {fixed}")

    def hoist(self, body: Sequence[Statement], scope: Scope) -> None:
        """Writes, before a loop, the part of each inner address that does not move in it: what moves in the
        loops around it."""
        if not any(isinstance(value, str) for value in scope.variables.values()):
            return
        for statement in statements(tuple(body)):
            if isinstance(statement, Load | Store | Gather | ScatterAdd):
                terms, _ = self.offset(statement.buffer, statement.index, _frozen(scope, statement.index))
                self.pointer(statement.buffer, terms, scope)

    # computation
    def splat(self, held: Held, count: int) -> str:
        return wide(self.lanes(count), held)

    def plain(self, held: Held) -> str:
        """A value by itself: one that lies in a lane among others is taken out."""
        return held.value if held.lane is None else wide(self.lanes(1), held)

    def compute(self, compute: Compute, scope: Scope) -> None:
        evaluator = Evaluator(self.lanes, [scope.locals[name] for name in compute.inputs], self.estimates)
        for name, expression in zip(compute.outputs, compute.expressions, strict=True):
            scope.locals[name] = evaluator.number(expression)

    def multiply_add(self, statement: MultiplyAdd, scope: Scope) -> None:
        names = [statement.a, statement.b, *([statement.before] if statement.before else [])]
        count = max(scope.locals[name].count for name in names)
        lanes = self.lanes(count)
        a, b, *before = [self.splat(scope.locals[name], count) for name in names]
        scope.locals[statement.name] = Held(lanes.fma(a, b, before[0]) if before else lanes.mul(a, b), count)

    def number(self, statement: Number, scope: Scope) -> None:
        whole = self.whole(statement.place, scope)
        scope.locals[statement.name] = Held(self.text.value(f"sitofp i64 {whole} to {self.kind}"), 1)

    def whole(self, place: Place, scope: Scope) -> str:
        """The value of a place."""
        terms, fixed = self.offset(Buffer("", (1,)), (place,), scope)
        total = str(fixed)
        for value, factor in terms:
            moved = value if factor == 1 else self.text.value(f"mul i64 {value}, {factor}")
            total = self.text.value(f"add i64 {moved}, {total}")
        return total

    def draw(self, statement: Draw, scope: Scope) -> None:
        sample = scope.locals[statement.sample]
        group = self.whole(statement.group, scope)
        count = scope.strip.count if scope.strip else 1
        values = draw(
            self.text,
            self.lanes(count),
            f"%{statement.state.name}",
            statement.node,
            self.splat(sample, count),
            group,
            (self.whole(statement.net, scope), statement.nets),
        )
        for name, value in zip(statement.outputs, values, strict=True):
            scope.locals[name] = Held(value, count)

    # loops
    def loop(self, statement: For, scope: Scope) -> None:
        turns = -(-(statement.end - statement.begin) // statement.step)
        if turns <= 0:
            return
        if turns == 1:
            self.body(
                statement.body,
                scope.inner(variables={**scope.variables, statement.variable: statement.begin}),
            )
            return
        self.hoist(statement.body, scope)

        def turn(index: str, _: Sequence[str]) -> Sequence[str]:
            self.body(statement.body, scope.inner(variables={**scope.variables, statement.variable: index}))
            return ()

        self.text.loop(statement.end, turn, step=statement.step, begin=statement.begin)

    def along_lanes(self, statement: For, scope: Scope) -> None:
        wide = self.native * statement.step
        length = statement.end - statement.begin
        if statement.again and length > self.native and length % wide:
            self._filled(statement, wide, scope)
            return
        full = (statement.end - statement.begin) // wide
        end = statement.begin + full * wide
        if full > 1:
            self.hoist(statement.body, scope)

            def turn(index: str, _: Sequence[str]) -> Sequence[str]:
                self._strip(statement.body, statement.variable, index, wide, wide, scope)
                return ()

            self.text.loop(end, turn, step=wide, begin=statement.begin)
        elif full == 1:
            self._strip(statement.body, statement.variable, statement.begin, wide, wide, scope)
        for count in _strips(statement.end - end, self.native):
            self._strip(statement.body, statement.variable, end, count, count, scope)
            end += count

    def _filled(self, statement: For, wide: int, scope: Scope) -> None:
        """Strips of which the last begins before the one ahead of it has ended, so that it is whole too: less
        text than several smaller ones, and no more work. The last one is smaller where that is less work."""
        length = statement.end - statement.begin
        if length < wide:
            self._overlapping(statement, self.native, statement.begin, scope)
            return
        full, rest = divmod(length, wide)
        last = self.native * _whole(-(-rest // self.native))
        if last == wide or full >= MANY:
            self._overlapping(statement, wide, statement.begin, scope)
            return
        exact = replace(statement, end=statement.begin + full * wide, again=False)
        self.along_lanes(exact, scope)
        self._strip(statement.body, statement.variable, statement.end - last, last, last, scope)

    def _overlapping(self, statement: For, count: int, begin: int, scope: Scope) -> None:
        """A loop over strips of `count` lanes, the last of which ends where the lanes do."""
        last = statement.end - count
        self.hoist(statement.body, scope)

        def turn(index: str, _: Sequence[str]) -> Sequence[str]:
            if (last - begin) % count:
                inside = self.text.value(f"icmp slt i64 {index}, {last}")
                index = self.text.value(f"select i1 {inside}, i64 {index}, i64 {last}")
            self._strip(statement.body, statement.variable, index, count, count, scope)
            return ()

        self.text.loop(statement.end, turn, step=count, begin=begin)

    def _strip(
        self,
        body: Sequence[Statement],
        variable: str,
        index: int | str,
        count: int,
        real: int,
        scope: Scope,
    ) -> Scope:
        inner = scope.inner(
            variables={**scope.variables, variable: index}, strip=Strip(variable, count, real)
        )
        self.body(body, inner)
        return inner

    def fold(self, statement: Fold, scope: Scope) -> None:
        counts = self._widths(statement, scope)
        values = [self._first(a, n, scope) for a, n in zip(statement.accumulators, counts, strict=True)]

        def turn(index: int | str, before: Sequence[str], offset: int = 0) -> list[str]:
            inner = scope.inner(variables={**scope.variables, statement.variable: index})
            for a, count, value in zip(statement.accumulators, counts, before, strict=True):
                inner.locals[a.name] = Held(value, count)
            waiting = self._read_late(_shifted(statement, offset), inner)
            return self._taken(statement.accumulators, counts, before, inner, waiting)

        def turns(index: str, before: Sequence[str]) -> Sequence[str]:
            for offset in range(statement.unroll):
                before = turn(index, before, offset)
            return before

        carried = [(self.lanes(n).type, value) for n, value in zip(counts, values, strict=True)]
        if isinstance(statement.begin, str) or isinstance(statement.end, str):
            begin, end = (scope.variables.get(str(b), b) for b in (statement.begin, statement.end))
            self.hoist(statement.body, scope)
            values = list(self.text.loop_or_none(begin, end, turn, carried))
        else:
            whole = (statement.end - statement.begin) // statement.unroll
            rest = statement.begin
            if whole > 1:
                self.hoist(statement.body, scope)
                rest += whole * statement.unroll
                values = list(
                    self.text.loop(rest, turns, step=statement.unroll, begin=statement.begin, carried=carried)
                )
            for index in range(rest, statement.end):
                values = turn(index, values)
        for accumulator, count, value in zip(statement.accumulators, counts, values, strict=True):
            scope.locals[accumulator.name] = Held(value, count)

    def fold_lanes(self, statement: Fold, scope: Scope) -> None:
        length, wide = statement.end, self.native * statement.unroll
        assert isinstance(length, int), "lanes are known beforehand"
        while wide > self.native and wide > length:
            wide //= 2
        full, rest = divmod(length, wide)
        sums: list[str] | None = None
        if full > 2:
            self.hoist(statement.body, scope)
            zero = [self.lanes(wide).const(_neutral(a)) for a in statement.accumulators]

            def turn(index: str, before: Sequence[str]) -> Sequence[str]:
                return self._partial(statement, index, wide, wide, before, scope)

            kind = self.lanes(wide).type
            sums = list(self.text.loop(full * wide, turn, step=wide, carried=[(kind, z) for z in zero]))
        else:
            for position in range(full):
                sums = self._partial(statement, position * wide, wide, wide, sums, scope)
        begin = full * wide
        while rest:
            real = _largest(min(rest, wide))
            count = wide if sums is not None else _next_power(min(rest, wide))
            sums = self._partial(statement, begin, count, real, sums, scope)
            wide = count
            begin, rest = begin + real, rest - real
        assert sums is not None, "a fold over nothing"
        held = gathered(self.text, self.lanes, wide, sums, [a.kind for a in statement.accumulators])
        for accumulator, value in zip(statement.accumulators, held, strict=True):
            scope.locals[accumulator.name] = self._with_first(accumulator, value, scope)

    def _with_first(self, accumulator: Accumulator, value: Held, scope: Scope) -> Held:
        if accumulator.first is None:
            return value
        lanes = self.lanes(1)
        first = self.plain(scope.locals[accumulator.first])
        operation = lanes.add if accumulator.kind == "sum" else _maximum(lanes)
        return Held(operation(first, self.plain(value)), 1)

    def _partial(
        self,
        statement: Fold,
        index: int | str,
        count: int,
        real: int,
        before: Sequence[str] | None,
        scope: Scope,
    ) -> list[str]:
        strip = Strip(statement.variable, count, real)
        inner = scope.inner(variables={**scope.variables, statement.variable: index}, strip=strip)
        few = self.width.vector < 64  # registers: 16 of them, not 32
        waiting: dict[str, Load] = {}
        if few:
            waiting = self._read_late(statement.body, inner)
        else:
            self.body(statement.body, inner)
        found = [""] * len(statement.accumulators)
        loaded = {s.name for s in statement.body if isinstance(s, Load)}
        places = list(enumerate(statement.accumulators))
        for position, accumulator in _by_last_factor(places) if few else places:
            for factor in accumulator.factors:
                if factor in waiting:
                    self.body((waiting.pop(factor),), inner)
            first, *second = [self.splat(inner.locals[f], count) for f in accumulator.factors]
            if real < count and (accumulator.kind == "max" or not set(accumulator.factors) <= loaded):
                first = self._masked(first, strip, _neutral(accumulator))
                second = [self._masked(s, strip, 0.0) for s in second]
            last = before[position] if before is not None else None
            found[position] = self._taken_one(accumulator, count, last, first, second)
        return found

    def _masked(self, value: str, strip: Strip, neutral: float) -> str:
        lanes = self.lanes(strip.count)
        mask = ", ".join(f"i1 {'true' if n < strip.real else 'false'}" for n in range(strip.count))
        return lanes.select(f"<{mask}>", value, lanes.const(neutral))

    def _read_late(self, body: tuple[Statement, ...], scope: Scope) -> dict[str, Load]:
        """The loads of a body of nothing else: each is written where it is first taken in, so that few of
        them hold registers at a time. Other bodies are written out."""
        if all(isinstance(statement, Load) for statement in body):
            return {s.name: s for s in body if isinstance(s, Load)}
        self.body(body, scope)
        return {}

    def _taken(
        self,
        accumulators: Sequence[Accumulator],
        counts: Sequence[int],
        before: Sequence[str],
        scope: Scope,
        waiting: dict[str, Load],
    ) -> list[str]:
        found = []
        for accumulator, count, last in zip(accumulators, counts, before, strict=True):
            for factor in accumulator.factors:
                if factor in waiting:
                    self.body((waiting.pop(factor),), scope)
            first, *second = [self.splat(scope.locals[f], count) for f in accumulator.factors]
            found.append(self._taken_one(accumulator, count, last, first, second))
        return found

    def _taken_one(
        self, accumulator: Accumulator, count: int, before: str | None, first: str, second: Sequence[str]
    ) -> str:
        lanes = self.lanes(count)
        if accumulator.kind == "carry":
            return first
        if accumulator.kind == "max":
            return first if before is None else _maximum(lanes)(before, first)
        if before is None:
            return lanes.mul(first, second[0]) if second else first
        return lanes.fma(first, second[0], before) if second else lanes.add(before, first)

    def _first(self, accumulator: Accumulator, count: int, scope: Scope) -> str:
        if accumulator.first is not None:
            return self.splat(scope.locals[accumulator.first], count)
        return self.lanes(count).const(_neutral(accumulator))

    def _widths(self, statement: Fold, scope: Scope) -> list[int]:
        """How many lanes each accumulator has: those of the loop around, unless nothing moves with them."""
        strip = scope.strip
        if strip is None:
            return [1] * len(statement.accumulators)
        moving = {name for name, held in scope.locals.items() if held.count > 1} if strip.count > 1 else set()
        for inner in statement.body:
            match inner:
                case Load(name=name, index=index) if _moves(index, strip.variable):
                    moving.add(name)
                case Compute(outputs=outputs, inputs=inputs) if moving & set(inputs):
                    moving.update(outputs)
                case Draw(outputs=outputs):
                    moving.update(outputs)
                case Gather(name=name):
                    moving.add(name)
                case MultiplyAdd(name=name):
                    moving.add(name)
                case For() | Fold():
                    moving.update(a.name for a in getattr(inner, "accumulators", ()))
        return [
            strip.count if moving & {*a.factors, *([a.first] if a.first else [])} else 1
            for a in statement.accumulators
        ]


def _by_last_factor(places: Sequence[tuple[int, Accumulator]]) -> list[tuple[int, Accumulator]]:
    """Accumulators that share their last factor follow each other, so that it is held for them alone."""
    order = {name: n for n, name in enumerate(dict.fromkeys(a.factors[-1] for _, a in places))}
    return sorted(places, key=lambda found: order[found[1].factors[-1]])


def _maximum(lanes: Lanes):  # type: ignore[no-untyped-def]
    from deltaplan.compiler.loops.llvm.mathematics import OPERATIONS
    from deltaplan.plugins.expressions import Op

    return lambda a, b: OPERATIONS[Op.MAX](lanes, a, b)


def _neutral(accumulator: Accumulator) -> float:
    return float("-inf") if accumulator.kind == "max" else 0.0


def _moves(index: Index, variable: str) -> bool:
    for place in index:
        if place == variable:
            return True
        if isinstance(place, Affine) and any(name == variable for name, _ in place.terms):
            return True
    return False


def _frozen(scope: Scope, index: Index) -> Scope:
    """The scope in which variables of loops that are not begun yet stand for 0."""
    terms = (affine(place).terms for place in index if not isinstance(place, int))
    unknown = {n for found in terms for n, _ in found if n not in scope.variables}
    if not unknown:
        return scope
    return Scope({**dict.fromkeys(unknown, 0), **scope.variables}, scope.locals, scope.pointers, scope.strip)


def _shifted(statement: Fold, offset: int) -> tuple[Statement, ...]:
    """The body `offset` turns later."""
    if offset == 0:
        return statement.body
    return tuple(_shift(s, statement.variable, offset) for s in statement.body)


def _shift(statement: Statement, variable: str, offset: int) -> Statement:
    match statement:
        case Load(name=name, buffer=buffer, index=index):
            return Load(name, buffer, _later(index, variable, offset))
        case Compute():
            return statement
        case _:
            raise NotImplementedError("only loads and computations stand in an unrolled fold")


def _later(index: Index, variable: str, offset: int) -> Index:
    found = []
    for place in index:
        form = affine(place)
        by = sum(factor for name, factor in form.terms if name == variable) * offset
        found.append(Affine(form.terms, form.offset + by) if by else place)
    return tuple(found)


def _whole(count: int) -> int:
    """The least power of two that is not below `count`."""
    return 1 << (count - 1).bit_length()


def _strips(count: int, native: int) -> Iterable[int]:
    """The rest of a lanes loop in whole vectors, then in powers of two."""
    whole = native
    while whole * 2 <= count:
        whole *= 2
    while count:
        if whole <= count:
            yield whole
            count -= whole
        else:
            whole //= 2


def _largest(count: int) -> int:
    """The largest power of two that is not above `count`."""
    return 1 << (count.bit_length() - 1)


def _next_power(count: int) -> int:
    """The smallest power of two that is not below `count`."""
    return 1 << (count - 1).bit_length()


def constants(kind: str, values: Mapping[str, float]) -> dict[str, str]:
    return {name: real_constant(kind, value) for name, value in values.items()}
