"""The picture of a graph: well-formed, in its frame, boxes apart, skips and repeats shown."""

import re
from itertools import combinations, pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from deltaplan import load, loads
from deltaplan.runtime.svg.graph import graph_svg, path

ROOT = Path(__file__).parents[2]
SVG = "{http://www.w3.org/2000/svg}"
MODELS = {
    "plain": "input 3; dense 4 tanh; output 1",
    "residual": "input 1; dense 45x5, 1 leaky_relu(0.01) residual; output 1",
    "project": "input 3; dense 5, 2 0.5*elu(0.3) residual=project; output 1",
    "blocks": "input 5; repeat 4 { residual { dense 8 relu; dense 5 } }; output 2",
    "branches": """
        photo = input 6; facts = input 12
        seen = dense 16 relu from photo; known = dense 8 relu from facts
        both = concat from seen, known; dropout 20%
        price = output 1; style = output 5 from both""",
    "many": """
        x = input 4; a = dense 4 tanh from x; b = dense 5 tanh from x; c = dense 6 tanh from x
        d = concat from a, b, c; e = dense 4 relu from d; f = concat from e, x, a
        concat from f, b; dense 10x9 tanh residual; output 3""",
}


def picture(name):
    return ElementTree.fromstring(graph_svg(loads(f"model net {{ {MODELS[name]} }}\n")))


def boxes(root):
    found = [e for e in root.iter(f"{SVG}rect") if e.get("class", "").startswith("box")]
    return [tuple(float(e.get(key)) for key in ("x", "y", "width", "height")) for e in found]


@pytest.mark.parametrize("name", MODELS)
def test_boxes_are_apart_and_within_the_picture(name):
    root = picture(name)
    width, height = float(root.get("width")), float(root.get("height"))
    for x, y, w, h in boxes(root):
        assert 0 <= x < x + w <= width
        assert 0 <= y < y + h <= height
    for (x, y, w, h), (a, b, c, d) in combinations(boxes(root), 2):
        assert x + w < a or a + c < x or y + h < b or b + d < y


@pytest.mark.parametrize("name", MODELS)
def test_no_wire_crosses_a_box(name):
    """Every straight part of a wire or an arc runs outside all boxes; its ends lie on their edges."""
    root = picture(name)
    for element in root.iter(f"{SVG}path"):
        if element.get("class") not in ("wire", "skip"):
            continue
        points = [tuple(map(float, p)) for p in re.findall(r"(-?[\d.]+) (-?[\d.]+)", element.get("d"))]
        for (a, b), (c, d) in pairwise(points):
            for x, y, w, h in boxes(root):
                inside = (
                    max(a, c) > x + 1
                    and min(a, c) < x + w - 1
                    and max(b, d) > y + 1
                    and min(b, d) < y + h - 1
                )
                assert not inside, (name, element.get("d"))


def test_repeats_stand_once_with_their_skip():
    root = picture("residual")
    texts = [e.text for e in root.iter(f"{SVG}text")]
    assert texts.count("44 times") == 1
    assert len([e for e in root.iter(f"{SVG}path") if e.get("class") == "skip"]) == 1
    assert "project" in [e.text for e in picture("project").iter(f"{SVG}text")]


def test_what_is_written_cannot_break_out():
    text = graph_svg(
        loads("model net { a_name_that_is_far_too_long_for_a_box_of_a_graph_by_itself = input 3; output 1 }")
    )
    assert "…" in text
    ElementTree.fromstring(text)


def test_both_pages():
    experiment = load(ROOT / "specs" / "wave.dl")
    assert "prefers-color-scheme: dark" in graph_svg(experiment)
    assert "prefers-color-scheme" not in graph_svg(experiment, dark=True)
    assert len(graph_svg(experiment)) < 6000


def test_corners_are_rounded_and_the_ends_stay():
    assert path([(0, 0), (0, 20), (30, 20)]) == "M0 0L0 13Q0 20 7 20L30 20"
    assert path([(0, 0), (0, 0), (0, 5)]) == "M0 0L0 5"


def test_golden(golden):
    golden(ROOT / "tests" / "golden" / "wave.graph.svg", graph_svg(load(ROOT / "specs" / "wave.dl")))
