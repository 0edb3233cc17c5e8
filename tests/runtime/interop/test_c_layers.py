"""Every layer as C: predictions and steps of training are those of Python."""

import re
from math import prod
from pathlib import Path

import pytest
from c_files import needs_compiler
from c_training import pair, shelves_of

import deltaplan

pytestmark = [needs_compiler, pytest.mark.slow]

LAYERS = Path(__file__).parents[2] / "reference" / "layers"
SQUARED = "mean(squared_error) + l2(0.1)"
MODELS = {
    "windows over sequences": (
        "input 17x3",
        "conv 6 kernel=4 stride=2 padding=causal dilation=2 tanh",
        "conv 6 kernel=3 groups=6 padding=2",
        "max_pool 3 stride=1 padding=same",
        "avg_pool 2 stride=1",
        "conv 5 kernel=1 padding=1 relu",
        "upsample 2",
        "layer_norm",
        "flatten",
        "output 3",
    ),
    "pools that overlap": (
        "input 6x7x2",
        "max_pool 3 stride=2 padding=same",
        "avg_pool 2 stride=1",
        "upsample 2x3",
        "conv 4 kernel=2 groups=2 tanh",
        "max_pool 2",
        "global_avg_pool",
        "output 2",
    ),
    "sparse": ("input 30", "sparse 20 density=20% tanh", "sparse 10 density=15% relu", "output 3"),
    "sparse on sparse": ("input 9", "sparse 7 density=30%", "sparse 7 density=30% tanh residual", "output 2"),
    "two normalizations of batches": (
        "input 4x4x2",
        "conv 3 kernel=3 padding=same bias=false",
        "batch_norm relu",
        "dropout 20%",
        "flatten",
        "dense 5",
        "batch_norm tanh",
        "output 2",
    ),
    "pictures that are augmented": ("input 4x5x2", "conv 3 kernel=3 relu", "flatten", "output 1"),
    "a frozen normalization": ("input 4", "dense 5", "batch_norm freeze=true", "apply tanh", "output 2"),
}


def numbers(line):
    """How many numbers `input 4x4x2` takes."""
    return prod(map(int, re.findall(r"\d+", line.split()[1])))


def model_of(path):
    """The lines of a model in a file."""
    inside = path.read_text(encoding="utf-8").split("model net {")[1].split("\n}")[0]
    return tuple(line.strip() for line in inside.splitlines() if line.strip())


def outputs_of(model):
    """How many numbers a model gives."""

    lines = "\n".join(f"    {line}" for line in model)
    spec = deltaplan.loads(f"model net {{\n{lines}\n}}\n")
    return prod(next(spec.graph.shapes[node.name] for node in spec.graph.outputs))


AUGMENTED = {"pictures that are augmented": ["augment flip, shift(1), noise(0.1)"]}


def maker(name, model, precision):
    return lambda: pair(
        *model,
        inputs=numbers(model[0]),
        targets=outputs_of(model),
        minimize=SQUARED,
        precision=precision,
        batch=10,
        data=AUGMENTED.get(name, ()),
    )


SINGLE = ("windows over sequences", "pools that overlap", "sparse", "batch_norm_of_vectors", "layer_norm")
EVERY = MODELS | {path.stem: model_of(path) for path in sorted(LAYERS.glob("*.dl"))}
MAKERS = {
    f"{name}, {precision}": maker(name, model, precision)
    for name, model in EVERY.items()
    for precision in ("float64", "float32")
}


USUAL = [key for key in MAKERS if key.endswith("float64") or key.startswith(SINGLE)]
REST = [key for key in MAKERS if key not in USUAL]


@pytest.fixture(scope="module")
def shelves(tmp_path_factory):
    return shelves_of(MAKERS, (USUAL, REST), tmp_path_factory)


@pytest.mark.parametrize("key", [*USUAL, *(pytest.param(key, marks=pytest.mark.long) for key in REST)])
def test_every_layer(key, shelves):
    found = shelves[key]
    found.predictions()
    found.steps(10)
