"""Every schedule gives kernels and programs that the verifier finds sound."""

from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nests import AVX2, AVX512, models, program_of
from programs import LEAVES, step_lists

import deltaplan
from deltaplan.compiler.loops.calls import Spot
from deltaplan.compiler.loops.ensemble import ensemble
from deltaplan.compiler.loops.program import program
from deltaplan.compiler.loops.schedule.axes import Axes
from deltaplan.compiler.loops.training import training
from deltaplan.compiler.loops.verify import verify
from deltaplan.compiler.plan import compile_plans
from deltaplan.compiler.steps import Map, Tensor, View
from deltaplan.plugins.expressions import argument

SPECS = Path(__file__).parents[3] / "specs"
PRIMES = [n for n in range(41, 258) if all(n % k for k in range(2, 17))]
SIZES = [*range(1, 41), *PRIMES]
FEW = [1, 3, 8, 17, 40, 257]
MACHINES = [*AVX512.values(), *AVX2.values()]
KINDS = {8: "double", 16: "float", 4: "double"}


def plans_of(path):
    found = compile_plans(deltaplan.load(path))
    return found, [plan for plan in (found.train, found.evaluate, found.predict) if plan]


def check(plan, sizes, machine, fused=True, nets=0):
    for batch in sizes:
        verify(program_of(plan, batch, machine, nets=nets, fused=fused), [t.name for t in plan.kept])


def test_primes():
    assert PRIMES[:3] == [41, 43, 47]
    assert PRIMES[-1] == 257


def specs_in(folder):
    return sorted(chain(folder.glob("*.dl"), folder.glob("lecture/*.dl")))


LARGE = {"autoencoder", "digits_cnn", "digits_resnet", "unet"}


def each_spec():
    """The specs, those of large nets among the exhaustive tests. The lecture's nets differ in depth: one
    of them stands for all."""
    chosen = [path for path in specs_in(SPECS) if path.parent == SPECS or path.stem == "5x5"]
    given = [
        pytest.param(path, number, id=path.stem, marks=pytest.mark.long if path.stem in LARGE else ())
        for number, path in enumerate(chosen)
    ]
    return pytest.mark.parametrize(("path", "number"), given)


@each_spec()
def test_programs_of_the_specs(path, number):
    _, plans = plans_of(path)
    for plan in plans:
        for place, machine in enumerate(MACHINES):
            check(plan, FEW[place::4], machine, fused=True)
            check(plan, FEW[3 - place :: 4], machine, fused=False)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(LARGE))
def test_a_program_of_large_nets(name):
    _, (plan, *_) = plans_of(SPECS / f"{name}.dl")
    check(plan, [3], MACHINES[0])


def test_programs_of_every_size(specs):
    found, _ = plans_of(specs / "lecture" / "3x5.dl")
    for number, size in enumerate(SIZES):
        check(found.train, [size], MACHINES[number % len(MACHINES)], fused=number % 3 > 0)


@pytest.mark.long
@pytest.mark.parametrize("path", specs_in(SPECS), ids=lambda path: path.stem)
def test_programs_of_all_specs_in_every_size(path):
    """Each size on one of the machines, fused on another than not."""
    _, plans = plans_of(path)
    for plan in plans:
        for number, machine in enumerate(MACHINES):
            check(plan, SIZES[number::4], machine, fused=True)
            check(plan, SIZES[3 - number :: 4], machine, fused=False)


@each_spec()
def test_training_loops_of_the_specs(path, number):
    found, _ = plans_of(path)
    for machine in MACHINES[number % 2 :: 2]:
        made = training(
            found.train, found.evaluate, found.update, KINDS[machine.lanes], machine, 100, 24, 300
        )
        for each in made.programs:
            verify(each, given=["g"])


@each_spec()
def test_ensembles_of_the_specs(path, number):
    found, _ = plans_of(path)
    for machine, batch in list(zip(MACHINES, (None, 24, 24, None), strict=True))[number % 2 :: 2]:
        made = ensemble(
            found.train, found.evaluate, found.update, KINDS[machine.lanes], machine, 50, batch, 70
        )
        assert made or path.stem in LARGE  # too large a step for lanes
        for each in made.programs if made else ():
            verify(each, given=["g"])


@settings(max_examples=15)
@given(models(), st.sampled_from(SIZES), st.sampled_from(MACHINES), st.booleans(), st.sampled_from([0, 0, 5]))
def test_programs_of_random_models(text, batch, machine, fused, nets):
    found = compile_plans(deltaplan.loads(text))
    for plan in (found.train, found.evaluate, found.predict):
        check(plan, [batch], machine, fused, nets)


@given(step_lists(smooth=False), st.sampled_from(FEW), st.sampled_from(MACHINES), st.booleans())
def test_programs_of_random_steps(steps, batch, machine, fused):
    outside = {tensor: Spot(f"in {tensor}", 0) for tensor in LEAVES}
    read = {t for step in steps for t in step.inputs}
    ends = [t for s in steps for t in s.outputs if t not in read and not isinstance(s, View)]
    made = program(steps, outside, ends, Axes(batch, machine), {}, fused=fused, reuse=fused)
    verify(made, [t.name for t in ends])


def test_a_number_that_a_pass_over_a_vector_reads_is_known_after_it():
    """s is read in the loop over v and, by itself, behind it: the verifier found it lost."""
    s, v = Tensor("s", ()), Tensor("v", (9,))
    product, square = Tensor("p", (9,)), Tensor("q", ())
    x0, x1 = argument("x0"), argument("x1")
    steps = [
        Map(inputs=(s, v), outputs=(product,), expressions=(x0 * x1,)),
        Map(inputs=(s,), outputs=(square,), expressions=(x0 * x0,)),
    ]
    outside = {s: Spot("in s", 0), v: Spot("in v", 0)}
    made = program(steps, outside, (product, square), Axes(4, MACHINES[0]), {})
    assert len(made.calls) == 1
    verify(made, ["p", "q"])
