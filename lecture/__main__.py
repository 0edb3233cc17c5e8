"""`python -m lecture [FILE] [--pdf]`: trains all and writes the page, by default build/lecture.html."""

import sys
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

from deltaplan.runtime.files import write_atomically
from lecture import depth, generalization, model, slopes
from lecture.page import Section, page
from lecture.pdf import NoPdfError, browser, write_pdf
from lecture.slips import SLIPS

PARTS: tuple[Callable[[], Section], ...] = (
    model.question,
    model.features,
    model.properties,
    model.surfaces,
    depth.residual,
    depth.overparameterized,
    generalization.regularization,
    generalization.norms,
    generalization.flatness,
    slopes.backpropagation,
    slopes.vanishing,
)


def main(path: Path, pdf: bool = False) -> None:
    """Writes the page and prints the ledger. NoPdfError before the training where no browser is found."""
    program = browser() if pdf else ""
    begin, sections = perf_counter(), []
    for part in PARTS:
        sections.append(part())
        print(f"{perf_counter() - begin:6.1f} s  {sections[-1].title}", flush=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    text = page(sections, SLIPS, "Made by `make lecture`.")
    write_atomically(path, text)
    claims = [claim for section in sections for claim in section.claims]
    for claim in claims:
        print(f"{claim.number:3}  {claim.verdict:13}  {claim.said[:60]}")
    print(f"{len(claims)} claims; the page: {path}; {perf_counter() - begin:.0f} s")
    if pdf:
        print(f"as a PDF: {write_pdf(path, program)}")


if __name__ == "__main__":
    parser = ArgumentParser("python -m lecture", description="The lecture, redone.")
    parser.add_argument("file", nargs="?", type=Path, default=Path("build/lecture.html"), help="the page")
    parser.add_argument("--pdf", action="store_true", help="and a PDF, by an installed chromium or chrome")
    given = parser.parse_args()
    try:
        main(given.file, given.pdf)
    except NoPdfError as reason:
        sys.exit(str(reason))
