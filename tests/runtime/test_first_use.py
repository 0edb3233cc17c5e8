"""Foreign code is checked once, by its content; a wrong derivative is refused with the worst point."""

from collections.abc import Callable
from pathlib import Path

import pytest

import deltaplan
from deltaplan.diagnostics import DeltaplanError
from deltaplan.plugins.expressions import argument
from deltaplan.runtime import gradcheck, slopes
from deltaplan.runtime.slopes import Function, slopes_of

HERE = Path(__file__).parent
RIGHT = '''from deltaplan.plugins.api import activation, sin


@activation("bent")
def bent(u):
    """u + sin(u)/2"""
    return u + sin(u) / 2
'''
WRONG = '''from deltaplan.plugins.api import layer


@layer("bent", trained=False)
def bent(builder, x):
    """x over its largest, which the builder counts as a constant"""
    largest = builder.reshape(builder.largest(x, 0), (1,))
    return builder.map(lambda x, m: x / (m * m + 1), x, largest)
'''
PLAIN = '''from deltaplan.plugins.api import activation, numpy_function

square = numpy_function("square", lambda u: u * u, lambda u: 3 * u)


@activation("bent")
def bent(u):
    """u², whose derivative is written wrongly"""
    return square(u)
'''
SPEC = """
use "./mine.py"
model m {{ input 2; dense 3 tanh; {line}; output 1 }}
train {{ minimize mean(squared_error); optimizer sgd(lr=0.1); steps 2; batch full }}
"""
X, Y = [[1.0, 2.0], [0.5, -1.0], [0.0, 0.3]], [[1.0], [0.0], [2.0]]


@pytest.fixture
def train(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Trains with a plugin of this code; what was checked before is not remembered."""
    monkeypatch.setenv("DELTAPLAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)

    def run(code: str, line: str) -> None:
        Path("mine.py").write_text(code, encoding="utf-8")
        deltaplan.train(deltaplan.loads(SPEC.format(line=line)), X, Y)

    return run


def never(*_: object) -> None:
    raise AssertionError("it is checked again")


def test_what_is_right_is_checked_once(
    train: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    train(RIGHT, "dense 3 bent")
    monkeypatch.setattr(gradcheck, "gradcheck", never)
    monkeypatch.setattr(slopes, "slopes_of", never)
    train(RIGHT, "dense 3 bent")
    with pytest.raises(AssertionError, match="again"):
        train(RIGHT.replace("/ 2", "/ 3"), "dense 3 bent")


def test_what_comes_with_deltaplan_is_not_checked(
    train: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gradcheck, "gradcheck", never)
    text = "model m { input 2; dense 3 tanh; output 1 }\n" + SPEC.format(line="").split("\n", 3)[3]
    deltaplan.train(deltaplan.loads(text), X, Y)


def test_a_wrong_derivative_is_refused_each_time(
    train: Callable[[str, str], None], golden: Callable[[Path, str], None]
) -> None:
    texts = []
    for _ in range(2):
        with pytest.raises(DeltaplanError) as caught:
            train(WRONG, "bent")
        texts.append(str(caught.value))
    assert texts[0] == texts[1]
    golden(HERE / "errors" / "wrong-derivative.err", texts[0] + "\n")


def test_a_wrong_derivative_of_plain_numpy_is_refused(train: Callable[[str, str], None]) -> None:
    with pytest.raises(DeltaplanError, match="derivative of activation `bent` is wrong: σ' is") as caught:
        train(PLAIN, "dense 3 bent")
    assert "at u = " in str(caught.value)
    train(PLAIN.replace("3 * u", "2 * u"), "dense 3 bent")


def test_a_wrong_slope_is_told_at_its_worst_point() -> None:
    u = argument("u")
    assert slopes_of([Function("σ", u * u, "u")]).right
    wrong = slopes_of([Lying("σ", 2 * u, "u")])
    assert not wrong.right
    assert wrong.where == "σ' is 10.03, by differences 2 at u = -8.03"


class Lying(Function):
    """A function that gives another derivative: further off the further u is from 0."""

    @property
    def slope(self) -> Function:
        right = super().slope
        return Function(right.label, right.expr + abs(argument("u")), right.name)


def test_a_kink_is_left_out() -> None:
    u = argument("u")
    found = slopes_of([Function("σ", abs(u - 0.0), "u")])
    assert found.right
    assert 100 < found.points <= 127
