"""Plain loops over one sample: their kernels are sound, and several passes give what one batch gives."""

from pathlib import Path

import pytest

import deltaplan
from deltaplan.compiler.loops.c.leaves import leaves_of
from deltaplan.compiler.loops.calls import Spot
from deltaplan.compiler.loops.nest import Lookup, Within, statements
from deltaplan.compiler.loops.passes import passes_of
from deltaplan.compiler.loops.plain import plain_program
from deltaplan.compiler.loops.text import kernel_text
from deltaplan.compiler.loops.verify.results import check
from deltaplan.compiler.plan import predict_plan, training_plans

LAYERS = sorted((Path(__file__).parents[2] / "reference" / "layers").glob("*.dl"))
SPARSE = "model net {\n    input 9\n    sparse 7 density=40% tanh\n    output 2\n}\n"
TRAIN = "train { minimize mean(squared_error); optimizer adam; steps 1 }\n"


def programs(spec):
    """Those of prediction, and of each pass of training."""
    plan = predict_plan(spec.graph)
    yield plain_program(plan.steps, leaves_of(plan), plan.kept, {})
    train, _ = training_plans(spec)
    leaves, made = leaves_of(train), {}
    passes = passes_of(train.steps, [], [train.trace.objective])
    known = leaves | {t: Spot("common", 0) for t in passes.common}
    known |= {t: Spot("sums", 0) for t in passes.sums if t not in leaves}
    for steps in (*passes.between, *passes.samples):
        yield plain_program(steps, known, [*known, train.trace.objective], made)


def specs():
    return [deltaplan.load(path) for path in LAYERS] + [deltaplan.loads(SPARSE + TRAIN)]


def test_every_access_of_every_layer_is_within_its_memory():
    seen = set()
    for spec in specs():
        for program in programs(spec):
            for kernel in program.kernels:
                faults = [f for f in check(kernel).faults if "is not written whole" not in f]  # but added to
                assert not faults, f"{faults}\n{kernel_text(kernel)}"
                seen |= {type(s) for s in statements(kernel.body)}
    assert {Within, Lookup} <= seen


def test_without_sums_that_samples_need_there_is_one_pass():
    spec = deltaplan.load(next(path for path in LAYERS if path.stem == "conv"))
    plan, _ = training_plans(spec)
    passes = passes_of(plan.steps, [], [plan.trace.objective])
    assert (len(passes.samples), len(passes.between)) == (1, 2)


@pytest.mark.parametrize(("stem", "norms"), [("batch_norm_of_vectors", 1), ("batch_norm", 2)])
def test_each_batch_norm_takes_four_passes_more(stem, norms):
    """Mean, variance, and two for their part in the gradient."""
    spec = deltaplan.load(next(path for path in LAYERS if path.stem == stem))
    plan, _ = training_plans(spec)
    assert len(passes_of(plan.steps, [], [plan.trace.objective]).samples) == 4 * norms + 1


def test_a_test_for_the_border_stands_only_where_there_is_one():
    """A 3x3 window on 5x5 numbers: with padding of one it needs two tests, without padding none."""
    texts = []
    for padding in ("padding=same", ""):
        spec = deltaplan.loads(
            f"model net {{\n    input 5x5x1\n    conv 2 kernel=3 {padding}\n    flatten\n    output 1\n}}\n"
        )
        plan = predict_plan(spec.graph)
        program = plain_program(plan.steps, leaves_of(plan), plan.kept, {})
        texts.append(kernel_text(program.calls[0].kernel))
    assert texts[0].count(" within 0..5") == 2
    assert " within " not in texts[1]
