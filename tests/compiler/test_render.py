"""A rendered spec states every default, and gives the model of the spec that it was rendered from."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from deltaplan.compiler.build import build, train
from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.initial import draws
from deltaplan.compiler.load import load, loads
from deltaplan.compiler.render import render
from deltaplan.diagnostics import Source
from deltaplan.dsl import parse
from deltaplan.plugins.contracts import Contribution
from deltaplan.plugins.loader import builtin_registry, load_file
from deltaplan.plugins.registry import Registry

Golden = Callable[[Path, str], None]

TESTS = Path(__file__).parents[1]
SPECS = sorted((TESTS.parent / "specs").rglob("*.dl"))
BUILTIN = builtin_registry()
DEFAULT = BUILTIN.find("initializer", "default")


def again(experiment: Experiment, folder: Path = Path(), text: str | None = None) -> Experiment:
    """The experiment of the rendered text."""
    return loads(text or render(experiment), "again.dl", folder=folder)


def meaning(experiment: Experiment) -> dict[str, Any]:
    """All that an experiment says, but spans; what equality leaves out is listed beside the nodes."""
    graph = experiment.graph
    return {
        "name": experiment.name,
        "params": {name: (type(value), value) for name, value in experiment.params.items()},
        "nodes": list(graph),
        "expressions": [getattr(node, "expression", None) for node in graph],
        "edges": dict(graph.edges),
        "shapes": dict(graph.shapes),
        "draws": draws(graph, DEFAULT),
        "skips": [counts for _, *counts in experiment.skips],
        "train": experiment.train,
        "data": experiment.data,
        "sweep": experiment.sweep,
    }


def body(text: str) -> str:
    """A rendered text without its header."""
    header, _, rest = text.partition("\n\n")
    assert header.startswith("# ")
    return rest


PROBLEM = "train { minimize mean(squared_error); optimizer adam; epochs 3 }"


def model(lines: str, before: str = "", problem: str = PROBLEM) -> str:
    return f"{before}\nmodel m {{\n{lines}\n}}\n{problem}\n"


# Every construct that the language has so far, each in a small text.
CASES = {
    "sweep in a grid": model(
        "input 2; dense w; output 1", "param w = 4\nsweep { w = [3, 2*4]; seed = 0..9 }"
    ),
    "sweep that is drawn": model(
        "input 2; dense w act; output 1",
        "param w = 4; param act = relu\nsweep random=9 { w = log_uniform(1, 90, whole); act = [relu, tanh] }",
    ),
    "sweep with all said": model(
        "input 2; dense 3 0.5 * leaky_relu(a); output 1",
        "param a = 0.1\nsweep random=5 seed=3 {  # five\n a = uniform(0, 0.5, whole=false)  # slopes\n }",
    ),
    "list of widths": model("input 2; dense 3x5, 2 tanh residual; output 1"),
    "no activation": model("input 2; dense 4; output 1"),
    "stated init and bias": model("input 2; dense 4 relu init=he bias=false; output 1 bias=false"),
    "bias as a word": model("input 2; dense 4 bias; output 1"),
    "init with values": model("input 2; dense 4 init=uniform(-1, 2*3); output 1 init=normal(deviation=1e-3)"),
    "default activation": model("input 2; activation elu; dense 4; dense 3 tanh; dense 2; output 1"),
    "activations with factors": model(
        "input 2; dense 3 0.5*elu; dense 3 elu*2/3; dense 3 (-2)*tanh; output 1"
    ),
    "activation after a list": model("input 2; dense 4, 3 leaky_relu; dense 2 elu(2); output 1"),
    "dropout": model("input 2; dense 4; dropout 20%; output 1"),
    "params": model(
        "input 2; dense w x n, w//2 leaky_relu(slope) residual=skips; output 1",
        "param w = 6; param n = w - 2; param slope = -0.1; param skips = true",
    ),
    "param for an activation": model("input 2; dense 3 act; dense 3 2*act; output 1", "param act = elu"),
    "param for a number of that name": model(
        "input 2; dense 3; output 1",
        "param nesterov = 0.5",
        "train { minimize sum(squared_error); optimizer sgd(0.1, nesterov); steps 3 }",
    ),
    "switch": model(
        "input 2; output 1",
        problem="train { minimize sum(squared_error); optimizer sgd(0.1, nesterov, momentum=0.5); steps 3 }",
    ),
    "residual modes": model("input 2; dense 4, 3 tanh residual=project; dense 5 residual=pad; output 1"),
    "residual braces": model(
        "input 2; residual project elu { dense 4 tanh; dense 3 }; residual pad { dense 5 }\n"
        "residual { dense 3; dense 4; shortcut { dense 4 bias=false } }; output 1"
    ),
    "repeat": model("input 2; repeat n { dense 4 elu; repeat 2 { dense 3 } }; output 1", "param n = 2"),
    "blocks": model(
        "input 2; unit 3, 0.5, tanh; u = unit width=4 slope=n act=elu; pair\noutput 1 from pair1",
        "param n = 0.25\nblock unit(width, slope, act) { dense width leaky_relu(slope); dense width act }\n"
        "block pair { unit 2, 1/4, elu; dense 2 }",
    ),
    "an argument with the name of an activation": model(
        "input 2; unit elu; unit leaky_relu; output 1", "block unit(elu) { dense 3 elu; dense 2 tanh }"
    ),
    "a param with the name of a loss": model(
        "input huber; output 1", "param huber = 2", "train { minimize sum(huber); optimizer adam; epochs 3 }"
    ),
    "node as an argument": model(
        "a = input 2; b = dense 3 elu from a; unit b; output 1",
        "block unit(other) { c = dense 3; add from c, other }",
    ),
    "several inputs and outputs": model(
        "a = input 2; b = input 1\nconcat from a, b; h = dense 4 elu; k = dense 4\nj = add from h, k\n"
        "p = output 1 from j; q = output 3 from h",
        problem="train { minimize mean(0.3*huber(on=p) + cross_entropy(on=q)) + l2(1e-4)\n"
        "optimizer adam(1e-2); epochs 3 }",
    ),
    "places": model(
        "input 2; h = dense 4, 4; g = dense 3; output 1",
        problem="train { minimize mean(squared_error) + l1(1e-3, on=[h, output]) + 2*l2(1, on=g)"
        " + elastic(1, l2=2)/2; optimizer adam; epochs 3 }",
    ),
    "a node that is called weights": model(
        "input 2; weights = dense 4; output 1",
        problem="train { minimize mean(squared_error) + l2(1); optimizer adam; epochs 3 }",
    ),
    "output of a kind": model("input 2; output dense 1"),
    "no problem": model("input 2; output 1", problem=""),
    "a line that nothing uses": model("a = input 2; dense 4 elu; output 1 from a"),
    "a block that nothing uses": model("input 2; output 1", "block unit(w) { dense w elu }"),
    "all of train": model(
        "input 2; output 1",
        problem="train { minimize sum(squared_error); optimizer sgd(lr=0.1); steps 10\n"
        "batch 32; seed 7; precision float64; keep last; clip norm=2 }",
    ),
    "schedules": model(
        "input 2; output 1",
        "param high = 0.5",
        "train { minimize sum(squared_error); epochs 40\n"
        "optimizer sgd(warmup(cosine(high), over=5), momentum=linear(0.9, high, over=10)) }",
    ),
    "what is trained": model(
        "input 2; h = dense 4, 3 tanh freeze; g = dense 3 tanh freeze=no; output 1",
        "param no = false",
        "train { minimize sum(squared_error); optimizer adam; epochs 3; only h, output, biases\n"
        "lr_scale 2 on=biases; lr_scale 1/2 on=[h, g] }",
    ),
    "where a run begins and what it keeps": model(
        "input 2; h = dense 4, 3 tanh; output 1",
        problem="train { minimize sum(squared_error); optimizer adam; epochs 3\n"
        'record parameters every=2; warm_start "runs/a" }',
    ),
    "a warm start of a place": model(
        "input 2; h = dense 4, 3 tanh; output 1",
        problem="train { minimize sum(squared_error); optimizer adam; epochs 3\n"
        'record every=2 parameters; warm_start "runs/a" on=[h, biases] }',
    ),
    "a solver": model(
        "input 2; dense 3 tanh; output 1",
        problem="train { minimize sum(squared_error); optimizer lbfgs(tolerance=1e-5); steps 7 }",
    ),
    "an exact solver": model(
        "input 2; dense 3 tanh; output 1",
        problem="train { minimize sum(squared_error); optimizer exact; only output }",
    ),
    "a schedule over steps": model(
        "input 2; output 1",
        problem="train { minimize sum(squared_error); steps 7\n"
        "optimizer adam(step(1, [3, 2*3]), beta1=inv(0.9, 1)) }",
    ),
    "monitor and stop_early": model(
        "input 1; output 1",
        problem='data { csv "wave.csv"; inputs t; targets y; split validation=20% }\n'
        "train { minimize mean(huber); optimizer adam; epochs 9\n"
        "monitor huber(2), rmse, huber; stop_early 3 }",
    ),
    "monitor with several outputs": model(
        "input 1; h = dense 3; p = output 1 from h; q = output 1 from h",
        problem='data { csv "wave.csv"; inputs t; targets p=y q=z; split validation=20% }\n'
        "train { minimize mean(huber(on=p) + huber(on=q)); optimizer adam; epochs 9; monitor huber(on=p)\n"
        "stop_early patience=3 on=p.huber; keep last }",
    ),
}

DATA = {
    "no split": 'csv "wave.csv"; inputs t; targets y',
    "split without train": 'csv "wave.csv"; inputs t; targets y; split validation=10% test=20% seed=3',
    "split without seed": 'csv "wave.csv"; inputs t; targets y; split train=1/3',
    "whole split": 'csv "wave.csv" decimal=comma; inputs "t"; targets y; split train=60% test=40% seed=2',
    "the rest": 'csv "wave.csv" delimiter=tab; inputs rest; targets y; standardize inputs, targets',
}
CASES |= {f"data: {what}": model("input 1; output 1") + f"data {{ {lines} }}" for what, lines in DATA.items()}


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_a_rendered_spec_gives_the_same_experiment(path: Path) -> None:
    experiment = load(path)
    assert meaning(again(experiment, path.parent)) == meaning(experiment)


@pytest.mark.parametrize("text", CASES.values(), ids=CASES)
def test_every_construct_gives_the_same_experiment(text: str) -> None:
    experiment = loads(text)
    assert meaning(again(experiment)) == meaning(experiment)


@pytest.mark.parametrize("text", CASES.values(), ids=CASES)
def test_rendering_again_changes_nothing_but_the_header(text: str) -> None:
    rendered = render(loads(text))
    assert body(render(again(loads(text), text=rendered))) == body(rendered)


@pytest.mark.parametrize("text", CASES.values(), ids=CASES)
def test_the_tree_may_be_given(text: str) -> None:
    experiment = loads(text)
    assert render(experiment, parse(experiment.source)[0]) == render(experiment)


# ---- the printed text


def test_wave(golden: Golden) -> None:
    wave = load(TESTS.parent / "specs" / "wave.dl", {"hidden": 10})
    golden(TESTS / "golden" / "wave.resolved.dl", body(render(wave)))


STRUCTURED = """
param width = 2*3
param act = leaky_relu  # the one that leaks
block unit(w, act) { dense w act residual=pad; dense w 0.5 * elu }
model m {
    # two inputs
    a = input 3; b = input 2
    dense width act from a
    repeat 2 {  # twice
        unit width, elu }
    unit width, tanh
    c = dense 4 act*2 init=uniform(-1, 1)
    concat from c, b
    residual leaky_relu { dense 7 bias=false; shortcut { dense 7 } }
    output dense 2
}
data { csv "wave.csv"; inputs a=[p, q, r] b=[s, t]; targets u, v; split test=20% }
train { minimize sum(0.5*huber) + l2(1e-3) + 2*l1(width, on=[c]); optimizer sgd(0.1, nesterov); epochs 3 }
"""


def test_structured(golden: Golden) -> None:
    golden(TESTS / "golden" / "structured.resolved.dl", body(render(loads(STRUCTURED))))


def test_what_is_followed_during_training() -> None:
    text = render(loads(CASES["monitor and stop_early"]))
    assert "    monitor huber(2), rmse, huber(delta=1.0)  # default: delta\n" in text
    assert "    stop_early 3 on=loss min_change=0.0  # default: on, min_change\n" in text
    assert "    keep best  # default\n" in text


@pytest.mark.parametrize("name", ["wave.dl", "folder/wave.dl"])
def test_the_header_says_what_the_file_is(name: str) -> None:
    header = render(loads(model("input 2; output 1"), name)).splitlines()[0]
    assert re.fullmatch(r"# wave\.dl with every default written out, by deltaplan \d+\.\d+\.\d+", header)


def test_a_file_name_cannot_break_out_of_the_header() -> None:
    assert render(loads(model("input 2; output 1"), "a\nmodel b.dl")).startswith("# a?model b.dl with")


def test_comments_of_lines_are_kept() -> None:
    text = 'param a = 2  # two; more\nparam b = "# no comment" # words\nparam c = 3; param d = 4 # d\n'
    lines = body(render(loads(text + model("input a; output 1")))).splitlines()
    assert lines[:4] == [
        "param a = 2  # two; more",
        'param b = "# no comment"  # words',
        "param c = 3",
        "param d = 4  # d",
    ]


# ---- params


def param_line(text: str, params: Mapping[str, Any]) -> str:
    rendered = render(loads(text + model("input 2; output 1"), params=params))
    return next(line for line in rendered.splitlines() if line.startswith("param a "))


@pytest.mark.parametrize(
    ("written", "value", "line"),
    [
        ("45", 10, "param a = 10  # given: 10, written: 45"),
        ("45", 45, "param a = 45"),
        ("45", 45.0, "param a = 45.0  # given: 45.0, written: 45"),
        ("1e-2", -3, "param a = -3  # given: -3, written: 1e-2"),
        ("64k", 1e-300, "param a = 1e-300  # given: 1e-300, written: 64k"),
        ("true", False, "param a = false  # given: false, written: true"),
        ("tanh", "elu", 'param a = "elu"  # given: "elu", written: tanh'),
        ('"a.csv"', "b c.csv", 'param a = "b c.csv"  # given: "b c.csv", written: "a.csv"'),
        ("2 * 3", 6, "param a = 2*3  # 6"),
        ("2 * 3", 7, "param a = 7  # given: 7, written: 2*3"),
    ],
)
def test_a_param_carries_the_value_that_was_used(written: str, value: Any, line: str) -> None:
    assert param_line(f"param a = {written}\n", {"a": value}) == line


def test_a_param_of_params_is_kept_and_its_value_told() -> None:
    text = "param b = 3\nparam a = 2*b\n"
    assert param_line(text, {}) == "param a = 2*b  # 6"
    assert param_line(text, {"b": 5}) == "param a = 2*b  # 10"


def test_the_sign_of_zero_is_kept() -> None:
    assert param_line("param a = 0.0\n", {"a": -0.0}) == "param a = -0.0  # given: -0.0, written: 0.0"


def test_a_value_is_told_beside_a_comment_that_holds_its_digits() -> None:
    assert param_line("param a = 2*3  # 16 is too many\n", {}) == "param a = 2*3  # 16 is too many; 6"


def test_words_of_a_place_win_over_params_of_their_name() -> None:
    """`batch full` and `init=default` are written where nothing was, and mean the same as before."""
    params = "param full = true\nparam last = best\nparam float32 = 3\nparam default = he\n"
    body = "model m { input 2; dense 3 relu; output 1 }\n"
    text = params + body + "train { minimize mean(squared_error); optimizer adam; epochs 1 }"
    experiment = loads(text)
    found = again(experiment)
    assert found.train == experiment.train
    assert [layer.init for layer in found.graph.layers] == [None, None]


def test_a_word_that_is_a_later_param_stays_a_word() -> None:
    text = "param a = tanh\nparam tanh = 1\n"
    assert param_line(text, {}) == "param a = tanh"


NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(1 << 62), 1 << 62)
TEXTS = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"], exclude_characters='"'), max_size=8)


@given(number=NUMBERS, flag=st.booleans(), text=TEXTS)
@example(number=-0.0, flag=True, text="true")
@example(number=5e-324, flag=True, text="number")
@example(number=1e16, flag=True, text="")
def test_any_params_read_back_as_they_were(number: float, flag: bool, text: str) -> None:
    written = "param number = 1\nparam flag = true\nparam text = word\n" + model("input 2; output 1")
    experiment = loads(written, params={"number": number, "flag": flag, "text": text})
    found = again(experiment).params
    assert repr(found) == repr(experiment.params)


# ---- no hidden default

PLUGIN = """
from deltaplan.plugins.api import *

@activation("snake", a=1.0)
def snake(u, a):
    return u + sin(a * u) ** 2 / a

@loss("scaled_error", c=number(2.0, above=0))
def scaled_error(u, y, c):
    return c * sum((u - y) ** 2)

@regularizer("power", k=1.5)
def power(w, k):
    return k * sum(w ** 2)

@initializer("wide", draw="uniform", spread=number(0.5, above=0))
def wide(fan_in, fan_out, gain, spread):
    return spread

@optimizer("slow", lr=number(1e-3, minimum=0), halves=boolean(True))
def slow(w, g, lr, halves):
    return {"w": w - where(halves, lr / 2, lr) * g}

@schedule("halving", base=required(), every=length(), floor=0.0)
def halving(t, base, every, floor):
    return maximum(base * 0.5 ** (t / every), floor)

@augmentation("erase", rate=number(0.25, minimum=0, below=1))
def erase(builder, x, rate):
    return builder.map(lambda v, u: where(u < rate, 0, v), x, builder.uniform(x.shape))

@layer(
    "scaled",
    Attribute("width", "size", required=True, positional=True),
    Attribute("power", "whole", default=2, positional=True),
    Attribute("gain", "number", default=-0.5),
    Attribute("mode", "word", default="even", choices=("even", "odd")),
    Attribute("twice", "boolean", default=False),
    Attribute("limit", "number"),
)
def scaled(builder, x, width, power, gain, mode, twice, limit=None):
    w = builder.weight("W", (width, x.shape[0]), fan_in=x.shape[0], fan_out=width)
    return builder.matmul(w, x)
"""


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plugin") / "mine.py"
    path.write_text(PLUGIN)
    return path


@pytest.mark.parametrize(
    ("line", "rendered"),
    [
        ("scaled 4", "scaled 4 2 gain=-0.5 mode=even twice=false init=default bias=true"),
        ("scaled 4, 3 5", "scaled 4, 3 5 gain=-0.5 mode=even twice=false init=default bias=true"),
        ("scaled 4 snake", "scaled 4 2 snake(a=1.0) gain=-0.5 mode=even twice=false init=default bias=true"),
        ("scaled 4 twice gain=1", "scaled 4 2 twice gain=1 mode=even init=default bias=true"),
        ("scaled 4 residual=project", "scaled 4 2 residual=project gain=-0.5 mode=even twice=false"),
        ("dense 4 init=wide", "dense 4 init=wide(spread=0.5) bias=true"),
    ],
)
def test_layers_of_a_plugin(plugin: Path, line: str, rendered: str) -> None:
    registry = BUILTIN.with_(load_file(plugin))
    experiment = built(model(f"input 2; {line}; output 1", 'use "./mine.py"'), registry)
    text = render(experiment)
    assert f"    {rendered}" in text
    assert 'use "./mine.py"' in text
    assert ("not given: limit" in text) == ("scaled" in line)
    assert meaning(built(text, registry)) == meaning(experiment)


def test_a_spec_that_uses_a_plugin_can_be_read_again(plugin: Path) -> None:
    experiment = loads(model("input 2; scaled 4 snake; output 1", 'use "./mine.py"'), folder=plugin.parent)
    assert "snake(a=1.0)" in render(again(experiment, plugin.parent))


SAMPLES = {
    "number": "0.5",
    "whole": "2",
    "boolean": "true",
    "size": "3",
    "sides": "2",
    "numbers": "[2, 3]",
}
BARE = {
    "activation": model("input 2; dense 3 {}; output 1"),
    "loss": model("input 2; output 2", problem="train {{ minimize mean({}); optimizer adam; epochs 1 }}"),
    "regularizer": model(
        "input 2; output 1", problem="train {{ minimize mean(huber) + {}; optimizer adam; epochs 1 }}"
    ),
    "initializer": model("input 2; dense 3 init={}; output 1"),
    "optimizer": model(
        "input 2; output 1", problem="train {{ minimize sum(huber); optimizer {}; epochs 1 }}"
    ),
    "schedule": model(
        "input 2; output 1", problem="train {{ minimize sum(huber); optimizer sgd({}); epochs 4 }}"
    ),
    "layer": model("input 2; {}; output 1"),
    "picture": model("input 4x4x2; {}; flatten; output 1"),
    "data source": model("input 1; output 1", problem='data {{ {} "wave.csv"; inputs t; targets y }}'),
    "augmentation": model(
        "input 4x4x1; flatten; output 1",
        problem='data {{ npz "wave.npz"; inputs t; targets y; augment {} }}',
    ),
}


EXACT = model("input 2; output 1", problem="train {{ minimize sum(squared_error); optimizer {} }}")
PICTURES = ("conv", "max_pool", "avg_pool", "global_avg_pool", "upsample", "reshape")  # what takes no vector
WRITTEN = {"softmax": "apply softmax", "reshape": "reshape 8x4"}  # what is not a head and samples


def bare(contribution: Contribution) -> str:
    """A spec that uses a contribution with nothing but what it asks for."""
    attributes = getattr(contribution, "attributes", ())
    given = [f"{p.name}={SAMPLES[p.type]}" for p in contribution.parameters if p.required]
    if contribution.name == "uniform":
        given = ["low=0", "high=1"]
    call = f"{contribution.name}({', '.join(given)})" if given else contribution.name
    values = {a: SAMPLES[a.type] for a in attributes if a.required}
    line = " ".join([call, *(v if a.positional else f"{a.name}={v}" for a, v in values.items())])
    line = WRITTEN.get(contribution.name, line)
    template = BARE["picture" if contribution.name in PICTURES else contribution.kind]
    if getattr(contribution, "exact", False):
        template = EXACT
    return template.replace("{}", line).replace("{{", "{").replace("}}", "}")


def contributions(registry: Registry) -> list[Contribution]:
    """All but the metrics, which have no parameters, and analyses, which no spec names."""
    found = [c for entries in registry.entries.values() for c in entries.values()]
    assert not any(c.parameters for c in found if c.kind == "metric")
    return [c for c in found if c.kind not in ("metric", "analysis")]


def demanding(registry: Registry) -> Registry:
    """The registry without a single default: what is not written is an error."""
    return Registry(
        MappingProxyType(
            {
                kind: MappingProxyType({name: undefaulted(c) for name, c in entries.items()})
                for kind, entries in registry.entries.items()
            }
        )
    )


def undefaulted(contribution: Contribution) -> Contribution:
    types = {"length": "number"}  # which must be given
    parameters = tuple(
        replace(p, default=None, type=types.get(p.type, p.type)) for p in contribution.parameters
    )
    contribution = replace(contribution, parameters=parameters)
    if not hasattr(contribution, "attributes"):
        return contribution
    attributes = tuple(
        replace(a, default=None, required=a.required or a.default is not None)
        for a in contribution.attributes
    )
    return replace(contribution, attributes=attributes)


def test_every_kind_of_contribution_is_walked(plugin: Path) -> None:
    assert (
        set(BARE) - {"picture"}
        == set(BUILTIN.entries) - {"metric", "analysis"}
        == {c.kind for c in load_file(plugin)} | {"data source"}
    )


def test_no_default_of_any_contribution_is_hidden(plugin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = BUILTIN.with_(load_file(plugin))
    monkeypatch.setattr(train, "DEFAULTS", {"batch": "full", "seed": 0, "precision": "float32"})
    texts = [render(built(bare(each), registry)) for each in contributions(registry)]
    monkeypatch.setattr(train, "DEFAULTS", {})
    for each, text in zip(contributions(registry), texts, strict=True):
        asked = [p.name for p in each.parameters]
        asked += [a.name for a in getattr(each, "attributes", ()) if not a.positional]
        absent = [name for name in asked if not re.search(rf"\b{name}=|not given: .*\b{name}\b", text)]
        assert not absent, text
        assert built(text, demanding(registry)), text


# In these a name stands for an activation: its defaults can only be told in a comment.
NAMED = ("blocks", "param for an activation", "an argument with the name of an activation")


@pytest.mark.parametrize("what", [what for what in CASES if what not in NAMED])
def test_a_rendered_spec_needs_no_default(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = render(loads(CASES[what]))
    monkeypatch.setattr(train, "DEFAULTS", {})
    if "nothing uses" in what:  # a line that is left out of the model stays as it was written
        text = text.replace("elu", "tanh")
    found = built(text, demanding(BUILTIN))
    assert found.train is None or set(found.train.origin.values()) == {"spec"}


def built(text: str, registry: Registry) -> Experiment:
    source = Source("test.dl", text)
    spec, mistakes = parse(source)
    return build(spec, registry, None, found=mistakes, folder=Path(), run_plugins=False)
