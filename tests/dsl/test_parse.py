"""Text to tree: every form of the language page, and what settles each of its ambiguities."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest

from deltaplan.diagnostics import Source, Span, render_all
from deltaplan.dsl import parse
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
NOWHERE = Span(Source("", ""), 0, 0)  # spans take no part in comparisons


def spec(text: str) -> Spec:
    tree, mistakes = parse(Source("test.dl", text))
    assert not mistakes, render_all(mistakes)
    return tree


def line(text: str) -> Line:
    (only,) = spec(text).lines
    return only


def items(text: str) -> tuple[Any, ...]:
    return line(f"head {text}").items


def n(value: float) -> Number:
    return Number(value, "", NOWHERE)


def name(text: str) -> Name:
    return Name(text, NOWHERE)


def binary(op: str, left: Any, right: Any) -> Binary:
    return Binary(op, left, right, NOWHERE)


def minus(operand: Any) -> Unary:
    return Unary("-", operand, NOWHERE)


def times(*factors: Any) -> Times:
    return Times(factors, NOWHERE)


def values(*parts: Any) -> Values:
    return Values(parts, NOWHERE)


def items_of(*parts: Any) -> List:
    return List(parts, NOWHERE)


def option(key: str | Call, value: Any) -> Option:
    return Option(name(key) if isinstance(key, str) else key, value, NOWHERE)


def call(word: str, *arguments: Any, after: tuple[Any, ...] = ()) -> Call:
    return Call(word, arguments, after, NOWHERE, NOWHERE)


def made(
    head: str | None,
    *parts: Any,
    target: str | None = None,
    sources: str = "",
    body: tuple[Line, ...] | None = None,
) -> Line:
    return Line(
        target=None if target is None else name(target),
        head=None if head is None else name(head),
        items=parts,
        sources=tuple(name(word) for word in sources.split()),
        body=None if body is None else Body(body, NOWHERE),
        span=NOWHERE,
    )


# ---- whole specs


def test_the_wave_spec() -> None:
    text = (Path(__file__).parent / "examples" / "wave.dl").read_text(encoding="utf-8")
    widths = values(times(name("hidden"), n(5)), n(1))
    objective = binary("+", call("mean", name("squared_error")), call("l2", n(1e-4)))
    model = (
        made("input", n(1)),
        made("dense", widths, call("leaky_relu", name("slope")), name("residual")),
        made("output", n(1)),
    )
    data = (
        made("csv", Text("wave.csv", NOWHERE)),
        made("inputs", name("t")),
        made("targets", name("y")),
        made("split", option("train", n(0.8)), option("validation", n(0.2)), option("seed", n(1))),
        made("standardize", name("inputs")),
    )
    train = (
        made("minimize", objective),
        made("optimizer", call("adam", option("lr", n(1e-2)))),
        made("epochs", n(5000)),
        made("batch", name("full")),
        made("seed", n(7)),
        made("stop_early", option("patience", n(300))),
    )
    assert spec(text).lines == (
        made("param", option("hidden", n(45))),
        made("param", option("slope", n(0.01))),
        made("model", name("wave"), body=model),
        made("data", body=data),
        made("train", body=train),
    )


def test_blocks_names_and_sources() -> None:
    text = """block unit(width) {
        residual project relu { conv width kernel=3 bias=false }
    }
    model house {
        photo = input 64x64x3
        concat from seen, use.known
        features = dense 64 0.5*tanh
    }"""
    conv = made("conv", name("width"), option("kernel", n(3)), option("bias", name("false")))
    assert spec(text).lines == (
        made(
            "block",
            call("unit", name("width")),
            body=(made("residual", name("project"), name("relu"), body=(conv,)),),
        ),
        made(
            "model",
            name("house"),
            body=(
                made("input", times(n(64), n(64), n(3)), target="photo"),
                made("concat", sources="seen use.known"),
                made("dense", n(64), binary("*", n(0.5), name("tanh")), target="features"),
            ),
        ),
    )


def test_a_sweep_has_axes() -> None:
    text = "sweep { hidden = [3, 5]; skips = [false, true]; seed = 0..9; depth = 4 }"
    (sweep,) = spec(text).lines
    assert sweep.body is not None
    assert sweep.body.lines == (
        made(None, items_of(n(3), n(5)), target="hidden"),
        made(None, items_of(name("false"), name("true")), target="skips"),
        made(None, Range(n(0), n(9), NOWHERE), target="seed"),
        made(None, n(4), target="depth"),
    )


def test_a_definition_in_the_language() -> None:
    text = "activation snake(u; a = 1.0) = u + sin(a*u)^2 / a"
    snake = call("snake", name("u"), after=(option("a", n(1.0)),))
    sine = call("sin", binary("*", name("a"), name("u")))
    wanted = binary("+", name("u"), binary("/", binary("^", sine, n(2)), name("a")))
    assert line(text) == made("activation", option(snake, wanted))


def test_asserts() -> None:
    assert line("assert parameters == 431080") == made("assert", binary("==", name("parameters"), n(431080)))
    memory = binary("<=", call("memory", name("training")), n(64_000_000))
    assert line("assert memory(training) <= 64MB") == made("assert", memory)


def test_data_lines() -> None:
    columns = values(name("t"), binary("^", name("t"), n(2)), call("sin", binary("*", n(3), name("t"))))
    assert line("inputs t, t^2, sin(3*t)") == made("inputs", columns)
    facts = option("facts", items_of(name("area"), name("rooms")))
    assert line("inputs photo=image facts=[area, rooms]") == made(
        "inputs", option("photo", name("image")), facts
    )
    assert line("multiply inputs 1/256") == made("multiply", name("inputs"), binary("/", n(1), n(256)))


# ---- ambiguities


@pytest.mark.parametrize("text", ["hidden x 5", "hidden x5", "hidden x  5", "hidden x (5)"])
def test_x_after_an_operand_repeats(text: str) -> None:
    assert items(text) == (times(name("hidden"), n(5)),)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("45x5", times(n(45), n(5))),
        ("45x 5", times(n(45), n(5))),
        ("45 x5", times(n(45), n(5))),
        ("28x28x1", times(n(28), n(28), n(1))),
        ("2*w x n + 1", times(binary("*", n(2), name("w")), binary("+", name("n"), n(1)))),
        ("(a x b) x c", times(times(name("a"), name("b")), name("c"))),
        ("x x 5", times(name("x"), n(5))),
        ("5 x x", times(n(5), name("x"))),
    ],
)
def test_repeats(text: str, wanted: Times) -> None:
    assert items(text) == (wanted,)


def test_x_is_a_name_elsewhere() -> None:
    assert items("x") == (name("x"),)
    assert items("x, y") == (values(name("x"), name("y")),)
    assert items("5 x") == (n(5), name("x"))
    assert items("x1, x2") == (values(name("x1"), name("x2")),)
    assert items("sin(x)*x") == (binary("*", call("sin", name("x")), name("x")),)
    assert items("5 x5=3 x=4") == (n(5), option("x5", n(3)), option("x", n(4)))
    assert line("x = dense 5 from x5") == made("dense", n(5), target="x", sources="x5")


def test_items_stand_side_by_side() -> None:
    assert items("2*width relu") == (binary("*", n(2), name("width")), name("relu"))
    assert items("n 0.5*relu") == (name("n"), binary("*", n(0.5), name("relu")))
    assert items("45x5, 1 relu") == (values(times(n(45), n(5)), n(1)), name("relu"))


def test_a_call_has_no_space_before_its_parenthesis() -> None:
    grown = binary("*", binary("+", name("w"), n(1)), n(2))
    assert line("dense (w+1)*2") == made("dense", grown)
    assert items("relu (w)") == (name("relu"), name("w"))
    assert items("relu(w)") == (call("relu", name("w")),)


def test_an_item_beside_another_does_not_begin_with_a_minus() -> None:
    assert items("w -1") == (binary("-", name("w"), n(1)),)
    assert items("w - 1 relu") == (binary("-", name("w"), n(1)), name("relu"))
    assert items("-1 relu") == (minus(n(1)), name("relu"))
    assert items("k=-1") == (option("k", minus(n(1))),)
    assert items("a, -1") == (values(name("a"), minus(n(1))),)


def test_options_against_comparisons() -> None:
    assert items("a=3") == (option("a", n(3)),)
    assert items("a==3") == (binary("==", name("a"), n(3)),)
    assert items("where(u >= 0, a=1)") == (call("where", binary(">=", name("u"), n(0)), option("a", n(1))),)


def test_semicolons_separate_lines_and_parameters() -> None:
    assert spec("a; b").lines == (made("a"), made("b"))
    assert spec("; a ;; b;").lines == (made("a"), made("b"))
    assert items("f(u; k)") == (call("f", name("u"), after=(name("k"),)),)
    assert items("f(; k)") == (call("f", after=(name("k"),)),)


def test_lines_go_on_inside_brackets_alone() -> None:
    long = "optimizer sgd(\n    lr=0.1,  # the rate\n    momentum=0.9,\n)\nepochs 5"
    sgd = call("sgd", option("lr", n(0.1)), option("momentum", n(0.9)))
    assert spec(long).lines == (made("optimizer", sgd), made("epochs", n(5)))
    assert items("[3,\n5,\n]") == (items_of(n(3), n(5)),)


def test_precedence() -> None:
    assert items("1 + 2*3 - 4") == (binary("-", binary("+", n(1), binary("*", n(2), n(3))), n(4)),)
    assert items("2^3^4") == (binary("^", n(2), binary("^", n(3), n(4))),)
    assert items("-a^2") == (minus(binary("^", name("a"), n(2))),)
    assert items("2^-a") == (binary("^", n(2), minus(name("a"))),)
    assert items("a//b/c") == (binary("/", binary("//", name("a"), name("b")), name("c")),)


def test_from_is_no_prefix() -> None:
    assert line("dense fromage") == made("dense", name("fromage"))
    assert line("dense from_a from b") == made("dense", name("from_a"), sources="b")


# ---- texts as they come


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "  # no more", "\n\n\t\n"])
def test_ends_of_files(end: str) -> None:
    assert spec(f"a 1\nb {{ c }}{end}").lines == (made("a", n(1)), made("b", body=(made("c"),)))


@pytest.mark.parametrize("text", ["", "\n", "# only a comment", "\r\n\r\n", " \t "])
def test_empty_files(text: str) -> None:
    assert spec(text).lines == ()


def test_windows_lines_and_tabs_change_nothing() -> None:
    text = EXAMPLES[-1].read_text(encoding="utf-8")
    assert spec(text.replace("\n", "\r\n").replace("    ", "\t")) == spec(text)


def test_a_byte_order_mark_in_a_text_is_no_character() -> None:
    assert line("\ufeffdense 5") == made("dense", n(5))


def test_strings_and_comments_take_any_letter() -> None:
    assert items('"größe {m²} # 数"  # φ(x; θ) {') == (Text("größe {m²} # 数", NOWHERE),)


# ---- spans


def nodes(node: Any) -> Iterator[Any]:
    if isinstance(node, tuple):
        for part in node:
            yield from nodes(part)
    elif is_dataclass(node) and not isinstance(node, Span | Source):
        yield node
        for field in fields(node):
            yield from nodes(getattr(node, field.name))


def again(node: Any) -> Any:
    """The node that the text of its span alone gives; a range stands in a sweep only."""
    text = node.span.text
    match node:
        case Line():
            return line(text)
        case Body():
            return line(f"head {text}").body
        case Range():
            return line(f"seed = {text}").items[0]
        case Option() | Values():
            return items(text)[0]
        case _:
            return items(f"({text})" if not isinstance(node, List) else text)[0]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_text_of_a_span_is_the_node(path: Path) -> None:
    for node in nodes(spec(path.read_text(encoding="utf-8")).lines):
        found = again(node)
        if isinstance(node, Line):
            node = Line(node.target, node.head, node.items, node.sources, None, node.span)
        assert found == node, node.span.text
        assert node.span.text == node.span.text.strip()


def test_spans_are_exact() -> None:
    found = line("a = dense (w+1)*2 f(3; k=4)  from b { c }")
    product, function = found.items
    assert found.span.text == "a = dense (w+1)*2 f(3; k=4)  from b"
    assert found.target
    assert found.target.span.text == "a"
    assert isinstance(found.head, Name)
    assert found.head.span.text == "dense"
    assert isinstance(product, Binary)
    assert (product.span.text, product.left.span.text) == ("(w+1)*2", "w+1")
    assert isinstance(function, Call)
    assert (function.span.text, function.name_span.text) == ("f(3; k=4)", "f")
    assert found.sources[0].span.text == "b"
    assert found.body
    assert found.body.span.text == "{ c }"


def test_spans_know_line_and_column() -> None:
    (_, second) = spec("a\r\n\tdense 5").lines
    assert (second.span.line, second.span.column) == (2, 2)
