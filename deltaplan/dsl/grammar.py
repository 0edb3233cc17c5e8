"""The parser of `grammar.lark`, from tables on disk: to make them costs more than all else that `check` does.

`python -m deltaplan.dsl.grammar` writes them anew after a change of the grammar; a test asks for it. Where
they are of another grammar or another lark, the parser is made from the grammar.
"""

import json
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import lark
from lark import Lark
from lark.lark import PostLex

GRAMMAR = Path(__file__).with_name("grammar.lark")
TABLES = Path(__file__).with_name("grammar.json")


class Everywhere(PostLex):
    """Has the lexer find the ends of lines in every state; `Lines` gives them a meaning, text by text."""

    always_accept = ("_NL", "SEMICOLON")

    def process(self, stream: Any) -> Any:
        return stream


OPTIONS: dict[str, Any] = {
    "parser": "lalr",
    "lexer": "contextual",
    "postlex": Everywhere(),
    "maybe_placeholders": False,
}


@cache
def parser() -> Lark:
    """The parser, made once, when the first text is read."""
    grammar = GRAMMAR.read_text(encoding="utf-8")
    return load_tables(grammar, OPTIONS) or Lark(grammar, **OPTIONS)


def load_tables(grammar: str, options: dict[str, Any]) -> Lark | None:
    """The parser of a grammar from its tables; None where they are not of this grammar and this lark."""
    try:
        found = json.loads(TABLES.read_text(encoding="utf-8"), object_hook=_with_numbers)
    except (OSError, ValueError):
        return None
    if not isinstance(found, dict) or found.get("made_of") != _made_of(grammar):
        return None
    found["data"]["options"] |= options
    made: Lark = Lark.load(found)
    return made


def tables_text(grammar: str, options: dict[str, Any]) -> str:
    """The tables of a grammar as JSON."""
    from lark.grammar import Rule
    from lark.lexer import TerminalDef

    data, memo = Lark(grammar, **options).memo_serialize([TerminalDef, Rule])
    data["options"] = {name: value for name, value in data["options"].items() if name not in options}
    found = {"made_of": _made_of(grammar), "data": data, "memo": memo}
    return json.dumps(found, ensure_ascii=False, separators=(",", ":")) + "\n"


def _made_of(grammar: str) -> list[str]:
    return [lark.__version__, sha256(grammar.encode()).hexdigest()]


def _with_numbers(mapping: dict[str, Any]) -> dict[Any, Any]:
    """States and rules go by numbers, which JSON keeps as words: all keys of a mapping, or none."""
    if not next(iter(mapping), "").isdecimal():
        return mapping
    return {int(key): value for key, value in mapping.items()}


if __name__ == "__main__":
    text = tables_text(GRAMMAR.read_text(encoding="utf-8"), OPTIONS)
    TABLES.write_text(text, encoding="utf-8", newline="\n")
