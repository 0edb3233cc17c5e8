"""Specs made at random of the registry's words: each line is one that the grammar has, and the whole is often
one that can be built; and specs in which a few words and signs were exchanged."""

import re
from collections.abc import Sequence
from pathlib import Path
from random import Random

from mutations import mutated

from deltaplan.plugins.contracts import Attribute, Layer
from deltaplan.plugins.loader import builtin_registry

TESTS = Path(__file__).parent
BUILT_IN = builtin_registry().entries
LAYERS = [x for x in BUILT_IN["layer"].values() if isinstance(x, Layer) and x.name != "softmax"]
OF_PLACES = {"conv", "max_pool", "avg_pool", "global_avg_pool", "upsample"}
OF_VECTORS = {"dense", "sparse"}
OWN = ["leaky_relu(0.2)", "0.5*tanh", "act", "bent", "(-2)*elu(0.3)", "2*act", "bent(rate)"]
ACTIVATIONS = [*BUILT_IN["activation"], *OWN]
VALUES = {
    "size": ["1", "2", "3", "5", "width", "(width - 1)", "(2*2)"],
    "number": ["0.1", "20%", "1e-3", "1", "rate", "(1/3)"],
    "whole": ["1", "2", "3", "7"],
    "boolean": ["true", "false", "skips"],
    "sides": ["1", "2", "3", "2x2", "3x1"],
    "text": ['"a.csv"', '""'],
    "word": ["same"],
}
SKIPS = ["residual", "residual=skips", "residual=project", "residual=pad"]
STARTS = ["init=he", "init=normal(0.1)", "init=zeros", "init=uniform(-1, 2*3)"]
OTHER_LINES = ["unit 3, tanh", "unit n=width f=act", "activation elu", "apply softmax", "apply bent(2)"]
BRACES = ["residual", "residual project", "residual pad relu", "repeat 2"]
INPUTS = {True: ["input 8x8x3", "input 6x6", "input 9x2"], False: ["input 3", "input width", "input 6"]}
HEAD = """
param width = 4
param rate = 0.1
param skips = true
param act = relu
activation bent(u; a = 1.0) = u + sin(a*u)^2 / a
block unit(n, f) { dense n f; dense n }
""".strip()
LOSSES = ["squared_error", "huber(2)", "absolute_error", "logistic", "hinge", "cross_entropy"]
PENALTIES = ["l2(1e-4)", "l1(rate, on=weights)", "2*elastic(0.1, l2=0.2)", "l2(1, on=biases)", "spectral(1)"]
RATES = ["0.1", "rate", "cosine(0.1)", "step(1.0, at=[2, 4])", "warmup(0.1, over=3)", "inv(0.1, 1)"]
OPTIMIZERS = [
    "sgd(lr={}, momentum=0.9)",
    "sgd({}, nesterov, momentum=0.5)",
    "adam({})",
    "rmsprop({})",
    "lbfgs",
]
SETTINGS = ["batch 8", "seed 3", "clip norm=1", "precision float64", "keep last", "only weights"]
SIGNS = [*"0{}()^[]x,;#=-\n", '"', "1e9", "true", " from ", "..", "=="]
PIECE = re.compile(r"\w+|\s+|.", re.DOTALL)


def some(random: Random, choices: Sequence[str], chance: float) -> list[str]:
    """One of the choices, or none."""
    return [random.choice(choices)] if random.random() < chance else []


def value(random: Random, attribute: Attribute) -> str:
    text = random.choice(VALUES[attribute.type])
    if attribute.choices:
        text = random.choice([*attribute.choices, text])
    if attribute.positional and attribute.type == "size":
        text += random.choice(["", "", "", " x 2, 3", ", 4"])
    return text if attribute.positional else f"{attribute.name}={text}"


def layer_line(random: Random, layer: Layer) -> str:
    """The layer with what it needs, and a little of what it may have."""
    given = [a for a in layer.attributes if a.required or random.random() < 0.2]
    words = [layer.name, *(value(random, attribute) for attribute in given)]
    words += some(random, ACTIVATIONS, 0.5 * layer.trained)
    words += some(random, SKIPS, 0.2 * layer.affine)
    words += some(random, STARTS, 0.1 * layer.affine)
    words += some(random, ["bias=false"], 0.1 * layer.biased)
    words += some(random, ["freeze", "freeze=skips"], 0.05 * layer.trained)
    return " ".join(words)


def model_lines(random: Random, places: bool, depth: int = 0) -> list[str]:
    """Lines of a model on places or vectors, some with a name, some in braces."""
    strange = OF_VECTORS if places else OF_PLACES
    kinds = [layer for layer in LAYERS if layer.name not in strange or random.random() < 0.02]
    lines: list[str] = []
    for number in range(random.randrange(1, 5 - depth)):
        kind, name = random.random(), f"n{depth}_{number}"
        if kind < 0.75 or depth == 2:
            line = layer_line(random, random.choice(kinds))
        elif kind < 0.85:
            line = random.choice(OTHER_LINES)
        elif kind < 0.9:
            lines.append(f"{name}b = identity")
            line = f"{random.choice(['add', 'concat', 'mul', 'sub'])} from {name}b, {name}b"
        else:
            line = f"{random.choice(BRACES)} {{ {'; '.join(model_lines(random, places, depth + 1))} }}"
        named = not line.startswith(("activation", "repeat")) and random.random() < 0.3
        lines.append(f"{name} = {line}" if named else line)
    return lines


def problem_lines(random: Random, outputs: int) -> list[str]:
    loss = random.choice(LOSSES if outputs > 1 else LOSSES[:-1])
    terms = [f"{random.choice(['mean', 'sum'])}({loss})", *some(random, PENALTIES, 0.5)]
    optimizer = random.choice(OPTIMIZERS).format(random.choice(RATES))
    settings = [line for line in SETTINGS if random.random() < 0.2]
    length = random.choice(["epochs 3", "steps 9"])
    return [f"minimize {' + '.join(terms)}", f"optimizer {optimizer}", length, *settings]


def made(random: Random) -> str:
    """A spec by the grammar."""
    places, outputs = random.random() < 0.4, random.choice([1, 3])
    lines = [random.choice(INPUTS[places]), *model_lines(random, places)]
    lines += [*some(random, ["flatten"], 0.9 * places), f"output {outputs}"]
    problem = ["train {", *problem_lines(random, outputs), "}"] if random.random() < 0.8 else []
    return "\n".join([HEAD, "model m {", *lines, "}", *problem]) + "\n"


def written() -> list[str]:
    """The specs of the repository that run no code and were not made to be long."""
    paths = [*sorted((TESTS.parent / "specs").rglob("*.dl")), *sorted(TESTS.rglob("*.dl"))]
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in paths]
    code = re.compile(r"\b(use|import)\b")
    return [text for text in texts if len(text) < 3000 and not code.search(text)]


WRITTEN = [PIECE.findall(text) for text in written()]
WORDS = [piece for pieces in WRITTEN for piece in pieces if piece[0].isalnum()]


def changed(random: Random) -> str:
    """A spec, made or written, with a few words and signs left out, doubled, exchanged or replaced."""
    pieces = random.choice(WRITTEN) if random.random() < 0.6 else PIECE.findall(made(random))
    return mutated(pieces, random, replace, ways=4)


def replace(pieces: list[str], at: int, random: Random, way: int) -> None:
    """A piece by a sign, or a word by another one."""
    if way == 0:
        pieces[at] = random.choice(SIGNS)
        return
    words = [number for number, piece in enumerate(pieces) if piece[:1].isalnum()]
    pieces[random.choice(words or [at])] = random.choice(WORDS)
