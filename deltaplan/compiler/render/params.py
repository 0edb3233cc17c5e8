"""Params with the values that were used."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from deltaplan.compiler.build.sayable import evaluated, said, same, sayable
from deltaplan.compiler.build.scope import Definition, Scope
from deltaplan.compiler.render.remarks import comment
from deltaplan.dsl import tree, value_text
from deltaplan.plugins.contracts import Value


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
    assert literal is not None, "values that no spec can say are refused"
    shown = said(used)
    if same(evaluated(item.value, scope), used):
        remarks = [shown] if _is_worked_out(item.value, scope) and shown != written else []
        return replace(line, comment=comment(line, *remarks))
    remark = f"given: {shown}, written: {written}"
    return replace(line, items=(replace(item, value=literal),), comment=comment(line, remark))


def _is_worked_out(value: tree.Value, scope: Scope) -> bool:
    match value:
        case tree.Name(text=text):
            return text in scope.names
        case _:
            return isinstance(value, tree.Unary | tree.Binary)
