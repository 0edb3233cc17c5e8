"""`show`: counts of the lecture, costs by hand, words for skips, repeats and the problem."""

import json
import re
from pathlib import Path

import pytest

from deltaplan import load, loads
from deltaplan.compiler.plan import compile_plans
from deltaplan.compiler.printers import ascii, summary, summary_data
from deltaplan.compiler.printers.problem import problem
from deltaplan.compiler.printers.summary import summary_of

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests" / "golden"
TRAIN = "train { minimize mean(squared_error); optimizer adam; steps 1 }"


def of(model, train=TRAIN, samples=None):
    experiment = loads(f"model net {{ {model} }}\n{train}\n")
    return summary(experiment, compile_plans(experiment), samples)


def data_of(model, train=TRAIN, samples=None):
    experiment = loads(f"model net {{ {model} }}\n{train}\n")
    return summary_data(experiment, compile_plans(experiment), samples)


def table(text):
    """The table's rows as they stand, spaces made one."""
    lines = text.partition(" line  layer")[2].partition("\n\n")[0].splitlines()[1:]
    return [" ".join(line.split()) for line in lines]


@pytest.mark.parametrize(
    ("widths", "count"),
    [
        ("3x5, 1", 78),
        ("5x5, 1", 138),
        ("10x5, 1", 288),
        ("15x5, 1", 438),
        ("30x5, 1", 888),
        ("45x5, 1", 1338),
    ],
)
@pytest.mark.parametrize("residual", ["", "residual"])
def test_parameters_of_the_lectures_widths(widths, count, residual):
    experiment = loads(f"model net {{ input 1; dense {widths} leaky_relu(0.01) {residual}; output 1 }}")
    plans = compile_plans(experiment)
    data = summary_data(experiment, plans)
    assert re.search(rf"^parameters +{count:,}$", summary(experiment, plans), re.MULTILINE)
    assert data["parameters"] == sum(layer["parameters"] for layer in data["layers"]) == count


@pytest.mark.parametrize(("hidden", "depth"), [(3, 5), (45, 47)])
def test_depth_counts_affine_layers(hidden, depth):
    model = f"input 1; dense {hidden}x5, 1 tanh residual; output 1"
    assert f"depth       {depth} affine layers" in of(model)


def test_depth_is_that_of_the_longest_path():
    model = "input 3; a = dense 4 tanh; b = dense 4 tanh; concat from a, b; output 1"
    assert data_of(model)["depth"] == 3
    assert data_of("input 3; dense 5, 5 tanh residual=project; output 1")["depth"] == 3


def test_parameters_against_samples():
    assert "1,338, 8.36 times the 160 samples of training" in of(
        "input 1; dense 45x5, 1 tanh; output 1", samples=160
    )


def test_equal_layers_are_told_once():
    rows = table(of("input 1; dense 45x5, 1 leaky_relu(0.01) residual; output 1"))
    assert rows == [
        "1 input 1",
        "1 dense 5 leaky_relu(0.01) 5 10 30",
        "1 44 times dense 5 leaky_relu(0.01) + skip 5 44 x 30 44 x 75",
        "1 dense 1 leaky_relu(0.01) 1 6 14",
        "1 output 1 1 2 3",
    ]


def test_blocks_are_told_once():
    rows = table(of("input 5; repeat 4 { residual { dense 8 relu; dense 5 } }; output 2"))
    assert rows[1:4] == ["1 4 times:", "1 dense 8 relu 8 4 x 48 4 x 96", "1 dense 5 + skip over 2 rows 5 4 x 45 4 x 90"]  # fmt: skip  # noqa: E501


def test_a_layer_with_a_name_is_told_by_itself():
    assert "1 8 times dense 5 tanh 5 8 x 30 8 x 60" in table(of("input 5; dense 8x5 tanh; output 1"))
    rows = table(of("input 5; dense 4x5 tanh; mid = dense 5 tanh; dense 4x5 tanh; output 1"))
    assert rows[1:4] == [
        "1 4 times dense 5 tanh 5 4 x 30 4 x 60",
        "1 mid = dense 5 tanh 5 30 60",
        "1 4 times dense 5 tanh 5 4 x 30 4 x 60",
    ]


@pytest.mark.parametrize(
    ("model", "row"),
    [
        ("input 3; dense 5, 5 tanh residual=project; output 1", "1 dense 5 tanh + project 5 35 75"),
        ("input 3; dense 5 tanh residual=pad; output 1", "1 dense 5 tanh + pad 5 20 45"),
        ("input 3; dense 4 0.5*elu(0.3) bias=false; output 1", "1 dense 4 bias=false 0.5*elu(0.3) 4 12 44"),
        ("input 3; a = dense 4 tanh; b = dense 2 tanh; concat from a, b; output 1", "1 concat from a, b 6"),
        ("input 3; dense 4 tanh; dropout 20%; output 1", "1 dropout 0.2 4 12"),
    ],
)
def test_rows_in_the_words_of_the_spec(model, row):
    assert row in table(of(model))


def test_costs_by_hand():
    """3 → 4 with tanh is 2·3·4 + 4 + 4; the loss (u - y)²/2 of one output is 4, its sum 1."""
    data = data_of("input 3; dense 4 tanh; output 1")
    costs = [layer["flops"] for layer in data["layers"]]
    assert costs == [0, 2 * 3 * 4 + 4 + 4, 2 * 4 * 1 + 1]
    assert data["flops"]["forward"] == [1, sum(costs) + 4 + 1]


@pytest.mark.parametrize("name", ["mean", "sum"])
def test_layers_have_the_costs_of_the_forward_pass(name):
    data = data_of("input 3; dense 5, 5, 4 elu residual=project; output 2", TRAIN.replace("mean", name))
    loss = (
        2 * 3 + 1 + 1
    )  # two differences, two squares, their sum (a reduction of 2), a half; one for the batch
    assert data["flops"]["forward"][1] == sum(layer["flops"] for layer in data["layers"]) + loss


def test_memory_adds_up():
    memory = data_of("input 3; dense 4 tanh; output 1", TRAIN.replace("steps 1", "steps 1; batch 16"))[
        "memory"
    ]
    count = 3 * 4 + 4 + 4 + 1
    assert memory["batch"] == 16
    assert memory["parameters"] == memory["gradient"] == 4 * count
    assert memory["state"] == 2 * 4 * count
    assert memory["total"] == sum(memory[part] for part in ("parameters", "gradient", "state", "arena"))
    double = TRAIN.replace("steps 1", "steps 1; batch 16; precision float64")
    assert data_of("input 3; dense 4 tanh; output 1", double)["memory"]["parameters"] == 8 * count


@pytest.mark.parametrize(
    ("minimize", "line"),
    [
        ("mean(squared_error) + l2(1e-4)", "(1/N) Σ ½‖u - y‖² + 0.0001/2*‖W‖²"),
        ("sum(absolute_error) + l1(0.1, on=biases)", "Σ ‖u - y‖₁ + 0.1*‖b‖₁"),
        ("mean(0.7 * cross_entropy)", "(1/N) Σ (0.7*(log Σ exp(u) - u[y]))"),
        ("mean(0.5 * squared_error + absolute_error)", "(1/N) Σ (0.5*½‖u - y‖² + ‖u - y‖₁)"),
        ("mean(squared_error) + 2 * l2(0.1, on=parameters)", "(1/N) Σ ½‖u - y‖² + 2*0.1/2*‖θ‖²"),
    ],
)
def test_problem_in_one_line_of_mathematics(minimize, line):
    spec = f"model net {{ input 2; output 3 }}\ntrain {{ minimize {minimize}; optimizer adam; steps 1 }}"
    assert problem(loads(spec)) == line


def test_problem_with_several_outputs_names_them():
    spec = "model net { input 2; d = dense 3 tanh; a = output 1; b = output 2 from d }\n"
    spec += "train { minimize mean(squared_error(on=a) + 3 * absolute_error(on=b)); optimizer adam; steps 1 }"
    assert problem(loads(spec)) == "(1/N) Σ (½‖u_a - y_a‖² + 3*‖u_b - y_b‖₁)"


def test_settings_of_the_language_are_marked():
    text = of("input 1; output 1", TRAIN.replace("steps 1", "steps 1; seed 7"))
    assert "1 step, batch full (default), seed 7, float32 (default)" in " ".join(text.split())


def test_model_alone():
    text = of("input 2; dense 3 tanh; output 1", train="")
    assert "minimize" not in text
    assert "solver" not in text
    assert "FLOPs       25 forward for each sample" in text
    assert data_of("input 2; dense 3 tanh; output 1", train="")["memory"] is None


def test_data_for_machines_is_json():
    experiment = load(ROOT / "specs" / "wave.dl")
    data = summary_data(experiment, compile_plans(experiment), 160)
    assert json.loads(json.dumps(data)) == data
    assert data["skips"] == [{"line": 8, "skips": 44, "layers": 46}]
    assert len(data["layers"]) == 48


def test_no_line_is_wider_than_the_page():
    experiment = load(ROOT / "specs" / "wave.dl")
    text = summary(experiment, compile_plans(experiment), 160)
    assert max(map(len, text.splitlines())) <= 80
    assert ascii(text).isascii()


def test_golden(golden):
    experiment = load(ROOT / "specs" / "wave.dl")
    golden(GOLDEN / "wave.summary.txt", summary(experiment, compile_plans(experiment), 32))


@pytest.mark.parametrize(
    ("inputs", "shown"), [("rest", "inputs rest"), ("size=[a, b] place=rest", "inputs a, b, rest")]
)
def test_the_rest_of_the_columns_is_shown(inputs, shown):
    nodes = "size = input 2; place = input 1; both = concat from size, place; output 1 from both"
    model = nodes if "=" in inputs else "input 2; output 1"
    text = f'model m {{ {model} }}\ndata {{ csv "a.csv"; inputs {inputs}; targets y }}'
    assert f"csv a.csv; {shown}; targets y" in summary_of(loads(text))
