"""What a number is worth, with its unit, and which ones are whole."""

import pytest

from deltaplan.diagnostics import Source
from deltaplan.dsl import parse
from deltaplan.dsl.numbers import number_value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("45", 45),
        ("007", 7),
        ("64k", 64_000),
        ("2M", 2_000_000),
        ("1G", 10**9),
        ("64B", 64),
        ("64kB", 64_000),
        ("64MB", 64_000_000),
        ("1GB", 10**9),
        ("1" + "0" * 300, 10**300),
    ],
)
def test_whole_numbers(text: str, value: int) -> None:
    assert number_value(text) == value
    assert isinstance(number_value(text), int)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-2", 0.01),
        ("1e3", 1000.0),
        ("2.0", 2.0),
        ("80%", 0.8),
        ("100%", 1.0),
        ("12.3%", 0.123),
        ("1.5k", 1500.0),
        ("1.1k", 1100.0),
        ("2.5E+2", 250.0),
        ("0e-999999999", 0.0),
    ],
)
def test_other_numbers(text: str, value: float) -> None:
    assert number_value(text) == value
    assert isinstance(number_value(text), float)


@pytest.mark.parametrize("text", ["1e999", "9" * 400, "1e999999999999", "1" + "0" * 308 + "G", "9" * 9000])
def test_numbers_that_are_too_large(text: str) -> None:
    _, (mistake,) = parse(Source("test.dl", f"head {text}"))
    assert mistake.code == "number-out-of-range"
    assert mistake.span
    assert mistake.span.text == text
    assert "too large" in mistake.message
    assert len(mistake.message) < 80


@pytest.mark.parametrize("text", ["1e-999", "0." + "0" * 400 + "1"])
def test_numbers_that_would_be_lost_to_zero(text: str) -> None:
    _, (mistake,) = parse(Source("test.dl", f"head {text}"))
    assert mistake.code == "number-out-of-range"
    assert "too small" in mistake.message


def test_both_ends_of_a_range_are_looked_at() -> None:
    spec, mistakes = parse(Source("test.dl", "seed = 1e999..1e999"))
    assert len(mistakes) == 2
    assert [line.broken for line in spec.lines] == [True]
