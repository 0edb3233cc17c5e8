"""The decorators: each turns a function into a contribution. They register nothing; the loader collects."""

from collections.abc import Callable, Iterator, Sequence
from types import MappingProxyType
from typing import Any, Literal

from deltaplan.plugins.contracts import (
    Activation,
    Analysis,
    Attribute,
    Augmentation,
    DataSource,
    Decision,
    Initializer,
    Layer,
    Link,
    Loss,
    Metric,
    Optimizer,
    Regularizer,
    Schedule,
    Solver,
    Table,
    Target,
)
from deltaplan.plugins.declare import Declared, named
from deltaplan.plugins.examining import Findings
from deltaplan.plugins.expressions import Expr, argument
from deltaplan.plugins.faults import NoExpression
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
from deltaplan.plugins.solving import Iterate
from deltaplan.plugins.totals import traced_metric
from deltaplan.plugins.tracing import Traced

Function = Callable[..., Expr]
Update = Callable[..., dict[str, Expr]]
Spread = Callable[..., float | tuple[float, float]]
GIVEN = ("t", "is_weight")  # what an optimizer's function may ask for beside its parameters


def activation(name: str, /, **parameters: Declared) -> Callable[[Function], Activation]:
    """σ(u) of each element: `def snake(u, a)`; u by position, the parameters by name."""

    def mark(function: Function) -> Activation:
        traced, declared = Traced("activation", name, function), named(parameters)
        return made_activation(traced, declared, traced.expression([U], declared))

    return mark


def loss(
    name: str,
    /,
    *,
    target: Target = "real",
    link: Link = "identity",
    decision: Decision = "none",
    convex: bool = True,
    **parameters: Declared,
) -> Callable[[Function], Loss]:
    """L(u, y) of one sample: `def squared_error(u, y)`. It ends scalar.

    u is a vector and so is y, but with target="class" y is the index of the class. `convex`: L is in u.
    """

    def mark(function: Function) -> Loss:
        traced, declared = Traced("loss", name, function), named(parameters)
        expression = traced.expression([U, target_of(target)], declared)
        return made_loss(traced, declared, expression, target, link, decision, convex)

    return mark


def regularizer(name: str, /, **parameters: Declared) -> Callable[[Function], Regularizer]:
    """Ω(w) of one block of parameters as a vector: `def ridge(w, strength)`. It ends scalar."""

    def mark(function: Function) -> Regularizer:
        traced, declared = Traced("regularizer", name, function), named(parameters)
        return made_regularizer(traced, declared, traced.expression([W], declared))

    return mark


def optimizer(
    name: str, /, *, state: Sequence[str] = (), **parameters: Declared
) -> Callable[[Update], Optimizer]:
    """One step for each element: `def adam(w, g, m, v, t, lr, ...)`, all by name, returns new values by name.

    w is a parameter, g its gradient, t the number of the step from 1 on, `is_weight` true for a weight and
    false for a bias (both may be left out); the states are 0 before the first step.
    """

    def mark(function: Update) -> Optimizer:
        traced, declared = Traced("optimizer", name, function), named(parameters)
        traced.check_parameters(declared)
        traced.check_names("w", "g", *GIVEN, *state, *(p.name for p in declared))
        w, g, *states = (argument(n) for n in ("w", "g", *state))
        scalars = [argument(n, scalar=True) for n in (*GIVEN, *(p.name for p in declared))]
        given = [e for e in (w, g, *states, *scalars) if e.name not in GIVEN or traced.accepts(str(e.name))]
        update = traced.updates([w, *states], [g, *scalars], given)
        return Optimizer(
            name,
            declared,
            traced.doc,
            traced.owner,
            state=tuple(state),
            update=MappingProxyType(update),
        )

    return mark


def solver(
    name: str, /, *, exact: bool = False, numbers: Callable[..., int] | None = None, **parameters: Declared
) -> Callable[[Callable[..., Iterator[Iterate]]], Solver]:
    """Points from a first one on: `def descent(objective, x, rate)`, a generator of Iterate; see Solver."""

    def mark(function: Callable[..., Iterator[Iterate]]) -> Solver:
        traced, declared = Traced("optimizer", name, function), named(parameters)
        traced.check_parameters(declared)
        traced.check_signature("objective", "x", keywords=[p.name for p in declared])
        kept = numbers or (lambda n, **values: n)
        return Solver(name, declared, traced.doc, traced.owner, minimize=function, exact=exact, numbers=kept)

    return mark


def schedule(name: str, /, **parameters: Declared) -> Callable[[Function], Schedule]:
    """A setting of an optimizer over time: `def halving(t, base, every)`; t by position, the others by name.

    t counts the epochs (in a run of so many steps: the steps) before the one at hand, from 0 on. A parameter
    that is a list of numbers is a vector, over which `sum` or the like stands. It ends scalar.
    """

    def mark(function: Function) -> Schedule:
        traced, declared = Traced("schedule", name, function), named(parameters)
        traced.check_one_list(declared)
        return made_schedule(traced, declared, traced.expression([T], declared))

    return mark


def layer(
    name: str,
    /,
    *attributes: Attribute,
    trained: bool = True,
    affine: bool | None = None,
    biased: bool | None = None,
) -> Callable[[Callable[..., Any]], Layer]:
    """One tensor to one over the builder's primitives: `def dense(builder, x, width)`; attributes by name.

    `trained`: it has parameters. `affine`: they are weights, so that its lines take `init=` and `residual`.
    `biased`: it takes `bias=`. What is not said is as `trained`.
    """

    def mark(function: Callable[..., Any]) -> Layer:
        traced = Traced("layer", name, function)
        traced.check_names(*(a.name for a in attributes))
        traced.check_signature("builder", "x", keywords=[a.name for a in attributes])
        return Layer(
            name,
            (),
            traced.doc,
            traced.owner,
            attributes=attributes,
            forward=function,
            trained=trained,
            affine=trained if affine is None else affine,
            biased=trained if biased is None else biased,
        )

    return mark


def augmentation(name: str, /, **parameters: Declared) -> Callable[[Callable[..., Any]], Augmentation]:
    """What training sees in place of an input: `def flip(builder, x)`, a tensor to one of its shape over the
    builder's primitives, with `builder.uniform` for chance; parameters by name."""

    def mark(function: Callable[..., Any]) -> Augmentation:
        traced, declared = Traced("augmentation", name, function), named(parameters)
        traced.check_parameters(declared)
        traced.check_signature("builder", "x", keywords=[p.name for p in declared])
        return Augmentation(name, declared, traced.doc, traced.owner, forward=function)

    return mark


def initializer(
    name: str,
    /,
    *,
    draw: Literal["normal", "uniform", "constant", "orthogonal"],
    **parameters: Declared,
) -> Callable[[Spread], Initializer]:
    """The spread of first values: `def he(fan_in, fan_out, gain)` with plain numbers; see Initializer."""

    def mark(function: Spread) -> Initializer:
        traced, declared = Traced("initializer", name, function), named(parameters)
        traced.check_parameters(declared)
        traced.check_signature("fan_in", "fan_out", "gain", keywords=[p.name for p in declared])
        if all(p.default is not None for p in declared):
            _check_spread(traced, traced.call(3, 2, 1.0, **{p.name: p.default for p in declared}))
        return Initializer(name, declared, traced.doc, traced.owner, draw=draw, spread=function)

    return mark


def _check_spread(traced: Traced, result: object) -> None:
    numbers = result if isinstance(result, tuple) and len(result) == 2 else (result,)
    if not all(isinstance(n, int | float) for n in numbers):
        traced.fail(NoExpression, result=f"`{result!r:.60}`", wanted="a number or a pair of numbers")


def metric(
    name: str,
    /,
    *,
    of: Literal["values", "classes", "members", "scores"],
    better: Literal["higher", "lower"],
    gives: Literal["number", "table"] = "number",
) -> Callable[[Callable[..., Any]], Metric]:
    """How good predictions are: see Metric for what is compared.

    As mathematics, `def rmse(u, y, n, total)`: any of u, y, m and n, and `total(e)`, the sum of e over the
    samples; it ends scalar. Else `def auc(predicted, target)` on arrays.
    """

    def mark(function: Callable[..., Any]) -> Metric:
        traced = Traced("metric", name, function)
        traced.check_names()
        common = (name, (), traced.doc, traced.owner)
        if traced.accepts("predicted") or gives == "table":
            traced.check_signature("predicted", "target")
            return Metric(*common, of=of, better=better, gives=gives, function=function)
        sums, result = traced_metric(traced)
        return Metric(*common, of=of, better=better, sums=sums, result=result)

    return mark


def data_source(
    name: str, /, *attributes: Attribute, named: bool = False, scalars: bool = False
) -> Callable[[Callable[..., Table]], DataSource]:
    """Named columns from a place: `def csv(path, delimiter)`; attributes by name. Raises Unreadable.

    `named`: what the spec gives is a name and no file; the name is then the last part of the path.
    `scalars`: every column has one number or word a row.
    """

    def mark(function: Callable[..., Table]) -> DataSource:
        traced = Traced("data source", name, function)
        traced.check_names(*(a.name for a in attributes))
        traced.check_signature("path", keywords=[a.name for a in attributes])
        return DataSource(
            name,
            (),
            traced.doc,
            traced.owner,
            attributes=attributes,
            read=function,
            named=named,
            scalars=scalars,
        )

    return mark


def analysis(
    name: str, /, *attributes: Attribute, several: bool = False, trained: bool = False
) -> Callable[[Callable[..., Findings]], Analysis]:
    """An instrument of the laboratory: `def norms(subject, order)`, which gives Findings; attributes by name.

    `several`: the function gets a tuple of subjects, `def compare(subjects)`. `trained`: runs alone.
    """

    def mark(function: Callable[..., Findings]) -> Analysis:
        traced = Traced("analysis", name, function)
        traced.check_names(*(a.name for a in attributes))
        traced.check_signature("subjects" if several else "subject", keywords=[a.name for a in attributes])
        return Analysis(
            name,
            (),
            traced.doc,
            traced.owner,
            attributes=attributes,
            examine=function,
            several=several,
            trained=trained,
        )

    return mark
