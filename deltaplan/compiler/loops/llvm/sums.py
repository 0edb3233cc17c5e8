"""Sums and maxima across the lanes of vectors, several at once and in a fixed order."""

from collections.abc import Callable, Sequence

from deltaplan.compiler.loops.llvm.expressions import Held
from deltaplan.compiler.loops.llvm.lanes import Lanes
from deltaplan.compiler.loops.llvm.mathematics import OPERATIONS
from deltaplan.compiler.loops.llvm.text import Text
from deltaplan.plugins.expressions import Op

Of = Callable[[int], Lanes]


def gathered(text: Text, of: Of, count: int, vectors: Sequence[str], kinds: Sequence[str]) -> list[Held]:
    """The total of the lanes of each vector of `count` lanes. Sums come out side by side in vectors: merging
    two vectors halves what is left of each and keeps both."""
    found: list[Held | None] = [None] * len(vectors)
    for kind in ("sum", "max"):
        places = [i for i, k in enumerate(kinds) if k == kind]
        for begin in range(0, len(places), max(count, 1)):
            group = places[begin : begin + count]
            for place, held in zip(
                group, _totals(text, of, count, [vectors[p] for p in group], kind), strict=True
            ):
                found[place] = held
    return [held for held in found if held is not None]


def _totals(text: Text, of: Of, count: int, group: Sequence[str], kind: str) -> list[Held]:
    """At most `count` vectors to their totals, in the lanes of one vector of the next power of two."""
    combine = _combine(of, kind)
    lanes, rows = count, [(vector,) for vector in group]
    size = 1 << (len(group) - 1).bit_length()
    values = [row[0] for row in rows]
    width = 1  # numbers of different vectors that stand side by side in each
    while len(values) > 1:
        pairs = [values[i : i + 2] for i in range(0, len(values), 2)]
        values = [_merge(text, of(lanes), combine(lanes), width, *pair) for pair in pairs]
        width *= 2
    (value,) = values
    while lanes > size:
        value = _halve(text, of, lanes, combine, value)
        lanes //= 2
    if lanes == 1:
        return [Held(value, 1)]
    return [Held(value, 1, lane, lanes) for lane in range(len(group))]


def _combine(of: Of, kind: str) -> Callable[[int], Callable[[str, str], str]]:
    if kind == "sum":
        return lambda count: of(count).add
    return lambda count: lambda a, b: OPERATIONS[Op.MAX](of(count), a, b)


def _merge(
    text: Text, lanes: Lanes, combine: Callable[[str, str], str], width: int, a: str, b: str | None = None
) -> str:
    """Vectors a and b, in whose lanes i the number i mod width is a part of, to one in whose lanes i
    the number i mod 2·width is: the first `width` of each 2·width from a, the others from
    b; without b, from a alone."""
    n = lanes.count
    if 2 * width > n:
        raise AssertionError("more vectors than lanes")
    first = [_source(i, width, n, 0) for i in range(n)]
    second = [_source(i, width, n, 1) for i in range(n)]
    other = b if b is not None else a
    if b is None:
        first, second = [i % n for i in first], [i % n for i in second]
    return combine(*(_shuffle(text, lanes, a, other, mask) for mask in (first, second)))


def _source(lane: int, width: int, n: int, half: int) -> int:
    """Where lane `lane` of a merged vector takes its first (half 0) or second part from: of a below n, of b
    from n on. Groups of `width` numbers stand in pairs, which are added."""
    group, within = divmod(lane, 2 * width)
    vector, number = divmod(within, width)
    return vector * n + (2 * group + half) * width + number


def _shuffle(text: Text, lanes: Lanes, a: str, b: str, mask: Sequence[int]) -> str:
    numbers = ", ".join(f"i32 {m}" for m in mask)
    return text.value(f"shufflevector {lanes.type} {a}, {lanes.type} {b}, <{len(mask)} x i32> <{numbers}>")


def _halve(
    text: Text, of: Of, count: int, combine: Callable[[int], Callable[[str, str], str]], value: str
) -> str:
    """The first half of the lanes plus the second."""
    half = count // 2
    kind = of(count).type
    if half == 1:
        low, high = (text.value(f"extractelement {kind} {value}, i64 {i}") for i in (0, 1))
    else:
        low, high = (
            text.value(
                f"shufflevector {kind} {value}, {kind} poison, <{half} x i32> "
                f"<{', '.join(f'i32 {begin + i}' for i in range(half))}>"
            )
            for begin in (0, half)
        )
    return combine(half)(low, high)


def packed(
    text: Text, of: Of, vector: str, lanes: int, begin: int, count: int, pointer: str, size: int
) -> None:
    """Stores lanes begin … begin + count of a vector side by side, in powers of two."""
    stored = 0
    while stored < count:
        length = 1 << ((count - stored).bit_length() - 1)
        place = pointer
        if stored:
            place = text.value(f"getelementptr inbounds {of(1).kind}, ptr {pointer}, i64 {stored}")
        kind = of(lanes).type
        first = begin + stored
        if length == lanes:
            value = vector
        elif length == 1:
            value = text.value(f"extractelement {kind} {vector}, i64 {first}")
        else:
            mask = ", ".join(f"i32 {first + i}" for i in range(length))
            value = text.value(f"shufflevector {kind} {vector}, {kind} poison, <{length} x i32> <{mask}>")
        text.do(f"store {of(length).type} {value}, ptr {place}, align {size}")
        stored += length
