"""Every mistake is explained: its message and an example that the other tests have shown to be told so."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from click.testing import CliRunner
from test_errors import ERRORS, TESTS, kinds

import deltaplan.diagnostics.explain as explaining
from deltaplan.cli import main
from deltaplan.diagnostics.explain import explain, explanations

EXAMPLES = Path(explaining.__file__).with_name("examples.json")
LONGEST = 40  # lines of a spec that is shown
HEAD = re.compile(r"^(?=[^ \n].*\[[a-z0-9-]+\]$)", re.MULTILINE)
LAST = re.compile(r"\n\d+ mistakes\n?$")


def test_the_examples_are_those_of_the_golden_texts(golden: Callable[[Path, str], None]) -> None:
    found = {kind.code: kind for kind in kinds()}
    reports = dict(_reports())
    examples = {
        code: {
            "title": re.sub(r"\{[^{}]*\}", "…", kind.title).replace("{{", "{").replace("}}", "}"),
            "severity": kind.severity,
            "spec": reports[code][0],
            "report": reports[code][1],
        }
        for code, kind in sorted(found.items())
        if code in reports
    }
    golden(EXAMPLES, json.dumps(examples, indent=1, ensure_ascii=False) + "\n")


def _reports() -> Iterator[tuple[str, tuple[str, str]]]:
    """Each code with the spec and the report of its best example: the last one given wins."""
    texts = sorted(TESTS.rglob("*.err"), key=lambda text: (text.is_relative_to(ERRORS), text.as_posix()))
    for own in (False, True):  # a case that is named after its code is best
        for text in texts:
            for report in HEAD.split(LAST.sub("\n", text.read_text(encoding="utf-8"))):
                code = re.search(r"\[([a-z0-9-]+)\]$", report.partition("\n")[0])
                if code and (not own or text.stem == code[1]):
                    yield code[1], (_spec(text), report.rstrip() + "\n")


def _spec(text: Path) -> str:
    spec = text.with_suffix(".dl")
    lines = spec.read_text(encoding="utf-8", errors="replace") if spec.exists() else ""
    return lines if lines.count("\n") <= LONGEST else ""


def test_every_code_is_explained_with_its_message_and_an_example() -> None:
    known = {each.code: each for each in explanations()}
    assert known.keys() == {kind.code for kind in kinds()}
    assert all(f"[{each.code}]" in each.report for each in known.values())


def test_no_explanation_is_of_a_code_that_is_gone() -> None:
    texts = explaining._texts()
    assert texts.keys() <= {each.code for each in explanations()}
    assert all(text.endswith((".", "`")) for text in texts.values())


def test_the_verb_prints_the_page_and_the_list() -> None:
    page = CliRunner().invoke(main, ["explain", "target-is-input"])
    assert page.exit_code == 0
    assert explain("target-is-input").title in page.output
    assert "learns to hand it on" in page.output
    assert "[target-is-input]" in page.output
    listed = CliRunner().invoke(main, ["explain"])
    assert all(each.code in listed.output for each in explanations())


def test_a_code_that_is_misspelt(golden: Callable[[Path, str], None]) -> None:
    found = CliRunner().invoke(main, ["explain", "unknwon-name"])
    assert found.exit_code == 1
    golden(TESTS / "cli" / "explain.err", found.output)
