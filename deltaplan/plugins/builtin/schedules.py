"""Schedules: a setting of an optimizer at time t, the epochs or steps before the one at hand."""

from math import pi

from deltaplan.plugins.api import (
    Expr,
    cos,
    length,
    minimum,
    number,
    numbers,
    required,
    schedule,
    sum,
    where,
)


@schedule("step", base=required(), at=numbers(), factor=number(0.1))
def step(t: Expr, base: Expr, at: Expr, factor: Expr) -> Expr:
    """base · factorᵏ, k the number of the times `at` that have come"""
    return base * factor ** sum(where(t >= at, 1, 0))


@schedule("linear", base=required(), end=number(0.0), over=length())
def linear(t: Expr, base: Expr, end: Expr, over: Expr) -> Expr:
    """on a line from base to end, which is reached at the time `over` and kept"""
    return base + (end - base) * minimum(t / over, 1)


@schedule("cosine", base=required(), end=number(0.0), over=length())
def cosine(t: Expr, base: Expr, end: Expr, over: Expr) -> Expr:
    """end + (base − end)(1 + cos πτ)/2, τ = t/over up to 1  (Loshchilov and Hutter, 2017)"""
    return end + (base - end) * (1 + cos(pi * minimum(t / over, 1))) / 2


@schedule("warmup", base=required(), over=required(above=0))
def warmup(t: Expr, base: Expr, over: Expr) -> Expr:
    """base · (t + 1)/over up to base  (Goyal et al., 2017)"""
    return base * minimum((t + 1) / over, 1)


@schedule("inv", base=required(), decay=required(minimum=0), power=number(1.0))
def inv(t: Expr, base: Expr, decay: Expr, power: Expr) -> Expr:
    """base · (1 + decay · t)^−power  (Bottou, 1998)"""
    return base * (1 + decay * t) ** -power
