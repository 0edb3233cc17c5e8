"""What stands behind the `;` of a definition: parameters, and conditions that bound them.

`snake(u; a = 1.0, a > 0)` has the parameter a above 0; `group(w; k, k >= 0)` one that must be given.
"""

from collections.abc import Iterator, Set
from dataclasses import replace
from typing import ClassVar, Literal

from deltaplan.compiler.build.context import Context
from deltaplan.compiler.build.names import OtherForm, unknown
from deltaplan.compiler.build.scope import Scope
from deltaplan.compiler.build.values import NotANumber, describe, evaluate, number
from deltaplan.diagnostics import Diagnostic, mistake
from deltaplan.dsl import tree, value_text
from deltaplan.plugins.contracts import Parameter

Bound = Literal["above", "minimum", "below", "maximum"]
BOUNDS: dict[str, Bound] = {">": "above", ">=": "minimum", "<": "below", "<=": "maximum"}
TURNED = {">": "<", ">=": "<=", "<": ">", "<=": ">="}


@mistake
class WrongDefinition(Diagnostic):
    code: ClassVar[str] = "wrong-definition"
    title: ClassVar[str] = "{why}"
    help: ClassVar[str] = "write `{example}`"
    why: str
    example: str


def definition_parameters(
    context: Context, name: tree.Call, taken: Set[str], example: str
) -> tuple[Parameter, ...]:
    """The parameters in their order; `taken` are the names that mean something else. Raises Told."""
    found: dict[str, Parameter] = {}
    for item in name.after:
        if not isinstance(item, tree.Binary):
            parameter = _parameter(context, item, example)
            if parameter.name in found.keys() | taken:
                why = f"`{parameter.name}` has a meaning here already"
                raise context.refuse(WrongDefinition(span=item.span, why=why, example=example))
            found[parameter.name] = parameter
    for item in name.after:
        if isinstance(item, tree.Binary):
            bounded = _bounded(context, item, found, example)
            found[bounded.name] = bounded
    return tuple(found.values())


def parameter_names(name: tree.Call) -> Iterator[tree.Name]:
    """Those that are declared, where they are."""
    for item in name.after:
        key = item.key if isinstance(item, tree.Option) else item
        if isinstance(key, tree.Name):
            yield key


def _parameter(context: Context, item: tree.Value | tree.Option, example: str) -> Parameter:
    """A name alone must be given where the definition is used. Raises Told."""
    match item:
        case tree.Name(text=text):
            return Parameter(text)
        case tree.Option(key=tree.Name(text=text), value=tree.Binary(op=op) as value) if op in BOUNDS:
            mend = f"{text} = {value_text(value.left)}, {text} {op} {value_text(value.right)}"
            raise context.refuse(OtherForm(span=item.span, written=item.span.text, mend=mend))
        case tree.Option(key=tree.Name(text=text), value=value):
            return _with_default(context, text, value)
    why = f"`{item.span.text}` is no parameter"
    raise context.refuse(WrongDefinition(span=item.span, why=why, example=example))


def _with_default(context: Context, name: str, value: tree.Value) -> Parameter:
    default = evaluate(context, Scope(), value)
    if isinstance(default, bool):
        return Parameter(name, default, "boolean")
    if not isinstance(default, int | float):
        raise context.refuse(NotANumber(span=value.span, got=describe(default)))
    return Parameter(name, default)


def _bounded(
    context: Context, item: tree.Binary, parameters: dict[str, Parameter], example: str
) -> Parameter:
    """The parameter that a condition names, with its bound. Raises Told."""
    if item.op not in BOUNDS:
        why = f"`{item.span.text}` is neither a parameter nor a bound of one"
        raise context.refuse(WrongDefinition(span=item.span, why=why, example=example))
    left, right = item.left, item.right
    if isinstance(right, tree.Name) and not isinstance(left, tree.Name):
        mend = f"{right.text} {TURNED[item.op]} {value_text(left)}"
        raise context.refuse(OtherForm(span=item.span, written=item.span.text, mend=mend))
    if not isinstance(left, tree.Name):
        why = f"`{item.span.text}` does not begin with a parameter"
        raise context.refuse(WrongDefinition(span=item.span, why=why, example=example))
    parameter = parameters.get(left.text)
    if parameter is None:
        raise unknown(context, "parameter", left.text, left.span, parameters, list_known=True)
    return _with_bound(context, item, parameter, number(context, Scope(), right), example)


def _with_bound(
    context: Context, item: tree.Binary, parameter: Parameter, value: float, example: str
) -> Parameter:
    name, field = parameter.name, BOUNDS[item.op]
    if parameter.type == "boolean":
        why = f"`{name}` is true or false, and has no bounds"
        raise context.refuse(WrongDefinition(span=item.span, why=why, example=example))
    if _sided(parameter, lower=field in ("above", "minimum")):
        why = f"`{name}` has a bound on this side already"
        raise context.refuse(WrongDefinition(span=item.span, why=why, example=example))
    bounded = _with(parameter, field, value)
    if _is_empty(bounded):
        why = f"`{name}` must be {bounded.condition}, and there is none"
        raise context.refuse(WrongDefinition(span=item.span, why=why, example=example))
    return bounded


def _with(parameter: Parameter, field: Bound, value: float) -> Parameter:
    match field:
        case "above":
            return replace(parameter, above=value)
        case "minimum":
            return replace(parameter, minimum=value)
        case "below":
            return replace(parameter, below=value)
        case "maximum":
            return replace(parameter, maximum=value)


def _is_empty(p: Parameter) -> bool:
    low = p.minimum if p.above is None else p.above
    high = p.maximum if p.below is None else p.below
    if low is None or high is None:
        return False
    return low > high or (low == high and not (p.above is None and p.below is None))


def _sided(parameter: Parameter, lower: bool) -> bool:
    """Whether a bound of this side is there already."""
    one, other = (parameter.above, parameter.minimum) if lower else (parameter.below, parameter.maximum)
    return one is not None or other is not None
