"""The page as a PDF, printed by a browser that is installed."""

import os
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
OPTIONS = (
    "--headless",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-pdf-header-footer",
)
PATIENCE = 60  # seconds


class NoPdfError(Exception):
    """Why there is none, and what to do."""


def browser() -> str:
    """The program that prints. NoPdfError where none is found."""
    found = [path for name in BROWSERS if (path := shutil.which(name))]
    if not found:
        raise NoPdfError(
            "no chromium or chrome was found for the PDF: install one, or print the page by hand"
        )
    return found[0]


def write_pdf(page: Path, program: str) -> Path:
    """The PDF beside the page, by a profile that is removed. NoPdfError where the browser fails."""
    target = page.with_suffix(".pdf").absolute()
    unsafe = ("--no-sandbox",) if os.name == "posix" and os.geteuid() == 0 else ()  # it has none for root
    with TemporaryDirectory() as folder:
        made = Path(folder) / "page.pdf"
        own = (f"--user-data-dir={folder}/profile", f"--print-to-pdf={made}", page.absolute().as_uri())
        said = _run([program, *OPTIONS, *unsafe, *own])
        if not made.exists():
            raise NoPdfError(f"{program} made no PDF; print {page} by hand. It said:\n{said[-500:]}")
        shutil.move(made, target)
    return target


def _run(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return done.stderr
