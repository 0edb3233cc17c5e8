"""What is affine in the trained parameters, and which terms are convex and smooth in them."""

import pytest
from programs import experiment

from deltaplan.compiler import convex
from deltaplan.compiler.convex import convex_penalty, first_not_affine, smooth
from deltaplan.compiler.lower import lower
from deltaplan.compiler.nodes import Loss, Penalty
from deltaplan.compiler.steps import PRIMITIVES, Step
from deltaplan.compiler.trained import frozen


def bent(*model, more="", **options):
    spec = experiment(*model, more=more, **options)
    step = first_not_affine(lower(spec.graph, "train", frozen(spec)))
    return step and step.origin


MODELS = {
    "one map": (("input 2", "output 1"), "", None),
    "a frozen body": (("input 2", "dense 4 tanh freeze", "output 1"), "", None),
    "the output alone": (("input 2", "dense 4 tanh", "output 1"), "only output", None),
    "two maps": (("input 2", "dense 4", "output 1"), "", "output"),
    "an activation": (("input 2", "dense 4 tanh", "output 1"), "only dense1", "dense1.tanh"),
    "a map before a frozen one": (("input 2", "dense 4", "output 1"), "only dense1", None),
    "a kink": (("input 2", "dense 4 relu", "output 1"), "only dense1", "dense1.relu"),
    "biases of two maps": (("input 2", "dense 4", "output 1"), "only biases", None),
    "a factor": (("input 2", "dense 4 0.5*identity", "output 1"), "only dense1", None),
    "two branches": (
        ("input 2", "a = dense 3", "b = dense 2 from input", "concat from a, b", "output 1"),
        "only a, b",
        None,
    ),
    "a sum of branches": (
        ("input 2", "a = dense 3 tanh", "b = dense 3 from input", "add from a, b", "output 1"),
        "only b",
        None,
    ),
    "a skip": (("input 2", "dense 2 residual", "output 1"), "only dense1", None),
}


@pytest.mark.parametrize("case", MODELS)
def test_which_models_are_affine(case):
    model, more, expected = MODELS[case]
    assert bent(*model, more=more, inputs=2) == expected


def test_every_rule_is_of_a_primitive():
    """What has no rule counts as not affine."""
    assert set(convex.RULES) <= set(PRIMITIVES)
    assert convex._other(Step(inputs=(), outputs=()), [1]) == convex.OTHER


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        ("squared_error", True),
        ("absolute_error", False),
        ("huber", False),
        ("logistic", True),
        ("hinge", False),
    ],
)
def test_which_losses_are_smooth(term, expected):
    (loss,) = experiment("input 1", "output 1", minimize=f"mean({term})").graph.of(Loss)
    assert smooth(loss.expression) == expected


def test_cross_entropy_is_smooth():
    (loss,) = experiment("input 1", "output 3", minimize="mean(cross_entropy)").graph.of(Loss)
    assert smooth(loss.expression)


@pytest.mark.parametrize(
    ("term", "expected"),
    [("l2(0.1)", (True, True)), ("l1(0.1)", (False, None)), ("elastic(0, 0.1)", (True, True))],
)
def test_which_regularizers_are_convex_and_smooth(term, expected):
    (penalty,) = experiment("input 1", "output 1", minimize=f"mean(huber) + {term}").graph.of(Penalty)
    assert smooth(penalty.expression) == expected[0]
    assert expected[1] is None or convex_penalty(penalty) == expected[1]
