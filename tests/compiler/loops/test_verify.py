"""The verifier refuses what is broken: each case is a sound kernel or program with one thing wrong."""

from dataclasses import replace

import pytest
from nests import AVX2, DOUBLED, X, Y, doubling, program_of, twice
from programs import experiment

from deltaplan.compiler.loops.calls import Call, Spot
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
    Number,
    Store,
    Transpose,
)
from deltaplan.compiler.loops.program import Program
from deltaplan.compiler.loops.schedule.axes import Axes, Machine
from deltaplan.compiler.loops.verify import BrokenLoopsError, verify, verify_kernel
from deltaplan.compiler.plan import compile_plans
from deltaplan.plugins.expressions import argument

LOAD, STORE = Load("t1", X, ("k", "b")), Store(Y, ("k", "b"), "t2")
STATE = Buffer("key", (3,))


def summing(**options):
    """y[k, 0] = Σ over b of x[k, b], on y of 4 numbers."""
    y = Buffer("y", (4,))
    values = {"factors": ("t1",), "kind": "sum", "first": None} | options
    fold = Fold("b", 8, (LOAD,), (Accumulator("s", **values),), "lanes")
    return Kernel("summing", (X, y), (For("k", 4, (fold, Store(y, ("k",), "s"))),))


def around(*body):
    return doubling(body=(LOAD, DOUBLED, STORE, *body))


@pytest.mark.parametrize("kernel", [doubling(), doubling(kind="loop"), summing(), summing(kind="max")])
def test_sound_kernels(kernel):
    verify_kernel(kernel)


BROKEN = {
    "reads behind the end": (doubling(load=(Affine((("k", 1),), 1), "b")), "reaches from 1 to 4"),
    "reads before the begin": (doubling(load=(Affine((("k", 1),), -1), "b")), "reaches from -1 to 2"),
    "writes behind the end": (doubling(store=("k", Affine((("b", 1),), 1))), "reaches from 1 to 8"),
    "a loop too long": (doubling(rows=5), "reaches from 0 to 4"),
    "a row left out": (doubling(rows=3), "`y` is not written whole"),
    "a row written by nobody": (doubling(store=(0, "b")), "`y` is not written whole"),
    "too few places": (doubling(load=("b",)), "1 places for 2 axes"),
    "no such loop": (doubling(load=("j", "b")), "`j` is the variable of no loop"),
    "lanes on the first axis": (doubling(load=("b", "b"), rows=4), "lanes do not run along"),
    "lanes two apart": (doubling(load=("k", twice("b"))), "lanes do not run along"),
    "all lanes write one number": (doubling(store=("k", 3)), "all lanes write"),
    "lanes within lanes": (
        Kernel("k", (X, Y), (For("j", 4, doubling().body, "lanes"),)),
        "lanes of `b` within lanes of `j`",
    ),
    "one variable, two loops": (doubling(inner="k", load=("k", 0)), "is the variable of two loops"),
    "read before it is computed": (doubling(body=(LOAD, STORE, DOUBLED)), "`t2` is read where it is not"),
    "read outside its loop": (
        Kernel("k", (X, Y), (*doubling().body, For("k", 4, (For("b", 8, (STORE,), "lanes"),)))),
        "`t2` is read where it is not known",
    ),
    "computed twice": (around(DOUBLED), "`t2` is written twice"),
    "an input that is not there": (
        around(Compute(("t3",), (argument("x1") + 1,), ("t1",))),
        "has no input for `x1`",
    ),
    "two results, one formula": (
        around(Compute(("t3", "t4"), (argument("x0"),), ("t1",))),
        "1 expressions for 2 locals",
    ),
    "a number that differs between lanes": (around(Number("t3", "b")), "differs between lanes"),
    "a group that differs between lanes": (
        around(Draw(("a", "b", "c", "d"), STATE, 1, "t1", "b")),
        "the group b differs between lanes",
    ),
    "random numbers without a key": (
        around(Draw(("a", "b", "c", "d"), STATE, 1, "t1", 0)),
        "`key` is no parameter",
    ),
    "memory that is not given": (around(Load("t3", Buffer("w", (4, 8)), ("k", "b"))), "is no parameter"),
    "another size of the same memory": (
        around(Load("t3", Buffer("x", (4, 9)), ("k", "b"))),
        "is no parameter of [4, 9]",
    ),
    "two parameters, one name": (replace(doubling(), parameters=(X, X, Y)), "two parameters have one name"),
    "a sum of an unknown": (summing(factors=("t9",)), "`t9` is read where it is not known"),
    "a sum that begins with an unknown": (summing(first="t9"), "`t9` is read where it is not known"),
    "the largest of products": (summing(kind="max", factors=("t1", "t1")), "takes in 2 factors"),
    "a sum of nothing": (
        Kernel("k", (X, Y), (Fold("b", 0, (), (Accumulator("s", ()),)), *doubling().body)),
        "takes in nothing",
    ),
    "a store in an unrolled fold": (
        Kernel("k", (X, Y), (For("k", 4, (Fold("b", 8, (LOAD, DOUBLED, STORE), (), unroll=2),)),)),
        "holds more than loads",
    ),
    "transposed to another shape": (
        Kernel("k", (X, Y), (Transpose(X, Y),)),
        "has not the transposed shape",
    ),
    "no step forward": (
        Kernel("k", (X, Y), (For("k", 4, doubling().body[0].body, step=0),)),
        "goes on by 0",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_kernel_is_refused(name):
    kernel, told = BROKEN[name]
    with pytest.raises(BrokenLoopsError) as error:
        verify_kernel(kernel)
    assert told in str(error.value)
    assert "please report it" in str(error.value)


def test_rows_in_blocks_with_a_rest_are_whole():
    def block(begin, end, high):
        body = [(Load(f"t{r}", X, (row(r), "b")), Store(Y, (row(r), "b"), f"t{r}")) for r in range(high)]
        inner = For("b", 8, tuple(s for pair in body for s in pair), "lanes")
        return For("k", end, (inner,), step=high, begin=begin)

    def row(r):
        return Affine((("k", 1),), r)

    verify_kernel(Kernel("blocks", (X, Y), (block(0, 3, 3), block(3, 4, 1))))
    with pytest.raises(BrokenLoopsError, match="not written whole"):
        verify_kernel(Kernel("blocks", (X, Y), (block(0, 3, 3),)))
    with pytest.raises(BrokenLoopsError, match="reaches"):
        verify_kernel(Kernel("blocks", (X, Y), (block(0, 3, 3), block(3, 4, 2))))


# ---- programs: y = 2·x, then z = 2·y

A, B = Spot("arena", 0), Spot("arena", 32)
IN, OUT = Spot("in x", 0), Spot("g", 0)


def chain(*calls, arena=64):
    return Program(calls, {"y": A, "z": B}, arena, 0, Axes(8, Machine(8, 32)))


def call(read, written, names):
    return Call(doubling(), (read, written), names)


def test_a_sound_program():
    verify(chain(call(IN, A, ("x", "y")), call(A, B, ("y", "z"))), kept=["y", "z"])


BROKEN_PROGRAMS = {
    "read before it is written": (
        chain(call(A, B, ("y", "z")), call(IN, A, ("x", "y"))),
        "call 0 (`doubling`) reads `y`, which is not written yet",
    ),
    "half of it is not written": (
        chain(call(IN, Spot("arena", 16), ("x", "y")), call(A, B, ("y", "z"))),
        "reads `y`, which is not written yet",
    ),
    "overwritten while it is needed": (
        chain(call(IN, A, ("x", "y")), call(IN, A, ("x", "w")), call(A, B, ("y", "z"))),
        "call 2 (`doubling`) reads `y` where `w` was written",
    ),
    "partly overwritten": (
        chain(
            call(IN, A, ("x", "y")), call(IN, Spot("arena", 24), ("x", "w")), call(A, B, ("y", "z")), arena=99
        ),
        "reads `y` where `w` was written",
    ),
    "written across what is read": (
        chain(call(IN, A, ("x", "y")), call(A, Spot("arena", 8), ("y", "z"))),
        "writes `z` across `y`",
    ),
    "behind the end of the arena": (chain(call(IN, B, ("x", "y")), arena=63), "has `y` outside the arena"),
    "before its begin": (chain(call(IN, Spot("arena", -1), ("x", "y"))), "has `y` outside the arena"),
    "one gradient over another": (
        chain(call(IN, OUT, ("x", "∂W")), call(IN, Spot("g", 8), ("x", "∂b"))),
        "writes `∂b` over `∂W`",
    ),
    "memory for one parameter alone": (
        chain(Call(doubling(), (IN,), ("x",))),
        "does not give each parameter its memory",
    ),
}


@pytest.mark.parametrize("name", BROKEN_PROGRAMS)
def test_a_broken_program_is_refused(name):
    program, told = BROKEN_PROGRAMS[name]
    with pytest.raises(BrokenLoopsError) as error:
        verify(program)
    assert told in str(error.value)


def test_what_is_kept_must_still_be_there():
    lost = chain(call(IN, A, ("x", "y")), call(IN, A, ("x", "w")))
    verify(lost)
    with pytest.raises(BrokenLoopsError, match="whoever comes after reads `y` where `w` was written"):
        verify(lost, kept=["y"])
    with pytest.raises(BrokenLoopsError, match="`v` has no memory"):
        verify(lost, kept=["v"])


def test_the_gradient_may_be_added_to_in_its_place():
    verify(chain(call(IN, OUT, ("x", "∂W")), call(OUT, OUT, ("∂θ", "∂θ′"))))


def test_a_program_in_which_two_tensors_change_places_is_refused():
    """The program of a real plan with the memory of its first result given to everything in the arena."""
    plan = compile_plans(experiment("input 1", "dense 5, 5  tanh", "output 1")).train
    program = program_of(plan, 16, AVX2["float64"])
    verify(program, [t.name for t in plan.kept])
    same = [
        replace(c, spots=tuple(Spot("arena", 0) if s.space == "arena" else s for s in c.spots))
        for c in program.calls
    ]
    with pytest.raises(BrokenLoopsError):
        verify(replace(program, calls=tuple(same)))
