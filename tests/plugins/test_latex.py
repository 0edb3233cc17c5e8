"""Typeset expressions: by hand, and for every operation."""

from xml.etree import ElementTree

import pytest

from deltaplan.plugins import expressions as ex
from deltaplan.plugins.expressions import LEAVES, OPAQUE, Op, argument, arity, const, node, where
from deltaplan.plugins.expressions.latex import LATEX, MATHML, to_latex, to_mathml

u, v = argument("u"), argument("v")
a, alpha = argument("a", scalar=True), argument("alpha", scalar=True)


@pytest.mark.parametrize(
    ("expr", "latex"),
    [
        (u + ex.sin(a * u) ** 2 / a, r"u + \frac{{\sin(a \, u)}^{2}}{a}"),
        (
            where(u > 0, u, alpha * u),
            r"\begin{cases} u & \text{if } u > 0 \\ \alpha \, u & \text{else} \end{cases}",
        ),
        ((u - v) * (u + v), r"\left(u - v\right) \, \left(u + v\right)"),
        (u - (v - a), r"u - \left(v - a\right)"),
        ((u - v) - a, r"u - v - a"),
        (-(u + v), r"-\left(u + v\right)"),
        ((u + 1) ** -2, r"{\left(u + 1\right)}^{-2}"),
        ((-u) ** v, r"{\left(-u\right)}^{v}"),
        (ex.exp(u) ** 2, r"{\left(e^{u}\right)}^{2}"),
        (ex.softplus(u), r"\log(1 + e^{u})"),
        (1e-8 * u, r"1 \cdot 10^{-8} \, u"),
        (u * ex.expm1(v), r"u \, \left(e^{v} - 1\right)"),
        (ex.sum((u - v) ** 2) / 2, r"\frac{\sum_i {\left(u - v\right)}^{2}}{2}"),
        (ex.log(u) * 2, r"\log(u) \, 2"),
        (argument("decay_rate") * u, r"\mathrm{decay\_rate} \, u"),
        (u * const(float("inf")), r"u \, \infty"),
    ],
)
def test_latex(expr, latex):
    assert to_latex(expr) == latex


def test_other_letters():
    assert to_latex(u * a, {"u": "x"}) == r"x \, a"


@pytest.mark.parametrize("script", [LATEX, MATHML], ids=["latex", "mathml"])
def test_no_hole(script):
    assert set(script.forms) == set(Op) - LEAVES - OPAQUE
    assert all(len(form.least) == arity(op) for op, form in script.forms.items())


@pytest.mark.parametrize("op", sorted(set(Op) - LEAVES - OPAQUE, key=lambda op: op.value))
def test_mathml_is_well_formed_and_holds_every_operand(op):
    operands = [argument(name) for name in "xyz"[: arity(op)]]
    expr = node(op, *operands)
    page = ElementTree.fromstring(to_mathml(expr))
    letters = [e.text for e in page.iter("mi")]
    assert page.tag == "math"
    assert all(letters.count(e.name) == 1 for e in operands)


@pytest.mark.parametrize("op", sorted(set(Op) - LEAVES - OPAQUE, key=lambda op: op.value))
def test_braces_of_latex_are_balanced(op):
    text = to_latex(node(op, *(argument(name) for name in "xyz"[: arity(op)])))
    depth = 0
    for letter in text:
        depth += {"{": 1, "}": -1}.get(letter, 0)
        assert depth >= 0
    assert depth == 0
    assert text.count(r"\left") == text.count(r"\right")
