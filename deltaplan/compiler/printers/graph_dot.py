"""The graph for Graphviz."""

from collections.abc import Iterator

from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.nodes import Input
from deltaplan.compiler.printers.drawing import Drawing, drawing, facts, title


def graph_dot(experiment: Experiment) -> str:
    """A digraph with a box for each row, a dashed edge for each skip and a cluster for what repeats."""
    picture = drawing(experiment)
    lines = [
        f"digraph {quoted(picture.name)} {{",
        '  node [shape=box, style=rounded, fontname="sans-serif"];',
        '  edge [fontname="sans-serif"];',
        *_boxes(picture),
        *(f"  {line}" for line in _edges(picture)),
        "}",
    ]
    return "\n".join(lines) + "\n"


def quoted(text: str) -> str:
    """A quoted string: quotes and backslashes stand for themselves, a newline ends a line of a label."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _boxes(picture: Drawing) -> Iterator[str]:
    for box in range(len(picture.boxes)):
        group = picture.group_of(box)
        if group and group.begin == box:
            yield f"  subgraph cluster_{box} {{"
            yield f"    label={quoted(f'{group.times} times')}; style=dashed;"
        for line in _box(picture, box):
            yield f"{'    ' if group else '  '}{line}"
        if group and group.end == box + 1:
            yield "  }"


def _box(picture: Drawing, box: int) -> Iterator[str]:
    row = picture.boxes[box]
    shape = ", shape=ellipse" if isinstance(row.nodes[0], Input) else ""
    label = f"{title(row)}\n{facts(row)}"
    yield f"n{box} [label={quoted(label)}{shape}];"
    for number, _ in enumerate(picture.skips_of(box), start=1):
        yield f'n{box}_{number} [label="+", shape=circle, style=solid];'


def _edges(picture: Drawing) -> Iterator[str]:
    for wire in picture.wires:
        if not wire.skip:
            yield f"{_end(picture, wire.source)} -> n{wire.target};"
    for box in range(len(picture.boxes)):
        before = f"n{box}"
        for number, wire in enumerate(picture.skips_of(box), start=1):
            sum_ = f"n{box}_{number}"
            yield f"{before} -> {sum_};"
            yield f"{_end(picture, wire.source)} -> {sum_} [style=dashed, label={quoted(wire.word)}];"
            before = sum_


def _end(picture: Drawing, box: int) -> str:
    """Where a box's value comes from: its last sum, else itself."""
    sums = len(picture.skips_of(box))
    return f"n{box}_{sums}" if sums else f"n{box}"
