"""Whether mathematics of a spec's or a plugin's own has a number, with the parameters that it is given.

`u + sin(a*u)^2 / a` has none at a = 0. It is looked at in a few places that no formula singles out: what is
no number in one of them is none in many, while one without a number at 0 alone passes here.
"""

from collections.abc import Mapping
from functools import lru_cache
from math import isfinite, isinf
from typing import ClassVar

from deltaplan.compiler.build.context import Context
from deltaplan.compiler.nodes import Use, show_value
from deltaplan.diagnostics import Diagnostic, Note, mistake
from deltaplan.plugins import contracts
from deltaplan.plugins.expressions import Expr, evaluate, walk

ELEMENTS = (0.37, -0.43, 1.13, -2.71)  # of u and w
TARGETS: Mapping[str, float | tuple[float, ...]] = {
    "real": (0.21, 0.35, 0.62, 0.87),  # above 0 and below 1, which some losses ask for
    "binary": (0.0, 1.0, 1.0, 0.0),
    "sign": (1.0, -1.0, 1.0, -1.0),
    "class": 1.0,
}


@mistake
class NoNumber(Diagnostic):
    code: ClassVar[str] = "no-number"
    title: ClassVar[str] = "the {kind} `{name}` is {value} at {where}"
    label: ClassVar[str] = "{given}"
    help: ClassVar[str] = "{mend}"
    kind: str
    name: str
    value: str
    where: str
    given: str | None
    mend: str | None


def check_numbers(context: Context, use: Use, expression: Expr) -> None:
    """Tells where `expression`, the contract's with its parameters put in, is no number. Raises Told.

    What comes with deltaplan has bounds that keep it from that, and a numpy function is not called.
    """
    contract = use.contract
    if contract.owner.origin == "built-in" or any(e.function for e in walk(expression)):
        return
    if found := without_number(expression, contract):
        where, value = found
        given = ", ".join(f"{name} = {show_value(value)}" for name, value in use.values.items())
        raise context.refuse(
            NoNumber(
                span=use.span,
                kind=contract.kind,
                name=use.name,
                value="infinite" if isinf(value) else "no number",
                where=where,
                given=f"with {given}" if given else None,
                mend=_mend(contract) if given else None,
                notes=(Note(f"it is {contract.doc}"),) if contract.owner.origin == "spec" else (),
            )
        )


@lru_cache(maxsize=256)
def without_number(expression: Expr, contract: contracts.Contribution) -> tuple[str, float] | None:
    """A place in words, and what is there in place of a number."""
    if isinstance(contract, contracts.Activation):
        for u in ELEMENTS:
            if not isfinite(value := _value(expression, {"u": u})):
                return f"u = {u:g}", value
        return None
    given: dict[str, float | tuple[float, ...]]
    match contract:
        case contracts.Loss(target=target):
            given = {"u": ELEMENTS, "y": TARGETS[target]}
        case contracts.Regularizer():
            given = {"w": ELEMENTS}
        case _:
            return None
    value = _value(expression, given)
    return None if isfinite(value) else (", ".join(f"{k} = {_text(v)}" for k, v in given.items()), value)


def _value(expression: Expr, given: Mapping[str, float | tuple[float, ...]]) -> float:
    value = evaluate(expression, given)
    return value if isinstance(value, float) else float(value[0])


def _text(value: float | tuple[float, ...]) -> str:
    return f"({', '.join(f'{v:g}' for v in value)})" if isinstance(value, tuple) else f"{value:g}"


def _mend(contract: contracts.Contribution) -> str:
    name = contract.parameters[0].name
    if contract.owner.origin == "spec":
        return f"a definition says what its parameters may be: `{contract.name}(…; {name}, {name} > 0) = …`"
    return f"a plugin says what its parameters may be: `{name}=number(1.0, above=0)`"
