"""Every mistake in syntax as the writer of a spec sees it: `errors/NAME.dl` against `errors/NAME.err`."""

import inspect
from collections.abc import Callable
from pathlib import Path

import pytest

from deltaplan.diagnostics import Diagnostic, Source, SpecError, render_all
from deltaplan.dsl import limits, mistakes, parse, read
from deltaplan.dsl.tree import Line

ERRORS = Path(__file__).parent / "errors"
CASES = sorted(ERRORS.glob("*.dl"))
# Tested here and in test_limits.py by other means: their texts are too large to keep, or no file is there.
ELSEWHERE = {"unreadable-file", "file-too-long", "too-many-tokens", "too-many-mistakes"}


def found(path: Path) -> tuple[Diagnostic, ...]:
    try:
        source = read(path)
    except SpecError as error:
        return error.diagnostics
    return parse(source)[1]


def named(report: str, path: Path) -> str:
    return report.replace(str(path), path.name) + "\n"


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_mistakes_are_told_in_these_words(path: Path, golden: Callable[[Path, str], None]) -> None:
    golden(path.with_suffix(".err"), named(render_all(found(path)), path))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_case_shows_the_code_that_it_is_named_after(path: Path) -> None:
    codes = {mistake.code for mistake in found(path)}
    assert path.stem in codes or path.stem == "all-in-one"


def test_every_code_has_a_case() -> None:
    classes = [c for module in (mistakes, limits) for _, c in inspect.getmembers(module, inspect.isclass)]
    codes = {c.code for c in classes if issubclass(c, Diagnostic) and c is not Diagnostic}
    assert codes - ELSEWHERE == {path.stem for path in CASES} - {"all-in-one"}


def test_a_hundred_mistakes_are_told() -> None:
    spec, told = parse(Source("test.dl", "dense 3)\n" * 200))
    assert [mistake.code for mistake in told] == ["stray-bracket"] * 100 + ["too-many-mistakes"]
    assert told[-1].message == "more than 100 mistakes"
    assert told[-1].span
    assert told[-1].span.line == 101
    assert len(spec.lines) == 200


# ---- what the tree keeps


def shape(line: Line) -> str:
    """The heads of a line and of those in its body; `?` for a broken one."""
    words = "?" if line.broken else getattr(line.head or line.target, "text", "")
    return words if line.body is None else f"{words} {{ {' '.join(map(shape, line.body.lines))} }}"


def kept(text: str) -> list[str]:
    return [shape(line) for line in parse(Source("test.dl", text))[0].lines]


def test_many_mistakes_hide_neither_each_other_nor_what_is_right() -> None:
    source = read(ERRORS / "all-in-one.dl")
    spec, told = parse(source)
    assert len(told) >= 15
    assert [shape(line) for line in spec.lines] == [
        *("?", "?", "?"),
        "model { ? ? ? residual { ? ? } ? }",
        "data",
        "? { ? inputs ? ? standardize }",
        "train { ? ? epochs ? ? ? }",
        "sweep { ? seed }",
        "assert",
    ]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("model 5relu {\n dense 5\n}\ndata { csv }", ["? { dense }", "data { csv }"]),
        ("dense (3\ndense 4\ndense 5", ["?", "dense", "dense"]),
        ("dense (3\ndense 4\n)\ndense 5", ["?", "dense"]),
        ("f(3,\n 4 5,\n 6)\ndense 4", ["?", "dense"]),
        ("a { b } c\nd", ["a { b }", "?", "d"]),
        ("a { b + }\nc", ["a { ? }", "c"]),
        ("a ); b; c )", ["?", "b", "?"]),
        ('a "b { c\nd', ["?", "d"]),
        ("model a {\n dense 5\ndata { csv }", ["model { dense }", "data { csv }"]),
        ("  model a {\n    dense 5\n  data { csv }", ["model { dense }", "data { csv }"]),
        ("model a {\n    data = dense 5\n}", ["model { dense }"]),
        ("model a {\ndata = dense 5\n}", ["model { dense }"]),
        ("}\na\n} } b {\n}", ["a", "b {  }"]),
        ("dense 5 +\n    width\ndense 6", ["?", "dense"]),
        ("a {\n optimizer adam(lr=3\n}\nb", ["a { ? }", "b"]),
    ],
)
def test_what_stands_beside_a_mistake_is_kept(text: str, lines: list[str]) -> None:
    assert kept(text) == lines


def test_a_broken_line_spans_what_was_given_up() -> None:
    spec, _ = parse(Source("test.dl", "model m {\n  dense 5 + ) relu  # why\n  a 5relu { b }\n}"))
    (model,) = spec.lines
    assert model.body
    assert [line.span.text for line in model.body.lines] == ["dense 5 + ) relu  # why", "a 5relu"]


def test_two_parses_share_no_state() -> None:
    good = "a {\n b f(3,\n 4)\n}\n"
    alone = parse(Source("test.dl", good))
    parse(Source("test.dl", "a { b f(3,"))
    assert parse(Source("test.dl", good)) == alone
