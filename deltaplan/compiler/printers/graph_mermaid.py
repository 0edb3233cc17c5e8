"""The graph for Mermaid, which web pages and Markdown show."""

from collections.abc import Iterator

from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.nodes import Input
from deltaplan.compiler.printers.drawing import Drawing, drawing, facts, title


def graph_mermaid(experiment: Experiment) -> str:
    """A flowchart with a box for each row, a dotted edge for each skip and a subgraph for what repeats."""
    picture = drawing(experiment)
    return "\n".join(["flowchart TD", *_boxes(picture), *(f"  {line}" for line in _edges(picture))]) + "\n"


def quoted(text: str) -> str:
    """A quoted label: letters, digits and harmless signs as they are, all others as their codes."""
    return '"' + "".join(c if c.isalnum() or c in " .,_+-=()" else f"#{ord(c)};" for c in text) + '"'


def _boxes(picture: Drawing) -> Iterator[str]:
    for box in range(len(picture.boxes)):
        group = picture.group_of(box)
        if group and group.begin == box:
            yield f"  subgraph g{box} [{quoted(f'{group.times} times')}]"
        for line in _box(picture, box):
            yield f"{'    ' if group else '  '}{line}"
        if group and group.end == box + 1:
            yield "  end"


def _box(picture: Drawing, box: int) -> Iterator[str]:
    row = picture.boxes[box]
    label = f'"{quoted(title(row))[1:-1]}<br/>{quoted(facts(row))[1:-1]}"'
    yield f"n{box}([{label}])" if isinstance(row.nodes[0], Input) else f"n{box}[{label}]"
    for number, _ in enumerate(picture.skips_of(box), start=1):
        yield f'n{box}s{number}(("+"))'


def _edges(picture: Drawing) -> Iterator[str]:
    for wire in picture.wires:
        if not wire.skip:
            yield f"{_end(picture, wire.source)} --> n{wire.target}"
    for box in range(len(picture.boxes)):
        before = f"n{box}"
        for number, wire in enumerate(picture.skips_of(box), start=1):
            yield f"{before} --> n{box}s{number}"
            yield f"{_end(picture, wire.source)} -. {wire.word} .-> n{box}s{number}"
            before = f"n{box}s{number}"


def _end(picture: Drawing, box: int) -> str:
    """Where a box's value comes from: its last sum, else itself."""
    sums = len(picture.skips_of(box))
    return f"n{box}s{sums}" if sums else f"n{box}"
