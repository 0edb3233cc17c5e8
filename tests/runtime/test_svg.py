"""Pictures are well-formed, show what they were given, and stand whatever the numbers are."""

import re
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from deltaplan.runtime.svg import fit, loss_curve
from deltaplan.runtime.svg.axes import linear_axis, log_axis, tight_axis, value_axis

GOLDEN = Path(__file__).parents[1] / "golden"
SVG = "{http://www.w3.org/2000/svg}"
SAMPLES = {"train": ([0.0, 1.0, 2.0], [0.0, 1.0, 4.0]), "validation": ([1.5], [2.25])}
CURVE = [0.0, 0.5, 1.0, 1.5, 2.0], [0.1, 0.3, 1.1, 2.2, 4.1]


def texts(svg):
    return [e.text for e in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def paths(svg, class_):
    found = ElementTree.fromstring(svg).iter(f"{SVG}path")
    return [e.attrib["d"] for e in found if e.attrib.get("class") == class_]


def points(path):
    return [tuple(map(float, pair.split())) for pair in path[1:].split("L")]


def history(*losses, validation=()):
    padded = [*validation, *[None] * (len(losses) - len(validation))]
    return [
        {"epoch": i, "step": 3 * i, "loss": loss, "validation_loss": other}
        for i, (loss, other) in enumerate(zip(losses, padded, strict=True), 1)
    ]


def test_golden_fit(golden):
    golden(GOLDEN / "fit.svg", fit(SAMPLES, *CURVE, ("t", "y"), "wave"))


def test_golden_loss(golden):
    golden(GOLDEN / "loss.svg", loss_curve(history(1.0, 0.5, 0.1, 0.02, validation=(1.2, 0.7)), "wave"))


def test_a_falling_loss_falls_on_a_log_scale_by_equal_steps():
    svg = loss_curve(history(1.0, 0.1, 0.01, 0.001), "wave")
    (line,) = paths(svg, "line train")[:1]
    heights = [y for _, y in points(line)]
    steps = [b - a for a, b in pairwise(heights)]
    assert steps[0] > 0
    assert max(steps) - min(steps) < 0.03


def test_each_series_is_named_with_its_last_value():
    found = texts(loss_curve(history(3.0, 2.0, validation=(4.0, 2.5)), "a title"))
    assert {"training, 2 at the end", "validation, 2.5 at the end", "a title", "epoch", "loss"} <= set(found)


def test_steps_where_there_are_no_epochs():
    assert "step" in texts(loss_curve([{"step": 1, "loss": 1.0}, {"step": 2, "loss": 0.5}], "t"))


def test_a_gap_where_a_value_is_not_finite():
    svg = loss_curve(history(3.0, 2.0, float("nan"), 1.5, float("inf"), 1.2, 1.1), "gaps")
    lines = [d for d in paths(svg, "line train") if "h18" not in d]
    assert [len(points(line)) for line in lines] == [2, 2]
    assert len(paths(svg, "mark train")) == 1


@pytest.mark.parametrize("losses", [(), (float("nan"),), (float("inf"), float("nan"))])
def test_nothing_to_show_is_said(losses):
    assert "no finite loss to show" in texts(loss_curve(history(*losses), "none"))


def test_labels_are_escaped():
    svg = fit(SAMPLES, *CURVE, ('<b> & "c"', "a\x00b\ud800"), "x < y")
    assert {'<b> & "c"', "a\ufffdb\ufffd", "x < y"} <= set(texts(svg))


def test_every_part_has_marks_of_its_own_shape():
    svg = fit({**SAMPLES, "test": ([0.5], [0.2])}, *CURVE, ("t", "y"), "wave")
    shapes = {re.sub(r"[-\d. ]+", "", paths(svg, f"mark {part}")[-1]) for part in (*SAMPLES, "test")}
    assert len(shapes) == 3
    assert {"training", "validation", "test", "model"} <= set(texts(svg))


def test_a_curve_far_from_the_samples_does_not_flatten_them():
    svg = fit({"train": ([0, 1], [0.0, 1.0])}, [0, 0.5, 1], [0.0, 1e9, 0.0], ("t", "y"), "pole")
    ticks = [float(t.replace("−", "-")) for t in texts(svg) if re.fullmatch(r"[−\d.]+", t)]
    assert max(ticks) <= 2


def test_many_samples_are_thinned_and_counted():
    many = [i / 1e5 for i in range(100_000)]
    svg = fit({"train": (many, many)}, [0, 1], [0, 1], ("t", "y"), "many")
    assert len(svg) < 300_000
    assert "training, every 50th of 100,000" in texts(svg)


def test_a_long_history_keeps_its_peaks():
    losses = [1.0] * 50_000
    losses[31_415] = 4.0
    svg = loss_curve(history(*losses), "peak")
    drawn = points(paths(svg, "line train")[0])
    assert len(drawn) < 5000
    top = min(y for _, y in drawn)
    assert sum(y == top for _, y in drawn) == 1


ANY = st.floats(allow_nan=True, allow_infinity=True)


@given(st.lists(st.tuples(ANY, st.none() | ANY), max_size=20))
def test_any_history_is_drawn(pairs):
    losses, validation = [a for a, _ in pairs], [b for _, b in pairs]
    ElementTree.fromstring(loss_curve(history(*losses, validation=validation), "any"))


@given(st.lists(st.tuples(ANY, ANY), max_size=10), st.lists(st.tuples(ANY, ANY), max_size=10))
@example([(0.0, 5e-324), (5e-324, 0.0)], [])
def test_any_fit_is_drawn(samples, curve):
    x, y = [[pair[i] for pair in samples] for i in (0, 1)]
    cx, cy = [[pair[i] for pair in curve] for i in (0, 1)]
    ElementTree.fromstring(fit({"train": (x, y)}, cx, cy, ("t", "y"), "any"))


@pytest.mark.parametrize(
    ("axis", "labels"),
    [
        (linear_axis("y", [-1.2, 1.3]), ["−1.5", "−1.0", "−0.5", "0", "0.5", "1.0", "1.5"]),
        (linear_axis("y", [0, 100]), ["0", "20", "40", "60", "80", "100"]),
        (linear_axis("y", [2, 2]), ["1.0", "1.5", "2.0", "2.5", "3.0"]),
        (
            linear_axis("y", [0, 3e-6]),
            ["0", "5·10⁻⁷", "1.0·10⁻⁶", "1.5·10⁻⁶", "2.0·10⁻⁶", "2.5·10⁻⁶", "3.0·10⁻⁶"],
        ),
        (tight_axis("epoch", [1, 10]), ["2", "4", "6", "8", "10"]),
        (log_axis("loss", [0.003, 0.5]), ["", "", "0.01", "", "", "0.1", "", ""]),
        (log_axis("loss", [0.3, 0.7]), ["0.2", "0.5", "1"]),
        (log_axis("loss", [1e-6, 1]), ["10⁻⁶", "10⁻⁵", "10⁻⁴", "10⁻³", "10⁻²", "10⁻¹", "1"]),
    ],
    ids=lambda value: value.label if hasattr(value, "label") else "",
)
def test_ticks(axis, labels):
    assert [tick.label for tick in axis.ticks] == labels


def test_the_scale_of_values():
    assert value_axis("loss", [1e-3, 1]).log
    assert not value_axis("loss", [0.5, 1]).log
    assert not value_axis("loss", [0.0, 1]).log
    assert not value_axis("loss", [0.25, 0.25]).log


@given(st.lists(st.floats(-1e300, 1e300), min_size=1))
def test_ticks_lie_on_the_axis_and_values_too(values):
    axis = linear_axis("y", values)
    assert 2 <= len(axis.ticks) <= 12
    assert all(-1e-9 <= axis.place(v) <= 1 + 1e-9 for v in (*values, *(t.value for t in axis.ticks)))
