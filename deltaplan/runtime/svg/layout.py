"""Where the boxes of a model's graph stand: ranks from top to bottom, lanes from left to right."""

from collections.abc import Iterable, Sequence

from deltaplan.compiler.printers.drawing import Drawing, Wire
from deltaplan.records import dataclass

HEIGHT = 44.0  # of a box
RANK = 30.0  # between one box and the next
SUM = 26.0  # from a box to the sum below it, and from one sum to the next
RAIL = 16.0  # between skips side by side
MARGIN = 24.0
LANE = 40.0  # between lanes, rails apart


@dataclass(frozen=True, slots=True)
class Place:
    """A box: the middle of its lane, its top, the bottom of its last sum, and the lowest one of its rank."""

    x: float
    top: float
    bottom: float
    floor: float
    lane: int
    rank: int


@dataclass(frozen=True, slots=True)
class Layout:
    """All places, the width of a box, and for each wire that cannot go straight the x of its rail."""

    places: tuple[Place, ...]
    box: float
    rails: dict[Wire, float]
    width: float
    height: float


def layout(picture: Drawing, box: float) -> Layout:
    """The places of a drawing's boxes, each `box` wide."""
    ranks = _ranks(picture)
    lanes = _lanes(picture, ranks)
    tops = _tops(picture, ranks)
    deepest = [max(_height(picture, i) for i, own in enumerate(ranks) if own == rank) for rank in ranks]
    railed = [wire for wire in picture.wires if wire.skip or not _is_free(wire, ranks, lanes)]
    slots = _slots(railed, ranks, lanes)
    lefts = _lefts(lanes, slots, box)
    places = tuple(
        Place(
            lefts[lane] + box / 2,
            tops[rank],
            tops[rank] + _height(picture, i),
            tops[rank] + deepest[i],
            lane,
            rank,
        )
        for i, (lane, rank) in enumerate(zip(lanes, ranks, strict=True))
    )
    rails = {wire: lefts[_side(wire, lanes)] + box + RAIL * (slot + 1) for wire, slot in slots.items()}
    right = max([*(p.x + box / 2 for p in places), *rails.values()])
    return Layout(places, box, rails, right + MARGIN, max(p.bottom for p in places) + MARGIN)


def _ranks(picture: Drawing) -> list[int]:
    """How many boxes stand above each one that it depends on; inputs stand above what takes them."""
    ranks: list[int] = []
    for box in range(len(picture.boxes)):
        sources = [wire.source for wire in picture.wires if wire.target == box]
        ranks.append(1 + max((ranks[source] for source in sources), default=-1))
    for box in reversed(range(len(ranks))):
        below = [ranks[wire.target] for wire in picture.wires if wire.source == box]
        if not any(wire.target == box for wire in picture.wires) and below:
            ranks[box] = min(below) - 1
    return ranks


def _lanes(picture: Drawing, ranks: Sequence[int]) -> list[int]:
    """A box stays in the lane of a box that it takes, where no other goes on in it; inputs come last."""
    lanes: dict[int, int] = {}
    taken: set[tuple[int, int]] = set()
    sources = {box: _sources(picture, box) for box in range(len(ranks))}
    for box in sorted(sources, key=lambda box: (ranks[box], not sources[box], box)):
        above: dict[int, int] = {}
        for source in sources[box]:
            above[lanes[source]] = max(ranks[source], above.get(lanes[source], 0))
        spans = {
            lane: range(above.get(lane, ranks[box] - 1) + 1, ranks[box] + 1) for lane in range(len(ranks))
        }
        order = (*sorted(above), *range(len(ranks)))
        lanes[box] = next(lane for lane in order if taken.isdisjoint((lane, rank) for rank in spans[lane]))
        taken |= {(lanes[box], rank) for rank in spans[lanes[box]]}
    return [lanes[box] for box in range(len(ranks))]


def _sources(picture: Drawing, box: int) -> list[int]:
    return [wire.source for wire in picture.wires if wire.target == box and not wire.skip]


def _tops(picture: Drawing, ranks: Sequence[int]) -> list[float]:
    """The top of each rank: below the lowest sum of the rank above, with room for a frame's title."""
    tops, y = [], MARGIN + 30
    for rank in range(max(ranks) + 1):
        boxes = [box for box, own in enumerate(ranks) if own == rank]
        framed = any(group.begin in boxes for group in picture.groups)
        y += 26 * framed
        tops.append(y)
        ended = any(group.end - 1 in boxes for group in picture.groups)
        y += max((_height(picture, box) for box in boxes), default=0) + RANK + 16 * ended
    return tops


def _height(picture: Drawing, box: int) -> float:
    return HEIGHT + SUM * len(picture.skips_of(box))


def _is_free(wire: Wire, ranks: Sequence[int], lanes: Sequence[int]) -> bool:
    """Whether a wire can leave its source's rank and go down in the lane of its target."""
    between = range(ranks[wire.source] + 1, ranks[wire.target])
    return not any(
        rank in between and lane == lanes[wire.target] for lane, rank in zip(lanes, ranks, strict=True)
    )


def _side(wire: Wire, lanes: Sequence[int]) -> int:
    """The lane on whose right the rail of a wire goes down."""
    return max(lanes[wire.source], lanes[wire.target]) if wire.skip else lanes[wire.target]


def _slots(wires: Iterable[Wire], ranks: Sequence[int], lanes: Sequence[int]) -> dict[Wire, int]:
    """Which rail of its lane each wire takes, the short ones further in."""
    slots: dict[Wire, int] = {}
    for wire in sorted(set(wires), key=lambda w: (ranks[w.target] - ranks[w.source], w.source, w.target)):
        used = {
            slot
            for other, slot in slots.items()
            if _side(other, lanes) == _side(wire, lanes)
            and ranks[other.source] < ranks[wire.target]
            and ranks[wire.source] < ranks[other.target]
        }
        slots[wire] = next(slot for slot in range(len(slots) + 1) if slot not in used)
    return slots


def _lefts(lanes: Sequence[int], slots: dict[Wire, int], box: float) -> list[float]:
    """The left side of each lane, with room for the rails of the lane before."""
    lefts, x = [], MARGIN
    for lane in range(max(lanes) + 1):
        lefts.append(x)
        rails = max((slot + 1 for wire, slot in slots.items() if _side(wire, lanes) == lane), default=0)
        x += box + RAIL * rails + LANE
    return lefts
