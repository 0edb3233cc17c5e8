"""erf u = −expm1(|u|·Q(|u|)) with u's sign, Q a minimax polynomial of log(erfc(x))/x."""

from collections.abc import Mapping

from deltaplan.compiler.loops.llvm.lanes import Lanes
from deltaplan.compiler.loops.llvm.mathematics.exponential import expm1
from deltaplan.compiler.loops.llvm.mathematics.polynomial import halves
from deltaplan.compiler.loops.llvm.mathematics.rounding import at_most

Q: Mapping[str, tuple[float, ...]] = {
    "float": (
        *(-1.128379225730896, -0.636614978313446, -0.10283347964286804, 0.019408732652664185),
        *(-0.0003925999335478991, -0.001042017131112516, 0.0002551514480728656, -2.6595339477353264e-06),
        -4.531374088401208e-06,
    ),
    "double": (
        *(-1.1283791670955126, -0.6366197723676035, -0.1027726033003495, 0.01912844696783774),
        *(0.00020919518572295852, -0.0016962102658382102, 0.0005901457472250756, -2.5952132900232633e-05),
        *(-6.429656575881601e-05, 2.9334127454125078e-05, -2.809054986591448e-06, -3.5518506514379127e-06),
        *(2.419962669662779e-06, -8.477527475146393e-07, 1.7123132285320873e-07, -7.286383560737812e-09),
        *(-8.10458364307642e-09, 3.2270349337103302e-09, -6.939136412523296e-10, 9.71044238221519e-11),
        *(-8.862162256822573e-12, 4.830200672505181e-13, -1.1985945391492256e-14),
    ),
}
ONE: Mapping[str, float] = {"float": 4.0, "double": 6.0}  # from where erf is 1


def erf(lanes: Lanes, u: str) -> str:
    """2/√π·∫exp(−t²) dt from 0 to u."""
    x = at_most(lanes, lanes.abs(u), ONE[lanes.kind])
    q = halves(lanes, x, lanes.mul(x, x), Q[lanes.kind])
    return lanes.copysign(expm1(lanes, lanes.mul(q, x)), u)
