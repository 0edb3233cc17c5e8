"""The update of θ: an optimizer's expressions with the writer's values, cut into scalars and maps."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import count, islice
from typing import Literal

from deltaplan.compiler.nodes import Use
from deltaplan.compiler.schedules import settings
from deltaplan.compiler.steps import Map, Tensor
from deltaplan.plugins import contracts
from deltaplan.plugins.expressions import (
    Expr,
    Op,
    argument,
    arguments,
    const,
    replace,
    substitute,
    walk,
    where,
)
from deltaplan.plugins.expressions.algebra import as_number
from deltaplan.records import dataclass

New = Mapping[str, Expr]  # the new `w` and the new states by name, over `w`, `g`, the states and scalars


@dataclass(frozen=True, slots=True)
class UpdatePart:
    """The map over θ[begin:end], g[begin:end] and the same part of each state.

    Its inputs are named `θ`, `g`, as the states and as the scalars; its outputs are in the order of the
    update's `writes`.
    """

    begin: int
    end: int
    step: Map


@dataclass(frozen=True, slots=True)
class Update:
    """Maps over parts of θ, g and the states, and the scalars that are evaluated once a step, in float64.

    `parts` are in the order of θ and do not overlap; what lies in none of them is never written. `states` are
    vectors as long as θ. `writes` tells which vector each output of a map replaces.

    `scalars` are expressions of what a backend knows before the step, as far as it is used: `t`, the step's
    number, 1 in the first; `epoch`, the number of whole epochs before it, 0 in the first; `gnorm`, the norm
    √(g·g) of the gradient over the parts.
    """

    parts: tuple[UpdatePart, ...]
    states: tuple[str, ...]
    scalars: Mapping[Tensor, Expr]
    writes: tuple[str, ...]

    @property
    def arguments(self) -> frozenset[str]:
        """What the scalars depend on."""
        return frozenset(arguments(*self.scalars.values()))


@dataclass(frozen=True, slots=True)
class Kind:
    """What an optimizer's formula may depend on besides the vectors."""

    is_weight: bool = True
    lr_scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of θ that is trained."""

    begin: int
    end: int
    kind: Kind


def update_of(
    optimizer: Use,
    trained: Sequence[Stretch],
    unit: Literal["epochs", "steps"] = "steps",
    clip: float | None = None,
) -> Update:
    """The update of the trained stretches of θ; neighbours with the same formula are one part. `unit` is what
    schedules count, `clip` the largest norm of the gradient."""
    contract = optimizer.contract
    assert isinstance(contract, contracts.Optimizer)
    values = settings(optimizer, unit)
    if clip is not None:
        values["g"] = argument("g") * where(clip < NORM, clip / NORM, 1)
    kinds = {kind: _formula(contract, values, kind) for kind in dict.fromkeys(s.kind for s in trained)}
    formulas = [kinds[stretch.kind] for stretch in trained]
    states = needed_states([*kinds.values()], contract.state)
    writes = ("w", *states)
    ranges = _ranges(trained, [{name: formula[name] for name in writes} for formula in formulas])
    scalars = hoisted(*(new for _, _, new in ranges))
    names = dict(zip(scalars, names_of(scalars, {"w", "g", *states}), strict=True))
    parts = tuple(UpdatePart(b, e, mapped(new, e - b, names, optimizer.name)) for b, e, new in ranges)
    return Update(parts, states, values_of(names), writes)


NORM = argument("gnorm", scalar=True)


def _formula(contract: contracts.Optimizer, values: Mapping[str, Expr], kind: Kind) -> New:
    own = {**values, "is_weight": const(kind.is_weight)}
    if kind.lr_scale != 1:
        own["lr"] = kind.lr_scale * values["lr"]
    return {name: substitute(e, own) for name, e in contract.update.items()}


def _ranges(trained: Sequence[Stretch], formulas: Sequence[New]) -> list[tuple[int, int, New]]:
    """Begin, end and formula of each part."""
    found: list[tuple[int, int, New]] = []
    for stretch, new in zip(trained, formulas, strict=True):
        if found and found[-1][1] == stretch.begin and found[-1][2] == new:
            found[-1] = (found[-1][0], stretch.end, new)
        else:
            found.append((stretch.begin, stretch.end, new))
    return found


def mapped(new: New, size: int, scalars: Mapping[Expr, str], origin: str) -> Map:
    """The new values over the vectors of one part; `scalars` gives a name to what is computed before."""
    vectors = {name: Tensor(VECTORS.get(name, name), (size,)) for name in ("w", "g", *new)}
    named = {s: argument(name) for s, name in scalars.items()}
    expressions = {n: replace(e, named) for n, e in new.items()}
    used = list(dict.fromkeys(a for e in expressions.values() for a in arguments(e)))
    positions = {a: argument(f"x{i}") for i, a in enumerate(used)}
    return Map(
        inputs=tuple(vectors.get(a) or Tensor(a, ()) for a in used),
        outputs=tuple(Tensor(f"{vectors[n].name}\N{PRIME}", (size,)) for n in new),
        expressions=tuple(substitute(e, positions) for e in expressions.values()),
        origin=origin,
    )


VECTORS = {"w": "θ"}


def given(use: Use) -> dict[str, float]:
    """The values of a contribution's parameters as numbers: the writer's, else the defaults."""
    values = {p.name: use.values.get(p.name, p.default) for p in use.contract.parameters}
    return {name: float(value) for name, value in values.items() if isinstance(value, int | float)}


def needed_states(formulas: Sequence[New], states: tuple[str, ...]) -> tuple[str, ...]:
    """The states that a new w depends on, in one step or over several."""
    needed: set[str] = set()
    pending = ["w"]
    while pending:
        name = pending.pop()
        found = {a for new in formulas for a in arguments(new[name])} & set(states) - needed
        needed |= found
        pending += sorted(found)
    return tuple(state for state in states if state in needed)


def hoisted(*formulas: New) -> tuple[Expr, ...]:
    """The largest subexpressions that hold scalars alone, constants apart."""
    found: dict[Expr, None] = {}

    def below(expr: Expr) -> tuple[Expr, ...]:
        return () if expr.scalar else expr.args

    for expr in walk(*(e for new in formulas for e in new.values()), below=below):
        if expr.scalar and expr.op is not Op.CONST:
            found[expr] = None
    return tuple(found)


def values_of(names: Mapping[Expr, str]) -> dict[Tensor, Expr]:
    """The scalars under their names. A condition is 1 or 0: what is kept in memory is a number."""
    return {Tensor(name, ()): as_number(scalar) for scalar, name in names.items()}


def names_of(scalars: tuple[Expr, ...], taken: Iterable[str]) -> list[str]:
    free = (name for i in count(1) if (name := f"s{i}") not in taken)
    return list(islice(free, len(scalars)))
