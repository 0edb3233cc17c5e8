"""The picture of a sweep: a panel for each param, a dot for each trial, what failed counted."""

import re
from xml.etree import ElementTree

import pytest

from deltaplan.runtime.svg.trials import Dot, trials_picture

SVG = "{http://www.w3.org/2000/svg}"


def drawn(dots, title="net: validation loss") -> ElementTree.Element:
    return ElementTree.fromstring(trials_picture(dots, "validation loss", title))


def texts(picture) -> list[str]:
    return [each.text or "" for each in picture.iter(f"{SVG}text")]


def dots_in(picture) -> int:
    paths = [each.get("d", "") for each in picture.iter(f"{SVG}path") if "dot" in each.get("class", "")]
    return sum(path.count("M") for path in paths)


def grid(*losses):
    return [
        Dot({"width": width, "skips": skips}, losses[i % len(losses)])
        for i, (width, skips) in enumerate((w, s) for w in (3, 5, 45) for s in (False, True) for _ in "ab")
    ]


def test_two_params_make_one_panel_in_colours():
    picture = drawn(grid(0.1, 0.2, 0.01))
    assert dots_in(picture) == 12
    assert {"3", "5", "45", "skips = false", "skips = true", "width"} <= set(texts(picture))
    assert "validation loss (median, range)" in texts(picture)


def test_medians_are_joined_at_their_places():
    dots = [Dot({"width": w}, loss) for w, loss in ((2, 1.0), (2, 3.0), (2, 2.0), (4, 5.0), (4, 5.0))]
    picture = drawn(dots)
    (line,) = [
        e.get("d") for e in picture.iter(f"{SVG}path") if e.get("class") == "line h0" and "L" in e.get("d")
    ]
    (x0, y0), (x1, y1) = [tuple(map(float, pair)) for pair in re.findall(r"([\d.]+) ([\d.]+)", line)]
    marks = [e for e in picture.iter(f"{SVG}text") if e.get("class") == "tick"]
    ticks = {e.text: e for e in marks if e.get("text-anchor") == "middle"}
    assert float(ticks["2"].get("x")) == pytest.approx(x0, abs=0.01)
    assert float(ticks["4"].get("x")) == pytest.approx(x1, abs=0.01)
    heights = {float(t.text): float(t.get("y")) for t in marks if t.get("text-anchor") == "end"}
    lift = heights[2.0] - y0  # a label stands a little below its line
    assert heights[5.0] - y1 == pytest.approx(lift, abs=0.02)


def test_what_failed_is_counted():
    picture = drawn([*grid(0.1), Dot({"width": 3, "skips": True}, None)])
    assert "1 failed" in texts(picture)
    assert dots_in(picture) == 12


def test_each_of_three_params_has_a_panel_and_drawn_numbers_an_axis():
    dots = [
        Dot({"width": 3 + i % 2, "rate": 10 ** (-i / 9), "shape": "tanh" if i % 3 else "relu"}, 0.1 + i)
        for i in range(30)
    ]
    picture = drawn([*dots, Dot({"width": 3, "rate": 0.5, "shape": "relu"}, None)])
    assert {"width", "rate", "shape", "tanh", "relu", "0.01"} <= set(texts(picture))
    assert "1 of 31 trials failed" in texts(picture)
    assert dots_in(picture) == 90


def test_seeds_alone_stand_in_their_order():
    picture = drawn([Dot({}, loss) for loss in (0.3, 0.1, 0.2)])
    assert "trials, by their loss" in texts(picture)
    assert dots_in(picture) == 3


@pytest.mark.parametrize(
    "dots",
    [
        [Dot({"width": 3}, None)],
        [Dot({}, 0.5)],
        [Dot({"a": 1, "b": 2}, 1e-320), Dot({"a": 2, "b": 2}, 1e308)],
    ],
)
def test_little_and_extreme(dots):
    drawn(dots, "a title with <signs> & more")
