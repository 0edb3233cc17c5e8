"""Samples one after the other, of which each begins before the one before it has ended.

A sample by itself needs few registers on its way through a net, and reads each weight where it is multiplied.
But a layer's sums wait for those of the layer before it, and the processor with them. So a turn of the loop
does the first half of one sample and, in between, the second half of the sample before it.
"""

from collections.abc import Iterator, Sequence

from deltaplan.compiler.loops.nest import Accumulator, Fold, Statement
from deltaplan.compiler.loops.schedule.nearby import read_by, renamed, written_by

Body = Sequence[Statement]
AHEAD = 0.6  # of a turn, at which the sample before it has ended


def pipelined(
    variable: str, count: int, first: Body, this: Body, before: Body, last: Body
) -> tuple[Statement, ...]:
    """The bodies for samples 0 to `count` − 1, at least two. The four are the same statements for the first
    sample, that of the loop's turn, the one before it and the last, each with locals of its own."""
    cut = _cut(this)
    half, awaited = this[:cut], _awaited(this, cut)
    begun = dict(zip(awaited, _awaited(first, cut), strict=True))
    carried = dict(zip(awaited, _awaited(before, cut), strict=True))
    ended = dict(zip(_awaited(last, cut), carried.values(), strict=True))
    accumulators = tuple(Accumulator(carried[n], (n,), "carry", begun[n]) for n in awaited)
    turn = Fold(variable, count, tuple(_in_turns(half, before[cut:])), accumulators, begin=1)
    return (*first[:cut], turn, *(renamed(statement, ended) for statement in last[cut:]))


def _cut(body: Body) -> int:
    """Where a body is halved: in its middle third, where the second half awaits the fewest locals."""
    length = len(body)
    places = range(max(1, length // 3), max(2, 2 * length // 3))
    return min(places, key=lambda place: (len(_awaited(body, place)), abs(2 * place - length)))


def _awaited(body: Body, cut: int) -> list[str]:
    """The locals of the first half that the second reads."""
    made = {name for statement in body[:cut] for name in written_by(statement)}
    return list(dict.fromkeys(n for statement in body[cut:] for n in read_by(statement) if n in made))


def _in_turns(half: Body, before: Body) -> Iterator[Statement]:
    """Both in their order. What was begun before goes ahead, so that its widest layers and those of the new
    sample are not at hand together."""
    places = [(AHEAD * (number + 0.5) / len(before), statement) for number, statement in enumerate(before)]
    places += [((number + 0.5) / len(half), statement) for number, statement in enumerate(half)]
    yield from (statement for _, statement in sorted(places, key=lambda found: found[0]))
