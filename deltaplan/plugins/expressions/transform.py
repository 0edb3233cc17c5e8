"""Walks over an expression, without recursion: each distinct node once, its operands before it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from operator import attrgetter

from deltaplan.plugins.expressions.algebra import Expr, Number, again, lift
from deltaplan.plugins.expressions.ops import Op

Below = Callable[[Expr], tuple[Expr, ...]]
ARGS: Below = attrgetter("args")


def walk(*exprs: Expr, below: Below = ARGS) -> Iterator[Expr]:
    """Every distinct node of the expressions once, operands first, in the order of writing.

    `below` says which operands of a node are visited.
    """
    if len(exprs) == 1 and below is ARGS:
        return iter(_order(exprs[0]))
    return _nodes(exprs, below)


@lru_cache(maxsize=256)
def _order(expr: Expr) -> tuple[Expr, ...]:
    """The nodes of one expression: a formula is bounded, evaluated and written out time and again."""
    return tuple(_nodes((expr,), ARGS))


def _nodes(exprs: Iterable[Expr], below: Below) -> Iterator[Expr]:
    seen: set[Expr] = set()
    stack = [(expr, False) for expr in reversed(tuple(exprs))]
    while stack:
        expr, ready = stack.pop()
        if expr in seen:
            continue
        if ready:
            seen.add(expr)
            yield expr
        elif args := below(expr):
            stack.append((expr, True))
            stack += [(arg, False) for arg in reversed(args)]
        else:
            seen.add(expr)
            yield expr


def arguments(*exprs: Expr) -> tuple[str, ...]:
    """The names of the arguments in the order of their first use."""
    return tuple(dict.fromkeys(e.name for e in walk(*exprs) if e.op is Op.ARG and e.name is not None))


def replace(
    expr: Expr, new: Mapping[Expr, Expr], build: Callable[[Expr, tuple[Expr, ...]], Expr] = again
) -> Expr:
    """The expression with subexpressions exchanged; what is put in is not searched again."""
    made: dict[Expr, Expr] = {}
    for old in walk(expr):
        args = tuple(made[a] for a in old.args) if old not in new else ()
        made[old] = new[old] if old in new else old if args == old.args else build(old, args)
    return made[expr]


def substitute(expr: Expr, values: Mapping[str, Number]) -> Expr:
    """The expression with arguments exchanged for expressions or numbers, and simplified with them."""
    return _substituted(expr, tuple([(name, lift(value)) for name, value in values.items()]))


@lru_cache(maxsize=2000)
def _substituted(expr: Expr, values: tuple[tuple[str, Expr], ...]) -> Expr:
    """Equal layers ask for the same again and again."""
    known = dict(values)
    leaves = (e for e in walk(expr) if e.op is Op.ARG and e.name in known)
    return replace(expr, {e: known[e.name] for e in leaves if e.name is not None})
