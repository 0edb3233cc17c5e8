"""Where functions of one number are looked at."""

from math import inf, nan

from deltaplan.runtime.slopes import PLACES

LARGE = tuple(sign * size for size in (1e3, 745.0, 300.0, 100.0, 40.0, 20.0) for sign in (-1, 1))
FAR = (-1e8, -1e5, 1e5, 1e8)
SMALL = tuple(sign * size for size in (1e-3, 1e-5, 1e-8, 1e-16, 1e-100, 1e-300) for sign in (-1, 1))
SUBNORMAL = tuple(sign * size for size in (2.2250738585072014e-308, 1e-310, 5e-324) for sign in (-1, 1))
FINITE = (*PLACES, *LARGE, *SMALL, *SUBNORMAL, 0.0)
ALL = (*FINITE, -inf, inf, nan)
