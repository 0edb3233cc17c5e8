"""The update of θ: an optimizer's expressions with the writer's values, cut into scalars and one map."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count, islice

from deltaplan.compiler.nodes import Use
from deltaplan.compiler.steps import Map, Tensor
from deltaplan.plugins import contracts
from deltaplan.plugins.expressions import Expr, Op, argument, arguments, replace, substitute, walk


@dataclass(frozen=True, slots=True)
class Update:
    """One map over θ, g and the states, and the scalars that are evaluated once a step, in float64.

    `scalars` are expressions of the step's number `t`, 1 in the first step. `writes` tells which vector each
    output of the map replaces.
    """

    step: Map
    states: tuple[str, ...]
    scalars: Mapping[Tensor, Expr]
    writes: tuple[str, ...]


def update_of(optimizer: Use, size: int) -> Update:
    """The update of a θ of `size` numbers."""
    contract = optimizer.contract
    assert isinstance(contract, contracts.Optimizer)
    new = {name: substitute(e, given(optimizer)) for name, e in contract.update.items()}
    states = needed_states(new, contract.state)
    written = {name: new[name] for name in ("w", *states)}
    scalars = hoisted(written)
    vectors = {"w": Tensor("θ", (size,)), "g": Tensor("g", (size,))}
    vectors |= {name: Tensor(name, (size,)) for name in states}
    names = dict(zip(scalars, _names(scalars, vectors), strict=True))
    expressions = {n: replace(e, {s: argument(names[s]) for s in scalars}) for n, e in written.items()}
    used = list(dict.fromkeys(a for e in expressions.values() for a in arguments(e)))
    tensors = [vectors.get(a) or Tensor(a, ()) for a in used]
    positions = {a: argument(f"x{i}") for i, a in enumerate(used)}
    step = Map(
        inputs=tuple(tensors),
        outputs=tuple(Tensor(f"{vectors[n].name}\N{PRIME}", (size,)) for n in written),
        expressions=tuple(substitute(e, positions) for e in expressions.values()),
        origin=optimizer.name,
    )
    return Update(step, states, {Tensor(names[s], ()): s for s in scalars}, tuple(written))


def given(use: Use) -> dict[str, float]:
    """The values of a contribution's parameters as numbers: the writer's, else the defaults."""
    values = {p.name: use.values.get(p.name, p.default) for p in use.contract.parameters}
    return {name: float(value) for name, value in values.items() if value is not None}


def needed_states(new: Mapping[str, Expr], states: tuple[str, ...]) -> tuple[str, ...]:
    """The states that the new w depends on, in one step or over several."""
    needed: set[str] = set()
    pending = ["w"]
    while pending:
        found = set(arguments(new[pending.pop()])) & set(states) - needed
        needed |= found
        pending += sorted(found)
    return tuple(state for state in states if state in needed)


def hoisted(expressions: Mapping[str, Expr]) -> tuple[Expr, ...]:
    """The largest subexpressions that hold scalars alone, constants apart."""
    found: dict[Expr, None] = {}

    def below(expr: Expr) -> tuple[Expr, ...]:
        return () if expr.scalar else expr.args

    for expr in walk(*expressions.values(), below=below):
        if expr.scalar and expr.op is not Op.CONST:
            found[expr] = None
    return tuple(found)


def _names(scalars: tuple[Expr, ...], taken: Mapping[str, object]) -> list[str]:
    free = (name for i in count(1) if (name := f"s{i}") not in taken)
    return list(islice(free, len(scalars)))
