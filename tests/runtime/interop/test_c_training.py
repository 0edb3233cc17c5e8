"""Steps of training in C: from the same state, those of the numpy backend."""

from functools import partial

import pytest
from c_files import needs_compiler
from c_training import Shelf, pair

pytestmark = needs_compiler

NET = ("input 3", "dense 4 tanh", "dense 4 silu residual", "output 2")
OPTIMIZERS = [
    "sgd(lr=0.05)",
    "sgd(lr=0.05, momentum=0.9, nesterov=true)",
    "adam(lr=0.02)",
    "adamw(lr=0.02, weight_decay=0.1)",
    "rmsprop(lr=0.01)",
    "adagrad(lr=0.05)",
    "adam(lr=step(0.05, at=4, factor=0.1))",
    "sgd(lr=cosine(0.1))",
]
PROBLEMS = [
    {"minimize": "sum(huber) + l1(0.01)"},
    {"minimize": "mean(absolute_error) + elastic(0.01, 0.5)"},
    {"minimize": "mean(squared_error) + l2(0.1)", "more": "clip norm=0.01"},
    {"minimize": "mean(squared_error)", "more": "only output"},
    {"minimize": "mean(squared_error) + l2(0.1)", "more": "lr_scale 0.1 on=dense1; clip norm=0.1"},
]
LOSSES = [
    ("cross_entropy", "class", 3, 1),
    ("logistic", "binary", 1, 1),
    ("logistic", "binary", 2, 2),
    ("hinge", "sign", 1, 1),
    ("squared_error", "real", 2, 2),
]
DRAWN = ("input 3", "noise 0.3", "dense 9 tanh", "dropout 40%", "dense 5 elu", "dropout 0.2", "output 2")
KINDS = ("sigmoid", "relu", "leaky_relu(0.1)", "elu", "softplus", "silu", "gelu", "mish", "0.5*tanh")


def losses():
    """A model for each loss."""
    for loss, kind, outputs, targets in LOSSES:
        options = {"minimize": f"mean({loss})", "kind": kind, "targets": targets}
        for precision in ("float64", "float32"):
            model = ("input 3", "dense 4 tanh", f"output {outputs}")
            make = partial(pair, *model, precision=precision, **options)
            yield f"{loss} of {outputs} {kind} {precision}", make


MAKERS = {
    **{optimizer: partial(pair, *NET, optimizer=optimizer) for optimizer in OPTIMIZERS},
    **{
        f"{' '.join(problem.values())} batch {batch}": partial(pair, *NET, batch=batch, **problem)
        for problem in PROBLEMS
        for batch in ("full", 6)
    },
    **dict(losses()),
    "dropout and noise float64": partial(pair, *DRAWN),
    "dropout and noise float32": partial(pair, *DRAWN, precision="float32"),
    "activations": partial(pair, "input 3", *(f"dense 4 {kind}" for kind in KINDS), "output 2"),
}


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    return Shelf(MAKERS, tmp_path_factory.mktemp("c"))


@pytest.mark.parametrize("key", MAKERS)
def test_ten_steps_of_optimizers_problems_losses_and_activations(key, shelf):
    shelf[key].steps(10)
