"""Checks of a function of one number: its slope, its digits, its ends, and that all backends agree."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import inf, isfinite, isnan, nan

import numpy as np

from deltaplan.compiler.loops.schedule import NoScheduleError
from deltaplan.plugins.expressions import Expr, walk
from deltaplan.runtime.backends.numpy.expressions import Array
from deltaplan.runtime.slopes import PLACES, Function, slopes_of
from deltaplan.testing import backends
from deltaplan.testing.exact import OutsideDomain, exact, is_there
from deltaplan.testing.points import ALL, FAR, LARGE, SMALL, SUBNORMAL
from deltaplan.testing.report import Result, State

DIGITS, AGREE, SINGLE = 1e-6, 1e-12, 1e-5  # relative, beside the floors in the functions


Functions = Sequence[Function]


@dataclass(frozen=True, slots=True)
class Worst:
    """The largest error so far, and where it was made."""

    error: float = -1.0
    where: str = ""

    def or_(self, error: float, where: str) -> "Worst":
        return Worst(error, where) if error > self.error or (isnan(error) and self.error != inf) else self


def check_slopes(functions: Functions) -> Result:
    """The derivative beside differences of five points, off the kinks."""
    found = slopes_of(functions)
    if not found.points:
        return Result("derivative", "skipped", "it is defined at no point where differences can be taken")
    if not found.right:
        return Result("derivative", "failed", found.where)
    return Result("derivative", "passed", f"worst {found.error:.1e} of {found.points} points")


def check_digits(functions: Functions) -> Result:
    """Value and slope beside the real ones, by mpmath: a lost number fails, lost digits warn."""
    if not is_there():
        return Result("exact values", "skipped", "mpmath is not installed")
    if any(e.function for f in functions for e in walk(f.expr)):
        return Result("exact values", "skipped", "a numpy function says what it says alone")
    lost, worst = Worst(), Worst()
    for function in (g for f in functions for g in (f, f.slope)):
        slope = function.slope
        for x in (*PLACES[::4], *LARGE, *FAR, *SMALL, 0.0):
            wanted = _exact(function, x)
            if wanted is None:
                continue
            found, rounding = function(x), 4e-16 * max(1.0, abs(x * slope(x)))
            text = f"{function.label} is {found:.6g}, exactly {wanted:.6g} at {function.place(x)}"
            if not isfinite(found):
                lost = lost.or_(1.0, text)
            else:
                over = max(0.0, abs(found - wanted) - rounding)
                worst = worst.or_(over / max(abs(wanted), 1e-300), text)
    if lost.error > 0:
        return Result("exact values", "failed", lost.where)
    if worst.error > DIGITS:
        return Result("exact values", "warned", f"digits are lost: {worst.where}")
    return Result("exact values", "passed", f"worst {max(worst.error, 0.0):.1e}")


def _exact(function: Function, x: float) -> float | None:
    """None where there is no such number, or none that a float can hold."""
    try:
        wanted = exact(function.expr, function.name, x)
    except OutsideDomain:
        return None
    return wanted if abs(wanted) < 1e300 else None


def check_far(functions: Functions) -> Result:
    """Numbers at ±1000: a net may get there in its first steps."""
    grown: list[str] = []
    for function in (g for f in functions for g in (f, f.slope)):
        for x in (-1e3, 1e3):
            value = function(x)
            if isnan(value):
                return Result("at ±1000", "failed", f"{function.label} is no number at {function.place(x)}")
            if not isfinite(value):
                grown.append(f"{function.label} overflows at {function.place(x)}")
    return (
        Result("at ±1000", "warned", grown[0])
        if grown
        else Result("at ±1000", "passed", _ends(functions, 1e3))
    )


def check_infinity(functions: Functions) -> Result:
    """What it is at ±∞, which is shown; that the backends agree there is a check of its own."""
    return Result("at ±∞", "passed", _ends(functions, inf))


def _ends(functions: Functions, x: float) -> str:
    first = functions[0]
    return f"{first.label} is {first(-x):.4g} and {first(x):.4g}"


def check_nan(functions: Functions) -> Result:
    """What is not a number stays that, so that it is found where it began."""
    for function in functions:
        if not isnan(function(nan)):
            found = f"{function.label} is {function(nan):g} at {function.name} = nan"
            return Result("not a number", "failed", f"{found}, which hides a mistake")
    return Result("not a number", "passed")


def check_subnormal(functions: Functions) -> Result:
    """Numbers around the smallest ones."""
    near = [f(1e-300) for f in functions]
    for function, beside in zip(functions, near, strict=True):
        for x in SUBNORMAL:
            if isfinite(beside) and isnan(function(x)):
                return Result("subnormals", "failed", f"{function.label} is no number at {function.place(x)}")
    return Result("subnormals", "passed")


def check_shapes(functions: Functions) -> Result:
    """Arrays of any shape, and views of others, give the same numbers."""
    points = np.array(PLACES[:24])
    views: Iterable[tuple[str, Callable[[Array], Array]]] = (
        ("[2, 12]", lambda a: a.reshape(2, 12)),
        ("[2, 3, 4]", lambda a: a.reshape(2, 3, 4)),
        ("[24, 1]", lambda a: a.reshape(24, 1)),
        ("turned", lambda a: a.reshape(4, 6).T),
        ("every second", lambda a: a[::2]),
    )
    for function in (g for f in functions for g in (f, f.slope)):

        def on(points: Array, function: Function = function) -> Array:
            return backends.by_numpy([function.expr], function.name, points)[0]

        whole = on(points)
        for shape, view in views:
            if not np.array_equal(on(view(points)), view(whole), True):
                return Result("broadcasting", "failed", f"{function.label} of an array {shape} differs")
        if not np.array_equal(on(points[3].reshape(())), whole[3], True):
            return Result("broadcasting", "failed", f"{function.label} of a single number differs")
    return Result("broadcasting", "passed")


Backend = Callable[[Sequence[Expr], str, Array], list[Array]]


def check_backend(label: str, by: Backend, functions: Functions, dtype: str = "float64") -> Result:
    """Value and slope beside plain floats, at all points, ±∞, NaN and subnormal numbers among them."""
    points = np.array(ALL if dtype == "float64" else _single_points(), dtype)
    every, worst = [g for f in functions for g in (f, f.slope)], Worst()
    try:
        given = by([function.expr for function in every], every[0].name, points)
    except NoScheduleError as error:
        return Result(label, "skipped", f"there is no code for {error}")
    for function, found in zip(every, given, strict=True):
        wanted = _wanted(function, points)
        errors = _errors(found.astype(np.float64), wanted, points, dtype)
        place = int(np.argmax(errors))
        values = f"{found[place]:.9g}, not {wanted[place]:.9g}"
        text = f"{function.label} is {values} at {function.place(points[place])}"
        worst = worst.or_(float(errors[place]), text)
    state: State = "failed" if worst.error > 1 else "passed"
    return Result(label, state, worst.where if state == "failed" else "")


def _single_points() -> list[float]:
    return [x for x in ALL if not isfinite(x) or x == 0 or 1e-30 < abs(x) <= 100]


def _wanted(function: Function, points: Array) -> Array:
    """By plain floats, as numbers of the precision of the points."""
    wanted = backends.by_floats(function.expr, function.name, [float(x) for x in points])
    with np.errstate(all="ignore"):
        return wanted.astype(points.dtype).astype(np.float64)


def _errors(found: Array, wanted: Array, points: Array, dtype: str) -> Array:
    """By how much each is beyond its tolerance: more than 1 is too much."""
    tolerance = AGREE if dtype == "float64" else SINGLE
    with np.errstate(all="ignore"):
        allowed = tolerance * (np.abs(wanted) + np.fmin(np.maximum(1, np.abs(points)), 1e3) / 10)
        errors = np.abs(found - wanted) / allowed
    errors[found == wanted] = 0
    errors[np.isnan(found) & np.isnan(wanted)] = 0
    return np.where(np.isnan(errors), inf, errors)


def check_backends(functions: Functions) -> Iterator[Result]:
    """numpy, machine code and C, in float64 and float32."""
    for label, by in (("numpy", backends.by_numpy), ("machine code", backends.by_machine)):
        yield check_backend(label, by, functions)
        yield check_backend(f"{label}, float32", by, functions, "float32")
    if backends.c_compiler() is None:
        yield Result("C", "skipped", "there is no C compiler")
    else:
        yield check_backend("C", backends.by_c, functions)


def check_function(functions: Functions) -> Iterator[Result]:
    """All checks of functions of one number."""
    yield check_slopes(functions)
    yield check_digits(functions)
    yield check_far(functions)
    yield check_infinity(functions)
    yield check_nan(functions)
    yield check_subnormal(functions)
    yield check_shapes(functions)
    yield from check_backends(functions)
