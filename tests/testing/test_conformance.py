"""The suite: built-ins keep it, faults are found, and each is told with its worst point."""

from pathlib import Path

import pytest

from deltaplan.plugins.contracts import Contribution
from deltaplan.plugins.loader import builtin_registry, load_file
from deltaplan.testing import suite
from deltaplan.testing.report import Result
from deltaplan.testing.suite import _results, check

GALLERY = Path(__file__).parents[2] / "plugins"
BUILT_IN = [c for kinds in builtin_registry().entries.values() for c in kinds.values()]
ONE_OF_EACH = {"gelu", "huber", "l1", "adam", "cosine", "conv", "he", "rmse", "csv", "lbfgs", "flip", "norms"}


def label(contribution: Contribution) -> str:
    return f"{contribution.kind} {contribution.name}"


@pytest.mark.slow
@pytest.mark.parametrize("contribution", [c for c in BUILT_IN if c.name in ONE_OF_EACH], ids=label)
def test_a_built_in_of_each_kind_conforms(contribution: Contribution) -> None:
    report = check(contribution)
    assert all(result.state == "passed" for result in report.results), report


@pytest.mark.long
@pytest.mark.parametrize("contribution", BUILT_IN, ids=label)
def test_every_built_in_conforms(contribution: Contribution) -> None:
    report = check(contribution)
    assert report.passed, report


@pytest.mark.long
@pytest.mark.parametrize("path", sorted(p for p in GALLERY.glob("*.py") if p.name[:5] != "test_"), ids=str)
def test_the_gallery_conforms(path: Path) -> None:
    for contribution in load_file(path):
        report = check(contribution)
        assert report.passed, report


FAULTS = {  # the code, the check that finds it, how it ends, and words of what it says
    "hides a lost number": (
        '@activation("x")\ndef x(u):\n    """u⁺"""\n    return where(u > 0, u, 0)',
        ("not a number", "failed", "σ is 0 at u = nan"),
    ),
    "is not defined everywhere": (
        '@activation("x")\ndef x(u):\n    """log u"""\n    return log(u)',
        ("at ±1000", "failed", "σ is no number at u = -1000"),
    ),
    "overflows though it need not": (
        '@activation("x")\ndef x(u):\n    """log(2 + eᵘ)"""\n    return log(2 + exp(u))',
        ("exact values", "failed", "σ is inf, exactly 1000 at u = 1000"),
    ),
    "loses its digits": (
        '@activation("x")\ndef x(u):\n    """√(u² + 1) − u"""\n    return sqrt(u**2 + 1) - u',
        ("exact values", "warned", "σ is 0, exactly 5e-09 at u = 1e+08"),
    ),
    "takes the name of a built-in": (
        '@activation("relu")\ndef relu(u):\n    """2u⁺"""\n    return 2 * maximum(u, 0)',
        ("names", "failed", "the activation `relu` comes with deltaplan"),
    ),
    "says nothing of itself": (
        '@activation("x")\ndef x(u):\n    return u + sin(u)',
        ("docstring", "failed", "write the formula"),
    ),
    "says it is convex": (
        '@loss("x")\ndef x(u, y):\n    """Σ (u − y)³"""\n    return sum((u - y) ** 3)',
        ("convex", "failed", "say convex=False"),
    ),
    "divides by a root that is 0": (
        '@optimizer("x", state=("v",), lr=number(0.1))\ndef x(w, g, v, lr):\n    """w − ηg/√v"""\n'
        '    v = v + g * g\n    return {"w": w - lr * g / sqrt(v), "v": v}',
        ("steps", "failed", "the new w is nan at w = 0, g = 0, t = 1"),
    ),
    "has a schedule with a pole": (
        '@schedule("x", base=number(0.1))\ndef x(t, base):\n    """base/t"""\n    return base / t',
        ("values", "failed", "it is inf at t = 0"),
    ),
    "has a penalty without a value at rest": (
        '@regularizer("x")\ndef x(w):\n    """Σ log w²"""\n    return sum(log(w**2))',
        ("values", "failed", "Ω is -inf at w = [0.0, 0.0, 0.0]"),
    ),
    "draws its spread": (
        '@initializer("x", draw="normal")\ndef x(fan_in, fan_out, gain):\n    """another each time"""\n'
        "    return float(next(COUNT))",
        ("spread", "failed", "the same call gives"),
    ),
    "gives a negative spread": (
        '@initializer("x", draw="normal")\ndef x(fan_in, fan_out, gain):\n    """−1"""\n    return -1.0',
        ("spread", "failed", "it is -1.0 for fan_in = 1"),
    ),
    "measures by chance": (
        '@metric("x", of="values", better="lower")\ndef x(predicted, target):\n    """chance"""\n'
        "    return random.random()",
        ("twice the same", "failed", ", then "),
    ),
    "raises where a file is missing": (
        '@data_source("x")\ndef x(path):\n    """words"""\n    return open(path).read()',
        ("reading", "failed", "FileNotFoundError: raise Unreadable"),
    ),
    "gives columns of two lengths": (
        '@data_source("x", named=True)\ndef x(path):\n    """words"""\n'
        '    return Table({"a": [1.0], "b": [1.0, 2.0]}, 2, str)',
        ("reading", "failed", "`a` has 1 rows of 2"),
    ),
    "takes no input": (
        '@layer("x", Attribute("width", "size", required=True, positional=True))\n'
        'def x(builder, x, width):\n    """nothing"""\n    raise builder.refuse("never")',
        ("input", "failed", "it takes nothing that was tried; `x 3` on [6]"),
    ),
    "prints": (
        'print("hello")\n\n\n@activation("x")\ndef x(u):\n    """u + sin u"""\n    return u + sin(u)',
        ("loading", "failed", "it prints 'hello'"),
    ),
    "sets up logging": (
        "import logging\n\nlogging.basicConfig(level=10)\n\n\n"
        '@activation("x")\ndef x(u):\n    """u + sin u"""\n    return u + sin(u)',
        ("loading", "failed", "it changes `logging`"),
    ),
    "filters warnings": (
        'import warnings\n\nwarnings.simplefilter("ignore")\n\n\n'
        '@activation("x")\ndef x(u):\n    """u + sin u"""\n    return u + sin(u)',
        ("loading", "failed", "it changes the filters of warnings"),
    ),
    "has a derivative that is written wrongly": (
        'square = numpy_function("square", lambda u: u * u, lambda u: 3 * u)\n\n\n'
        '@activation("x")\ndef x(u):\n    """u²"""\n    return square(u)',
        ("derivative", "failed", "σ' is"),
    ),
    "is another one each time": (
        'A = time.time_ns()\n\n\n@activation("x")\ndef x(u):\n    """u + sin u"""\n    return u + sin(A * u)',
        ("loading", "failed", "loaded a second time it is another one"),
    ),
}


def result_of(contribution: Contribution, check: str) -> Result:
    """The first result of that check; what comes after it is not run."""
    return next(result for result in _results(contribution) if result.check == check)


SLOW = {"says it is convex", "measures by chance", "has a penalty without a value at rest"}


@pytest.mark.parametrize("fault", [pytest.param(f, marks=[pytest.mark.slow] * (f in SLOW)) for f in FAULTS])
def test_a_fault_is_found_and_told(fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("X", "1")  # what a plugin sets is undone after the test
    code, (name, state, words) = FAULTS[fault]
    if name != "loading":  # a process for each
        monkeypatch.setattr(suite, "check_loading", lambda *_: Result("loading", "passed"))
    path = tmp_path / "faulty.py"
    imports = (
        "import random\nimport time\nfrom itertools import count\n\nfrom deltaplan.plugins.api import *\n"
    )
    head = f"{imports}\nCOUNT = count(1)\n\n\n"
    path.write_text(head + code + "\n", encoding="utf-8")
    (found,) = load_file(path)
    result = result_of(found, name)
    assert (result.check, result.state) == (name, state)
    assert words in result.found
