"""The graph of a model as a picture: boxes from top to bottom, skips as arcs beside them."""

from collections.abc import Iterator

from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.nodes import Input, Layer
from deltaplan.compiler.printers.drawing import Drawing, Group, Wire, drawing, facts, title
from deltaplan.compiler.printers.rows import Row
from deltaplan.runtime.svg.canvas import Element, document, element, number, width_of
from deltaplan.runtime.svg.layout import HEIGHT, MARGIN, RANK, SUM, Layout, Place, layout
from deltaplan.runtime.svg.style import FONT, SMALL, TITLE, Rules, style

LONGEST = 340.0  # a box is not wider; longer words are cut
PADDING = 14.0
RADIUS = 8.0  # of a sum
BEND = 7.0  # of a corner
RULES = Rules(
    """\
.box { stroke-width: 1.5 }
.wire, .skip, .plus, .frame { fill: none; stroke-width: 1.5 }
.skip { stroke-width: 2 }
.frame { stroke-dasharray: 5 4 }
""",
    """\
.box { fill: #f6f8fa; stroke: #57606a }
.box.input { fill: #e6f2fa; stroke: #0072b2 }
.box.output { fill: #e5f5f0; stroke: #009e73 }
.wire, .frame { stroke: #8c959f }
.skip { stroke: #d55e00 }
.sum { fill: #ffffff; stroke: #d55e00; stroke-width: 1.5 }
.plus { stroke: #d55e00 }
""",
    """\
.box { fill: #1f262e; stroke: #a5adb8 }
.box.input { fill: #16293a; stroke: #56b4e9 }
.box.output { fill: #12302a; stroke: #2cc295 }
.wire, .frame { stroke: #6b7480 }
.skip { stroke: #e69f00 }
.sum { fill: #14181d; stroke: #e69f00; stroke-width: 1.5 }
.plus { stroke: #e69f00 }
""",
)


def graph_svg(experiment: Experiment, dark: bool | None = None) -> str:
    """The picture as SVG text: what repeats stands once in a frame, ⊕ is where a skip is added.

    It is light or dark as the page asks for, or as `dark` says.
    """
    picture = drawing(experiment)
    words = [*((title(row), FONT) for row in picture.boxes), *((facts(row), SMALL) for row in picture.boxes)]
    wide = min(LONGEST, max(width_of(text, size) for text, size in words) + 2 * PADDING)
    plan = layout(picture, wide)
    name = picture.name
    return document(
        max(plan.width, width_of(name, TITLE) + 2 * MARGIN),
        plan.height + 12 * any(group.end == len(picture.boxes) for group in picture.groups),
        f"graph of {name}",
        style(dark, RULES),
        element("text", name, class_="title", x=MARGIN, y=MARGIN + 8),
        *(part for group in picture.groups for part in _frame(plan, group)),
        *(_wire(plan, wire) for wire in picture.wires if not wire.skip),
        *(part for box in range(len(picture.boxes)) for part in _sums(picture, plan, box)),
        *(
            part
            for row, place in zip(picture.boxes, plan.places, strict=True)
            for part in _box(row, place, wide)
        ),
    )


def _box(row: Row, place: Place, wide: float) -> Iterator[Element]:
    node = row.nodes[0]
    kind = "input" if isinstance(node, Input) else "layer" if isinstance(node, Layer) else "join"
    kind = "output" if isinstance(node, Layer) and node.output else kind
    left = place.x - wide / 2
    yield element("rect", class_=f"box {kind}", x=left, y=place.top, width=wide, height=HEIGHT, rx=6.0)
    for text, class_, size, y in ((title(row), None, FONT, 18.0), (facts(row), "tick", SMALL, 35.0)):
        cut = _cut(text, wide - 2 * PADDING, size)
        yield element("text", cut, class_=class_, x=place.x, y=place.top + y, text_anchor="middle")


def _cut(text: str, room: float, size: float) -> str:
    """As much of a text as there is room for."""
    if width_of(text, size) <= room:
        return text
    kept = max(i for i in range(len(text)) if width_of(text[:i] + "…", size) <= room or i == 0)
    return f"{text[:kept]}…"


def _frame(plan: Layout, group: Group) -> Iterator[Element]:
    """A frame around what repeats, with how often."""
    places = plan.places[group.begin : group.end]
    inner = [
        rail for wire, rail in plan.rails.items() if group.begin <= wire.target < group.end and wire.skip
    ]
    left = min(place.x for place in places) - plan.box / 2 - 12
    right = max([max(place.x for place in places) + plan.box / 2, *inner]) + 12
    top = min(place.top for place in places) - 34
    bottom = max(place.bottom for place in places) + 12
    yield element("rect", class_="frame", x=left, y=top, width=right - left, height=bottom - top, rx=8.0)
    yield element("text", f"{group.times} times", class_="tick", x=left + 10, y=top + 17)


def _wire(plan: Layout, wire: Wire) -> Element:
    """From the bottom of a box to the top of another: in the target's lane, or on a rail beside it."""
    source, target, rail = plan.places[wire.source], plan.places[wire.target], plan.rails.get(wire)
    points = [(source.x, source.bottom)]
    if rail is None:
        turn = source.floor + 2 * RANK / 3
        points += [(source.x, turn), (target.x, turn)]
    else:
        leave, arrive = source.floor + RANK / 3, target.top - RANK / 3
        points += [(source.x, leave), (rail, leave), (rail, arrive), (target.x, arrive)]
    return element("path", class_="wire", d=path([*points, (target.x, target.top)]))


def _sums(picture: Drawing, plan: Layout, box: int) -> Iterator[Element]:
    """The skips of a box, each with its arc from where it begins to the sum below the box."""
    place = plan.places[box]
    for position, wire in enumerate(picture.skips_of(box)):
        y = place.top + HEIGHT + SUM * (position + 1) - RADIUS
        rail, (x, begin) = plan.rails[wire], _begin(picture, plan, wire)
        points = [(x, begin - RANK / 3), (x, begin), (rail, begin), (rail, y), (place.x + RADIUS, y)]
        yield element("path", class_="wire", d=path([(place.x, place.top + HEIGHT), (place.x, y)]))
        yield element("path", class_="skip", d=path(points))
        yield element("circle", class_="sum", cx=place.x, cy=y, r=RADIUS)
        d = f"M{number(place.x - 4)} {number(y)}h8m-4 -4v8"
        yield element("path", class_="plus", d=d)
        if wire.word != "skip":
            yield element("text", wire.word, class_="tick", x=rail - 6, y=y - 5, text_anchor="end")


def _begin(picture: Drawing, plan: Layout, wire: Wire) -> tuple[float, float]:
    """Where a skip leaves the wire below its source; within the frame where the whole of it repeats."""
    source, group = plan.places[wire.source], picture.group_of(wire.target)
    if group is None or group.begin <= wire.source:
        return source.x, source.floor + RANK / 3
    entry = plan.places[group.begin]
    return entry.x, entry.top - RANK / 3


def path(points: list[tuple[float, float]]) -> str:
    """A path along horizontal and vertical lines, its corners rounded."""
    points = [p for i, p in enumerate(points) if i == 0 or p != points[i - 1]]
    parts = [f"M{_pair(*points[0])}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        parts.append(f"L{_pair(*_toward(corner, before))}Q{_pair(*corner)} {_pair(*_toward(corner, after))}")
    return "".join([*parts, f"L{_pair(*points[-1])}"])


def _toward(corner: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    """A point near a corner on the way to the other end."""
    (x, y), (a, b) = corner, other
    length = abs(a - x) + abs(b - y)
    share = min(BEND, length / 2) / length
    return x + (a - x) * share, y + (b - y) * share


def _pair(x: float, y: float) -> str:
    return f"{number(x)} {number(y)}"
