"""Building expressions: sharing, simplification, kinds, and what must not be done with a symbol."""

import copy
import itertools
import math
import pickle
import threading

import pytest

from deltaplan.diagnostics import PluginError
from deltaplan.plugins import expressions as ex
from deltaplan.plugins.expressions import Expr, Op, argument, const, exp, log, node, walk, where

u, v = argument("u"), argument("v")
a = argument("a", scalar=True)


def test_the_same_expression_is_the_same_object():
    assert where(u > 0, u, a * exp(u)) is where(u > 0, u, a * exp(u))
    assert {exp(u): "found"}[exp(u)] == "found"
    assert exp(u) != exp(v)


def test_a_signed_zero_and_nan_keep_their_bits():
    assert math.copysign(1, const(-0.0).value) == -1
    assert math.copysign(1, const(0.0).value) == 1
    assert const(math.nan) is const(math.nan)


def test_an_element_and_a_scalar_of_one_name_differ():
    assert argument("w") != argument("w", scalar=True)


def test_copies_are_the_same_object():
    expr = where(u > 0, u, a * exp(u))
    assert pickle.loads(pickle.dumps(expr)) is expr
    assert copy.deepcopy(expr) is expr


def test_two_thousand_doublings_stay_cheap():
    expr = u
    for _ in range(2000):
        expr = expr * expr + expr
    assert len(list(walk(expr))) == 4001
    assert ex.substitute(expr, {"u": u}) is expr
    assert hash(expr) == hash(ex.replace(expr, {}))


def test_nothing_is_kept_that_nobody_holds():
    from deltaplan.plugins.expressions.algebra import _known

    before = len(_known)
    held = [argument(f"temporary{i}") + 1 for i in range(50)]
    assert len(_known) >= before + 100
    del held
    assert len(_known) <= before + 2


def test_threads_that_build_the_same_expression_get_one_object():
    found: list[Expr] = []
    barrier = threading.Barrier(4)

    def build() -> None:
        barrier.wait()
        expr = argument("thread")
        for i in range(300):
            expr = expr * i + ex.sin(expr)
        found.append(expr)

    threads = [threading.Thread(target=build) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(set(map(id, found))) == 1


@pytest.mark.parametrize(
    ("expr", "simple"),
    [
        (u + 0, u),
        (0 + u, u),
        (u - 0, u),
        (0 - u, -u),
        (0 * u, const(0)),
        (u * 0, const(0)),
        (1 * u, u),
        (u * -1, -u),
        (u / 1, u),
        (-(u * -1), u),
        (u + -v, u - v),
        (-u + v, v - u),
        (u - (-v), u + v),
        (-(u - v), v - u),
        (u + u, 2 * u),
        (-u * -v, u * v),
        (u * -v, -(u * v)),
        (-u / v, -(u / v)),
        (u**0, const(1)),
        (u**1, u),
        (1**u, const(1)),
        (const(2) * 3, const(6)),
        (exp(0), const(1)),
        (ex.sin(u) * ex.cos(u), 0.5 * ex.sin(2 * u)),
        (2 * ex.cos(3 * u) * ex.sin(3 * u), ex.sin(6 * u)),
        (ex.cos(u) * (2 * ex.sin(u) * v), 2 * v * 0.5 * ex.sin(2 * u)),
        (ex.derivative(ex.sin(u) ** 2, "u"), ex.sin(2 * u)),
        (ex.derivative(ex.cos(u) ** 2, "u"), -ex.sin(2 * u)),
        (abs(-u), abs(u)),
        (abs(abs(u)), abs(u)),
        (~~(u > v), u > v),
        (u < v, v > u),
        (u <= v, v >= u),
        (where(u > v, u, u), u),
        (where(~(u > v), u, v), where(u > v, v, u)),
        (where(const(2) > 1, u, v), u),
        (where(u > 0, where(u > 0, u, v), v), where(u > 0, u, v)),
        (where(u > 0, u, v) + where(u > 0, v, u), where(u > 0, u + v, v + u)),
        ((u > 0) & (const(1) > 0), u > 0),
        ((u > 0) | ~(u > 0), const(1)),
        (ex.maximum(u, u), u),
        (ex.mean(a), a),
        (ex.amax(a), a),
        (ex.pick(a, 3), a),
    ],
)
def test_simplification(expr, simple):
    assert expr is simple


@pytest.mark.parametrize("other", [v, 2 * u, -u, a])
def test_waves_of_different_numbers_stay_a_product(other):
    product = ex.sin(u) * ex.cos(other)
    assert product.op in (Op.MUL, Op.NEG)
    assert {e.op for e in walk(product)} >= {Op.SIN, Op.COS}


@pytest.mark.parametrize("expr", [u - u, u / u, 0 / u, u**-1 * u, u * 2 * 3, exp(log(u)), u**0.5])
def test_what_would_change_a_value_is_left(expr):
    assert expr.op not in (Op.CONST, Op.ARG)


def test_a_condition_is_a_number_where_one_is_wanted_and_back():
    assert (u > 0) * v is where(u > 0, 1, 0) * v
    assert where(where(u > 0, 1, 0), u, v) is where(u > 0, u, v)
    assert where(a, u, v) is where(ex.unequal(a, 0), u, v)
    assert ex.substitute(where(a, u, v), {"a": True}) is u
    assert ex.substitute(where(a, u, v), {"a": False}) is v


def test_kinds():
    assert (a * 2 + 1).scalar
    assert not (a * u).scalar
    assert ex.sum(u).scalar
    assert not (u - ex.mean(u)).scalar


@pytest.mark.parametrize(
    ("mistake", "code"),
    [
        (lambda: u if u > 0 else v, "branch-on-symbol"),
        (lambda: 0 < u < 1, "branch-on-symbol"),
        (lambda: max(u, v), "branch-on-symbol"),
        (lambda: u and v, "branch-on-symbol"),
        (lambda: math.exp(u), "symbol-as-number"),
        (lambda: float(u), "symbol-as-number"),
        (lambda: sum(u), "symbol-as-number"),
        (lambda: u == 0, "structural-equality"),
        (lambda: where(u == v, u, v), "structural-equality"),
        (lambda: u + "1", "not-an-expression"),
        (lambda: exp(None), "not-an-expression"),
        (lambda: u + 10**400, "not-an-expression"),
    ],
)
def test_mistakes_with_symbols(mistake, code):
    with pytest.raises(PluginError) as caught:
        mistake()
    assert [d.code for d in caught.value.diagnostics] == [code]


def test_the_branch_message_names_where():
    with pytest.raises(PluginError, match=r"use where\(condition, a, b\)"):
        bool(u > 0)


def test_walk_gives_each_node_once_operands_first():
    expr = exp(u) * exp(u) + u
    order = list(walk(expr))
    assert [str(e) for e in order] == ["u", "exp(u)", "exp(u)*exp(u)", "exp(u)*exp(u) + u"]


def test_arguments_in_the_order_of_first_use():
    assert ex.arguments(v * a + u * v) == ("v", "a", "u")


def test_substitute_simplifies_and_replace_exchanges_subexpressions():
    assert ex.substitute(a * u + v, {"a": 0}) is v
    assert ex.substitute(u * v, {"u": v, "v": u}) is v * u
    assert ex.replace(exp(u) + u, {exp(u): v}) is v + u
    assert ex.replace(exp(u), {u: exp(u)}) is exp(exp(u))


@pytest.mark.parametrize(
    ("naive", "stable"),
    [
        (log(1 + exp(u)), ex.softplus(u)),
        (log(exp(u) + 1), ex.logaddexp(u, 0)),
        (ex.log1p(exp(u)), ex.softplus(u)),
        (log(exp(u) + exp(v)), ex.logaddexp(u, v)),
        (log(ex.cosh(u)), ex.logaddexp(u, -u) - math.log(2)),
    ],
)
def test_logarithms_that_would_overflow_are_rewritten(naive, stable):
    assert naive is stable


def test_every_arity_is_what_the_constructor_takes():
    for op, n in itertools.product(Op, range(4)):
        if op not in ex.LEAVES and ex.arity(op) == n:
            assert node(op, *([u, v, argument("w")][:n])).op in Op
