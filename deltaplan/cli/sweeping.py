"""A sweep while it runs: a live table on a terminal, some lines in a pipe."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Any

from deltaplan.cli.console import table

if TYPE_CHECKING:
    from deltaplan.runtime.sweeps.rows import Row, Setting

    Heard = Callable[[Sequence[Row], int], None]

LINES = 20  # about so many in a pipe
LIVE = 8  # settings in the live table
WIDTH = 80
OFTEN = 0.2  # seconds between two live tables
NARROWEST = 8  # of a column of values that is cut


@contextmanager
def shown_sweep(silent: bool) -> Iterator["Heard"]:
    """What a sweep is to call with more rows and the number of trials; it prints to standard error."""
    if silent:
        yield lambda rows, total: None
    elif sys.stderr.isatty():
        with _live() as heard:
            yield heard
    else:
        yield _lines()


def _lines() -> "Heard":
    seen: list[Row] = []
    told = 0

    def heard(rows: "Sequence[Row]", total: int) -> None:
        nonlocal told
        seen.extend(rows)
        if len(seen) * LINES // max(1, total) > told and rows:
            told = len(seen) * LINES // max(1, total)
            print(_progress(seen, total), file=sys.stderr, flush=True)

    return heard


def _progress(seen: "Sequence[Row]", total: int) -> str:
    """`40 of 100 trials, 2 diverged, lowest validation loss 0.00123`"""
    from deltaplan.runtime.sweeps.rows import best_of, ranked_by, score_of

    counts = Counter(row.ended for row in seen if not row.trained)
    parts = [f"{len(seen):,} of {total:,} trials", *(f"{n:,} {how}" for how, n in counts.items())]
    column = ranked_by(seen)
    best = best_of(seen, column)
    parts += [f"lowest {column.replace('_', ' ')} {score_of(best, column):.4g}"] if best else []
    return ", ".join(parts)


@contextmanager
def _live() -> Iterator["Heard"]:
    from rich.console import Console, Group
    from rich.live import Live
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.text import Text

    from deltaplan.runtime.sweeps.rows import ranked_by, ranking

    columns = (
        TextColumn("sweep"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[told]}"),
    )
    progress = Progress(*columns, TimeElapsedColumn())
    task = progress.add_task("trials", total=None, told="")
    console, seen, shown = Console(stderr=True), list[Any](), 0.0
    with Live(progress, console=console, transient=True, refresh_per_second=8) as live:

        def heard(rows: "Sequence[Row]", total: int) -> None:
            nonlocal shown
            seen.extend(rows)
            if monotonic() - shown < OFTEN and len(seen) < total:
                return
            shown = monotonic()
            failed = sum(not row.trained for row in seen)
            told = f"{failed:,} failed" if failed else ""
            progress.update(task, completed=len(seen), total=total, told=told)
            if seen:
                text = ranking_table(ranking(seen, ranked_by(seen)), LIVE, console.width)
                live.update(Group(progress, Text(text)))

        yield heard


def ranking_table(settings: "Sequence[Setting]", most: int, width: int = WIDTH) -> str:
    """The best settings, in so many columns of text: values that do not fit are cut, and params left out."""
    from deltaplan.compiler.nodes import show_value

    shown = settings[:most]
    several = any(setting.trials > 1 for setting in settings)
    failed = any(len(setting.scores) < setting.trials for setting in settings)
    head = [*(("median", "lowest", "highest", "trials") if several else ("loss",)), *["failed"] * failed]
    numbers = [_numbers(setting, several, failed) for setting in shown]
    room = width - sum(2 + max(len(row[i]) for row in [head, *numbers]) for i in range(len(head)))
    names = [*dict.fromkeys(name for setting in shown for name in setting.values)]
    values = [[show_value(setting.values.get(name, "")) for name in names] for setting in shown]
    names, values = _cut(names, values, room)
    rows = [(*cells, *row) for cells, row in zip([names, *values], [head, *numbers], strict=True)]
    rest = len(settings) - len(shown)
    return table(rows, frozenset(range(len(names), len(rows[0])))) + (f"\n… and {rest:,} more" * (rest > 0))


def _numbers(setting: "Setting", several: bool, failed: bool) -> list[str]:
    scores = setting.scores
    ends = [f"{scores[0]:.4g}", f"{scores[-1]:.4g}"] if scores else ["", ""]
    median = f"{setting.median:.4g}" if setting.median < inf else ""
    counts = [str(setting.trials)] if several else []
    missed = setting.trials - len(scores)
    return [median, *(ends if several else []), *counts, *([str(missed) if missed else ""] if failed else [])]


def _cut(
    names: Sequence[str], values: Sequence[Sequence[str]], room: int
) -> tuple[list[str], list[list[str]]]:
    """As many params as there is room for; the widest are cut, but none below the least width."""
    count, most = len(names), max((len(cell) for row in [names, *values] for cell in row), default=0)

    def needed() -> int:
        widths = (max(len(row[i]) for row in [names, *values]) for i in range(count))
        return sum(min(w, most) + 2 for w in widths)

    while count and needed() > room:
        if most > NARROWEST:
            most -= 1
        else:
            count, most = count - 1, max(len(cell) for row in [names, *values] for cell in row)
    shorter = [[_short(cell, most) for cell in row[:count]] for row in [names, *values]]
    return shorter[0], shorter[1:]


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
