"""What is known of a contribution: its formulas, its facts, its curves."""

from collections.abc import Iterator, Sequence
from dataclasses import field
from math import inf, isfinite, isnan

from deltaplan.compiler.printers.algebra import short
from deltaplan.plugins.contracts import (
    Activation,
    Attribute,
    Contribution,
    Initializer,
    Loss,
    Metric,
    Optimizer,
    Regularizer,
    Schedule,
)
from deltaplan.plugins.expressions import (
    REDUCTIONS,
    Expr,
    Op,
    derivative,
    evaluate,
    substitute,
    walk,
)
from deltaplan.plugins.expressions.algebra import again
from deltaplan.plugins.expressions.analysis import (
    gain,
    is_piecewise_affine,
    jumps,
    kinks,
    lipschitz,
    monotone,
    slope_range,
    value_range,
)
from deltaplan.plugins.settings import numbers, signature
from deltaplan.records import dataclass

POINTS, REACH = 241, 4.0  # of a curve, and how far it goes on each side of 0
TIMES, LISTED = 100.0, [30.0, 60.0]  # how far the curve of a schedule goes, and a list of times
GOES = {"rising": "never falls", "falling": "never rises", "constant": "always the same"}
TARGETS = {"real": "real", "class": "the index of a class", "binary": "from 0 to 1", "sign": "±1"}
Fact = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Formula:
    """`σ′(u)` and its expression."""

    name: str
    expr: Expr


@dataclass(frozen=True, slots=True)
class Curve:
    """A function over one number; a value that is none is NaN."""

    name: str
    symbol: str
    x: Sequence[float]
    y: Sequence[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """`given` tells the values of parameters that facts and curves hold for: `a = 1`."""

    kind: str
    signature: str
    origin: str
    doc: str
    formulas: tuple[Formula, ...] = ()
    parameters: tuple[Fact, ...] = ()
    given: str = ""
    facts: tuple[Fact, ...] = ()
    curves: tuple[Curve, ...] = ()

    @property
    def title(self) -> str:
        return f"{self.kind} {self.signature}"


@dataclass(frozen=True, slots=True)
class _Found:
    formulas: list[Formula] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)


def card_of(contribution: Contribution) -> Card:
    """All of a contribution, at the defaults of its parameters."""
    found, given = _found(contribution), numbers(contribution)
    owner = contribution.owner
    return Card(
        kind=contribution.kind,
        signature=signature(contribution),
        origin="comes with deltaplan" if owner.plugin == "deltaplan" else f"from {owner}",
        doc=contribution.doc.strip(),
        formulas=tuple(found.formulas),
        parameters=tuple(_parameters(contribution)),
        given=", ".join(f"{name} = {value:g}" for name, value in given.items()) if found.curves else "",
        facts=tuple(found.facts),
        curves=tuple(found.curves),
    )


def _parameters(contribution: Contribution) -> Iterator[Fact]:
    for p in contribution.parameters:
        default = "must be given" if p.required else f"{p.default} by default"
        yield p.name, p.condition if p.type == "length" else f"{p.condition}; {default}"
    attributes: tuple[Attribute, ...] = getattr(contribution, "attributes", ())
    for a in attributes:
        words = [a.type if not a.choices else " | ".join(a.choices), a.doc]
        default = (
            "must be given" if a.required else f"{a.default} by default" if a.default is not None else ""
        )
        yield a.name, "; ".join(filter(None, [*words, default]))


def _found(contribution: Contribution) -> _Found:
    match contribution:
        case Activation(expression=expression):
            return _function("σ", "u", expression, numbers(contribution), of_units=True)
        case Loss(expression=expression):
            return _loss(contribution, expression)
        case Regularizer(expression=expression):
            return _of_one(_Found([Formula("Ω(w)", expression)]), contribution, expression, "w", {})
        case Schedule(expression=expression):
            return _schedule(contribution, expression)
        case Optimizer(update=update):
            new = [Formula(f"{name} ←", short(e)) for name, e in reversed(list(update.items()))]
            return _Found(new, [("state", ", ".join(contribution.state) or "none")])
        case Metric() if contribution.result is not None:
            sums = [Formula(f"{name} = Σ", e) for name, e in contribution.sums.items()]
            facts: list[Fact] = [("compares", contribution.of), ("better", contribution.better)]
            return _Found([*sums, Formula("value", contribution.result)], facts)
        case Initializer(draw=draw):
            return _Found(facts=[("draws", draw)])
    return _Found()


def _function(name: str, symbol: str, expr: Expr, given: dict[str, float], of_units: bool = False) -> _Found:
    """A function of one number: its derivatives, ranges and curves."""
    first = derivative(expr, symbol)
    own = substitute(expr, given)
    formulas = [
        Formula(f"{name}({symbol})", expr),
        Formula(f"{name}′({symbol})", short(first)),
        Formula(f"{name}″({symbol})", short(derivative(first, symbol))),
    ]
    facts = list(_facts(own, symbol))
    if of_units:
        factor = gain(own, symbol)
        facts.append(("init gain", "none: E[σ(u)²] is 0 or not finite" if isnan(factor) else f"{factor:.6g}"))
    slope = derivative(own, symbol)
    curves = [_curve(f"{name}({symbol})", symbol, own), _curve(f"{name}′({symbol})", symbol, slope)]
    return _Found(formulas, facts, curves)


def _facts(expr: Expr, symbol: str) -> Iterator[Fact]:
    yield "values", _interval(value_range(expr, symbol))
    steepest = lipschitz(expr, symbol)
    bound = (
        f"; Lipschitz constant {steepest:.6g}" if isfinite(steepest) else "; no Lipschitz constant is known"
    )
    yield "slopes", _interval(slope_range(expr, symbol)) + bound
    yield "monotony", GOES.get(monotone(expr, symbol) or "", "rises and falls, or is not known")
    points = kinks(expr, symbol)
    jumped = {point for point, *_ in jumps(expr, symbol)}
    texts = [f"{p:g}{' (a jump)' if p in jumped else ''}" for p in points]
    yield "kinks", (f"{symbol} = " + ", ".join(texts)) if texts else "none are known"
    if is_piecewise_affine(expr, symbol):
        yield "pieces", "straight lines"


def _loss(loss: Loss, expression: Expr) -> _Found:
    found = _Found([Formula("L(u, y)", expression)])
    found.facts.append(("target", TARGETS[loss.target]))
    found.facts.append(("predicts", "u" if loss.link == "identity" else f"{loss.link}(u)"))
    found.facts.append(("convex in u", "yes" if loss.convex else "no"))
    y = {"binary": 1.0, "sign": 1.0}.get(loss.target, 0.0)
    return found if loss.target == "class" else _of_one(found, loss, expression, "u", {"y": y})


def _of_one(
    found: _Found, contribution: Contribution, expression: Expr, symbol: str, at: dict[str, float]
) -> _Found:
    """What it is for a vector of one element, as a function of that."""
    letter = "L" if isinstance(contribution, Loss) else "Ω"
    one = _reduced(expression)
    own = substitute(one, {**numbers(contribution), **at})
    told = ", ".join([symbol, *(f"{name} = {value:g}" for name, value in at.items())])
    found.formulas.append(Formula(f"{letter}′ of one {symbol}", short(derivative(one, symbol))))
    found.facts.append(("for one", f"{letter}({told})"))
    found.facts.extend(_facts(own, symbol))
    found.curves.append(_curve(f"{letter}({told})", symbol, own))
    found.curves.append(_curve(f"{letter}′({told})", symbol, derivative(own, symbol)))
    return found


def _reduced(expression: Expr) -> Expr:
    """The expression for vectors of one element: its sum, its mean and its maximum are the element."""
    made: dict[Expr, Expr] = {}
    for e in walk(expression):
        args = tuple(made[a] for a in e.args)
        made[e] = (
            _of_one_element(e.op, args[0]) if e.op in REDUCTIONS else e if args == e.args else again(e, args)
        )
    return made[expression]


def _of_one_element(op: Op, element: Expr) -> Expr:
    return abs(element) if op is Op.SPECTRAL else element


def _schedule(schedule: Schedule, expression: Expr) -> _Found:
    given: dict[str, float | Sequence[float]] = {**numbers(schedule)}
    given |= {p.name: TIMES for p in schedule.parameters if p.type == "length"}
    given |= {p.name: LISTED for p in schedule.parameters if p.type == "numbers"}
    x = [TIMES * i / (POINTS - 1) for i in range(POINTS)]
    y = [_number(evaluate(expression, {**given, "t": t})) for t in x]
    return _Found([Formula("value(t)", expression)], [], [Curve("value(t)", "t", x, y)])


def _curve(name: str, symbol: str, expr: Expr) -> Curve:
    x = [REACH * (2 * i / (POINTS - 1) - 1) for i in range(POINTS)]
    y = evaluate(expr, {symbol: x})
    return Curve(name, symbol, x, y if isinstance(y, list) else [y] * len(x))


def _number(value: object) -> float:
    assert isinstance(value, float)
    return value


def _interval(bounds: tuple[float, float]) -> str:
    low, high = bounds
    if low == -inf and high == inf:
        return "no bounds are known"
    return f"{_end(low)} to {_end(high)}" if low != high else _end(low)


def _end(value: float) -> str:
    if isfinite(value):
        return f"{value:.6g}"
    return "∞" if value > 0 else "−∞"
