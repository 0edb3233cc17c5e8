"""Kernels and programs as text."""

import re
from pathlib import Path

from nests import AVX2, X, Y, doubling, program_of
from programs import experiment

import deltaplan
from deltaplan.compiler.loops.listing import programs_text
from deltaplan.compiler.loops.nest import (
    Accumulator,
    Affine,
    Buffer,
    Compute,
    Draw,
    Fold,
    For,
    Kernel,
    Load,
    MultiplyAdd,
    Number,
    Store,
    Transpose,
)
from deltaplan.compiler.loops.text import kernel_text, place_text
from deltaplan.compiler.plan import compile_plans
from deltaplan.plugins.expressions import argument, where

GOLDEN = Path(__file__).parents[2] / "golden"
x0, x1 = argument("x0"), argument("x1")


def lines(text):
    return [line.strip() for line in text.splitlines()]


def test_a_kernel_is_told_line_by_line_with_the_names_of_a_call():
    assert kernel_text(doubling(), ["z2", "v3"]) == (
        "doubling(z2 [4, 8]) -> v3 [4, 8]\n"
        "  for k in 0..4\n"
        "    for b in lanes 0..8 by 1 vector\n"
        "      t1 = z2[k, b]\n"
        "      t2 = 2*t1\n"
        "      v3[k, b] = t2\n"
    )


def test_without_a_call_parameters_have_their_own_names():
    assert kernel_text(doubling()).startswith("doubling(x [4, 8]) -> y [4, 8]\n")


def test_every_statement_has_a_line():
    state, turned = Buffer("key", (3,)), Buffer("u", (8, 4))
    total = Accumulator("s", ("t1", "t2"), first="t0")
    largest = Accumulator("m", ("t1",), "max")
    body = (
        Transpose(X, turned),
        Number("t0", Affine((("k", 4),), -1)),
        Draw(("a", "b", "c", "d"), state, 7, "t0", "k"),
        MultiplyAdd("f", None, "a", "b"),
        MultiplyAdd("g", "f", "c", "d"),
        Fold("j", 8, (Load("t1", X, ("k", "j")), Load("t2", Y, (3, "j"))), (total, largest), unroll=4),
        Compute(("p", "q"), (x0 + x1, where(x0 + x1 > 0, x0 + x1, 0)), ("s", "g")),
        Store(Y, ("k", Affine((("k", 1),), 1)), "q"),
    )
    kernel = Kernel("all", (X, Y, state, turned), (For("k", 4, body, step=2),))
    assert lines(kernel_text(kernel))[1:] == [
        "for k in 0..4 by 2",
        "u[j, i] = x[i, j] for i in 0..4, j in 0..8",
        "t0 = 4*k - 1",
        "a, b, c, d = draw(key, node 7, sample t0, group k)",
        "f = a*b",
        "g = f + c*d",
        "s = t0",
        "m = -inf",
        "fold j in 0..8 by 4",
        "t1 = x[k, j]",
        "t2 = y[3, j]",
        "s += t1*t2",
        "m = max(m, t1)",
        "p = s + g",
        "q = where(p > 0, p, 0)",
        "y[k, k + 1] = q",
    ]


def test_places():
    terms = (("i", 2), ("k", -1))
    assert [place_text(p) for p in (0, "k", Affine((), 0), Affine(terms, 3), Affine((("i", 1),), -2))] == [
        "0",
        "k",
        "0",
        "2*i - 1*k + 3",
        "i - 2",
    ]


def test_a_small_net(golden):
    spec = experiment(
        "input 2", "dense 2  tanh  residual", "output 1", inputs=2, minimize="mean(squared_error) + l2(0.1)"
    )
    plan = compile_plans(spec).train
    found = {"step on 6 samples": program_of(plan, 6, AVX2["float64"])}
    golden(GOLDEN / "small.loops.txt", programs_text("small", found, buffers=True))


def calls(text):
    """The lines between the program's head and its kernels."""
    return lines(text.split("\n\nkernels")[0])[3:]


def test_equal_layers_are_told_once_in_terms_of_j(specs):
    plan = compile_plans(deltaplan.load(specs / "lecture" / "45x5_plain.dl")).train
    program = program_of(plan, 32, AVX2["float32"])
    told = calls(programs_text("wave", {"step": program}))
    assert told[1] == "for j = 2, …, 45  (44 times, each):"
    assert re.fullmatch(r"samples\d+: W_j, z_j, b_j -> v_j, z_{j\+1}", told[2])
    assert len(told) < 30
    assert len(calls(programs_text("wave", {"step": program}, full=True))) == len(program.calls)
