"""The first code of a plugin of each kind, a test of it by hand, and how a spec uses it.

`NAME` stands for its name. A test has `found`, what the module contributes.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """`imports` come from `deltaplan.plugins.api`, `own` from elsewhere; `hints` are more imports of the
    test, and `use` what the README shows of a spec."""

    imports: str
    code: str
    test: str
    use: str
    own: str = ""
    hints: str = ""


EVALUATE = "from deltaplan.plugins.expressions import evaluate"

KINDS: Mapping[str, Kind] = {
    "activation": Kind(
        imports="activation, number, sin",
        code='''\
@activation("NAME", a=number(1.0, above=0))
def NAME(u, a):
    """u + sin²(a·u)/a"""
    return u + sin(a * u) ** 2 / a
''',
        test="""\
def test_values_by_hand():
    assert evaluate(found.expression, {"u": 0.0, "a": 1.0}) == 0.0
    assert evaluate(found.expression, {"u": math.pi, "a": 0.5}) == pytest.approx(math.pi + 2)
""",
        use="dense 16  NAME(2)",
        hints=f"{EVALUATE}\n",
    ),
    "loss": Kind(
        imports="log, logaddexp, loss, sum",
        code='''\
@loss("NAME")
def NAME(u, y):
    """Σ log cosh(u − y)"""
    return sum(logaddexp(u - y, y - u) - log(2))
''',
        test="""\
def test_values_by_hand():
    assert evaluate(found.expression, {"u": [1.0, 2.0], "y": [1.0, 2.0]}) == pytest.approx(0.0, abs=1e-15)
    assert evaluate(found.expression, {"u": [3.0], "y": [1.0]}) == pytest.approx(math.log(math.cosh(2)))
""",
        use="minimize mean(NAME)",
        hints=f"{EVALUATE}\n",
    ),
    "regularizer": Kind(
        imports="regularizer, required, sqrt, sum",
        code='''\
@regularizer("NAME", strength=required(minimum=0))
def NAME(w, strength):
    """λ ‖w‖₂ for each block"""
    return strength * sqrt(sum(w**2))
''',
        test="""\
def test_values_by_hand():
    assert evaluate(found.expression, {"w": [3.0, -4.0], "strength": 0.5}) == pytest.approx(2.5)
    assert evaluate(found.expression, {"w": [0.0, 0.0], "strength": 0.5}) == 0.0
""",
        use="minimize mean(squared_error) + NAME(1e-3)",
        hints=f"{EVALUATE}\n",
    ),
    "layer": Kind(
        imports="Attribute, layer, sigmoid",
        code='''\
@layer("NAME", Attribute("width", "size", required=True, positional=True, doc="the number of outputs"))
def NAME(builder, x, width):
    """(Vx + b) ⊙ sigmoid(Wx)"""
    if len(x.shape) != 1:
        raise builder.refuse("it takes a vector; `flatten` above it makes one")
    (fan_in,) = x.shape
    value = builder.matmul(builder.weight("V", (width, fan_in), fan_in, width), x)
    gate = builder.matmul(builder.weight("W", (width, fan_in), fan_in, width), x)
    b = builder.bias("b", (width,), fan_in)
    if b is not None:
        value = builder.map(lambda value, b: value + b, value, b)
    return builder.map(lambda value, gate: value * sigmoid(gate), value, gate)
''',
        test='''\
SPEC = """
use "{file}"
model m {{ input 3; NAME 2; output 1 }}
train {{ minimize mean(squared_error); optimizer adam; epochs 1 }}
"""


def test_its_parameters():
    experiment = deltaplan.loads(SPEC.format(file=FILE.as_posix()))
    problem = deltaplan.problem(experiment, [[1.0, 2.0, 3.0]], [[0.0]])
    sizes = {p.name.partition(".")[2]: p.size for p in problem.parameters if "NAME" in p.name}
    assert sizes == {"V": 6, "W": 6, "b": 2}
''',
        use="NAME 16",
        hints="import deltaplan\n",
    ),
    "optimizer": Kind(
        imports="number, optimizer, sign",
        code='''\
@optimizer("NAME", state=("m",), lr=number(1e-3, minimum=0), beta=number(0.9, minimum=0, below=1))
def NAME(w, g, m, lr, beta):
    """m ← βm + (1 − β)g;  w ← w − η sign(m)"""
    m = beta * m + (1 - beta) * g
    return {"w": w - lr * sign(m), "m": m}
''',
        test="""\
def test_a_step_by_hand():
    values = {"w": 1.0, "g": -2.0, "m": 0.5, "lr": 0.1, "beta": 0.5}
    assert evaluate(found.update["m"], values) == pytest.approx(-0.75)
    assert evaluate(found.update["w"], values) == pytest.approx(1.1)
""",
        use="optimizer NAME(lr=1e-3)",
        hints=f"{EVALUATE}\n",
    ),
    "schedule": Kind(
        imports="length, required, schedule",
        code='''\
@schedule("NAME", base=required(minimum=0), every=length())
def NAME(t, base, every):
    """base · 2^(−t/every)"""
    return base * 2 ** (-t / every)
''',
        test="""\
def test_values_by_hand():
    assert evaluate(found.expression, {"t": 0.0, "base": 0.1, "every": 10.0}) == pytest.approx(0.1)
    assert evaluate(found.expression, {"t": 20.0, "base": 0.1, "every": 10.0}) == pytest.approx(0.025)
""",
        use="optimizer adam(lr=NAME(1e-2, every=10))",
        hints=f"{EVALUATE}\n",
    ),
    "initializer": Kind(
        imports="initializer, number",
        own="from math import sqrt\n",
        code='''\
@initializer("NAME", draw="normal", factor=number(1.0, minimum=0))
def NAME(fan_in, fan_out, gain, factor):
    """factor · √(2/(fan_in + fan_out))"""
    return factor * sqrt(2 / (fan_in + fan_out))
''',
        test="""\
def test_values_by_hand():
    assert found.spread(1, 1, 1.0, factor=1.0) == pytest.approx(1.0)
    assert found.spread(6, 2, 1.0, factor=3.0) == pytest.approx(1.5)
""",
        use="dense 16 relu  init=NAME",
    ),
    "metric": Kind(
        imports="abs, mean, metric, where",
        code='''\
@metric("NAME", of="values", better="higher")
def NAME(u, y, n, total):
    """The share of predictions that are off by less than a tenth of the target"""
    return mean(total(where(abs(u - y) < 0.1 * abs(y), 1, 0))) / n
''',
        test="""\
def test_the_part_of_one_sample():
    (element,) = found.sums.values()
    assert evaluate(element, {"u": 1.05, "y": 1.0}) == 1.0
    assert evaluate(element, {"u": 1.2, "y": 1.0}) == 0.0
""",
        use="monitor NAME",
        hints=f"{EVALUATE}\n",
    ),
    "augmentation": Kind(
        imports="augmentation, number, where",
        code='''\
@augmentation("NAME", rate=number(0.1, minimum=0, below=1))
def NAME(builder, x, rate):
    """Each number 0 with the probability `rate`"""
    return builder.map(lambda v, u: where(u < rate, 0, v), x, builder.uniform(x.shape))
''',
        test="""\
def test_what_a_spec_may_give():
    (rate,) = found.parameters
    assert rate.allows(0.5)
    assert not rate.allows(1.0)
""",
        use="augment NAME(0.2)",
    ),
    "data source": Kind(
        imports="Attribute, Table, data_source",
        own="import numpy as np\n",
        code='''\
@data_source("NAME", Attribute("rows", "whole", default=50, minimum=1), named=True)
def NAME(path, rows):
    """y = 2x at places from −1 to 1"""
    x = np.linspace(-1, 1, rows)
    return Table({"x": x, "y": 2 * x}, rows, lambda row: f"row {row + 1}")
''',
        test="""\
def test_its_rows():
    table = found.read(Path("any"), rows=3)
    assert table.columns["x"].tolist() == [-1, 0, 1]
    assert table.columns["y"].tolist() == [-2, 0, 2]
    assert table.row_name(0) == "row 1"
""",
        use='NAME "any" rows=20',
    ),
    "analysis": Kind(
        imports="Findings, Sheet, analysis",
        own="import numpy as np\n",
        code='''\
@analysis("NAME")
def NAME(subject):
    """How the sizes of the parameters are spread"""
    quarters = np.quantile(np.abs(subject.theta), [0.25, 0.5, 0.75])
    table = Sheet(("quantile", "size"), tuple(zip(("25 %", "50 %", "75 %"), quarters.tolist(), strict=True)))
    return Findings((f"half of the parameters are below {quarters[1]:.3g}",), (table,))
''',
        test="""\
def test_the_quartiles():
    subject = SimpleNamespace(theta=[1.0, -2.0, 3.0])
    assert found.examine(subject).says == ("half of the parameters are below 2",)
""",
        use="deltaplan lab --use MODULE/__init__.py NAME spec.dl",
        hints="from types import SimpleNamespace\n",
    ),
}
