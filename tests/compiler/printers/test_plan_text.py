"""`show --plan`: the lecture's recursions for the user's net, and that they are what is computed."""

import re
from pathlib import Path

import numpy as np
import pytest
from printed_plans import functions, run

from deltaplan import load, loads
from deltaplan.compiler.plan import compile_plans
from deltaplan.compiler.printers import ascii, plan_text
from deltaplan.compiler.printers.plan import training_formulas
from deltaplan.compiler.steps import flops
from deltaplan.runtime.problem import Problem

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests" / "golden"


def spec(model, minimize="mean(squared_error)", optimizer="sgd(lr=0.1)", batch="full"):
    return loads(
        f"model net {{ {model} }}\n"
        f"train {{ minimize {minimize}; optimizer {optimizer}; steps 1; batch {batch} }}\n"
    )


def text_of(experiment, batch=None, **options):
    return plan_text(experiment, compile_plans(experiment), batch, **options)


def lines_of(experiment, **options):
    """The formulas of the text without shapes, costs and lines."""
    lines = text_of(experiment, **options).splitlines()
    return [re.split(r" {2,}", line.strip())[0] for line in lines if " = " in line or " ← " in line]


def training(experiment):
    return training_formulas(experiment, compile_plans(experiment, fused=False).train)


def test_residual_net_as_the_lecture_writes_it():
    experiment = spec("input 1; dense 3x5, 1 leaky_relu(0.01) residual; output 1")
    assert lines_of(experiment)[3:-1] == [
        "v1 = W1 z1 + b1",
        "z2 = leaky_relu(v1)",
        "v2 = W2 z2 + b2",
        "z3 = z2 + leaky_relu(v2)",
        "v3 = W3 z3 + b3",
        "z4 = z3 + leaky_relu(v3)",
        "v4 = W4 z4 + b4",
        "z5 = leaky_relu(v4)",
        "z6 = W5 z5 + b5",
        "ℓ = sum((z6 - y)^2)/2",
        "L = scale Σ_B ℓ",
        "δ6 = ∂L/∂z6 = scale*(z6 - y)",
        "∂b5 = Σ_B δ6",
        "∂W5 = δ6 z5ᵀ",
        "δ5 = W5ᵀ δ6",
        "dv4 = δ5 ⊙ leaky_relu'(v4)",
        "∂b4 = Σ_B dv4",
        "∂W4 = dv4 z4ᵀ",
        "δ4 = W4ᵀ dv4",
        "dv3 = δ4 ⊙ leaky_relu'(v3)",
        "∂b3 = Σ_B dv3",
        "∂W3 = dv3 z3ᵀ",
        "δ3 = W3ᵀ dv3 + δ4",
        "dv2 = δ3 ⊙ leaky_relu'(v2)",
        "∂b2 = Σ_B dv2",
        "∂W2 = dv2 z2ᵀ",
        "δ2 = W2ᵀ dv2 + δ3",
        "dv1 = δ2 ⊙ leaky_relu'(v1)",
        "∂b1 = Σ_B dv1",
        "∂W1 = dv1 z1ᵀ",
        "θ\N{PRIME} = θ - 0.1*g",
    ]


def test_factors_stand_before_the_activation_and_its_slope():
    lines = lines_of(spec("input 2; dense 3 0.5*tanh; output 1"))
    assert "z2 = 0.5 tanh(v1)" in lines
    assert "dv1 = δ2 ⊙ 0.5 tanh'(v1)" in lines
    assert "tanh'(u) = 1 - tanh(u)^2" in lines


def test_activations_of_one_name_are_told_apart_by_their_parameters():
    lines = lines_of(spec("input 2; dense 3 elu(0.5); dense 3 elu(2); output 1"))
    assert {"z2 = elu(0.5)(v1)", "z3 = elu(2)(v2)", "elu(2)(u) = where(u > 0, u, 2*expm1(u))"} <= set(lines)


@pytest.mark.parametrize(
    ("minimize", "width", "lines"),
    [
        ("sum(cross_entropy)", 3, ["δ2 = ∂L/∂z2 = scale*(softmax(z2) - onehot(y))", "ŷ = softmax(z2)"]),
        ("mean(0.5 * logistic)", 2, ["δ2 = ∂L/∂z2 = scale*(sigmoid(z2) - y)/2", "ŷ = sigmoid(z2)"]),
        ("mean(absolute_error)", 1, ["δ2 = ∂L/∂z2 = scale*sign(z2 - y)", "ŷ = z2"]),
    ],
)
def test_losses_and_their_slopes_in_the_words_of_the_field(minimize, width, lines):
    text = text_of(spec(f"input 2; output {width}", minimize))
    assert all(line in text for line in lines)


def test_scale_is_said():
    assert "scale = 1/B (mean)" in text_of(spec("input 2; output 1"))
    assert "scale = N/B (sum over all N samples)" in text_of(spec("input 2; output 1", "sum(squared_error)"))


def test_penalty_is_added_to_the_gradient_of_its_place():
    lines = lines_of(spec("input 2; dense 3 tanh; output 1", "mean(squared_error) + l2(0.1)"))
    assert "Ω = 0.05*sum(θ(W1…W2)^2)" in lines
    assert "∂θ(W1…W2) ← ∂θ(W1…W2) + 0.1*θ(W1…W2)" in lines


def test_update_of_adam_in_its_order():
    lines = lines_of(spec("input 2; output 1", optimizer="adam(lr=0.01)"))
    assert lines[-6:-1] == [
        "s1 = 1 - 0.9^t",
        "s2 = 1 - 0.999^t",
        "m\N{PRIME} = 0.9*m + 0.1*g",
        "v\N{PRIME} = 0.999*v + 0.001*g^2",
        "θ\N{PRIME} = θ - 0.01*(m\N{PRIME}/s1)/(sqrt(v\N{PRIME}/s2) + 1e-08)",
    ]


def test_parts_of_an_update_are_told_apart():
    """A bias does not decay."""
    text = text_of(spec("input 2; output 1", optimizer="adamw(lr=0.5, weight_decay=0.1)"))
    weights, biases = text.partition("  for W1, θ[0:2]:\n")[2].split("  for b1, θ[2:3]:\n")
    step = "0.5*(m\N{PRIME}/s1)/(sqrt(v\N{PRIME}/s2) + 1e-08)"
    assert f"    θ\N{PRIME} = θ - 0.05*θ - {step}\n" in weights
    assert f"    θ\N{PRIME} = θ - {step} " in biases.replace("\n", " ")


NETS = {
    "residual": ("input 3; dense 4, 4 leaky_relu(0.1) residual; output 2", "mean(squared_error)"),
    "project": ("input 3; dense 5, 2 tanh residual=project; output 1", "mean(huber) + l2(0.1)"),
    "pad": ("input 3; dense 5, 5 0.5*elu residual=pad; output 1", "sum(absolute_error) + l1(0.1, on=biases)"),
    "classes": ("input 3; dense 4 sigmoid; output 3", "sum(0.7 * cross_entropy) + l2(0.01) + l1(0.001)"),
    "braces": ("input 3; residual { dense 4 relu; dense 3 tanh }; output 2 bias=false", "mean(logistic)"),
    "joins": (
        "input 3; a = dense 4 tanh; b = dense 2 relu; concat from a, b; c = dense 4; add from c, a; output 1",
        "mean(squared_error + 0.3 * absolute_error)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NETS)
def test_printed_formulas_give_the_gradient(name):
    model, minimize = NETS[name]
    experiment = spec(model, minimize)
    random, (output,) = np.random.default_rng(3), experiment.graph.outputs
    width, samples = experiment.graph.shapes[output.name][0], 7
    x, y = random.normal(size=(3, samples)), random.random((width, samples))
    if "cross_entropy" in minimize:
        y = random.integers(0, width, samples)
    problem = Problem(experiment, {"input": x}, {output.name: y})
    theta = random.normal(size=problem.size)
    leaves = {"z1": x, "y": y, "scale": 1.0 if minimize.startswith("sum") else 1 / samples}
    plan = compile_plans(experiment, fused=False).train
    names = {p.name: p.tensor.name for p in plan.trace.parameters}
    for block, value in problem.split(theta).items():
        leaves[names[block]] = value if value.ndim > 1 else value[:, None]
    scope = functions(text_of(experiment), width)
    forward, backward = training(experiment)
    values = run([*forward, *backward], leaves, scope)
    gradient = np.concatenate([values[f"∂{names[block]}"].ravel() for block in problem.split(theta)])
    assert np.allclose(gradient, problem.objective_grad(theta), rtol=1e-12, atol=1e-14)
    total = values.get("J", values["L"])
    assert np.isclose(total, problem.objective(theta), rtol=1e-13)


def test_equal_layers_are_told_once_and_mean_what_they_stand_for():
    experiment = load(ROOT / "specs" / "wave.dl")
    every, told = lines_of(experiment, full=True), lines_of(experiment)
    begin, end = told.index("for j = 2, …, 45"), told.index("v46 = W46 z46 + b46")
    expanded = [_at(line, j) for j in range(2, 46) for line in told[begin + 1 : end]]
    place = every.index("v2 = W2 z2 + b2")
    assert every[place : place + len(expanded)] == expanded
    back = told.index("for j = 45, …, 2")
    expanded = [_at(line, j) for j in range(45, 1, -1) for line in told[back + 1 : back + 5]]
    place = every.index("dv45 = δ46 ⊙ leaky_relu'(v45)")
    assert every[place : place + len(expanded)] == expanded
    assert len(told) < 50 < 250 < len(every)


def _at(line, j):
    line = re.sub(r"_\{j([+-]\d+)\}", lambda m: str(j + int(m[1])), line)
    return re.sub(r"_j(?![\w{])|_j(?=ᵀ)", str(j), line)


def test_blocks_of_several_layers_repeat_too():
    text = text_of(spec("input 4; repeat 5 { residual { dense 8 relu; dense 4 } }; output 1"))
    assert "for j = 1, 3, …, 9  (5 times, each):" in text
    assert "z_{j+2} = z_j + v_{j+1}" in text


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("batch", [1, 32])
def test_costs_of_the_lines_are_those_of_all_steps(name, batch):
    experiment = spec(*NETS[name])
    plan = compile_plans(experiment, fused=False).train
    forward, backward = training(experiment)
    told = sum(fixed + each * batch for fixed, each in (f.cost for f in (*forward, *backward)))
    assert told == sum(flops(step, batch) for step in plan.steps)


def test_costs_by_hand():
    """A multiply-add is two: W2 z2 + b2 takes 2·5·5 + 5, leaky_relu a comparison, a product and a choice."""
    lines = text_of(spec("input 1; dense 3x5, 1 leaky_relu(0.01) residual; output 1")).splitlines()
    costs = {line.split(" = ")[0].strip(): line.split("] ")[-1].split(" B")[0].strip() for line in lines}
    assert costs["v2"] == str(2 * 5 * 5 + 5)
    assert costs["z3"] == str(3 * 5 + 5)
    assert costs["∂W2"] == costs["∂W3"] == str(2 * 5 * 5)
    assert costs["δ3"] == str(2 * 5 * 5 + 5)
    numbers = text_of(spec("input 1; dense 3x5, 1 leaky_relu(0.01) residual; output 1"), 10)
    assert re.search(r"v2 = W2 z2 \+ b2 +\[5, B\] +550 ", numbers)


def test_random_numbers_have_a_line_since_they_are_read_twice():
    text = text_of(spec("input 3; dense 4 tanh; dropout 20%; output 1"))
    assert "t1 = uniform(0, 1)" in text
    assert "where(t1 < 0.8, 1.25*" in text


def test_model_without_a_problem_has_its_forward_pass():
    text = text_of(loads("model net { input 2; dense 3 tanh; output 1 }"))
    assert "z2 = tanh(v1)" in text
    assert "ŷ = z3" in text
    assert "backward" not in text


def test_names_of_the_writer_are_not_taken_for_those_of_the_plan():
    """A concat named z1 beside the input's z1 is another tensor, and is not written over it."""
    lines = lines_of(spec("input 3; a = dense 4 tanh; z1 = concat from a, input; output 1"))
    assert "z1 ← [z1; z2]" not in lines
    assert any(line.endswith(" = [z2; z1]") for line in lines)


def test_no_line_is_wider_than_the_page():
    model = "input 3; dense 4 gelu; a_long_name_for_a_layer = dense 4 tanh; concat from a_long_name_for_a_layer, dense1; output 3"  # fmt: skip  # noqa: E501
    for experiment in (spec(model.replace("gelu", "elu(0.5)"), "sum(0.7 * cross_entropy) + l2(0.01)"),):
        for options in ({}, {"full": True}, {"buffers": True}):
            assert max(map(len, text_of(experiment, **options).splitlines())) <= 80


def test_buffers_lie_within_the_memory_and_never_over_each_other():
    experiment = spec("input 1; dense 3x5, 1 leaky_relu(0.01) residual; output 1")
    text = text_of(experiment, 10, buffers=True).partition("\nbuffers")[2]
    size = int(re.search(r"float32: ([\d,]+) bytes", text)[1].replace(",", ""))
    rows = [line.replace(",", "").split() for line in text.splitlines() if re.search(r"\d+-(\d+|end)$", line)]
    spans = []
    for row in rows:
        length, begin = int(row[-3]), int(row[-2])
        first, last = row[-1].split("-")
        spans.append((begin, begin + length, int(first), 10**9 if last == "end" else int(last)))
    assert spans
    assert all(end <= size for _, end, _, _ in spans)
    for i, (a, b, first, last) in enumerate(spans):
        for c, d, begin, end in spans[:i]:
            assert b <= c or d <= a or last <= begin or end <= first


def test_golden(golden):
    experiment = load(ROOT / "specs" / "wave.dl")
    golden(GOLDEN / "wave.plan.txt", text_of(experiment))
    golden(GOLDEN / "wave.plan.ascii.txt", ascii(text_of(experiment, 32, buffers=True)))


def test_plain_letters_are_plain():
    experiment = spec(
        "input 3; wide = dense 4 tanh; concat from wide, input; output 1", "mean(squared_error) + l1(1)"
    )
    text = ascii(text_of(experiment))
    assert text.isascii()
    assert "delta2 = W2^T dv2 + delta3" in ascii("δ2 = W2ᵀ dv2 + δ3")
    assert (
        ascii("∂b1 = Σ_B dv1; θ\N{PRIME} ← ⊙ Ω ℓ ŷ 中") == "db1 = sum_B dv1; theta' <- * Omega l y^ \\u4e2d"
    )


def test_a_solver_is_told_in_place_of_an_update():
    text = text_of(spec("input 2; output 1", optimizer="lbfgs"))
    assert "update by" not in text
    assert "minimized by lbfgs" in text
    assert "limited-memory BFGS" in text
