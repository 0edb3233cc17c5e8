"""Cards: what they say beside what is known, and their pictures and pages."""

import math
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from deltaplan.plugins.loader import builtin_registry
from deltaplan.runtime.cards.card import REACH, Curve, card_of
from deltaplan.runtime.cards.page import page
from deltaplan.runtime.cards.picture import picture
from deltaplan.runtime.cards.plot import plot, side_by_side

BUILT_IN = [c for kinds in builtin_registry().entries.values() for c in kinds.values()]
SVG = "{http://www.w3.org/2000/svg}"


def card(kind, name):
    return card_of(builtin_registry().entries[kind][name])


@pytest.mark.parametrize(
    ("name", "values", "slopes", "monotony", "kinks"),
    [
        ("sigmoid", "0 to 1", "0 to 0.25; Lipschitz constant 0.25", "never falls", "none are known"),
        ("tanh", "-1 to 1", "0 to 1; Lipschitz constant 1", "never falls", "none are known"),
        ("relu", "0 to ∞", "0 to 1; Lipschitz constant 1", "never falls", "u = 0"),
        ("leaky_relu", "no bounds are known", "0.01 to 1; Lipschitz constant 1", "never falls", "u = 0"),
    ],
)
def test_facts_of_the_textbook(name, values, slopes, monotony, kinks):
    facts = dict(card("activation", name).facts)
    assert (facts["values"], facts["slopes"], facts["monotony"], facts["kinks"]) == (
        values,
        slopes,
        monotony,
        kinks,
    )


def test_the_gain_of_relu_is_the_root_of_two():
    assert float(dict(card("activation", "relu").facts)["init gain"]) == pytest.approx(math.sqrt(2), rel=1e-5)


def test_curves_are_the_function_and_its_slope():
    value, slope = card("activation", "tanh").curves
    assert (value.x[0], value.x[-1]) == (-REACH, REACH)
    assert list(value.y) == pytest.approx([math.tanh(u) for u in value.x])
    assert list(slope.y) == pytest.approx([1 - math.tanh(u) ** 2 for u in slope.x])


def test_a_loss_is_shown_for_one_number():
    found = card("loss", "huber")
    value, slope = found.curves
    assert value.name == "L(u, y = 0)"
    assert value.y[0] == pytest.approx(REACH - 0.5)
    assert (min(slope.y), max(slope.y)) == (-1, 1)
    assert dict(found.facts)["slopes"].startswith("-1 to 1")


def test_a_regularizer_has_its_strength_and_a_schedule_its_times():
    assert max(card("regularizer", "l2").curves[0].y) == pytest.approx(0.1 / 2 * REACH**2)
    (steps,) = card("schedule", "step").curves
    assert sorted(set(steps.y), reverse=True) == pytest.approx([0.1, 0.01, 0.001])


@pytest.mark.parametrize("contribution", BUILT_IN, ids=lambda c: f"{c.kind} {c.name}")
def test_every_built_in_has_a_card_a_picture_and_a_page(contribution):
    found = card_of(contribution)
    root = ElementTree.fromstring(picture(found))
    texts = [e.text for e in root.iter(f"{SVG}text")]
    assert texts[0] == found.title
    lowest = max(float(e.get("y", 0)) for e in root.findall(f".//{SVG}text"))
    assert lowest < float(root.get("height"))
    assert not any("nan" in (e.get("d") or "") for e in root.iter(f"{SVG}path"))
    Balanced().feed(page([found]))


def test_what_a_plugin_says_of_itself_goes_on_below_its_beginning():
    (first, *_) = builtin_registry().entries["optimizer"]["adam"].doc.splitlines()
    root = ElementTree.fromstring(picture(card("optimizer", "adam")))
    rows = [e for e in root.iter(f"{SVG}text") if e.get("class") is None][:2]
    assert " ".join(e.text for e in rows) == first
    assert rows[0].get("x") == rows[1].get("x")


class Balanced(HTMLParser):
    """Every element that must be closed is, in order."""

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attrs):
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def line(x, y):
    return Curve("f(u)", "u", x, y)


def test_a_plot_in_braille_and_in_plain_letters():
    steps = [i / 40 for i in range(-40, 41)]
    for plain in (False, True):
        drawn = plot(line(steps, steps), 30, 6, plain)
        assert len(drawn) == 8
        assert max(map(len, drawn)) == 30
        assert drawn[1].split()[0] == "1"
        assert drawn[6].split()[0] == "-1"
        assert drawn[-1].split() == ["-1", "u", "=", "1"]
        assert all(ord(c) < 128 or 0x2800 <= ord(c) < 0x2900 for text in drawn for c in text)
        assert plain == all(map(str.isascii, drawn))
    rising = [text[9:].replace(".", " ").strip() for text in plot(line(steps, steps), 30, 6, True)[1:3]]
    assert all(rising)


@pytest.mark.parametrize(
    "y", [[math.nan] * 9, [3.0] * 9, [1.0, math.inf, -math.inf, math.nan, 2.0, 1e300, 0, 0, 0]]
)
def test_a_plot_of_what_is_hardly_a_curve(y):
    drawn = plot(line([float(i) for i in range(9)], y), 40, 5)
    assert len(drawn) == 7


def test_plots_stand_beside_each_other():
    assert side_by_side([["a", "b"], ["c", "d"]], 4) == ["a   c", "b   d"]
