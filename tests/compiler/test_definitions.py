"""What a spec defines in its own language is what the same mathematics is in Python."""

import math
import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import deltaplan
from deltaplan.compiler.build.mathematics import FUNCTIONS
from deltaplan.compiler.load import load, loads, registry_of
from deltaplan.compiler.render import render
from deltaplan.diagnostics import Source, SpecError
from deltaplan.dsl.formatter import format_text
from deltaplan.plugins.contracts import Activation, Loss
from deltaplan.plugins.expressions import Expr, derivative, evaluate

MODEL = "model m { input 1; dense 3 tanh; output 1 }\n"
DEFINITIONS = """\
activation snake(u; a = 1.0) = u + sin(a*u)^2 / a
loss log_cosh(u, y) = sum(logaddexp(u - y, y - u) - log(2))
regularizer group(w; k = 1.0) = k * sqrt(sum(w^2))
schedule halving(t; base, every) = base * 2^(-t / every)
"""
SPEC = (
    DEFINITIONS
    + """
model tiny {
    input 1
    dense 4, 4 snake(2)
    output 1
}

train {
    minimize mean(log_cosh) + group(1e-2)
    optimizer adam(lr=halving(1e-2, every=5))
    epochs 20
    batch full
    seed 1
}
"""
)
X = np.linspace(-1, 1, 32).reshape(-1, 1)
Y = np.sin(5 * X)


def defined(kind: Any, name: str, lines: str, folder: Path) -> Any:
    file = folder / "a.dl"
    file.write_text(lines + MODEL, "utf-8")
    return registry_of(file).find(kind, name)


def activation(mathematics: str, folder: Path) -> Expr:
    found = defined("activation", "f", f"activation f(u; a = 2, on = true) = {mathematics}\n", folder)
    assert isinstance(found, Activation)
    return found.expression


CASES: list[tuple[str, Callable[[float], float]]] = [
    ("u + sin(a*u)^2 / a", lambda u: u + math.sin(2 * u) ** 2 / 2),
    ("-u^2", lambda u: -(u**2)),
    ("2^-u", lambda u: 2**-u),
    ("u^3^2 - 1", lambda u: u**9 - 1),
    ("where(u > 0, u, 10% * u)", lambda u: u if u > 0 else 0.1 * u),
    ("u*(u >= 0.5)", lambda u: u * (u >= 0.5)),
    ("where(and(u > -1, not(u >= 1)), u, 0)", lambda u: u if -1 < u < 1 else 0.0),
    ("where(or(u < -1, u > 1), sign(u), u^3)", lambda u: math.copysign(1, u) if abs(u) > 1 else u**3),
    ("where(on, erf(u), 0)", math.erf),
    ("u - where(u == 0.5, 1, 0) + (u != 0.5)", lambda u: u - (u == 0.5) + (u != 0.5)),
    ("maximum(u, 0) + minimum(u, pi) + abs(u)", lambda u: max(u, 0) + min(u, math.pi) + abs(u)),
    ("log1p(exp(u))", lambda u: math.log1p(math.exp(u))),
    ("tanh(softplus(u)) * u", lambda u: math.tanh(math.log1p(math.exp(u))) * u),
]


@pytest.mark.parametrize(("text", "plain"), CASES, ids=[text for text, _ in CASES])
def test_mathematics_means_what_it_means_in_python(
    text: str, plain: Callable[[float], float], tmp_path: Path
) -> None:
    expression = activation(text, tmp_path)
    for u in (-2.5, -0.3, 0.5, 0.7, 4.0):
        given = {"u": u, "a": 2.0, "on": 1.0}
        assert evaluate(expression, given) == pytest.approx(plain(u), rel=1e-12, abs=1e-12)


def test_random_mathematics_means_what_it_means_in_python(tmp_path: Path) -> None:
    draw = random.Random(0)
    for _ in range(60):
        text = term(draw, 4)
        expression = activation(f"u + {text}", tmp_path)
        for u in (0.3, 1.7):
            expected = u + eval(text.replace("^", "**"), {**vars(math), "u": u, "a": 2.0})
            assert evaluate(expression, {"u": u, "a": 2.0, "on": 1.0}) == pytest.approx(expected, rel=1e-9)


def term(draw: random.Random, depth: int) -> str:
    """Mathematics that Python writes alike, `^` aside."""
    if depth == 0:
        return draw.choice(["u", "a", "0.5", "3"])
    one, other = term(draw, depth - 1), term(draw, depth - 1)
    forms = [
        "{} + {}",
        "({} - {})",
        "({})*({})",
        "sin({}) + cos({})",
        "({})/(2 + ({})^2)",
        "tanh({})*erf({})",
    ]
    return draw.choice(forms).format(one, other)


def test_every_function_can_be_written(tmp_path: Path) -> None:
    for name, function in FUNCTIONS.items():
        values = ", ".join(["u", "y", "0"][: function.count])
        lines = f"loss f(u, y) = sum(u) + sum({name}({values}))\n".replace("pick(u, y)", "pick(u, y) + y")
        lines = lines.replace("\n", " target=class\n") if name == "pick" else lines
        assert isinstance(defined("loss", "f", lines, tmp_path), Loss)


def test_conditions_bound_a_parameter_where_it_is_used(tmp_path: Path) -> None:
    head = "activation f(u; a = 1, k, a > 0, a <= 1/2 + 1, k >= -1) = a*u + k\n"
    found = defined("activation", "f", head, tmp_path)
    assert [(p.name, p.default, p.condition) for p in found.parameters] == [
        ("a", 1, "a number, above 0, at most 1.5"),
        ("k", None, "a number, at least -1"),
    ]
    loads(head + MODEL.replace("tanh", "f(1.5, -1)"))
    for wrong in ("f(0, 0)", "f(2, 0)", "f(1, -2)", "f(a=-1, k=0)"):
        with pytest.raises(SpecError, match=r"must be (above 0|at most 1.5|at least -1)"):
            loads(head + MODEL.replace("tanh", wrong))


def test_conditions_are_kept_by_formatter_and_rendering() -> None:
    head = "activation f(u; a = 1.0, a > 0) = u + sin(a*u)^2/a\n"
    text = head + MODEL.replace("tanh", "f")
    assert head in format_text(Source("a.dl", text))
    assert head in render(loads(text))


NO_NUMBER = [
    ("activation f(u; a = 1) = u + sin(a*u)^2/a", "f(0)", "squared_error", "f"),
    ("activation f(u) = sqrt(u)", "f", "squared_error", "f"),
    ("loss g(u, y; k) = sum((u - y)^2)/k", "tanh", "g(0)", "g"),
    ("loss g(u, y) = sum(y*log(u))", "tanh", "g", "g"),
]


@pytest.mark.parametrize(("line", "activation", "loss", "name"), NO_NUMBER)
def test_what_has_no_number_is_told_before_anything_is_trained(
    line: str, activation: str, loss: str, name: str
) -> None:
    train = f"train {{ minimize mean({loss}); optimizer sgd(lr=0.1); epochs 1 }}\n"
    with pytest.raises(SpecError, match=f"`{name}` is (no number|infinite) at u = "):
        loads(f"{line}\n{MODEL.replace('tanh', activation)}{train}")


def test_a_loss_may_ask_for_targets_above_zero() -> None:
    train = "train { minimize mean(g); optimizer sgd(lr=0.1); epochs 1 }\n"
    loads("loss g(u, y) = sum(exp(u) - y*u + y*log(y))\n" + MODEL + train)
    loads("loss g(u, y) = sum(logaddexp(0, u) - y*u + log(1 - y))\n" + MODEL + train)


def test_a_derivative_follows(tmp_path: Path) -> None:
    expression = activation("u + sin(a*u)^2 / a", tmp_path)
    slope = evaluate(derivative(expression, "u"), {"u": 0.4, "a": 2.0})
    assert slope == pytest.approx(1 + 2 * math.sin(0.8) * math.cos(0.8), rel=1e-12)


def test_arguments_have_the_names_that_the_writer_gives(tmp_path: Path) -> None:
    loss = defined("loss", "off", "loss off(output, wanted; k) = k*sum(abs(output - wanted))\n", tmp_path)
    assert str(loss.expression) == "k*sum(abs(u - y))"
    assert [p.required for p in loss.parameters] == [True]


def test_a_loss_declares_what_it_is(tmp_path: Path) -> None:
    line = (
        "loss soft(u, y; s = 1) = logsumexp(s*u) - s*pick(u, y) target=class link=softmax decision=argmax\n"
    )
    loss = defined("loss", "soft", line, tmp_path)
    assert (loss.target, loss.link, loss.decision, loss.convex) == ("class", "softmax", "argmax", True)
    file = tmp_path / "b.dl"
    file.write_text("loss wavy(u, y) = sum(sin(u - y)^2) convex=false\n" + MODEL)
    wavy = registry_of(file).find("loss", "wavy")
    assert wavy is not None
    assert not wavy.convex


def test_a_spec_with_definitions_trains_as_one_with_a_plugin(tmp_path: Path) -> None:
    plugin = tmp_path / "mine.py"
    plugin.write_text(
        "from deltaplan.plugins.api import *\n"
        "@activation('snake', a=1.0)\ndef snake(u, a): return u + sin(a * u) ** 2 / a\n"
        "@loss('log_cosh')\ndef log_cosh(u, y): return sum(logaddexp(u - y, y - u) - log(2))\n"
        "@regularizer('group', k=1.0)\ndef group(w, k): return k * sqrt(sum(w**2))\n"
        "@schedule('halving', base=required(), every=required())\n"
        "def halving(t, base, every): return base * 2 ** (-t / every)\n"
    )
    other = SPEC.replace(DEFINITIONS, f'use "{plugin.as_posix()}"\n')
    runs = [deltaplan.train(loads(text), X, Y) for text in (SPEC, other)]
    for points in (X, 3 * X):
        np.testing.assert_array_equal(runs[0].predict(points), runs[1].predict(points))


def test_a_run_keeps_its_definitions(tmp_path: Path) -> None:
    run = deltaplan.train(loads(SPEC), X, Y, runs=tmp_path)
    assert run.folder is not None
    for name in ("spec.dl", "resolved.dl"):
        assert "activation snake(u; a = 1.0) = u + sin(a*u)^2" in (run.folder / name).read_text("utf-8")
    again = deltaplan.open(run.folder)
    np.testing.assert_array_equal(again.predict(X), run.predict(X))
    assert tuple(deltaplan.load(run.folder / "resolved.dl").graph) == tuple(run.experiment.graph)


def test_rendering_keeps_them_and_completes_their_calls() -> None:
    text = render(loads(SPEC.replace("snake(2)", "snake")))
    assert "snake(a=1.0)" in text
    assert "activation snake(u; a = 1.0) = u + sin(a*u)^2/a\n" in text
    assert tuple(loads(text).graph) == tuple(loads(SPEC.replace("snake(2)", "snake")).graph)


def test_they_come_with_an_import(tmp_path: Path) -> None:
    (tmp_path / "mine.dl").write_text(DEFINITIONS, "utf-8")
    (tmp_path / "a.dl").write_text(SPEC.replace(DEFINITIONS, 'import "mine.dl"\n'), "utf-8")
    experiment = load(tmp_path / "a.dl")
    assert tuple(experiment.graph) == tuple(loads(SPEC).graph)
    assert experiment.warnings == ()


def test_what_is_not_used_is_told() -> None:
    lines = "activation f(u; a = 1, b = 2) = a*u^2\nschedule g(t) = 0.5^t\n"
    told = {(w.message, w.span.text) for w in loads(lines + MODEL).warnings if w.span}
    assert told == {
        ("the parameter `b` is not used", "b"),
        ("the activation `f` is not used", "f"),
        ("the schedule `g` is not used", "g"),
    }


def test_a_broken_definition_leaves_the_rest_of_the_report_alone() -> None:
    lines = "activation f(u) = u + sinn(u)\n" + MODEL.replace("tanh", "f").replace("output 1", "output 1 l=2")
    with pytest.raises(SpecError) as told:
        loads(lines)
    assert [d.message for d in told.value.diagnostics] == [
        "unknown function `sinn`",
        "unknown option `l` of `output`",
    ]


def test_no_definition_runs_away(tmp_path: Path) -> None:
    """The largest that is allowed is built, with its derivatives, in a moment."""
    file = tmp_path / "a.dl"
    file.write_text(f"activation f(u) = {deep(7)}\n" + MODEL, "utf-8")
    found = registry_of(file).find("activation", "f")
    assert found is not None
    assert math.isfinite(float(str(evaluate(derivative(found.expression, "u"), {"u": 0.5}))))


def deep(depth: int) -> str:
    return "u" if depth == 0 else f"sin({deep(depth - 1)} + 2*{deep(depth - 1)})"


SCRAPS = [
    *"();,=u*/^-<1",
    *("y", "inf", "pi", "1e300", "where(", "sum(", "pick(u, y)", "sin", "x 5", "[1]", "..", "//", "==", "!="),
    *(" target=sign", "true", "u.v", "log(0)", "1/0", "0^-1", "(0/0)"),
]


def test_mutated_definitions_give_mistakes_and_nothing_else() -> None:
    draw = random.Random(1)
    for _ in range(150):
        line = draw.choice(DEFINITIONS.splitlines())
        for _ in range(draw.randrange(1, 5)):
            at, cut = draw.randrange(len(line) + 1), draw.choice([0, 0, 1, 2, 5])
            line = line[:at] + draw.choice(SCRAPS) + line[at + cut :]
        with suppress(SpecError):  # and no other exception
            loads(f"{line}\n{MODEL}")
