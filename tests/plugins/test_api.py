"""The public door: what a plugin writer gets, and what is said of each mistake."""

import subprocess
import sys

import pytest

from deltaplan.diagnostics import PluginError
from deltaplan.plugins import api
from deltaplan.plugins.api import Attribute, number, required, sqrt, where
from deltaplan.plugins.expressions import argument, to_text


def test_an_activation():
    @api.activation("snake", a=number(1.0, above=0))
    def snake(u, a):
        """u + sin²(a·u)/a  (Ziyin et al., 2020)"""
        return u + api.sin(a * u) ** 2 / a

    assert (snake.kind, snake.name, to_text(snake.expression)) == ("activation", "snake", "u + sin(a*u)^2/a")
    assert snake.doc.startswith("u + sin²")
    (a,) = snake.parameters
    assert (a.name, a.default, a.condition) == ("a", 1.0, "a number, above 0")
    assert a.allows(2)
    assert not any(a.allows(v) for v in (0, -1, float("inf"), float("nan"), True))


def test_a_loss_with_classes_gets_a_scalar_target():
    @api.loss("margin", target="class", decision="argmax", convex=False)
    def margin(u, y):
        return api.logsumexp(u) - api.pick(u, y)

    assert (margin.target, margin.link, margin.decision, margin.convex) == (
        "class",
        "identity",
        "argmax",
        False,
    )


def test_an_optimizer_without_t():
    @api.optimizer("signed", state=("m",), lr=1e-3, beta=0.9)
    def signed(w, g, m, lr, beta):
        return {"w": w - lr * api.sign(beta * m + (1 - beta) * g), "m": beta * m + (1 - beta) * g}

    assert list(signed.update) == ["w", "m"]
    assert hash(signed) == hash(signed)


def test_parameters_know_what_they_allow():
    count, flag = api.whole(3, minimum=1), api.boolean(True)
    assert [count.allows(v) for v in (1, 4.0, 0, 2.5)] == [True, True, False, False]
    assert [flag.allows(v) for v in (True, False, 1)] == [True, True, False]
    assert count.condition == "a whole number, at least 1"
    assert required(minimum=0, below=1).condition == "a number, at least 0, below 1"


def act(function, name="mine", **parameters):
    return lambda: api.activation(name, **parameters)(function)


def reg(function):
    return lambda: api.regularizer("mine")(function)


def opt(function, state=("m",)):
    return lambda: api.optimizer("mine", state=state, lr=0.1)(function)


def missing_return(u):
    pass


def divides(u):
    return u / (1 // 0)


def leaves(u):
    sys.exit(3)


MISTAKES = [
    (act(lambda u: u if u > 0 else 0), "branch-on-symbol", "use where(condition, a, b)"),
    (act(lambda u: where(u == 0, 1, u)), "structural-equality", "equal(a, b)"),
    (act(divides), "plugin-function-failed", "activation `mine` fails: ZeroDivisionError"),
    (act(leaves), "plugin-function-failed", "SystemExit: 3"),
    (act(missing_return), "plugin-result", "is a `return` missing?"),
    (act(lambda u: 1.0), "plugin-result", "returns `1.0`, not an expression"),
    (act(lambda u: [u]), "plugin-result", "not an expression of its arguments"),
    (act(lambda u: u * argument("z")), "plugin-argument", "uses the symbol `z`"),
    (act(lambda u: u / api.sum(u)), "plugin-reduction", "holds `sum`"),
    (act(lambda u: 0 * u + 1), "plugin-constant", "does not depend on `u`"),
    (act(lambda u: u, a=1.0), "plugin-signature", "cannot be called with (u, a)"),
    (act(lambda u, a: u * a), "plugin-signature", "missing a required argument: 'a'"),
    (act(lambda u, a: u * a, a=number(2.0, below=1)), "plugin-declaration", "the default of `a` is 2.0"),
    (act(lambda u: u, name="my act"), "plugin-name", "`my act` is not a name"),
    (reg(lambda w: w * w), "plugin-not-scalar", "put sum(...) or mean(...)"),
    (reg(lambda w: api.mean(0 * w + 2)), "plugin-constant", "does not depend on `w`"),
    (lambda: api.loss("mine")(lambda u, y: (u - y) ** 2), "plugin-not-scalar", "for each element"),
    (opt(lambda w, g, m, lr: {"w": w - lr * g}), "plugin-state", "returns no new `m`"),
    (opt(lambda w, g, m, lr: {"w": w, "m": m, "v": g}), "plugin-unknown-state", "returns `v`"),
    (opt(lambda w, g, m, lr: w - lr * g), "plugin-result", "a mapping from `w`"),
    (opt(lambda w, g, m, lr: {"w": w, "m": None}), "plugin-result", "returns `None`"),
    (opt(lambda w, g, m, lr: {"w": w / sqrt(api.sum(g)), "m": m}), "plugin-reduction", "holds `sum`"),
    (opt(lambda w, g, lr: {"w": w}, state=("w",)), "plugin-name", "`w` is declared twice"),
    (lambda: api.layer("mine", Attribute("width", "size"))(lambda b, x: x), "plugin-signature", "width"),
    (
        lambda: api.initializer("mine", draw="normal")(lambda fan_in, fan_out, gain: "1"),
        "plugin-result",
        "a number",
    ),
    (lambda: api.initializer("mine", draw="normal")(lambda n: n), "plugin-signature", "fan_in"),
    (lambda: api.data_source("mine")(lambda: None), "plugin-signature", "path"),
]


@pytest.mark.parametrize(("mistake", "code", "part"), MISTAKES)
def test_mistakes_are_told_with_their_line(mistake, code, part):
    with pytest.raises(PluginError) as caught:
        mistake()
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == code
    assert part in str(caught.value)
    assert "`mine`" in str(caught.value) or "`my act`" in str(caught.value)
    assert diagnostic.span.source.name == __file__


def test_a_mistake_points_at_the_innermost_line():
    with pytest.raises(PluginError) as caught:
        act(divides)()
    assert caught.value.diagnostics[0].span.text == "return u / (1 // 0)"


def test_ctrl_c_is_no_fault_of_the_plugin():
    def interrupted(u):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        api.activation("mine")(interrupted)


def test_the_built_in_activations_need_no_array_library():
    code = (
        "import sys; import deltaplan.plugins.builtin.activations, deltaplan.plugins.builtin.optimizers;"
        "print([m for m in ('numpy', 'networkx', 'lark') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
