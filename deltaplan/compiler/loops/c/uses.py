"""Which locals are read once, so near that they can stand where they are read."""

from collections import Counter
from collections.abc import Sequence

from deltaplan.compiler.loops.nest import (
    Accumulator,
    Compute,
    Draw,
    Fold,
    For,
    Gather,
    Lookup,
    MultiplyAdd,
    ScatterAdd,
    Statement,
    Store,
    Within,
    statements,
)
from deltaplan.plugins.expressions import Op, walk


class Uses:
    """The statements of one body, and where each reads its locals; behind them the accumulators of a fold."""

    def __init__(self, body: Sequence[Statement], accumulators: Sequence[Accumulator] = ()) -> None:
        self._body = body
        factors = Counter(factor for a in accumulators for factor in a.factors)
        self._reads = [*(reads_of(statement) for statement in body), factors]

    def once(self, number: int) -> bool:
        """Whether all that a statement writes is read once each, by one later statement of this body and in
        no loop that repeats it, with no store between them."""
        statement = self._body[number]
        names = written_by(statement)
        if (isinstance(statement, Fold) and not is_one_turn(statement)) or not names:
            return False
        readers = [n for n in range(number + 1, len(self._reads)) if any(self._reads[n][m] for m in names)]
        if len(readers) != 1 or any(self._reads[readers[0]][m] > 1 for m in names):
            return False
        (reader,) = readers
        inside = self._body[reader] if reader < len(self._body) else None
        if inside is not None and any(_reads_within(inside, name) for name in names):
            return False
        return not any(stored_in(s) for s in self._body[number + 1 : reader])


def is_one_turn(fold: Fold) -> bool:
    """Whether a fold is no loop at all."""
    return (fold.begin, fold.end) == (0, 1) and not ends_turns(fold)


def ends_turns(loop: For | Fold) -> bool:
    """Whether a turn of a loop may end before its body does."""
    return any(isinstance(statement, Within) for statement in loop.body)


def written_by(statement: Statement) -> tuple[str, ...]:
    """The locals that a statement makes known."""
    match statement:
        case Compute(outputs=names) | Draw(outputs=names):
            return names
        case Fold(accumulators=accumulators):
            return tuple(a.name for a in accumulators)
        case For() | Store() | ScatterAdd() | Lookup() | Within():
            return ()
        case _:
            return (statement.name,) if hasattr(statement, "name") else ()


def reads_of(statement: Statement) -> Counter[str]:
    """How often a statement reads each local, those within it among them."""
    match statement:
        case Store(name=name):
            return Counter([name])
        case MultiplyAdd(before=before, a=a, b=b):
            return Counter([a, b, *([before] if before else [])])
        case Draw(sample=name) | Gather(chosen=name):
            return Counter([name])
        case ScatterAdd(name=name, chosen=chosen):
            return Counter([name, chosen])
        case Compute():
            return _reads_of_compute(statement)
        case For(body=body):
            return _total(body)
        case Fold(body=body, accumulators=accumulators):
            own = Counter(f for a in accumulators for f in a.factors)
            return _total(body) + own + Counter(a.first for a in accumulators if a.first)
        case _:
            return Counter()


def _total(body: Sequence[Statement]) -> Counter[str]:
    return sum(map(reads_of, body), Counter[str]())


def _reads_of_compute(compute: Compute) -> Counter[str]:
    order = list(dict.fromkeys(e for root in compute.expressions for e in walk(root)))
    edges = Counter(a.name for e in order for a in e.args if a.op is Op.ARG)
    edges += Counter(root.name for root in compute.expressions if root.op is Op.ARG)
    edges += Counter(e.args[0].name for e in order if e.op is Op.POW and e.args[0].op is Op.ARG)
    found: Counter[str] = Counter()
    for number, name in enumerate(compute.inputs):
        found[name] += edges[f"x{number}"]
    return found


def _reads_within(statement: Statement, name: str) -> bool:
    """Whether a loop reads a local in its turns."""
    match statement:
        case For(body=body, begin=begin, end=end):
            return end - begin > 1 and bool(_total(body)[name])
        case Fold(body=body, accumulators=accumulators):
            return bool(_total(body)[name]) or any(name in a.factors for a in accumulators)
        case _:
            return False


def stored_in(statement: Statement) -> bool:
    """Whether a statement writes memory."""
    match statement:
        case Store() | ScatterAdd():
            return True
        case For(body=body) | Fold(body=body):
            return any(isinstance(s, Store | ScatterAdd) for s in statements(body))
        case _:
            return False
