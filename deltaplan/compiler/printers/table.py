"""The rows of a model as a table: equal ones told once, skips and branches in words."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from textwrap import wrap

from deltaplan.compiler.costs import work
from deltaplan.compiler.nodes import show_shape
from deltaplan.compiler.printers.repeats import Run, runs
from deltaplan.compiler.printers.rows import Row, Skip
from deltaplan.compiler.steps import Step
from deltaplan.records import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """A row with what the table says of it; `links` are the rows it takes, counted back from its own."""

    row: Row
    text: str
    flops: int
    links: tuple[int, ...]

    @property
    def key(self) -> tuple[object, ...]:
        row, span = self.row, self.row.nodes[0].span
        return (span.start, span.end, row.text, row.label, row.shape, row.parameters, self.flops, self.links)


def entries(rows: Sequence[Row], steps: Sequence[Step]) -> tuple[Entry, ...]:
    """The entries of a model's rows; `steps` are those of its forward pass, each with its node."""
    places = {row.name: place for place, row in enumerate(rows)}
    by_node: dict[str, list[Step]] = {}
    for step in steps:
        by_node.setdefault(step.origin, []).append(step)
    texts = _texts(rows, places)
    return tuple(
        Entry(
            row,
            texts[place],
            work(step for name in row.members for step in by_node.get(name, ()))[1],
            tuple(place - places[name] for name in row.taken),
        )
        for place, row in enumerate(rows)
    )


def rolled(entries: Sequence[Entry]) -> Iterator[Run]:
    """Runs of equal blocks of entries; what is taken from within a run counts as its end."""
    return runs(entries, _follows(entries))


def _follows(entries: Sequence[Entry]) -> Callable[[int, int, int], bool]:
    """Whether a block is like the first, and nothing but it takes from within the block before, its last row
    apart."""
    users: dict[int, int] = {}
    for place, entry in enumerate(entries):
        for link in entry.links:
            users[place - link] = max(users.get(place - link, 0), place)

    def follows(begin: int, period: int, times: int) -> bool:
        here = begin + period * times
        same = all(entries[begin + i].key == entries[here + i].key for i in range(period))
        before = range(here - period, here)
        return same and all(users.get(place, 0) < here + period for place in before)

    return follows


def _texts(rows: Sequence[Row], places: Mapping[str, int]) -> list[str]:
    """Each row in words: `dense 5 tanh + skip`, `concat from seen, known`."""
    plain = [_is_next(rows, place) for place in range(len(rows))]
    skips = [
        "".join(_skip_words(row, skip, plain[places[skip.source] + 1 : place + 1]) for skip in row.skips)
        for place, row in enumerate(rows)
    ]
    named = {name for place, row in enumerate(rows) if not plain[place] for name in row.sources}
    named |= {
        s.source for row, words in zip(rows, skips, strict=True) if " from " in words for s in row.skips
    }
    return [
        "".join(
            [
                f"{row.name} = " if row.label or (row.name in named and row.name != row.text) else "",
                row.text,
                "" if plain[place] else f" from {', '.join(row.sources)}",
                skips[place],
            ]
        )
        for place, row in enumerate(rows)
    ]


def _is_next(rows: Sequence[Row], place: int) -> bool:
    """Whether a row takes the one above it, or nothing."""
    sources = rows[place].sources
    return not sources or (place > 0 and sources == (rows[place - 1].name,))


def _skip_words(row: Row, skip: Skip, plain: Sequence[bool]) -> str:
    """` + skip`; over several rows, which are all `plain`, with their number, else with the name."""
    if row.sources == (skip.source,):
        return f" + {skip.word}"
    return f" + {skip.word} over {len(plain)} rows" if all(plain) else f" + {skip.word} from {skip.source}"


def table(entries: Sequence[Entry]) -> Iterator[str]:
    """The table at 80 columns; FLOPs are those of the forward pass for one sample."""
    yield f" line  {'layer':<42}{'output':>10}{'parameters':>11}{'FLOPs':>10}"
    for run in rolled(entries):
        block = entries[run.begin : run.begin + run.period]
        if run.period > 1:
            yield f"{block[0].row.line:>5}  {run.times} times:"
        for entry in block:
            yield from _line(entry, run)


def _line(entry: Entry, run: Run) -> Iterator[str]:
    row, times = entry.row, f"{run.times} x " if run.times > 1 else ""
    margin = "  " if run.period > 1 else f"{run.times} times " if times else ""
    text = f"{row.line:>5}  {margin}{entry.text}"
    facts = [
        show_shape(row.shape),
        f"{times}{row.parameters:,}" if row.parameters else "",
        f"{times}{entry.flops:,}" if entry.flops else "",
    ]
    if len(text) > 48 or len(facts[0]) > 59 - len(text):
        yield from wrap(text, 80, subsequent_indent=" " * 11, break_long_words=False)
        text = ""
    yield f"{text:<49}{facts[0]:>10}{facts[1]:>11}{facts[2]:>10}".rstrip()
