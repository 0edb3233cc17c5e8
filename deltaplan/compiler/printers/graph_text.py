"""The graph for a terminal: one line for each box, skips and branches as rails beside them."""

from collections.abc import Iterator, Mapping, Sequence

from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.nodes import Input, show_shape
from deltaplan.compiler.printers.drawing import Drawing, Wire, drawing, title

TEXT = 48  # columns for rails and the box's words


def graph_text(experiment: Experiment) -> str:
    """The model from input to output at 80 columns: ⊕ is where a skip is added."""
    return "\n".join(line.rstrip() for line in _lines(drawing(experiment))) + "\n"


def _lines(picture: Drawing) -> Iterator[str]:
    columns = _columns(picture)
    margin = 2 + 2 * max(columns.values(), default=0)
    for box, row in enumerate(picture.boxes):
        active = _active(columns, box)
        mark = "○" if isinstance(row.nodes[0], Input) else "●"
        text = _rails(mark, active).ljust(margin) + _words(picture, box)
        count = f"{row.parameters:,} parameter{'s' * (row.parameters != 1)}" if row.parameters else ""
        if len(text) > TEXT:
            yield text
            text = _rails("│" if _goes_on(picture, box) else " ", active)
        yield f"{text:<{TEXT}}{show_shape(row.shape):>8}{count:>18}{f':{row.line}':>6}"
        for wire in picture.skips_of(box):
            word = "" if wire.word == "skip" else f" {wire.word}"
            yield _corner("⊕", columns[wire], "╯", active) + word
            active = [column for column in active if column != columns[wire]]
        yield from _between(picture, columns, box)


def _words(picture: Drawing, box: int) -> str:
    group = picture.group_of(box)
    if group is None:
        return title(picture.boxes[box])
    alone = group.end - group.begin == 1
    return f"{f'{group.times} times ' if alone else '  '}{title(picture.boxes[box])}"


def _between(picture: Drawing, columns: Mapping[Wire, int], box: int) -> Iterator[str]:
    """What stands between a box and the next one: where rails begin and end."""
    if box + 1 == len(picture.boxes):
        return
    straight = any((w.source, w.target) == (box, box + 1) and w not in columns for w in picture.wires)
    passing = [c for w, c in columns.items() if w.source < box and w.target > box]
    begins = [wire for wire in columns if wire.source == box]
    ends = [wire for wire in columns if wire.target == box + 1 and not wire.skip]
    below = picture.group_of(box + 1)
    if below and below.begin == box + 1 and below.end - below.begin > 1:
        yield _rails("│" if straight or begins else " ", passing) + f"  {below.times} times:"
    for place, wire in enumerate(begins):
        last = place == len(begins) - 1 and not straight
        yield _corner("╰" if last else "├", columns[wire], "╮", passing)
        passing = [*passing, columns[wire]]
    for place, wire in enumerate(ends):
        first = place == 0 and not straight
        yield _corner("╭" if first else "├", columns[wire], "╯", passing)
        passing = [column for column in passing if column != columns[wire]]
    if not begins and not ends:
        yield _rails("│" if straight else " ", passing)


def _goes_on(picture: Drawing, box: int) -> bool:
    return any(wire.source == box or (wire.skip and wire.target == box) for wire in picture.wires)


def _columns(picture: Drawing) -> dict[Wire, int]:
    """The rail of each wire that does not simply go on to the next box, counted from 1."""
    taken: dict[Wire, int] = {}
    for wire in sorted(picture.wires, key=lambda w: (w.source, w.target)):
        if wire.skip or wire.target != wire.source + 1:
            used = {column for other, column in taken.items() if other.target > wire.source}
            taken[wire] = next(c for c in range(1, len(taken) + 2) if c not in used)
    return taken


def _active(columns: Mapping[Wire, int], box: int) -> list[int]:
    """The rails beside a box."""
    return [
        column
        for wire, column in columns.items()
        if wire.source < box and (wire.target > box or (wire.skip and wire.target == box))
    ]


def _rails(main: str, active: Sequence[int]) -> str:
    cells = [" "] * (2 * max(active, default=0) + 1)
    for column in active:
        cells[2 * column] = "│"
    return main + "".join(cells[1:])


def _corner(main: str, column: int, end: str, active: Sequence[int]) -> str:
    """A line from the boxes' column to a rail, across the rails between."""
    width = 2 * max([column, *active])
    cells = [" "] * (width + 1)
    for other in active:
        cells[2 * other] = "│"
    for i in range(1, 2 * column):
        cells[i] = "┼" if cells[i] == "│" else "─"
    cells[0], cells[2 * column] = main, end
    return "".join(cells)
