"""What a spec may cost: hostile texts are refused with a place, quickly and in little memory."""

import tracemalloc
from pathlib import Path

import pytest

from deltaplan.diagnostics import Diagnostic, Source, SpecError
from deltaplan.dsl import Limits, parse, read


def refused(text: str, limits: Limits | None = None) -> Diagnostic:
    """The one mistake of a text that is not read at all."""
    source = Source("test.dl", text)
    spec, (mistake,) = parse(source, limits) if limits else parse(source)
    assert spec.lines == ()
    return mistake


def unread(path: Path, limits: Limits | None = None) -> Diagnostic:
    with pytest.raises(SpecError) as caught:
        read(path, limits) if limits else read(path)
    (mistake,) = caught.value.diagnostics
    return mistake


# ---- files


def test_a_file_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.dl"
    path.write_bytes("\ufeffdense 5  # φ\r\n".encode())
    source = read(path)
    assert (source.name, source.text) == (str(path), "dense 5  # φ\r\n")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    mistake = unread(tmp_path / "none.dl")
    assert mistake.code == "unreadable-file"
    assert mistake.message.endswith("none.dl`: no such file or directory")


def test_a_folder_and_a_name_that_cannot_be_one(tmp_path: Path) -> None:
    assert unread(tmp_path).code == "unreadable-file"
    assert unread(Path("a\0b")).code == "unreadable-file"


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "a.dl"
    path.write_bytes("input 1\nname größe".encode("latin-1"))
    mistake = unread(path)
    assert (mistake.code, mistake.message) == ("not-utf8", "the byte 0xf6 is not UTF-8 text")
    assert mistake.span
    assert (mistake.span.line, mistake.span.column) == (2, 8)


@pytest.mark.parametrize(
    "head", [b"\x89PNG\r\n\x1a\n\x00\x00", b"\xff\xfem\x00o\x00", bytes(range(128, 256))]
)
def test_junk(tmp_path: Path, head: bytes) -> None:
    path = tmp_path / "a.dl"
    path.write_bytes(head * 1000)
    assert unread(path).code == "not-utf8"


def test_a_file_is_not_read_beyond_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "a.dl"
    with path.open("wb") as file:
        file.truncate(1 << 30)  # sparse: a gigabyte of zeros
    tracemalloc.start()
    mistake = unread(path)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (mistake.code, mistake.message.split("is ")[-1]) == (
        "file-too-long",
        "longer than 1,048,576 bytes",
    )
    assert most < 4 << 20


def test_a_file_of_just_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "a.dl"
    path.write_bytes(b"#" * 64)
    assert read(path, Limits(bytes=64)).text == "#" * 64
    assert unread(path, Limits(bytes=63)).code == "file-too-long"


# ---- texts


def test_bytes_are_counted_and_not_characters() -> None:
    limits = Limits(bytes=10)
    assert not parse(Source("test.dl", "# φφφφ"), limits)[1]
    assert refused("# φφφφφ", limits).code == "file-too-long"
    assert refused("# \ud800" * 4, limits).code == "file-too-long"


def test_a_long_line() -> None:
    mistake = refused("input 1\n# " + "a" * 9_999)
    assert mistake.message == "a line of 10,001 characters; at most 10,000 are read"
    assert mistake.span
    assert mistake.span.line == 2
    assert refused("a" * 10_000_000).code == "file-too-long"
    assert not parse(Source("test.dl", "# " + "a" * 9_998))[1]


@pytest.mark.parametrize("text", ["a\0", "dense \x07", "a\rb", "\x1b[0m", "# \x7f"])
def test_control_characters(text: str) -> None:
    mistake = refused(text)
    assert mistake.code == "control-character"
    assert mistake.span
    assert mistake.span.text in text


@pytest.mark.parametrize(
    "text",
    [
        "a {\n" * 30_000,
        "a {" * 101 + "}" * 101,
        "f(" * 101 + ")" * 101,
        "a [\n" * 30_000 + "]\n" * 30_000,
        "a {" * 50 + "b " + "(" * 51 + ")" * 51,
    ],
)
def test_nesting_is_refused_before_any_work(text: str) -> None:
    mistake = refused(text)
    assert mistake.message == "nested more than 100 deep"
    assert mistake.span
    assert mistake.span.text in "{(["


def test_brackets_that_are_never_closed_are_no_nesting() -> None:
    spec, told = parse(Source("test.dl", "dense f(3\n" * 99 + "dense 4\n"))
    assert {mistake.code for mistake in told} == {"unclosed-bracket"}
    assert len(told) == 99
    assert len(spec.lines) == 100
    assert parse(Source("test.dl", "f(\n" * 30_000))[1][0].code == "unclosed-bracket"


def test_nesting_up_to_the_limit_is_read() -> None:
    spec, mistakes = parse(Source("test.dl", "a {" * 100 + "}" * 100))
    assert not mistakes
    assert parse(Source("test.dl", "a " + "(" * 100 + "5" + ")" * 100))[0].lines[0].items
    assert spec == parse(Source("test.dl", "a {\n" * 100 + "}\n" * 100))[0]  # and can be compared and shown
    assert repr(spec).count("Line") == 100


def test_brackets_in_strings_and_comments_do_not_nest() -> None:
    text = 'a "' + "(" * 200 + '"\n# ' + "{" * 200 + "\n"
    assert not parse(Source("test.dl", text))[1]


@pytest.mark.parametrize(
    "text", ["a " + "+".join("b" * 4000), "a " + "-" * 4000 + "b", "a " + "^".join("b" * 4000)]
)
def test_chains_of_operators_are_nesting_too(text: str) -> None:
    spec, (mistake,) = parse(Source("test.dl", text + "\nc 1"))
    assert mistake.code == "too-deep"
    assert [line.broken for line in spec.lines] == [True, False]


def test_tokens() -> None:
    mistake = refused("a 1\n" * 70_000)
    assert mistake.message == "more than 200,000 words and signs in one file"
    assert mistake.span
    assert mistake.span.line == 66_667
    assert not parse(Source("test.dl", "a 1\n" * 3), Limits(tokens=9))[1]
    assert refused("a 1\n" * 3, Limits(tokens=8)).code == "too-many-tokens"
