"""Texts in normal form: what they say stays, comments stay, and doing it twice changes nothing."""

import re
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_dsl_fuzz import EXAMPLES, mutated
from test_printer import specs

from deltaplan.diagnostics import Source, SpecError
from deltaplan.dsl import parse, spec_text
from deltaplan.dsl.formatter import format_text
from deltaplan.dsl.tree import Spec

ROOT = Path(__file__).parents[2]
FILES = [
    pytest.param(path, marks=[pytest.mark.long] * ("errors" in path.parts), id=str(path.relative_to(ROOT)))
    for folder in ("specs", "plugins", "benchmarks", "tests")
    for path in sorted((ROOT / folder).rglob("*.dl"))
]
seeds = st.integers(0, 2**32)


def formatted(text: str) -> str:
    return format_text(Source("test.dl", text))


def comments(text: str) -> Counter[str]:
    found = re.finditer(r'"[^"\r\n]*"|(#[^\n]*)', text)
    return Counter(match[1].rstrip(" \t\r") for match in found if match[1])


def check(text: str) -> bool:
    """Checks one text; whether it had no mistakes."""
    spec, mistakes = parse(Source("test.dl", text))
    if mistakes:
        with pytest.raises(SpecError) as refused:
            formatted(text)
        assert refused.value.diagnostics == mistakes
        return False
    new = formatted(text)
    assert parse(Source("test.dl", new)) == (spec, ())
    assert comments(new) == comments(text)
    assert formatted(new) == new
    return True


def shaken(text: str, random: Random) -> str:
    """The text with other blanks, line breaks and comments at places that may have them."""
    depth = 0

    def other(piece: re.Match[str]) -> str:
        nonlocal depth
        depth += (piece[0] in "([") - (piece[0] in ")]")
        match piece[0]:
            case "\n":
                return random.choice(
                    ["\n", "\n\n\n", "\r\n", " # a\n", "\n  #b \t\n\n", ";\n", " ;; # 1 # 2\n\t"]
                )
            case " ":
                return random.choice([" ", " ", "  ", "\t", *(["\n", " # c\n \n"] if depth else [])])
            case "(" | "[" | ",":
                return piece[0] + random.choice(["", "", " ", *(["\n", "#d\n"] if depth else [])])
            case "{":
                return "{" + random.choice(["", " ", "\n", "# e\n", ";"])
            case "}":
                return random.choice(["", " ", "\n", ";"]) + "}"
            case same:
                return same

    return re.sub(r'"[^"]*"|[ \n(\[\]),{}]', other, text)


@pytest.mark.parametrize("path", FILES)
def test_every_file_of_the_repository(path: Path) -> None:
    try:
        text = path.read_bytes().decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError:
        pytest.skip("no text")
    check(text)


@pytest.mark.parametrize("path", sorted((ROOT / "specs").rglob("*.dl")), ids=lambda path: path.stem)
def test_the_specs_that_come_along_are_in_normal_form(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert formatted(text) == text


@given(specs)
def test_what_is_printed_is_in_normal_form(tree: Spec) -> None:
    text = spec_text(tree)
    assert formatted(text) == text


@given(specs, seeds)
def test_any_blanks_and_comments(tree: Spec, seed: int) -> None:
    check(shaken(spec_text(tree), Random(seed)))


@pytest.mark.long
@settings(settings.get_profile("long"))
@given(specs, seeds)
def test_any_blanks_and_comments_many_times(tree: Spec, seed: int) -> None:
    check(shaken(spec_text(tree), Random(seed)))


def test_examples_with_other_blanks() -> None:
    random = Random(5)
    assert sum(check(shaken(random.choice(EXAMPLES), random)) for _ in range(50)) > 15


def test_mutated_specs() -> None:
    random = Random(6)
    assert sum(check(mutated(random)) for _ in range(150)) > 1


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10, 20))
def test_many_mutated_specs(seed: int) -> None:
    random = Random(seed)
    assert sum(check(mutated(random)) for _ in range(1000)) > 10


# ---- the normal form


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dense   45x5 ,1", "dense 45x5, 1"),
        ("dense hidden x5  ( w+1 )*2   relu  residual", "dense hidden x 5  (w + 1)*2  relu  residual"),
        ("dense w -1", "dense w - 1"),
        ("dense -1\toutput", "dense -1 output"),
        ("a=dense 5 slope = - 2 from b,c", "a = dense 5 slope=-2 from b, c"),
        ("param a=1", "param a = 1"),
        ("activation s( u;a=1 )=u*a+ u ^ 2 / a", "activation s(u; a = 1) = u*a + u^2 / a"),
        ("optimizer adam( lr = 1e-2 )", "optimizer adam(lr=1e-2)"),
        ("assert memory(training)<=64MB", "assert memory(training) <= 64MB"),
        ("seed = 0 .. 9", "seed = 0..9"),
        ('csv"a"', 'csv "a"'),
        ("f a* b", "f a * b"),
        ("a;;b ;", "a; b"),
        ("f {a;b}", "f { a; b }"),
        ("f{}", "f { }"),
        ("f(a,b,)", "f(a, b,)"),
    ],
)
def test_blanks(text: str, expected: str) -> None:
    assert formatted(text) == f"{expected}\n"


def test_margins_and_braces_over_several_lines() -> None:
    text = "\n\nmodel m { input 1\n  residual{dense 5;dense 5 }\n\n\n  repeat 2 {\n dense 3\n\n}}; data { }\n"
    assert formatted(text) == (
        "model m {\n"
        "    input 1\n"
        "    residual { dense 5; dense 5 }\n"
        "\n"
        "    repeat 2 {\n"
        "        dense 3\n"
        "    }\n"
        "}\n"
        "data { }\n"
    )


def test_brackets_over_several_lines() -> None:
    text = "optimizer sgd(lr=step(1.0,\nat=[80,\n 120]),  # then less\n\nmomentum=0.9\n)"
    assert formatted(text) == (
        "optimizer sgd(lr=step(1.0,\n    at=[80,\n        120]),  # then less\n\n    momentum=0.9\n)\n"
    )


def test_comments_stay_where_they_belong() -> None:
    text = "#! a\n\n\n# b\nmodel m { # c\n\n# d\ninput 1# e  \n\n\n# f\n}# g\n# h"
    assert formatted(text) == (
        "#! a\n\n# b\nmodel m {  # c\n    # d\n    input 1  # e\n\n    # f\n}  # g\n# h\n"
    )


def test_comments_of_neighbours_stay_in_one_column() -> None:
    text = "m {\n a 1     # one\n bcd 10  # two\n e   # three\n f        # four\n}"
    assert formatted(text) == (
        "m {\n    a 1     # one\n    bcd 10  # two\n    e  # three\n    f     # four\n}\n"
    )


def test_a_column_gives_way_to_a_longer_line() -> None:
    text = "f a+b # one\nf a   # two\n\nlonger line    # keeps its column"
    assert formatted(text) == "f a + b  # one\nf a      # two\n\nlonger line    # keeps its column\n"


def test_line_ends_stay() -> None:
    assert formatted("a  \r\nb") == "a\r\nb\r\n"
    assert formatted("") == formatted(" \n\n") == ""
    assert formatted("# a \n") == "# a\n"


def test_long_lists_are_not_broken() -> None:
    text = "dense " + ", ".join(["45"] * 500) + "\n"
    assert formatted(text) == text


def test_a_line_that_would_be_too_long_stays() -> None:
    text = "f [" + ",".join("1" * 4990) + "]\n"
    assert formatted(text) == text
