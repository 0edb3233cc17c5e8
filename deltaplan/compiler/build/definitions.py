"""`activation snake(u; a = 1.0) = u + sin(a*u)^2 / a`: what a spec defines in its own language.

A definition is closed: it knows its arguments, its parameters and the functions of the expression language,
no param of the spec. It becomes the contribution that a decorator makes of the same mathematics.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from deltaplan.compiler.build.binding import GivenTwice
from deltaplan.compiler.build.context import Context
from deltaplan.compiler.build.definition_parameters import (
    WrongDefinition,
    definition_parameters,
    parameter_names,
)
from deltaplan.compiler.build.mathematics import expression, names_in
from deltaplan.compiler.build.names import unknown
from deltaplan.compiler.build.params import UnusedName
from deltaplan.compiler.build.places import OutOfPlace, Read
from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.used import used
from deltaplan.diagnostics import Note, PluginError, Span
from deltaplan.dsl import tree, value_text
from deltaplan.plugins.contracts import (
    Contribution,
    Decision,
    Kind,
    Link,
    Owner,
    Target,
)
from deltaplan.plugins.expressions import Expr, argument
from deltaplan.plugins.made import (
    T,
    U,
    W,
    made_activation,
    made_loss,
    made_regularizer,
    made_schedule,
    target_of,
)
from deltaplan.plugins.registry import Registry
from deltaplan.plugins.tracing import Traced
from deltaplan.records import dataclass

Key = tuple[str, str]  # kind and name


@dataclass(frozen=True, slots=True)
class Definable:
    """A kind of contribution that a spec can define: what it is a function of, and how it is made."""

    kind: Kind
    values: str
    example: str
    make: Callable[..., Contribution]


DEFINABLE: Mapping[str, Definable] = {
    each.kind: each
    for each in (
        Definable(
            "activation", "one value", "activation snake(u; a = 1, a > 0) = u + sin(a*u)^2/a", made_activation
        ),
        Definable("loss", "two values", "loss quartic(u, y) = sum((u - y)^4)", made_loss),
        Definable(
            "regularizer", "one value", "regularizer group(w; k, k >= 0) = k*sqrt(sum(w^2))", made_regularizer
        ),
        Definable("schedule", "one value", "schedule halving(t; base) = base*2^(-t)", made_schedule),
    )
}
CHOICES: Mapping[str, tuple[str, ...]] = {
    "target": get_args(Target),
    "link": get_args(Link),
    "decision": get_args(Decision),
    "convex": ("true", "false"),
}


def define(context: Context, reads: Mapping[str, Iterable[Read]]) -> tuple[Context, dict[Key, Span]]:
    """The context with what the spec defines, and where; a definition with a mistake is told, and the others
    hold."""
    places: dict[Key, Span] = {}
    for kind in DEFINABLE:
        for read in reads.get(kind, ()):
            registry = context.attempt(_with, context, read, places)
            failed = context.incomplete or registry is None
            context = replace(context, registry=registry or context.registry, incomplete=failed)
    return context, places


def _with(context: Context, read: Read, places: dict[Key, Span]) -> Registry:
    """The registry with one definition more; where its name is taken, both owners are told."""
    definable, (name, value, options) = DEFINABLE[read.head], _parts(context, read)
    found = _contribution(context, definable, name, value, options)
    key = (found.kind, found.name)
    try:
        registry = context.registry.with_([found])
    except PluginError as error:
        notes = (Note("the first one", places[key]),) if key in places else error.diagnostics[0].notes
        raise context.refuse(replace(error.diagnostics[0], span=name.name_span, notes=notes)) from None
    places[key] = name.name_span
    return registry


def _parts(context: Context, read: Read) -> tuple[tree.Call, tree.Value, tuple[tree.Option, ...]]:
    """`snake(u; a = 1.0)`, what stands behind its `=`, and what a loss declares behind that. Raises Told."""
    match read.line.items:
        case (tree.Option(key=tree.Call() as name, value=value), *more):
            options = tuple(item for item in more if isinstance(item, tree.Option))
            if len(options) == len(more):
                return name, value, options
            why = "more stands behind the definition than it has room for"
        case (tree.Name(text=text),) if read.head == "activation":
            where = "`model { … }`"
            raise context.refuse(
                OutOfPlace(span=read.line.span, head=f"activation {text}", place="the file", where=where)
            )
        case (tree.Option(key=tree.Name(text=text)), *_):
            why = f"`{text}` does not say what it is a function of"
        case _:
            why = f"`{read.head}` stands here without a definition"
    example = DEFINABLE[read.head].example
    raise context.refuse(WrongDefinition(span=read.line.span, why=why, example=example))


def _contribution(
    context: Context,
    definable: Definable,
    name: tree.Call,
    value: tree.Value,
    options: tuple[tree.Option, ...],
) -> Contribution:
    declared = _declared(context, definable, options)
    symbols = _symbols(definable, declared)
    arguments = _arguments(context, definable, name, len(symbols))
    parameters = definition_parameters(
        context, name, {*arguments, *(str(s.name) for s in symbols)}, definable.example
    )
    known = dict(zip(arguments, symbols, strict=True))
    known |= {p.name: argument(p.name, scalar=True) for p in parameters}
    made = expression(context, known, value)
    for declared_name in parameter_names(name):
        if declared_name.text not in names_in(value):
            context.problems.add(
                UnusedName(span=declared_name.span, what="parameter", name=declared_name.text)
            )
    traced = Traced(definable.kind, name.name, _nothing, name.span.to(value.span))
    traced.check_parameters(parameters)
    found = definable.make(traced, parameters, made, **declared)
    return replace(found, doc=value_text(value), owner=_owner(name))


def unused_definitions(experiment: Experiment, places: Mapping[Key, Span]) -> Iterator[UnusedName]:
    """A warning for each definition that nothing uses."""
    found = {(c.kind, c.name) for c in used(experiment)}
    for (kind, name), span in places.items():
        if (kind, name) not in found:
            yield UnusedName(span=span, what=kind, name=name)


def _nothing() -> None:
    """Stands where a plugin has its function."""


def _owner(name: tree.Call) -> Owner:
    source = name.span.source
    return Owner(Path(source.name).name, source.name, line=source.line_of(name.span.start), origin="spec")


def _symbols(definable: Definable, declared: Mapping[str, Any]) -> tuple[Expr, ...]:
    match definable.kind:
        case "activation":
            return (U,)
        case "loss":
            return (U, target_of(declared.get("target", "real")))
        case "regularizer":
            return (W,)
    return (T,)


def _declared(context: Context, definable: Definable, options: Iterable[tree.Option]) -> dict[str, Any]:
    """`target=sign decision=positive` behind a loss. Raises Told."""
    found: dict[str, Any] = {}
    for option in options:
        name, word = option.key.span.text, option.value.span.text
        choices = CHOICES if definable.kind == "loss" else {}
        if name not in choices:
            raise unknown(context, "option", name, option.key.span, choices, place=f" of `{definable.kind}`")
        if name in found:
            raise context.refuse(GivenTwice(span=option.span, name=name))
        if word not in choices[name]:
            raise unknown(context, "word", word, option.value.span, choices[name], list_known=True)
        found[name] = word == "true" if name == "convex" else word
    return found


def _arguments(context: Context, definable: Definable, name: tree.Call, count: int) -> tuple[str, ...]:
    """The names of the values. Raises Told."""
    names = tuple(item.text for item in name.items if isinstance(item, tree.Name))
    if len(names) < len(name.items) or len(names) != count:
        why = f"`{definable.kind}` defines a function of {definable.values}; parameters stand behind `;`"
        raise context.refuse(WrongDefinition(span=name.span, why=why, example=definable.example))
    if len(set(names)) < count:
        raise context.refuse(GivenTwice(span=name.items[1].span, name=names[1]))
    return names
