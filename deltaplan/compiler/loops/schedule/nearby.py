"""Statements in an order in which few locals live at once: what a product gives is used up as soon as it is
there, and memory is read where it is needed."""

from collections.abc import Sequence
from dataclasses import replace

from deltaplan.compiler.loops.nest import Compute, Draw, Fold, Load, MultiplyAdd, Statement, Store


def nearby(body: Sequence[Statement]) -> tuple[Statement, ...]:
    """The statements of a body without loops but folds, in another order. What was read before a store is
    read again behind it, so no memory that is stored to may be read."""
    order = Order(body)
    weight = None
    for number, statement in enumerate(body):
        if not order.leads(number):
            continue
        if not isinstance(statement, MultiplyAdd) or statement.a != weight:
            order.follow()
        weight = statement.a if isinstance(statement, MultiplyAdd) else None
        order.take(number)
    order.follow()
    for number, statement in enumerate(body):
        if isinstance(statement, Store):
            order.take(number)
    return tuple(order.taken)


class Order:
    """The statements so far, and what the others wait for. Products, folds and draws lead: they come in their
    order. What follows from them comes when the last of its inputs is there, but not between products with
    one weight; all else when it is needed."""

    def __init__(self, body: Sequence[Statement]) -> None:
        self.body, self.taken = body, list[Statement]()
        self._reads = [read_by(statement) for statement in body]
        self._maker = {name: n for n, s in enumerate(body) for name in written_by(s)}
        self._follows = self._all_that_follow()
        self._readers: dict[int, list[int]] = {}
        self._missing: dict[int, int] = {}
        for number in (n for n, follows in enumerate(self._follows) if follows and not self.leads(n)):
            makers = {self._maker[name] for name in self._reads[number]}
            awaited = [maker for maker in makers if self._follows[maker]]
            self._missing[number] = len(awaited)
            for maker in awaited:
                self._readers.setdefault(maker, []).append(number)
        self._done: dict[int, int] = {}  # what is taken, and how many stores came before
        self._ready: list[int] = []
        self._names: dict[str, str] = {}  # of what was read again
        self._stores = 0

    def leads(self, number: int) -> bool:
        return isinstance(self.body[number], MultiplyAdd | Fold | Draw)

    def take(self, number: int) -> None:
        statement = self.body[number]
        if number in self._done and not (isinstance(statement, Load) and self._done[number] < self._stores):
            return
        for name in self._reads[number]:
            self.take(self._maker[name])
        self._write(number, statement)
        for reader in self._readers.get(number, ()):
            self._missing[reader] -= 1
            if not self._missing[reader]:
                self._ready.append(reader)
        if self._follows[number] and not self.leads(number):
            self.follow()

    def follow(self) -> None:
        """Takes what has all its inputs."""
        while self._ready:
            self.take(self._ready.pop(0))

    def _write(self, number: int, statement: Statement) -> None:
        if isinstance(statement, Load) and number in self._done:
            self._names[statement.name] = f"{statement.name}_{self._stores}"
        self._done[number] = self._stores
        self._stores += isinstance(statement, Store)
        self.taken.append(renamed(statement, self._names))

    def _all_that_follow(self) -> list[bool]:
        found: list[bool] = []
        for number in range(len(self.body)):
            makers = (self._maker[name] for name in self._reads[number])
            found.append(self.leads(number) or any(found[maker] for maker in makers))
        return found


def read_by(statement: Statement) -> tuple[str, ...]:
    """The locals that a statement reads; of a fold those that its accumulators begin with."""
    match statement:
        case Store(name=name) | Draw(sample=name):
            return (name,)
        case Compute(inputs=inputs):
            return inputs
        case MultiplyAdd(before=before, a=a, b=b):
            return (a, b) if before is None else (a, b, before)
        case Fold(accumulators=accumulators):
            return tuple(a.first for a in accumulators if a.first)
        case _:
            return ()


def written_by(statement: Statement) -> tuple[str, ...]:
    """The locals that a statement makes known."""
    match statement:
        case Load(name=name) | MultiplyAdd(name=name):
            return (name,)
        case Compute(outputs=outputs) | Draw(outputs=outputs):
            return outputs
        case Fold(accumulators=accumulators):
            return tuple(a.name for a in accumulators)
        case _:
            return ()


def renamed(statement: Statement, names: dict[str, str]) -> Statement:
    """A statement that reads locals by their new names."""
    match statement:
        case Load(name=name) | Store(name=name) if name in names:
            return replace(statement, name=names[name])
        case Compute(inputs=inputs):
            return replace(statement, inputs=tuple(names.get(name, name) for name in inputs))
        case MultiplyAdd(before=before, a=a, b=b):
            first = None if before is None else names.get(before, before)
            return replace(statement, before=first, a=names.get(a, a), b=names.get(b, b))
        case Draw(sample=sample):
            return replace(statement, sample=names.get(sample, sample))
        case Fold(accumulators=accumulators):
            found = (replace(a, first=names.get(a.first, a.first)) if a.first else a for a in accumulators)
            return replace(statement, accumulators=tuple(found))
        case _:
            return statement
