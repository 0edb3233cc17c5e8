"""The parser's tables on disk are those of the grammar, and are left alone where they are not."""

from pathlib import Path

import pytest
from lark import Lark

from deltaplan.dsl import grammar
from deltaplan.dsl.grammar import GRAMMAR, OPTIONS

TEXT = GRAMMAR.read_text(encoding="utf-8")


def known(parser: Lark) -> dict[str, list[str]]:
    """All that a parser goes by, in an order that does not depend on the run."""
    table = parser.parser.parser._parse_table  # type: ignore[union-attr]
    return {
        "terminals": sorted(f"{t.name} {t.pattern!r} {t.priority}" for t in parser.terminals),
        "rules": sorted(f"{rule} {rule.alias}" for rule in parser.rules),
        "states": sorted(" ".join(sorted(actions)) for actions in table.states.values()),
    }


def test_the_tables_are_those_of_the_grammar() -> None:
    found = grammar.load_tables(TEXT, OPTIONS)
    assert found is not None, "write them anew: python -m deltaplan.dsl.grammar"
    assert known(found) == known(Lark(TEXT, **OPTIONS))


def test_another_grammar_has_no_tables() -> None:
    assert grammar.load_tables(TEXT + "\n", OPTIONS) is None


def test_another_lark_makes_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lark.__version__", "0.0")
    assert grammar.load_tables(TEXT, OPTIONS) is None


@pytest.mark.parametrize("text", ["", "not json", "[]", '{"made_of": 1}'])
def test_spoiled_tables_are_no_tables(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "grammar.json").write_text(text, encoding="utf-8")
    monkeypatch.setattr(grammar, "TABLES", tmp_path / "grammar.json")
    assert grammar.load_tables(TEXT, OPTIONS) is None


def test_what_is_written_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = 'start: "a"+\n'
    options = {"parser": "lalr"}
    (tmp_path / "grammar.json").write_text(grammar.tables_text(text, options), encoding="utf-8")
    monkeypatch.setattr(grammar, "TABLES", tmp_path / "grammar.json")
    parser = grammar.load_tables(text, options)
    assert parser is not None
    assert parser.parse("aaa").data == "start"
