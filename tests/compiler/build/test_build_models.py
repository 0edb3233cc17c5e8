"""What lines of a model become: nodes, edges, shapes and counts, stated by hand."""

from math import prod
from pathlib import Path

import pytest

import deltaplan
from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.nodes import Activate, Input, Join, Layer
from deltaplan.compiler.shapes import parameters_of

ROOT = Path(__file__).parents[3]
LECTURE = {"3x5": 78, "5x5": 138, "10x5": 288, "15x5": 438, "30x5": 888, "45x5": 1338, "45x5_plain": 1338}


def model(lines: str, head: str = "", **params: object) -> Experiment:
    return deltaplan.loads(f"{head}\nmodel m {{\n{lines}\n}}\n", params=params)


def edges(experiment: Experiment) -> dict[str, tuple[str, ...]]:
    return {node.name: experiment.graph.inputs_of(node.name) for node in experiment.graph}


def parameters(experiment: Experiment) -> int:
    graph = experiment.graph
    shapes = (
        p.shape
        for layer in graph.layers
        for p in parameters_of(layer, graph.shapes[graph.inputs_of(layer.name)[0]])
    )
    return sum(prod(shape) for shape in shapes)


@pytest.mark.parametrize(("name", "count"), LECTURE.items())
def test_parameter_counts_are_those_of_the_lecture(name: str, count: int) -> None:
    assert parameters(deltaplan.load(ROOT / "specs" / "lecture" / f"{name}.dl")) == count


def test_wave_has_skips_on_44_of_46_layers() -> None:
    experiment = deltaplan.load(ROOT / "specs" / "wave.dl")
    ((span, have, of),) = experiment.skips
    assert (span.line, have, of) == (8, 44, 46)


def test_a_list_is_one_layer_for_each_value() -> None:
    experiment = model("input 2\ndense 2x3, 4 tanh\noutput 1")
    assert edges(experiment) == {
        "input": (),
        "dense1": ("input",),
        "dense1.tanh": ("dense1",),
        "dense2": ("dense1.tanh",),
        "dense2.tanh": ("dense2",),
        "dense3": ("dense2.tanh",),
        "dense3.tanh": ("dense3",),
        "output": ("dense3.tanh",),
    }
    assert [experiment.graph.shapes[f"dense{i}"] for i in (1, 2, 3)] == [(3,), (3,), (4,)]


def test_a_skip_adds_what_the_layer_took_after_its_activation() -> None:
    experiment = model("input 3\ndense 3 tanh residual\noutput 1")
    assert edges(experiment)["dense1.skip"] == ("dense1.tanh", "input")
    assert edges(experiment)["output"] == ("dense1.skip",)


@pytest.mark.parametrize(
    ("line", "skip", "count"),
    [
        ("dense 5 tanh residual=project", "dense1.project", 3 * 5 + 5 + 3 * 5 + 5 + 1),
        ("dense 5 tanh residual=pad", "dense1.pad", 3 * 5 + 5 + 5 + 1),
    ],
)
def test_a_skip_is_made_to_fit(line: str, skip: str, count: int) -> None:
    experiment = model(f"input 3\n{line}\noutput 1")
    assert edges(experiment)["dense1.skip"] == ("dense1.tanh", skip)
    assert edges(experiment)[skip] == ("input",)
    assert parameters(experiment) == count


@pytest.mark.parametrize("with_skips", [True, False])
def test_a_boolean_param_switches_skips(with_skips: bool) -> None:
    experiment = model(
        "input 3\ndense 3 tanh residual=skips\noutput 1", "param skips = true", skips=with_skips
    )
    assert ("dense1.skip" in experiment.graph) is with_skips


def test_braces_with_residual_and_their_shortcut() -> None:
    lines = """
        input 3
        residual relu {
            dense 8 tanh
            dense 4
            shortcut { dense 4 bias=false }
        }
        output 1"""
    found = edges(model(lines))
    assert found["residual1"] == ("dense2", "dense3")
    assert found["dense3"] == ("input",)
    assert found["residual1.relu"] == ("residual1",)
    assert found["output"] == ("residual1.relu",)


def test_an_activation_with_parameter_and_factor_is_one_expression() -> None:
    experiment = model("input 1\ndense 2 0.5*leaky_relu(0.2)\noutput 1")
    (node,) = experiment.graph.of(Activate)
    assert node.factor == 0.5
    assert dict(node.use.values) == {"alpha": 0.2}
    assert str(node) == "0.5 leaky_relu(0.2)"


def test_the_default_activation_holds_below_its_line_in_its_braces() -> None:
    lines = """
        input 1
        dense 2
        activation tanh
        dense 3
        dense 4 relu
        dropout 10%
        repeat 1 { dense 5 }
        residual { activation relu; dense 5 }
        dense 6
        output 1"""
    names = [node.name for node in model(lines).graph.of(Activate)]
    assert names == ["dense2.tanh", "dense3.relu", "dense4.tanh", "dense5.relu", "dense6.tanh"]


def test_sources_joins_and_names() -> None:
    lines = """
        photo = input 4
        facts = input 2
        seen = dense 3 relu from photo
        known = dense 3 from facts
        both = concat from seen, known
        add from both, both
        price = output 1
        style = output 5 from both"""
    experiment = model(lines)
    found = edges(experiment)
    assert found["both"] == ("seen.relu", "known")
    assert found["add1"] == ("both", "both")
    assert found["price"] == ("add1",)
    assert found["style"] == ("both",)
    assert experiment.graph.shapes["both"] == (6,)
    assert [node.name for node in experiment.graph.outputs] == ["price", "style"]
    assert [node.name for node in experiment.graph.of(Input)] == ["photo", "facts"]


def test_an_automatic_name_leaves_the_writers_names_alone() -> None:
    experiment = model("input 1\ndense 2\ndense1 = dense 3\noutput 1")
    assert [layer.name for layer in experiment.graph.layers] == ["dense2", "dense1", "output"]


def test_a_block_is_a_macro_with_names_of_its_own() -> None:
    block = """
        block unit(width, act) {
            first = dense width act
            residual { dense width }
        }"""
    lines = """
        input 2
        unit 4, tanh
        last = unit width=3 act=relu
        side = dense 1 from last.first
        output 1 from last
        other = output 1 from side"""
    found = edges(model(lines, block))
    assert found["unit1.residual1"] == ("unit1.dense1", "unit1.first.tanh")
    assert found["last.first"] == ("unit1.residual1",)
    assert found["side"] == ("last.first.relu",)
    assert found["output"] == ("last.residual1",)


def test_a_block_takes_nodes_and_uses_blocks() -> None:
    blocks = """
        block inner(width) { dense width tanh }
        block outer(a, b) {
            left = inner 3 from a
            right = inner 4 from b
            concat from left, right
        }"""
    experiment = model("a = input 1\nb = input 1\nouter a, b\noutput 1", blocks)
    assert edges(experiment)["outer1.concat1"] == ("outer1.left.dense1.tanh", "outer1.right.dense1.tanh")
    assert experiment.graph.shapes["outer1.concat1"] == (7,)


def test_a_repeat_goes_on_from_its_last_line() -> None:
    experiment = model("input 1\nrepeat 3 {\n h = dense 2 tanh\n dense 5\n}\noutput 1")
    assert [layer.name for layer in experiment.graph.layers] == [
        "h", "dense1", "h2", "dense2", "h3", "dense3", "output",
    ]  # fmt: skip
    assert edges(experiment)["h2"] == ("dense1",)


def test_params_are_used_and_overridden() -> None:
    head = "param width = 4\nparam act = tanh\nparam twice = 2*width"
    lines = "input 1\ndense twice, width // 3 act\noutput 1"
    assert model(lines, head).graph.shapes["dense1"] == (8,)
    experiment = model(lines, head, width=30, act="relu")
    assert experiment.params == {"width": 30, "act": "relu", "twice": 60}
    assert [experiment.graph.shapes[name] for name in ("dense1.relu", "dense2.relu")] == [(60,), (10,)]


@pytest.mark.parametrize(
    ("text", "width"),
    [("2 + 3*4", 14), ("2^3^2 // 100", 5), ("(1 + 2)*3", 9), ("10/4*2", 5), ("50%*10", 5), ("1k//3", 333)],
)
def test_arithmetic_is_that_of_python(text: str, width: int) -> None:
    assert model(f"input 1\ndense {text}\noutput 1").graph.shapes["dense1"] == (width,)


def test_modifiers_reach_the_layer() -> None:
    experiment = model("input 2\ndense 3 init=uniform(-1, 1) bias=false\noutput 1 init=he")
    first, last = experiment.graph.layers
    assert (first.bias, first.init and dict(first.init.values)) == (False, {"low": -1, "high": 1})
    assert (last.bias, last.init and last.init.name, last.output) == (True, "he", True)
    assert parameters(experiment) == 2 * 3 + 3 + 1


def test_every_node_knows_its_line() -> None:
    experiment = model("input 2\ndense 2, 2 tanh residual\nresidual project relu {\n dense 3\n}\noutput 1")
    lines = {node.name: node.span.line for node in experiment.graph}
    assert {name for name, line in lines.items() if line == 4} == {
        "dense1", "dense1.tanh", "dense1.skip", "dense2", "dense2.tanh", "dense2.skip",
    }  # fmt: skip
    assert {name for name, line in lines.items() if line == 5} == {
        "residual1", "residual1.project", "residual1.relu",
    }  # fmt: skip
    assert all(isinstance(node, Layer | Join | Activate | Input) for node in experiment.graph)


def test_identifier_x_and_other_spellings_of_lists() -> None:
    shapes = [
        model(f"input 1\ndense {text}\noutput 1", "param n = 2").graph.shapes
        for text in ("2x3, 1", "2 x 3, 1", "n x 3, 1", "3, 3, 1")
    ]
    assert all(shape == shapes[0] for shape in shapes)


def test_a_plugin_beside_the_spec_is_used(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from deltaplan.plugins.api import activation, sin\n\n"
        '@activation("snake", a=1.0)\ndef snake(u, a):\n    return u + sin(a * u) ** 2 / a\n'
    )
    spec = tmp_path / "spec.dl"
    spec.write_text('use "./mine.py"\nmodel m { input 1; dense 2 snake(2); output 1 }\n')
    (node,) = deltaplan.load(spec).graph.of(Activate)
    assert (node.use.name, dict(node.use.values)) == ("snake", {"a": 2})
