"""Activations as the writer gives them: a name or a call, perhaps with a factor."""

from functools import lru_cache

from deltaplan.compiler.build.binding import bind_call
from deltaplan.compiler.build.bound import Word, as_word
from deltaplan.compiler.build.context import Context
from deltaplan.compiler.build.form import Form, Slot, of_parameters
from deltaplan.compiler.build.names import unknown
from deltaplan.compiler.build.scope import Scope
from deltaplan.compiler.build.undefined import check_numbers
from deltaplan.compiler.build.values import number
from deltaplan.compiler.nodes import Activate, Use
from deltaplan.diagnostics import Span
from deltaplan.dsl import tree
from deltaplan.plugins import contracts
from deltaplan.plugins.contracts import Kind
from deltaplan.plugins.expressions import Expr, const, substitute
from deltaplan.records import dataclass


@dataclass(frozen=True, slots=True)
class Activation:
    """factor · σ(u), not yet in the graph."""

    use: Use
    factor: float
    expression: Expr

    def node(self, layer: str, span: Span) -> Activate:
        """The node after a layer or a join, from the same line."""
        name = f"{layer}.{self.use.name}"
        return Activate(name=name, span=span, use=self.use, factor=self.factor, expression=self.expression)


def activation(context: Context, scope: Scope, word: Word) -> Activation:
    """`tanh`, `leaky_relu(0.01)`, `0.5 * tanh`. Raises Told."""
    factor, core = split_factor(context, scope, word.item)
    use = find_use(context, scope, "activation", core, word.text)
    assert isinstance(use.contract, contracts.Activation)
    own = filled(use.contract.expression, use)
    check_numbers(context, use, own)
    expression = own if factor == 1 else const(factor) * own
    return Activation(Use(use.contract, use.values, word.item.span), factor, expression)


def find_use(context: Context, scope: Scope, kind: Kind, value: tree.Value, name: str, *extra: Slot) -> Use:
    """A contribution of the registry with the values that a name or a call gives it. Raises Told."""
    contract = context.registry.find(kind, name)
    span = value.name_span if isinstance(value, tree.Call) else value.span
    if contract is None:
        raise unknown(context, kind, name, span, context.registry.names(kind))
    bound = bind_call(context, scope, form_of(context, kind, contract, *extra), value)
    return Use(contract, bound.settings, value.span)


def form_of(context: Context, kind: Kind, contract: contracts.Contribution, *extra: Slot) -> Form:
    key = (kind, contract.name)
    if key not in context.forms:
        context.forms[key] = of_parameters(contract, kind, *extra)
    return context.forms[key]


def filled(expression: Expr, use: Use) -> Expr:
    """A contract's expression with the parameters of a use put in."""
    given = tuple((p.name, float(str(use.values[p.name]))) for p in use.contract.parameters)
    return _filled(expression, given)


@lru_cache(maxsize=256)
def _filled(expression: Expr, given: tuple[tuple[str, float], ...]) -> Expr:
    """The same for the many lines that are alike."""
    return substitute(expression, {name: const(value) for name, value in given})


def split_factor(context: Context, scope: Scope, item: tree.Value) -> tuple[float, tree.Value]:
    """`2 * 0.5 * tanh` as the number 1 and `tanh`; `tanh / 2` as 0.5 and `tanh`. Raises Told."""
    if not isinstance(item, tree.Binary) or item.op not in ("*", "/"):
        return 1.0, item
    if item.op == "*" and as_word(scope, item.left) is None:
        factor, core = split_factor(context, scope, item.right)
        return factor * number(context, scope, item.left), core
    factor, core = split_factor(context, scope, item.left)
    other = number(context, scope, item.right)
    return (factor * other if item.op == "*" else factor / other), core
