"""Arguments of blocks that need not be given."""

import deltaplan
from deltaplan.compiler.render import render

SPEC = """
param wide = 3

block unit(width, sigma=relu, end=wide) {{
    dense width sigma
    dense end
}}

model m {{
    input 2
    {use}
    output 1
}}
"""


def layers(use: str) -> list[tuple[object, ...]]:
    graph = deltaplan.loads(SPEC.format(use=use)).graph
    found = [node for node in graph if node.name.startswith("unit1.")]
    return [node.use.values.get("width", node.use.name) for node in found]


def test_what_is_not_given_is_the_default() -> None:
    assert layers("unit 5") == [5, "relu", 3]
    assert layers("unit 5 end=7") == [5, "relu", 7]
    assert layers("unit 5, tanh") == [5, "tanh", 3]


def test_a_default_sees_the_params_of_the_file_and_not_the_names_around_the_use() -> None:
    assert layers("wide2 = dense 4\n    unit 5") == [5, "relu", 3]
    changed = deltaplan.loads(SPEC.format(use="unit 5"), params={"wide": 9})
    assert changed.graph["unit1.dense2"].use.values["width"] == 9


def test_a_rendered_block_means_the_same() -> None:
    first = deltaplan.loads(SPEC.format(use="unit 5"))
    again = deltaplan.loads(render(first))
    assert [node.name for node in again.graph] == [node.name for node in first.graph]
    assert [again.graph.shapes[n.name] for n in again.graph] == [
        first.graph.shapes[n.name] for n in first.graph
    ]
