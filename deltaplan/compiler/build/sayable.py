"""Values as a spec says them: what the text of a param can hold."""

from pathlib import Path

from deltaplan.compiler.build.context import Context, ExpansionLimits, Told
from deltaplan.compiler.build.scope import Scope
from deltaplan.compiler.build.values import evaluate
from deltaplan.diagnostics import Problems, Source
from deltaplan.dsl import parse, tree
from deltaplan.plugins.contracts import Value
from deltaplan.plugins.registry import Registry


def evaluated(value: tree.Value, scope: Scope) -> Value:
    """The value of a piece of the tree. Raises Told for a number beyond the bounds."""
    return evaluate(Context(Registry(), ExpansionLimits(), Path(), Problems()), scope, value)


def same(first: Value, second: Value) -> bool:
    """Of one type and one value: -0.0 is not 0.0."""
    return type(first) is type(second) and repr(first) == repr(second)


def said(value: Value) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return f'"{value}"'
        case _:
            return repr(value)


def sayable(value: Value) -> tree.Value | None:
    """The value as a text says it; None where none can: infinity, a text with quotes or control characters.

    A word is put in quotes: bare, it could be the name of another param.
    """
    spec, mistakes = parse(Source("", f"param name = {said(value)}"))
    match spec.lines:
        case (tree.Line(items=(tree.Option(value=found),), body=None),) if not mistakes:
            return found if _reads_back(found, value) else None
    return None


def _reads_back(found: tree.Value, value: Value) -> bool:
    """Whether it is the value again: `nan` is a word, and a whole number may be too large."""
    try:
        return same(evaluated(found, Scope()), value)
    except Told:
        return False
