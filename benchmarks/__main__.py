"""`python -m benchmarks [training] [startup] [frontend] [--turns N] [--write]`, or `make bench`."""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import frontend, startup, training
from benchmarks.report import emit, header, table

GROUPS = {
    "training": ("Training", training.rows),
    "startup": ("Start-up", startup.rows),
    "frontend": ("Front end", frontend.rows),
}


def main() -> None:
    words = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    words.add_argument("groups", nargs="*", help=f"of {', '.join(GROUPS)}; all if none is named")
    words.add_argument("--turns", type=int, default=15, help="how often each is run (default: 15)")
    words.add_argument("--write", action="store_true", help="write the tables to benchmarks/results/DATE.md")
    given = words.parse_args()
    if unknown := set(given.groups) - set(GROUPS):
        words.error(f"no group {', '.join(sorted(unknown))}")
    command = " ".join(["python -m benchmarks", *sys.argv[1:]])
    lines = emit(["# Benchmarks", "", header(command, given.turns)])
    for name in given.groups or GROUPS:
        title, rows = GROUPS[name]
        lines += emit(table(title, rows(given.turns)))
    if given.write:
        path = Path(__file__).parent / "results" / f"{datetime.now(UTC):%Y-%m-%d}.md"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
