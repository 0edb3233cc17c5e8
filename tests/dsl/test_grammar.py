"""The grammar by itself: no conflict, no terminals that collide, and a parser only where it is needed."""

import subprocess
import sys

from lark import Lark

from deltaplan.dsl.grammar import GRAMMAR, OPTIONS


def test_the_grammar_builds_under_strict() -> None:
    Lark(GRAMMAR.read_text(encoding="utf-8"), strict=True, **OPTIONS)


def test_importing_the_package_does_not_import_lark() -> None:
    code = "import sys, deltaplan.dsl; sys.exit('lark' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
