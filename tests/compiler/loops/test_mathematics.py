"""The scalar operations as vector code: errors in units of the last place against mpmath, the values at the
ends against the definition on plain floats, and that nothing of a library is called."""

import math
from functools import cache
from itertools import product

import mpmath
import numpy as np
import pytest
from vector_functions import DTYPES, Compiled, module, on_numbers, undefined_symbols

from deltaplan.compiler.loops.llvm.expressions import Evaluator, Held, is_leaky
from deltaplan.compiler.loops.llvm.mathematics import OPERATIONS, ULPS, power_of
from deltaplan.plugins.expressions import LEAVES, OPAQUE, REDUCTIONS, Op, argument, arity, expm1, where
from deltaplan.plugins.expressions.floats import FLOATS
from deltaplan.runtime.backends.native.target import NAMED, Target, host, named

KINDS = list(DTYPES)
GRID = [
    *(0.0, -0.0, math.inf, -math.inf, math.nan, 1e3, -1e3, 5e-324, -5e-324, 1e-310, 1e-40, -1e-40),
    *(0.5, -0.5, 1.0, -1.0, 2.0, -2.0, 3.0, -3.0, 36.5, -36.5, 88.0, -104.0, 700.0, 1e-8, -1e-8, 1e30, -1e30),
]

mp = mpmath.mp.clone()
mp.prec = 140


def runnable() -> dict[str, Target]:
    """This processor, and those of the same family whose code it runs."""
    here = host()
    if not here.triple.startswith("x86_64"):
        return {"host": here}
    lesser = {"avx2": named("avx2")} if here.vector == 64 else {}
    return {"host": here, "x86-64": named("x86-64"), **lesser}


TARGETS = runnable()


def sigmoid(u):
    return 1 / (1 + mp.exp(-u))


def logaddexp(a, b):
    return max(a, b) + mp.log1p(mp.exp(-abs(a - b)))


EXACT = {
    Op.EXP: mp.exp,
    Op.EXPM1: mp.expm1,
    Op.LOG: mp.log,
    Op.LOG1P: mp.log1p,
    Op.SQRT: mp.sqrt,
    Op.SIN: mp.sin,
    Op.COS: mp.cos,
    Op.TANH: mp.tanh,
    Op.SIGMOID: sigmoid,
    Op.ERF: mp.erf,
    Op.POW: mp.power,
    Op.LOGADDEXP: logaddexp,
}
RANGES = {  # of float, and of double where another
    Op.EXP: ([(-104, 89), (-1, 1)], [(-746, 710), (-1, 1)]),
    Op.EXPM1: ([(-20, 89), (-1, 1)], [(-40, 710), (-1, 1)]),
    Op.LOG: ([(0, 1e3), (0.5, 2)],),
    Op.LOG1P: ([(-1, 1e3), (-0.6, 1)],),
    Op.SQRT: ([(0, 100)],),
    Op.SIN: ([(-10, 10), (-1e4, 1e4)], [(-10, 10), (-1e5, 1e5)]),
    Op.COS: ([(-10, 10), (-1e4, 1e4)], [(-10, 10), (-1e5, 1e5)]),
    Op.TANH: ([(-10, 10), (-1, 1)], [(-20, 20), (-1, 1)]),
    Op.SIGMOID: ([(-104, 20), (-5, 5)], [(-745, 40), (-5, 5)]),
    Op.ERF: ([(-4, 4), (-1, 1)], [(-6, 6), (-1, 1)]),
}
POINTS = 400


@cache
def points(op: Op, kind: str) -> np.ndarray:
    """Numbers of an operation of one: dense and random over its ranges, over the powers of ten, subnormal."""
    dtype, draw = DTYPES[kind], np.random.default_rng(list(Op).index(op))
    drawn = []
    for low, high in RANGES[op][-1 if kind == "double" else 0]:
        drawn += [np.linspace(low, high, POINTS), draw.uniform(low, high, POINTS)]
    powers = 10.0 ** draw.uniform(-320 if kind == "double" else -45, 2, POINTS // 2)
    few = np.finfo(dtype).smallest_normal * np.array([1, 1 - 1e-6, 0.5, 1e-3, 1e-6])
    turns = np.arange(-200, 200) * (math.pi / 2) if op in (Op.SIN, Op.COS) else []
    found = np.concatenate([*drawn, powers, -powers, few, -few, turns]).astype(dtype)
    return found[np.isfinite(found)]


def ulp(exact, kind: str):
    """The unit of the last place of a number, in a format."""
    limits = np.finfo(DTYPES[kind])
    exponent = mp.mag(exact) - 1 if exact else limits.minexp
    return mp.ldexp(1, max(exponent, limits.minexp) - limits.nmant)


class Exact:
    """Exact values as sums of two doubles, with the units of their last places in a format, times 2^power,
    which keeps them away from what is too small or too large for a double."""

    def __init__(self, values, kind: str) -> None:
        self.largest = np.finfo(DTYPES[kind]).max
        self.power = np.array([scale_of(value) for value in values])
        scaled = [mp.ldexp(value, int(p)) for value, p in zip(values, self.power, strict=True)]
        self.high = np.array([float(value) for value in scaled])
        rests = [value - high for value, high in zip(scaled, self.high.tolist(), strict=True)]
        self.low = np.array([float(rest) if mp.isfinite(rest) else 0.0 for rest in rests])
        units = [mp.ldexp(ulp(v, kind), int(p)) for v, p in zip(values, self.power, strict=True)]
        self.unit = np.array([float(unit) for unit in units])

    def worst(self, found: np.ndarray) -> float:
        """The largest error in units of the last place; ∞ where one of two is no number and the other is."""
        with np.errstate(all="ignore"):
            near = np.ldexp(found.astype(np.float64), self.power)
            errors = np.abs(near - self.high - self.low) / self.unit
            too_large = np.abs(self.high) > np.ldexp(float(self.largest), self.power)
        same = np.isinf(found) & too_large & (np.signbit(found) == np.signbit(self.high))
        return float(np.where(same, 0.0, np.where(np.isfinite(errors), errors, np.inf)).max())


def scale_of(value) -> int:
    """The power of two that takes a number of a double's ends towards 1."""
    size = mp.mag(value) if value and mp.isfinite(value) else 0
    return 400 if size < -500 else -400 if size > 500 else 0


def worst(found: np.ndarray, exact, kind: str) -> float:
    return Exact(exact, kind).worst(found)


def test_errors_are_told_as_they_are():
    """By three quarters of a unit, at the ends of a format and between: as exact numbers tell it."""
    for kind in KINDS:
        limits = np.finfo(DTYPES[kind])
        for at in (1.5, -3e-8, 1e30, limits.max, limits.smallest_normal, 7 * limits.smallest_subnormal, 0):
            given = np.array([at], DTYPES[kind])
            off = mp.mpf(float(given[0])) + mp.mpf(0.75) * ulp(mp.mpf(float(given[0])), kind)
            assert worst(given, [off], kind) == pytest.approx(0.75, abs=1e-9)
        for value, wanted in ((math.nan, math.inf), (-math.inf, math.inf), (math.inf, 0)):
            assert worst(np.array([value], DTYPES[kind]), [mp.mpf(2) ** 1100], kind) == wanted


def test_the_table_has_every_operation_that_stands_in_a_map():
    assert set(OPERATIONS) == set(Op) - LEAVES - REDUCTIONS - OPAQUE


def defined(op: Op, x: np.ndarray) -> np.ndarray:
    """The numbers where an operation is finite."""
    border = {Op.LOG: 0, Op.SQRT: 0, Op.LOG1P: -1}.get(op, -math.inf)
    return x[x > border]


@cache
def exact_values(op: Op, kind: str) -> Exact:
    return Exact([EXACT[op](mp.mpf(float(x))) for x in defined(op, points(op, kind))], kind)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("op", RANGES)
def test_errors_against_mpmath(op, kind, target):
    function = Compiled(OPERATIONS[op], 1, kind, 8, TARGETS[target])
    found = function(defined(op, points(op, kind)))
    assert exact_values(op, kind).worst(found) <= ULPS[op]


@pytest.mark.long
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("op", RANGES)
def test_errors_in_float_over_all_exponents(op, target):
    """Every 999th number, against numpy in double, which is as good as exact."""
    numbers = np.arange(0, 2**32, 999, dtype=np.uint64).astype(np.uint32).view(np.float32)
    reach = 1e4 if op in (Op.SIN, Op.COS) else math.inf
    u = defined(op, numbers[np.abs(numbers) < reach])
    with np.errstate(all="ignore"):
        exact = IN_DOUBLE[op](u.astype(np.float64))
        rounded = exact.astype(np.float32)
        found = Compiled(OPERATIONS[op], 1, "float", 16, TARGETS[target])(u)
        unit = np.ldexp(1.0, np.maximum(np.frexp(exact)[1] - 1, -126) - 23)
        errors = np.where(found == rounded, 0, np.abs(found - exact) / unit)
    assert errors.max() <= ULPS[op]


IN_DOUBLE = {
    Op.EXP: np.exp,
    Op.EXPM1: np.expm1,
    Op.LOG: np.log,
    Op.LOG1P: np.log1p,
    Op.SQRT: np.sqrt,
    Op.SIN: np.sin,
    Op.COS: np.cos,
    Op.TANH: np.tanh,
    Op.SIGMOID: lambda u: np.where(u < 0, np.exp(u) / (1 + np.exp(u)), 1 / (1 + np.exp(-u))),
    Op.ERF: np.vectorize(math.erf),
}


@cache
def powers(kind: str):
    """Bases and exponents: moderate ones, large exponents near base 1, whole ones of negative bases."""
    draw, n = np.random.default_rng(1), 400
    reach, near = (1000, 1e5) if kind == "double" else (120, 1e4)
    bases = [draw.uniform(0.5, 2, n), 10.0 ** draw.uniform(-30, 30, n), draw.uniform(0.995, 1.005, n)]
    exponents = [draw.uniform(-reach, reach, n), draw.uniform(-10, 10, n), draw.uniform(-near, near, n)]
    bases += [draw.uniform(-3, 3, n), draw.choice([0.9, 0.99, 0.999, 0.9999], n)]
    exponents += [draw.integers(-20, 20, n), draw.integers(1, 1_000_000, n)]
    u, v = (np.concatenate(drawn).astype(DTYPES[kind]) for drawn in (bases, exponents))
    return u, v, Exact([mp.power(float(a), float(b)) for a, b in zip(u, v, strict=True)], kind)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("kind", KINDS)
def test_errors_of_powers_against_mpmath(kind, target):
    u, v, exact = powers(kind)
    assert exact.worst(Compiled(OPERATIONS[Op.POW], 2, kind, 8, TARGETS[target])(u, v)) <= ULPS[Op.POW]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("base", [0.9, 0.999, 1.0 + 2.0**-23, 2.0, 1e-30, 7.25])
def test_errors_of_powers_of_a_number_against_mpmath(base, kind):
    """Its logarithm is known before anything runs; so are the rules for exponents without an end."""
    u = float(np.asarray(base, DTYPES[kind]))
    reach = (1000 if kind == "double" else 120) / abs(math.log2(u))
    v = np.concatenate([np.random.default_rng(3).uniform(-reach, reach, 500), [0, 1, 2, -1]])
    v = v.astype(DTYPES[kind])
    function = Compiled(
        lambda lanes, v: OPERATIONS[Op.POW](lanes, lanes.const(u), v),
        1,
        kind,
        8,
        next(iter(TARGETS.values())),
    )
    assert worst(function(v), [mp.power(u, float(each)) for each in v], kind) <= ULPS[Op.POW]
    ends = np.array([np.inf, -np.inf, np.nan, 3.0, -3.0], DTYPES[kind])
    assert np.array_equal(
        function(ends)[:3], [np.inf, 0, np.nan] if u > 1 else [0, np.inf, np.nan], equal_nan=True
    )


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("kind", KINDS)
def test_errors_of_logaddexp_against_mpmath(kind, target):
    """In units of the larger of its two terms: where they cancel, so do digits."""
    draw = np.random.default_rng(2)
    a = draw.uniform(-40, 40, 1500).astype(DTYPES[kind])
    b = np.where(np.arange(1500) % 2, draw.uniform(-40, 40, 1500), 0).astype(DTYPES[kind])
    found = Compiled(OPERATIONS[Op.LOGADDEXP], 2, kind, 8, TARGETS[target])(a, b)
    for x, y, f in zip(a.tolist(), b.tolist(), found.tolist(), strict=True):
        exact = logaddexp(mp.mpf(x), mp.mpf(y))
        unit = ulp(max(abs(exact), abs(mp.mpf(max(x, y)))), kind)
        assert abs(f - exact) <= ULPS[Op.LOGADDEXP] * unit, (x, y)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("op", OPERATIONS)
def test_values_at_the_ends_are_those_of_the_definition(op, kind, target):
    dtype, count = DTYPES[kind], arity(op)
    with np.errstate(all="ignore"):
        grid = np.array(GRID, dtype).tolist()
    rows = list(product(grid, repeat=count))
    rows = rows[:: max(1, len(rows) // 1000)]
    found = Compiled(on_numbers(op, OPERATIONS[op]), count, kind, 8, TARGETS[target])(*np.array(rows).T)
    for row, value in zip(rows, found, strict=True):
        assert_same(op, row, value, dtype)


def assert_same(op: Op, row: tuple[float, ...], found, dtype) -> None:
    if op in (Op.SIN, Op.COS) and abs(row[0]) > 1e5:
        assert abs(found) <= 1 or abs(row[0]) == math.inf
        return
    conditions = {Op.NOT: 1, Op.AND: 2, Op.OR: 2, Op.WHERE: 1}.get(op, 0)
    given = [float(x > 0.5) if i < conditions else x for i, x in enumerate(row)]
    with np.errstate(all="ignore"):
        expected = dtype.type(FLOATS[op](*given))
    assert near(float(found), float(expected), np.finfo(dtype)), f"{op} of {row} is {found}, not {expected}"
    if expected == 0 and op not in (Op.MAX, Op.MIN):
        assert np.signbit(found) == np.signbit(expected), f"the sign of {op} of {row}"


def near(found: float, expected: float, limits: np.finfo) -> bool:
    if math.isfinite(found) and math.isfinite(expected):
        return abs(found - expected) <= 4 * limits.eps * abs(expected) + float(limits.smallest_subnormal)
    return found == expected or (math.isnan(found) and math.isnan(expected))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("op", [Op.SIN, Op.COS])
def test_waves_of_large_numbers(op, kind, target):
    """With fused operations no digit is lost; without, about those that the number itself lacks."""
    limit = {"float": 1e6, "double": 1e14}[kind]
    u = (np.geomspace(1e4, limit, 500) * np.tile([1, -1], 250)).astype(DTYPES[kind])
    found = Compiled(OPERATIONS[op], 1, kind, 4, TARGETS[target])(u)
    exact = [EXACT[op](mp.mpf(float(x))) for x in u]
    assert np.abs(found).max() <= 1
    if TARGETS[target].fma:
        assert worst(found, exact, kind) <= ULPS[op]
    off = np.abs(found - np.array(exact, dtype=float))
    assert (off <= 4 * np.spacing(np.abs(u)) + 1e-6).all()


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("kind", KINDS)
def test_waves_reach_one(kind, target):
    quarter = math.pi / 2
    sines = Compiled(OPERATIONS[Op.SIN], 1, kind, 4, TARGETS[target])([quarter, -quarter, 3 * quarter, 0.0])
    assert sines.tolist() == [1, -1, -1, 0]
    assert Compiled(OPERATIONS[Op.COS], 1, kind, 4, TARGETS[target])([0.0, -0.0]).tolist() == [1, 1]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("op", [Op.SIN, Op.COS])
def test_waves_past_their_reach(op, kind, target):
    """No digit is right, but they are numbers from −1 to 1."""
    sizes = 10.0 ** np.linspace(6, 38 if kind == "float" else 308, 1000)
    function = Compiled(OPERATIONS[op], 1, kind, 4, TARGETS[target])
    assert np.abs(function(np.concatenate([sizes, -sizes]))).max() <= 1
    assert np.isnan(function([math.inf, -math.inf])).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("op", [op for op in OPERATIONS if arity(op) == 1 and op is not Op.NOT])
def test_every_nan_comes_through(op, kind):
    """Whatever its bits: what is built with them must not become a number."""
    bits = [0x7FC00000, 0xFFC00000, 0x7FC00001, 0x7FFFFFFF, 0x7FC01234, 0x7F800001]
    shift = 0 if kind == "float" else 29
    nans = [b if kind == "float" else (0x7FF8 << 48) | (b << shift) | b for b in bits]
    given = np.array(nans, f"u{DTYPES[kind].itemsize}").view(DTYPES[kind])
    assert np.isnan(given).all()
    assert np.isnan(Compiled(OPERATIONS[op], 1, kind, 4)(given)).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("op", OPERATIONS)
def test_the_same_bits_at_every_number_of_lanes(op, kind):
    draw = np.random.default_rng(3)
    shape = (arity(op), 256)
    scale = np.where(np.arange(256) % 2, 1.0, 10.0 ** draw.uniform(-320, 4, shape))  # small, subnormal, large
    given = (draw.uniform(-4, 4, shape) * scale).astype(DTYPES[kind])
    body = on_numbers(op, OPERATIONS[op])
    plain = Compiled(body, arity(op), kind, 1)(*given)
    for lanes in (2, 8, 64):
        assert Compiled(body, arity(op), kind, lanes)(*given).tobytes() == plain.tobytes()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("exponent", [-2.0, -1.0, 0.0, 0.5, 1.0, 2.0, 3.0, 4.0, 2.5, -0.5, 7.0])
def test_constant_exponents(exponent, kind):
    draw = np.random.default_rng(4)
    u = draw.uniform(0.01, 10, 500).astype(DTYPES[kind])
    exact = [mp.power(float(x), exponent) for x in u]
    for body in (
        lambda lanes, x: power_of(lanes, x, exponent),
        lambda lanes, x: OPERATIONS[Op.POW](lanes, x, lanes.const(exponent)),
    ):
        assert worst(Compiled(body, 1, kind, 4)(u), exact, kind) <= 2


@pytest.mark.parametrize("kind", KINDS)
def test_extrema_with_a_constant_keep_nan(kind):
    u = np.array([math.nan, -1.0, 2.0, math.inf, -math.inf])
    for body, expected in (
        (lambda lanes, x: OPERATIONS[Op.MAX](lanes, x, lanes.const(0.0)), [math.nan, 0, 2, math.inf, 0]),
        (lambda lanes, x: OPERATIONS[Op.MAX](lanes, lanes.const(0.0), x), [math.nan, 0, 2, math.inf, 0]),
        (lambda lanes, x: OPERATIONS[Op.MIN](lanes, x, lanes.const(1.0)), [math.nan, -1, 1, 1, -math.inf]),
        (lambda lanes, x: OPERATIONS[Op.MAX](lanes, x, lanes.const(math.nan)), [math.nan] * 5),
    ):
        np.testing.assert_array_equal(Compiled(body, 1, kind, 4)(u), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_a_leaky_choice_is_what_its_definition_says(kind):
    u, given = argument("x0"), np.array(GRID, DTYPES[kind])
    expression = where(u > 0, u, 0.01 * u)
    assert is_leaky(expression)
    assert not is_leaky(where(u > 0, u, 1.5 * u))
    assert not is_leaky(where(u > 1, u, 0.5 * u))
    assert not is_leaky(where(u > 0, u, 0.5 * expm1(u)))

    def body(lanes, x):
        return Evaluator(lambda count: lanes, [Held(x, lanes.count)]).number(expression).value

    expected = np.where(given > 0, given, given * DTYPES[kind].type(0.01))
    np.testing.assert_array_equal(Compiled(body, 1, kind, 4)(given).view("i1"), expected.view("i1"))


@pytest.mark.parametrize("lanes", ["one", "native", pytest.param("wider", marks=pytest.mark.long)])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NAMED)
def test_no_object_calls_a_library(name, kind, lanes):
    target = named(name)
    native = target.vector // DTYPES[kind].itemsize
    count = {"one": 1, "native": native, "wider": 2 * native}[lanes]
    bodies = {op.value: (on_numbers(op, body), arity(op)) for op, body in OPERATIONS.items()}
    assert undefined_symbols(module(bodies, kind, count, target), target) == set()


def test_a_call_of_a_library_is_seen():
    bodies = {"f": (lambda lanes, u: lanes.intrinsic("exp", u), 1)}
    assert undefined_symbols(module(bodies, "double", 1, named("x86-64")), named("x86-64")) == {"exp"}


def test_the_text_is_the_same_each_time():
    bodies = {op.value: (on_numbers(op, body), arity(op)) for op, body in OPERATIONS.items()}
    assert module(bodies, "double", 8, named("avx512")) == module(bodies, "double", 8, named("avx512"))
