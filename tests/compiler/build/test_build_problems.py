"""The blocks `data` and `train` as data: terms, targets, columns, split, settings and their origin."""

from pathlib import Path

import pytest

import deltaplan
from deltaplan.compiler.experiment import DataSpec, Experiment, TrainSpec
from deltaplan.compiler.nodes import Loss, Penalty, Target
from deltaplan.diagnostics import SpecError

TWO_OUTPUTS = """
    input 3
    trunk = dense 4, 4 tanh
    price = output 1 from trunk
    style = output 5 from trunk"""
ONE_OUTPUT = "input 2; dense 4 tanh; output 1"


def load(lines: str, blocks: str) -> Experiment:
    return deltaplan.loads(f"model m {{\n{lines}\n}}\n{blocks}\n", folder="data")


def train(minimize: str, lines: str = ONE_OUTPUT, rest: str = "epochs 5") -> tuple[Experiment, TrainSpec]:
    experiment = load(lines, f"train {{\nminimize {minimize}\noptimizer sgd(0.1)\n{rest}\n}}")
    assert experiment.train
    return experiment, experiment.train


def data(block: str, lines: str = ONE_OUTPUT) -> DataSpec:
    experiment = load(lines, f"data {{\n{block}\n}}")
    assert experiment.data
    return experiment.data


def test_terms_become_nodes_with_factor_and_place() -> None:
    losses = "2*mean(0.3*squared_error(on=price) + cross_entropy(on=style))"
    experiment, spec = train(f"{losses} + l2(1e-4) + l1(1e-3, on=[trunk, biases])", TWO_OUTPUTS)
    graph = experiment.graph
    assert spec.average == "mean"
    assert [(loss.name, loss.factor) for loss in graph.of(Loss)] == [
        ("loss.squared_error", 0.6),
        ("loss.cross_entropy", 2),
    ]
    assert [graph.inputs_of(loss.name) for loss in graph.of(Loss)] == [
        ("price", "price.target"),
        ("style", "style.target"),
    ]
    assert [(t.output, t.kind) for t in graph.of(Target)] == [("price", "real"), ("style", "class")]
    assert [(p.name, p.places) for p in graph.of(Penalty)] == [
        ("penalty.l2", ("weights",)),
        ("penalty.l1", ("dense1", "trunk", "biases")),
    ]


def test_two_terms_of_one_kind_have_names_of_their_own() -> None:
    experiment, spec = train("sum(squared_error + 0.5*squared_error) + l2(1) + l2(2, on=biases)")
    assert spec.average == "sum"
    assert [loss.name for loss in experiment.graph.of(Loss)] == [
        "loss.squared_error",
        "loss.squared_error2",
    ]
    assert [p.name for p in experiment.graph.of(Penalty)] == ["penalty.l2", "penalty.l22"]


def test_settings_that_are_not_given_have_defaults_that_say_so() -> None:
    _, spec = train("mean(squared_error)")
    assert (spec.unit, spec.length, spec.batch, spec.seed, spec.precision) == (
        "epochs",
        5,
        None,
        0,
        "float32",
    )
    assert spec.keep == "last"
    assert spec.origin == {"epochs": "spec"} | dict.fromkeys(
        ("batch", "seed", "precision", "keep", "only"), "default"
    )


def test_settings_that_are_given() -> None:
    _, spec = train("mean(squared_error)", rest="steps 10^3; batch 32; seed 7; precision float64; keep best")
    assert (spec.unit, spec.length, spec.batch, spec.seed, spec.precision) == (
        "steps",
        1000,
        32,
        7,
        "float64",
    )
    assert {head for head, origin in spec.origin.items() if origin == "default"} == {"only"}
    _, spec = train("mean(squared_error)", rest="steps 10; batch full")
    assert (spec.batch, spec.origin["batch"]) == (None, "spec")


def test_an_optimizer_has_all_its_values() -> None:
    block = "train {\nminimize mean(squared_error)\noptimizer adam(1e-2, beta2=0.99)\nepochs 1\n}"
    spec = load(ONE_OUTPUT, block).train
    assert spec
    assert dict(spec.optimizer.values) == {"lr": 0.01, "beta1": 0.9, "beta2": 0.99, "eps": 1e-8}


def test_columns_go_to_the_nodes_that_they_fill() -> None:
    spec = data('csv "a.csv" delimiter=tab\ninputs t, "the time"\ntargets y\nstandardize inputs, targets')
    assert Path(spec.path) == Path("data/a.csv")
    assert spec.source.values["delimiter"] == "tab"
    assert {node: [c.name for c in columns] for node, columns in spec.inputs.items()} == {
        "input": ["t", "the time"]
    }
    assert {node: [c.name for c in columns] for node, columns in spec.targets.items()} == {"output": ["y"]}
    assert spec.standardize == ("inputs", "targets")


def test_columns_by_node_and_the_rest() -> None:
    lines = "a = input 2; b = input 7; c = concat from a, b; d = output 1 from c; e = output 2 from c"
    spec = data('csv "a.csv"\ninputs b=rest a=[x, y]\ntargets d=u e=[v, w]', lines)
    assert (spec.rest, spec.inputs["b"], [c.name for c in spec.inputs["a"]]) == ("b", (), ["x", "y"])
    assert [c.name for c in spec.targets["e"]] == ["v", "w"]


@pytest.mark.parametrize(
    ("split", "parts"),
    [
        ("", (1, 0, 0, 0)),
        ("split train=80% validation=20% seed=1", (0.8, 0.2, 0, 1)),
        ("split test=25%", (0.75, 0, 0.25, 0)),
        ("split train=70% validation=20% test=10%", (0.7, 0.2, 0.1, 0)),
    ],
)
def test_what_a_split_leaves_is_for_training(split: str, parts: tuple[float, ...]) -> None:
    found = data(f'csv "a.csv"\ninputs t, u\ntargets y\n{split}').split
    assert (found.train, found.validation, found.test, found.seed) == pytest.approx(parts)


FILES = 'data {\ncsv "a.csv" part=train\ncsv "b.csv" part=PART\ninputs t, u\ntargets y\n}\n'
STOPS = "train {\nminimize mean(squared_error)\noptimizer adam\nepochs 1\nstop_early patience=1\nkeep best\n}"


def test_a_validation_part_may_have_a_file_of_its_own() -> None:
    assert load(ONE_OUTPUT, FILES.replace("PART", "validation") + STOPS).train
    with pytest.raises(SpecError, match="no-validation"):
        load(ONE_OUTPUT, FILES.replace("PART", "test") + STOPS)


def test_data_and_train_may_be_left_out() -> None:
    experiment = load(ONE_OUTPUT, "")
    assert (experiment.data, experiment.train, experiment.name) == (None, None, "m")
