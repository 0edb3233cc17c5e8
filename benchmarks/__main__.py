"""Speed beside references and peers: `python -m benchmarks [NAME ...]`, or `make bench`.

python -m benchmarks W1 W3 --only c,deltaplan,numba
python -m benchmarks W4 --threads 2
python -m benchmarks --write
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import accuracy, codegen, fresh, frontend, startup, threads, training
from benchmarks.contenders import ENTRIES
from benchmarks.measure import Row
from benchmarks.races import ALL_CORES, RACES, TWO_THREADS
from benchmarks.report import emit, header, table

ROWS: dict[str, tuple[str, Callable[[int], Iterable[Row]]]] = {
    "W8": ("W8: fresh processes", fresh.rows),
    "plan": ("The plan on numpy", training.rows),
    "code": ("From plans to machine code", codegen.rows),
    "startup": ("Start-up", startup.rows),
    "frontend": ("Front end", frontend.rows),
    "accuracy": ("What is learned", accuracy.rows),
}
NAMES = (*RACES, *ROWS)


def words() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all if none is given"
    )
    parser.add_argument(
        "--only", default="", help=f"contenders, of {', '.join(ENTRIES)}; commas between them"
    )
    parser.add_argument("--turns", type=int, default=15, help="how often each is run (default: 15)")
    parser.add_argument(
        "--threads", type=int, help="1 or more, for all; by default 1, W4 with 2 as well, W10 one a core"
    )
    parser.add_argument("--write", action="store_true", help="write the tables to benchmarks/results/DATE.md")
    return parser


def main() -> None:
    parser = words()
    given = parser.parse_args()
    chosen = [name for name in given.only.split(",") if name]
    for kind, asked, known in (("benchmark", given.names, NAMES), ("contender", chosen, ENTRIES)):
        if unknown := [name for name in asked if name not in known]:
            parser.error(f"no {kind} {', '.join(unknown)}")
    threads.hold(given.threads or 1)
    command = " ".join(["python -m benchmarks", *sys.argv[1:]])
    lines = emit(["# Benchmarks", "", header(command, given.turns)])
    for name in given.names or NAMES:
        lines += emit(part(name, chosen, given.turns, given.threads))
    if given.write:
        path = Path(__file__).parent / "results" / f"{datetime.now(UTC):%Y-%m-%d}.md"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def part(name: str, chosen: list[str], turns: int, threads_asked: int | None) -> Iterator[str]:
    """The tables of one name."""
    if name in ROWS:
        title, rows = ROWS[name]
        yield from table(title, rows(turns))
        return
    if name in ALL_CORES and threads_asked is None:
        yield from with_threads(os.cpu_count() or 1, name, chosen, turns)
        return
    from benchmarks import speed  # once the threads are held

    yield from speed.lines(name, chosen, turns, threads_asked or 1)
    if name in TWO_THREADS and threads_asked is None:
        yield from with_threads(2, name, chosen, turns)


def with_threads(count: int, name: str, chosen: list[str], turns: int) -> Iterator[str]:
    """The tables of a process with so many threads: some libraries are told once, when they start."""
    options = [
        name,
        f"--threads={count}",
        f"--turns={turns}",
        *([f"--only={','.join(chosen)}"] if chosen else []),
    ]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *options], stdout=subprocess.PIPE, text=True, check=True
    )
    text = done.stdout
    yield text[text.index(f"\n### {name}") :].rstrip("\n")


if __name__ == "__main__":
    main()
