"""Tree to text: what is printed gives the same tree again, with no parenthesis too many."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deltaplan.diagnostics import Source, Span, render_all
from deltaplan.dsl import line_text, parse, spec_text, value_text
from deltaplan.dsl.tree import (
    Binary,
    Body,
    Call,
    Line,
    List,
    Name,
    Number,
    Option,
    Range,
    Spec,
    Text,
    Times,
    Unary,
    Values,
)

EXAMPLES = sorted((Path(__file__).parent / "examples").glob("*.dl"))
NOWHERE = Span(Source("", ""), 0, 0)


def spec(text: str) -> Spec:
    tree, mistakes = parse(Source("test.dl", text))
    assert not mistakes, f"{render_all(mistakes)}\n{text}"
    return tree


def node(kind: Any, *parts: Any) -> st.SearchStrategy[Any]:
    return st.builds(kind, *parts, span=st.just(NOWHERE))


# ---- random trees: every one that a text can give

words = st.from_regex(r"[a-cx_][a-cx_0-9]{0,2}(\.[a-cx]{1,2})?", fullmatch=True) | st.sampled_from(
    ["x", "x5", "xa"]
)
names = node(Name, words)
whole = st.integers(0, 10**20) | st.integers(0, 9)
numbers = node(Number, whole | st.floats(0, 1e300), st.just(""))
texts = node(Text, st.text("ab x_1#;{}()[]=,.\\'%é€δ漢😀\u00a0\u2028", max_size=5))


def some(
    strategy: st.SearchStrategy[Any], least: int = 0, most: int = 3
) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(strategy, min_size=least, max_size=most).map(tuple)


def calls(arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Call]:
    return node(Call, words, some(arguments), some(arguments, most=1), st.just(NOWHERE))


def options(
    values: st.SearchStrategy[Any], keys: st.SearchStrategy[Any] = names
) -> st.SearchStrategy[Option]:
    return node(Option, keys, values)


def larger(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    signs = st.sampled_from(["+", "-", "*", "/", "//", "^", "<=", ">=", "<", ">", "==", "!="])
    return (
        calls(values | options(values))
        | node(List, some(values))
        | node(Unary, st.just("-"), values)
        | node(Binary, signs, values, values)
        | node(Times, some(values, 2))
    )


values = st.recursive(names | numbers | texts, larger, max_leaves=8)
items = values | options(values) | node(Values, some(values, 2))
definitions = options(values, calls(names | options(numbers)))
axes = numbers | texts | node(List, some(values)) | node(Range, numbers, numbers)
targets = st.none() | names


def lines(bodies: st.SearchStrategy[Body | None]) -> st.SearchStrategy[Line]:
    plain = node(Line, targets, names | calls(values), some(items, most=4), some(names, most=2), bodies)
    definition = node(Line, st.none(), names, definitions.map(lambda d: (d,)), st.just(()), bodies)
    axis = node(Line, names, st.none(), axes.map(lambda a: (a,)), st.just(()), st.none())
    return plain | definition | axis


bodies = st.recursive(st.none(), lambda inner: inner | node(Body, some(lines(inner))), max_leaves=4)
specs = st.builds(Spec, some(lines(bodies)), st.just(NOWHERE.source))


@given(specs)
def test_print_and_parse_is_the_identity(tree: Spec) -> None:
    assert spec(spec_text(tree)) == tree


@pytest.mark.long
@settings(settings.get_profile("long"))
@given(specs)
def test_print_and_parse_is_the_identity_for_many(tree: Spec) -> None:
    assert spec(spec_text(tree)) == tree


# ---- the normal form


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_printing_what_was_printed_changes_nothing(path: Path) -> None:
    tree = spec(path.read_text(encoding="utf-8"))
    printed = spec_text(tree)
    assert spec(printed) == tree
    assert spec_text(spec(printed)) == printed


@pytest.mark.parametrize(
    "text",
    [
        "param hidden = 45",
        "dense hidden x 5, 1 leaky_relu(slope) residual",
        "dense 45x5, 1",
        "dense (w + 1)*2 relu",
        "dense w (-1)",
        "dense 5 (x) 3",
        "dense 5 x=3 x5=4",
        "dense 2^3^4 (2^3)^4",
        "dense -a^2 relu",
        "split train=80% validation=20%",
        "photo = input 64x64x3",
        "add from a, use.b",
        "seed = 0..9",
        "activation snake(u; a = 1.0) = u + sin(a*u)^2/a",
        "assert memory(training) <= 64MB",
        "f a < b k=(a == b)",
        'csv "wave.csv"',
        "f [] [a, [b]] g()",
    ],
)
def test_a_line_in_normal_form_is_printed_as_it_is(text: str) -> None:
    (line,) = spec(text).lines
    assert line_text(line) == text


def test_blanks_and_braces_in_quotes_stay() -> None:
    text = 'part "a  {" (x) {\n}\n'
    assert spec_text(spec(text)) == text


def test_needless_parentheses_and_blanks_go() -> None:
    (line,) = spec("dense ((2)*(w))+(1)   k = ((3))  , ".rstrip(", ")).lines
    assert line_text(line) == "dense 2*w + 1 k=3"


def test_bodies_are_indented_and_stand_apart() -> None:
    text = "use snake; param a=1\nmodel m { residual { dense 5; dense 6 }; output 1 }; data { }; seed 1"
    assert spec_text(spec(text)) == (
        "use snake\n"
        "param a = 1\n"
        "\n"
        "model m {\n"
        "    residual {\n"
        "        dense 5\n"
        "        dense 6\n"
        "    }\n"
        "    output 1\n"
        "}\n"
        "\n"
        "data {\n"
        "}\n"
        "\n"
        "seed 1\n"
    )


def test_a_broken_line_is_printed_as_it_was_written() -> None:
    tree, _ = parse(Source("test.dl", "model m {\n  dense  5  +\n  output 1\n}"))
    assert spec_text(tree) == "model m {\n    dense  5  +\n    output 1\n}\n"


def test_numbers_without_their_text() -> None:
    made = [Number(value, "", NOWHERE) for value in (5, 0.25, 1e-5, 1e22, -3)]
    assert [value_text(number) for number in made] == ["5", "0.25", "1e-05", "1e+22", "-3"]
    assert value_text(Binary("^", made[-1], made[0], NOWHERE)) == "(-3)^5"


def test_an_x_after_a_call_at_the_head() -> None:
    (line,) = spec("x() (x())").lines
    assert line_text(line) == "x() (x())"
