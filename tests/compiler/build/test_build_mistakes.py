"""Mistakes: all of a file at once, none caused by another; warnings; overrides; bounds before any work."""

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import deltaplan
from deltaplan.compiler.build import ExpansionLimits
from deltaplan.diagnostics import SpecError, render_all

HERE = Path(__file__).parent
WARNINGS = sorted((HERE / "warnings").glob("*.dl"))
DEFAULT = ExpansionLimits()
Golden = Callable[[Path, str], None]


def told(text: str, limits: ExpansionLimits = DEFAULT) -> list[tuple[int, str]]:
    """The lines and codes of the mistakes."""
    with pytest.raises(SpecError) as error:
        deltaplan.loads(text, limits=limits)
    return sorted((d.span.line if d.span else 0, d.code) for d in error.value.diagnostics)


@pytest.mark.parametrize("case", WARNINGS, ids=lambda case: case.stem)
def test_warnings_are_told_and_stop_nothing(
    case: Path, golden: Golden, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(case.parent)
    golden(case.with_suffix(".err"), f"{render_all(deltaplan.load(case.name).warnings)}\n")


OVERRIDES = {"unknown-param": {"hiden": 5}, "wrong-override": {"hidden": "many", "skips": 1}}


@pytest.mark.parametrize("case", OVERRIDES)
def test_overrides_that_do_not_fit(case: str, golden: Golden) -> None:
    text = "param hidden = 45\nparam skips = true\nmodel m { input 1; dense hidden residual=skips; output 1 }"
    with pytest.raises(SpecError) as error:
        deltaplan.loads(text, "wave.dl", OVERRIDES[case])
    golden(HERE / "overrides" / f"{case}.err", f"{error.value}\n")


VALUES = {
    "not-finite": {"hidden": float("inf")},
    "too-large": {"hidden": 1 << 63},
    "quotes": {"sigma": 'a"b'},
    "control": {"sigma": "a\nb"},
    "activation": {"sigma": "tanhh"},
    "number-for-a-word": {"sigma": 3},
}


@pytest.mark.parametrize("case", VALUES)
def test_an_override_is_told_once(case: str, golden: Golden) -> None:
    text = "param hidden = 45\nparam sigma = tanh\nmodel m { input 1; dense hidden sigma; output 1 }"
    with pytest.raises(SpecError) as error:
        deltaplan.loads(text, "wave.dl", VALUES[case])
    assert len(error.value.diagnostics) == 1
    golden(HERE / "overrides" / f"{case}.err", f"{error.value}\n")


@pytest.mark.parametrize("value", [0, 0.0, False, ""])
def test_an_override_may_be_nothing(value: bool | int | float | str) -> None:
    own = {bool: "true", str: "word"}.get(type(value), "1")
    found = deltaplan.loads(f"param a = {own}\nmodel m {{ input 1; output 1 }}", params={"a": value}).params
    assert repr(found) == repr({"a": value})


def test_numbers_of_numpy_are_overrides() -> None:
    text = "param a = 1\nparam b = 1.0\nmodel m { input 1; output 1 }"
    found = deltaplan.loads(text, params={"a": np.int64(3), "b": np.float64(0.5)}).params
    assert repr(found) == "{'a': 3, 'b': 0.5}"


def test_syntax_and_meaning_are_in_one_report() -> None:
    model = "model m {\n  input 1\n  dense 5 tan\n  dense 5 )\n  output 1 relu\n}"
    text = f"param a = \n{model}\ntrain {{\n  epohs 5\n}}"
    codes = told(text)
    assert [line for line, _ in codes] == [1, 4, 5, 6, 9]


def test_a_mistake_causes_no_others() -> None:
    text = """
        param width = 5/0
        param other = width + 1
        block unit(n) { dense n, other }
        model m {
            input 3
            body = dense width tanh
            dense 5 residual
            unit width
            joined = concat from body, body
            residual { dense other }
            output 1 from joined
        }
        data { csv "a.csv"; inputs t, u, v; targets y; split train=width }
        train { minimize mean(squared_error); optimizer adam(lr=other); epochs width }"""
    assert told(text) == [(2, "division-by-zero")]


def test_a_mistake_hides_no_others() -> None:
    text = """
        model m {
            input 3
            lost = dense 5 wrong1
            dense 5.5 wrong2 init=wrong3 wrong4=5 from lost
            dense 5 wrong5 from nowhere
            output 1 wrong6
        }
        train { minimize mean(wrong7) + wrong8 + l2; optimizer wrong9; epochs 0.5; batch wrong10 }"""
    codes = [code for _, code in told(text)]
    assert codes.count("unknown-name") == 11
    assert sorted(set(codes)) == ["not-whole", "unknown-name", "value-needed"]


def test_mistakes_are_counted_up_to_a_hundred() -> None:
    text = "model m {\ninput 1\n" + "dense 5 wrong\n" * 150 + "output 1\n}"
    codes = [code for _, code in told(text)]
    assert (codes.count("unknown-name"), codes.count("too-many-mistakes")) == (100, 1)


REPEATS = "repeat 500 { " * 5 + "dense 5" + " }" * 5
DOUBLING = "\n".join(f"block b{i}(w) {{ b{i + 1} w; b{i + 1} w }}" for i in range(30))
HOSTILE = {
    "a wide layer": "model m { input 1; dense 1000000000000; output 1 }",
    "a wide input": "model m { input 10^12; output 1 }",
    "many layers": "model m { input 1; dense 10^15 x 5; output 1 }",
    "large layers": "model m { input 1; dense 9999 x 9999; output 1 }",
    "a repeat of repeats": f"model m {{ input 1; {REPEATS}; output 1 }}",
    "empty repeats": "model m { input 1; " + "repeat 500 { " * 5 + " }" * 5 + "; output 1 }",
    "a tower of powers": "model m { input 1; dense 9^9^9^9; output 1 }",
    "a long product": "param a = " + "*".join(["9e99"] * 40) + "\nmodel m { input 1; output 1 }",
    "blocks that double": f"{DOUBLING}\nblock b30(w) {{ dense w }}\nmodel m {{ input 1; b0 5; output 1 }}",
    "concats that double": "model m { a = input 1; " + "a0 = concat from a, a; "
    + "".join(f"a{i + 1} = concat from a{i}, a{i}; " for i in range(60)) + "output 1 }",
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
def test_absurd_sizes_are_refused_before_any_work(case: str) -> None:
    deltaplan.loads("model m { input 1; output 1 }")  # the parser is made
    tracemalloc.start()
    codes = {code for _, code in told(HOSTILE[case], ExpansionLimits(layers=500))}
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert codes <= {"out-of-bounds", "too-many-repeats", "too-large", "number-too-large"}
    assert codes
    assert peak < 20e6


def test_bounds_can_be_raised_and_lowered() -> None:
    text = "model m { input 10; dense 10, 10; output 1 }"
    count = 2 * (10 * 10 + 10) + 11
    deltaplan.loads(text, limits=ExpansionLimits(layers=3, parameters=count))
    for limits in (
        ExpansionLimits(layers=2),
        ExpansionLimits(parameters=count - 1),
        ExpansionLimits(bytes=99),
    ):
        with pytest.raises(SpecError) as error:
            deltaplan.loads(text, limits=limits)
        assert "too-large" in {d.code for d in error.value.diagnostics}


PLAIN = "model m { input 1; output 1 }"


@pytest.mark.parametrize(
    "text",
    [
        "model m { input 1; dense 5 residual=project, pad; output 1 }",
        "model m { input 1; dense; output; }",
        "model m { input 1; output 1 from a.b.c }",
        "model { repeat { residual { shortcut { } } } }",
        "block b() { b }\nmodel m { input 1; b; output 1 }",
        "model m { residual = residual { residual } }",
        "param = 5\nparam\nparam a b\nparam a = [1]\nmodel m { }",
        "data { inputs a=b a=c; targets; csv; split 5; standardize }",
        "train { minimize; optimizer; epochs; batch; seed; precision }",
        f"{PLAIN}\ntrain {{ minimize mean() + sum(a, b) + 5 * 6 + l2(on=5); optimizer 5 }}",
        f"{PLAIN}\ntrain {{ minimize mean(squared_error(on=[output])); optimizer adam(;lr=5) }}",
        'use 5\nuse\nuse "a", "b"\nuse a.b\nmodel m { input 1; output 1 }',
        "model m { input 1; a.b = dense 5; add; concat from x, y; output 1 }",
    ],
)
def test_malformed_specs_are_told_and_never_crash(text: str) -> None:
    assert told(text)
