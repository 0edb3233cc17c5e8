"""`show --graph`: boxes, skips and repeats as text, DOT and Mermaid; nothing breaks their syntax."""

import re
from pathlib import Path

import pytest

from deltaplan import load, loads
from deltaplan.compiler.printers import ascii, graph_dot, graph_mermaid, graph_text
from deltaplan.compiler.printers.graph_dot import quoted as dot_quoted
from deltaplan.compiler.printers.graph_mermaid import quoted as mermaid_quoted

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests" / "golden"
MODELS = {
    "plain": "input 3; dense 4 tanh; output 1",
    "residual": "input 1; dense 45x5, 1 leaky_relu(0.01) residual; output 1",
    "project": "input 3; dense 5, 2 0.5*elu(0.3) residual=project; output 1",
    "blocks": "input 5; repeat 4 { residual { dense 8 relu; dense 5 } }; output 2",
    "nested": "input 5; residual { dense 3 relu; dense 5 tanh residual=pad }; output 2",
    "branches": """
        photo = input 6; facts = input 12
        seen = dense 16 relu from photo; known = dense 8 relu from facts
        both = concat from seen, known; dropout 20%
        price = output 1; style = output 5 from both""",
}


def model(name):
    return loads(f"model net {{ {MODELS[name]} }}\n")


def test_text_of_a_residual_net():
    assert graph_text(model("residual")) == (
        "○   input                                              1                      :1\n"
        "│\n"
        "●   dense 5 leaky_relu(0.01)                           5     10 parameters    :1\n"
        "├─╮\n"
        "● │ 44 times dense 5 leaky_relu(0.01)                  5     30 parameters    :1\n"
        "⊕─╯\n"
        "│\n"
        "●   dense 1 leaky_relu(0.01)                           1      6 parameters    :1\n"
        "│\n"
        "●   output 1                                           1      2 parameters    :1\n"
    )


def test_text_of_branches_keeps_their_rails_apart():
    rails = [re.split(r"[a-z]", line)[0].rstrip() for line in graph_text(model("branches")).splitlines()]
    assert rails == [
        *("○", "╰─╮", "○ │", "╰─┼─╮", "╭─╯ │", "●   │"),
        *("╰─╮ │", "╭─┼─╯", "● │", "├─╯", "●"),
        *("├─╮", "● │", "│ │", "● │", "╭─╯", "●"),
    ]


@pytest.mark.parametrize("name", MODELS)
def test_text_fits_the_page_and_has_every_line_of_the_spec(name):
    text = graph_text(model(name))
    assert max(map(len, text.splitlines())) <= 80
    assert ascii(text).isascii()
    assert all(word in text for word in re.findall(r"(\w+) =", MODELS[name]))


@pytest.mark.parametrize("name", MODELS)
def test_dot_is_well_formed(name):
    """Statements of nodes and edges alone, braces balanced, every node of an edge declared once."""
    text = graph_dot(model(name))
    bare = re.sub(r'"(\\.|[^"\\])*"', '""', text)
    assert bare.count("{") == bare.count("}")
    assert '"' not in bare.replace('""', "")
    declared = re.findall(r"^ *(n\d+(?:_\d+)?) \[", bare, re.MULTILINE)
    edges = re.findall(r"^ *(\w+) -> (\w+)", bare, re.MULTILINE)
    assert len(declared) == len(set(declared))
    assert {end for edge in edges for end in edge} == set(declared)
    for line in bare.splitlines()[1:-1]:
        assert line.endswith((";", "{", "}")), line


@pytest.mark.parametrize("name", MODELS)
def test_mermaid_is_well_formed(name):
    text = graph_mermaid(model(name))
    lines = text.splitlines()
    assert lines[0] == "flowchart TD"
    assert text.count("subgraph") == sum(line.strip() == "end" for line in lines)
    declared = re.findall(r"^ *(n\d+(?:s\d+)?)[\[(]", text, re.MULTILINE)
    edges = re.findall(r"^ *(n\w+) (?:-->|-\. \w+ \.->) (n\w+)$", text, re.MULTILINE)
    assert len(declared) == len(set(declared))
    assert {end for edge in edges for end in edge} == set(declared)
    assert len(lines) == 1 + len(declared) + len(edges) + 2 * text.count("subgraph")


@pytest.mark.parametrize(
    ("printer", "skips"), [(graph_dot, r"label=\"skip\""), (graph_mermaid, r"-\. skip \.->")]
)
def test_repeats_stand_once_with_their_skip(printer, skips):
    text = printer(model("residual"))
    assert text.count("44 times") == 1
    assert len(re.findall(skips, text)) == 1


def test_lines_side_by_side_are_told_as_those_below_each_other():
    """`repeat 2 { noise 0.1; noise 0.1 }` has two lines, wherever the writer put them."""
    texts = []
    for end in ("; ", "\n"):
        spec = (
            f"model m {{{end}input 3{end}repeat 2 {{{end}noise 0.1{end}noise 0.1{end}}}{end}output 1{end}}}"
        )
        lines = graph_text(loads(spec.replace("{; ", "{ "))).splitlines()
        texts.append([line.partition(":")[0].split() for line in lines])
    assert texts[0] == texts[1]


def test_what_follows_a_repeat_takes_from_its_last_sum():
    assert "n2_1 -> n3;" in graph_dot(model("residual"))
    assert "n2s1 --> n3" in graph_mermaid(model("residual"))


def test_labels_cannot_break_out():
    nasty = 'a"; rm [x] \\ <b> | {c} #quot; end'
    assert re.fullmatch(r'"(\\.|[^"\\])*"', dot_quoted(nasty))
    assert dot_quoted('say "x"\\') == '"say \\"x\\"\\\\"'
    label = mermaid_quoted(nasty)[1:-1]
    assert not set('"<>[]{}|\\') & set(label)
    assert re.sub(r"#(\d+);", lambda m: chr(int(m[1])), label) == nasty


def test_golden(golden):
    experiment = load(ROOT / "specs" / "wave.dl")
    golden(GOLDEN / "wave.graph.txt", graph_text(experiment))
    golden(GOLDEN / "wave.graph.dot", graph_dot(experiment))
    golden(GOLDEN / "wave.graph.mmd", graph_mermaid(experiment))
