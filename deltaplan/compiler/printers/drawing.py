"""A model as boxes and wires, runs of equal rows folded to one: what each picture of the graph is made of."""

from collections.abc import Sequence

from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.nodes import show_shape
from deltaplan.compiler.printers.rows import Row, rows
from deltaplan.compiler.printers.table import Entry, entries, rolled
from deltaplan.records import dataclass


@dataclass(frozen=True, slots=True)
class Wire:
    """From box to box. A skip ends below its target, where it is added; `word` says how it is made to fit."""

    source: int
    target: int
    skip: bool = False
    word: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Boxes `begin` to `end` (exclusive) stand for `times` blocks, one after the other."""

    begin: int
    end: int
    times: int


@dataclass(frozen=True, slots=True)
class Drawing:
    """Boxes from top to bottom, each below those that it takes."""

    name: str
    boxes: tuple[Row, ...]
    wires: tuple[Wire, ...]
    groups: tuple[Group, ...]

    def skips_of(self, box: int) -> tuple[Wire, ...]:
        return tuple(wire for wire in self.wires if wire.skip and wire.target == box)

    def group_of(self, box: int) -> Group | None:
        return next((group for group in self.groups if group.begin <= box < group.end), None)


def drawing(experiment: Experiment) -> Drawing:
    """The drawing of an experiment's model."""
    every = entries(rows(experiment.graph), ())
    boxes: list[Row] = []
    places: list[int] = []  # of each row: its box
    groups: list[Group] = []
    for run in rolled(every):
        base = len(boxes)
        boxes += [entry.row for entry in every[run.begin : run.begin + run.period]]
        places += [base + i % run.period for i in range(run.period * run.times)]
        if run.times > 1:
            groups.append(Group(base, len(boxes), run.times))
    first = [places.index(box) for box in range(len(boxes))]
    wires = [wire for box, row in enumerate(first) for wire in _wires(every, places, row, box)]
    return Drawing(experiment.name, tuple(boxes), tuple(wires), tuple(groups))


def _wires(every: Sequence[Entry], places: Sequence[int], place: int, box: int) -> list[Wire]:
    entry = every[place]
    sources = [places[place - link] for link in entry.links]
    plain = len(entry.row.sources)
    return [
        *(Wire(source, box) for source in sources[:plain]),
        *(
            Wire(source, box, skip=True, word=skip.word)
            for source, skip in zip(sources[plain:], entry.row.skips, strict=True)
        ),
    ]


def title(row: Row) -> str:
    """What a box says first: `seen = dense 32 relu`."""
    return f"{row.label} = {row.text}" if row.label else row.text


def facts(row: Row) -> str:
    """What a box says below: `shape 5, 30 parameters, line 8`."""
    count = f"{row.parameters:,} parameter{'s' * (row.parameters != 1)}"
    return ", ".join(
        [f"shape {show_shape(row.shape)}", *([count] if row.parameters else []), f"line {row.line}"]
    )
