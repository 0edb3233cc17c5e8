"""The documents are true: their specs parse, their commands and their Python run.

Each document is read from top to bottom, in a folder of its own with a copy of specs/. Of its fenced blocks

    dl              parses
    python          runs, in one namespace for the document
    console, sh     has its lines `$ deltaplan …` (or `deltaplan …`) run; all must succeed, or with the word
                    `fails` beside the language all must exit with 1

A block with `file=NAME` there is written under that name first; a spec is then loaded, Python is not run.
The lines shown under a command must be in its output in that order; other lines may stand between them.
"""

import re
import shlex
import shutil
import subprocess
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import deltaplan
from deltaplan.cli import main
from deltaplan.diagnostics import Source
from deltaplan.dsl import parse

pytestmark = pytest.mark.light

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "CONTRIBUTING.md", "plugins/README.md")
DOCUMENTS = [*(ROOT / page for page in PAGES), *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(\w+)([^\n`]*)\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^(?:\$ )?(deltaplan .*)$")


@dataclass(frozen=True)
class Block:
    place: str
    language: str
    words: tuple[str, ...]
    text: str

    @property
    def file(self) -> str | None:
        return next((word.removeprefix("file=") for word in self.words if word.startswith("file=")), None)


@pytest.mark.slow
@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: str(document.relative_to(ROOT)))
def test_document_is_true(document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "specs", tmp_path / "specs", ignore=shutil.ignore_patterns("__pycache__", "runs"))
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "document"}
    for block in blocks(document):
        if block.file:
            Path(block.file).parent.mkdir(parents=True, exist_ok=True)
            Path(block.file).write_text(block.text, encoding="utf-8")
        if block.language == "dl":
            read_spec(block)
        if block.language == "python" and not block.file:
            exec(compile(block.text, block.place, "exec"), names)
        if block.language in ("console", "sh"):
            run_commands(block)


def blocks(document: Path) -> Iterator[Block]:
    text = document.read_text(encoding="utf-8")
    for found in FENCE.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        yield Block(f"{document.name}:{line}", found[1], tuple(found[2].split()), found[3])


def read_spec(block: Block) -> None:
    _, mistakes = parse(Source(block.place, block.text))
    assert mistakes == ()
    if block.file:
        deltaplan.load(block.file)


def run_commands(block: Block) -> None:
    """In this process, which has everything imported."""
    for command, shown in commands(block.text):
        ended = CliRunner().invoke(main, shlex.split(command, comments=True)[1:], catch_exceptions=False)
        output = ended.stdout + ended.stderr
        assert ended.exit_code == ("fails" in block.words), f"{block.place}: {command}\n{output}"
        assert follow(shown, output), f"{block.place}: {command}\nshown:\n{shown}\nprinted:\n{output}"


def commands(text: str) -> Iterator[tuple[str, str]]:
    """Each command of a block with the lines that the block shows under it."""
    lines = text.splitlines()
    starts = [k for k, line in enumerate(lines) if COMMAND.match(line)]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        found = COMMAND.match(lines[start])
        assert found
        yield found[1], "\n".join(line for line in lines[start + 1 : end] if not line.startswith("$ "))


def follow(shown: str, output: str) -> bool:
    """Whether the output has the shown lines, one after the other; others may stand between them."""
    printed = iter([line.rstrip() for line in output.splitlines()])
    wanted = [line.rstrip() for line in shown.splitlines() if line.strip() not in ("", "...")]
    return all(line in printed for line in wanted)


def test_the_command_is_a_program_that_is_installed() -> None:
    program = shutil.which("deltaplan", path=sysconfig.get_path("scripts"))
    assert program
    checked = subprocess.run([program, "check", ROOT / "specs" / "iris.dl"], capture_output=True, text=True)
    assert checked.returncode == 0
    assert "no mistakes" in checked.stdout


def test_shown_lines_are_found_in_order() -> None:
    assert follow("a\n...\nc", "a\nb\nc\n")
    assert not follow("c\na", "a\nb\nc\n")


def test_a_block_gives_its_commands_with_what_they_show() -> None:
    text = "$ deltaplan check a.dl\nfine\n$ cd elsewhere\ndeltaplan show a.dl\n"
    assert list(commands(text)) == [("deltaplan check a.dl", "fine"), ("deltaplan show a.dl", "")]
