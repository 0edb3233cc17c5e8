"""Functions of one number beside differences: is the derivative that of the value?"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import copysign, inf, isfinite, isnan

from deltaplan.plugins.expressions import Expr, derivative, evaluate, walk
from deltaplan.runtime.gradcheck import switches

PLACES = tuple(round(-8.03 + 0.127 * i, 3) for i in range(127))
STEP = 1e-4  # of a difference, for numbers up to 1
TOLERANCE = 1e-6  # relative, or of 1


@dataclass(frozen=True, slots=True)
class Function:
    """One function of one number; `label` names it in reports, `at` what it depends on besides: `y = 1`."""

    label: str
    expr: Expr
    name: str
    at: str = ""

    @property
    def slope(self) -> "Function":
        return Function(f"{self.label}'", derivative(self.expr, self.name), self.name, self.at)

    def __call__(self, x: float) -> float:
        value = evaluate(self.expr, {self.name: x})
        assert isinstance(value, float)
        return value

    def place(self, x: float) -> str:
        return f"{self.name} = {x:.6g}" + (f", {self.at}" if self.at else "")


@dataclass(frozen=True, slots=True)
class Slopes:
    """The largest error of the slopes, where it was made, and at how many points they could be compared."""

    error: float
    where: str
    points: int

    @property
    def right(self) -> bool:
        return self.error <= TOLERANCE


def slopes_of(functions: Iterable[Function]) -> Slopes:
    """The derivatives beside differences of five points, off the kinks."""
    worst, where, points = 0.0, "", 0
    for function in functions:
        slope = function.slope
        for x in PLACES:
            wanted = difference(function, x)
            if wanted is None or not isfinite(wanted):
                continue
            found, points = slope(x), points + 1
            error = abs(found - wanted) / max(1.0, abs(wanted))
            if isnan(error) or error > worst:
                worst = inf if isnan(error) else error
                where = f"{slope.label} is {found:.9g}, by differences {wanted:.9g} at {function.place(x)}"
    return Slopes(worst, where, points)


def difference(function: Function, x: float) -> float | None:
    """(f(−2h) − 8f(−h) + 8f(h) − f(2h))/12h; None where a switch turns between the points."""
    h = STEP * max(1.0, abs(x))
    points = [x + factor * h for factor in (-2, -1, 1, 2)]
    for e in {s for node in walk(function.expr) for s in switches(node)}:
        if len({_sign(evaluate(e, {function.name: p})) for p in points}) > 1:
            return None
    a, b, c, d = map(function, points)
    return (a - 8 * b + 8 * c - d) / (12 * h)


def _sign(value: object) -> float:
    return copysign(1.0, value) if isinstance(value, float) and value != 0 else 0.0
