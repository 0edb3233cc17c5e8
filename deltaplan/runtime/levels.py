"""The lower levels of a training as text: loop nests, and the LLVM module that is made of them."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.loops.listing import programs_text
from deltaplan.compiler.loops.llvm.run import write_run
from deltaplan.compiler.loops.llvm.train import write_training
from deltaplan.compiler.loops.parallel import Parallel
from deltaplan.compiler.loops.places import external_of
from deltaplan.compiler.loops.program import Program, program
from deltaplan.compiler.loops.schedule.axes import Axes, Machine
from deltaplan.compiler.loops.training import Training, training
from deltaplan.compiler.plan import compile_plans
from deltaplan.runtime.choice import choose
from deltaplan.runtime.requirements import require

if TYPE_CHECKING:
    from deltaplan.runtime.backends.native.target import Target

SAMPLES = 32  # where neither the data nor the spec tell how many a step has
KINDS = {"float32": "float", "float64": "double"}
Titled = tuple[str, Program]


def loops_text(
    experiment: Experiment,
    samples: int | None,
    target: str | None = None,
    *,
    full: bool = False,
    buffers: bool = False,
) -> str:
    """The calls and kernels of a training step and of the update, for `samples` samples of training.

    `target` is a key of the native backend's `NAMED`, the processor at hand if None. `full` tells every call,
    and the programs of a smaller last step and of norms; `buffers` adds where tensors lie. SpecError for a
    spec without a problem.
    """

    def text(made: Training | Program, processor: "Target") -> str:
        assert experiment.train is not None
        precision = experiment.train.precision
        lanes = processor.schedule(np.dtype(precision).itemsize).lanes
        title = f"{experiment.name}: training in {precision}, vectors of {lanes} numbers"
        found = dict(_programs(made)) if full else dict(_main_programs(made))
        return programs_text(title, found, full=full, buffers=buffers)

    return _made(experiment, samples, target, text)


def llvm_text(experiment: Experiment, samples: int | None, target: str | None = None) -> str:
    """The LLVM module of the whole training loop; with a solver, of the objective and its gradient."""

    def text(made: Training | Program, processor: "Target") -> str:
        assert experiment.train is not None
        if isinstance(made, Training):
            return write_training(made, processor.width)
        return write_run(made, KINDS[experiment.train.precision], processor.width)

    return _made(experiment, samples, target, text)


def _main_programs(made: Training | Program) -> Iterator[Titled]:
    """The step of a whole batch and the update."""
    if isinstance(made, Program):
        yield _objective(made)
        return
    yield from list(_steps(made))[:1]
    yield from list(_updates(made))[:1]


def _programs(made: Training | Program) -> Iterator[Titled]:
    if isinstance(made, Program):
        yield _objective(made)
        return
    yield from _steps(made)
    yield "norm of the gradient", made.norm
    if made.clip_norm:
        yield "norm of what is trained", made.clip_norm
    if made.parallel:
        yield from _joins(made.parallel)
    yield from _updates(made)


def _objective(made: Program) -> Titled:
    return f"objective and gradient on {made.axes.batch:,} samples", made


def _steps(made: Training) -> Iterator[Titled]:
    shared = made.parallel
    for count, step in (shared.passes if shared else made.steps).items():
        yield f"{'chunk of' if shared else 'step on'} {count:,} samples", step


def _updates(made: Training) -> Iterator[Titled]:
    parts = made.parallel.updates if made.parallel else (made.update,)
    for number, part in enumerate(parts):
        yield "update" if len(parts) == 1 else f"update, part {number + 1} of {len(parts)}", part


def _joins(shared: Parallel) -> Iterator[Titled]:
    """What comes before the chunks of a step, and what puts them together."""
    if shared.before:
        yield "before the chunks", shared.before
    yield "sums of the chunks", shared.total
    yield "after the chunks", shared.after
    for number, part in enumerate(shared.combine):
        yield f"gradient of the chunks, part {number + 1} of {len(shared.combine)}", part


def _made(
    experiment: Experiment,
    samples: int | None,
    target: str | None,
    text: "Callable[[Training | Program, Target], str]",
) -> str:
    """The text of what a training consists of. SpecError where it has no machine code."""
    require(experiment, "train", "minimize")
    assert experiment.train is not None
    itemsize = np.dtype(experiment.train.precision).itemsize

    def native() -> str:
        from deltaplan.runtime.backends.native.target import host, named

        processor = named(target) if target else host()
        return text(_parts(experiment, samples, processor.schedule(itemsize)), processor)

    return choose("native", native, str)[0]


def _parts(experiment: Experiment, samples: int | None, machine: Machine) -> Training | Program:
    """The training loop; with a solver, which has none, the program of objective and gradient."""
    spec, plans = experiment.train, compile_plans(experiment)
    assert spec is not None
    assert plans.train is not None
    count = samples or spec.batch or SAMPLES
    if plans.update is None:
        return program(
            plans.train.steps, external_of(plans.train), plans.train.kept, Axes(count, machine), {}
        )
    return training(plans.train, None, plans.update, KINDS[spec.precision], machine, count, spec.batch)
