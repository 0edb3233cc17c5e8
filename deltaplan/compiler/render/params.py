"""Params with the values that were used."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from deltaplan.compiler.build.context import Context, ExpansionLimits, Told
from deltaplan.compiler.build.scope import Definition, Scope
from deltaplan.compiler.build.values import evaluate
from deltaplan.compiler.render.remarks import comment
from deltaplan.diagnostics import Problems, Source
from deltaplan.dsl import parse, tree, value_text
from deltaplan.plugins.contracts import Value
from deltaplan.plugins.registry import Registry


def resolved_params(lines: Iterable[tree.Line], values: Mapping[str, Value]) -> dict[int, tree.Line]:
    """The `param` lines, by their place among the lines: with the value that was given instead, where one
    was, and with the value in a comment where it is worked out."""
    scope = Scope()
    found: dict[int, tree.Line] = {}
    for at, line in enumerate(lines):
        match line:
            case tree.Line(
                head=tree.Name(text="param"), items=(tree.Option(key=tree.Name(text=name)) as item,)
            ):
                found[at] = _resolved(line, item, scope, values[name])
                scope.names[name] = Definition(values[name], item.span)
    return found


def _resolved(line: tree.Line, item: tree.Option, scope: Scope, used: Value) -> tree.Line:
    literal, written = sayable(used), value_text(item.value)
    shown = repr(used) if literal is None else said(used)
    if same(evaluated(item.value, scope), used):
        remarks = [shown] if _is_worked_out(item.value, scope) and shown != written else []
        return replace(line, comment=comment(line, *remarks))
    if literal is None:
        return replace(line, comment=comment(line, f"given: {shown}, which no spec can say"))
    remark = f"given: {shown}, written: {written}"
    return replace(line, items=(replace(item, value=literal),), comment=comment(line, remark))


def _is_worked_out(value: tree.Value, scope: Scope) -> bool:
    match value:
        case tree.Name(text=text):
            return text in scope.names
        case _:
            return isinstance(value, tree.Unary | tree.Binary)


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
