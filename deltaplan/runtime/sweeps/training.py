"""Trials, carried out: those that differ in numbers alone are trained together, as lanes of vectors."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np

from deltaplan.compiler.experiment import Experiment, TrainSpec
from deltaplan.compiler.loops.schedule import NoScheduleError
from deltaplan.compiler.nodes import Input, Loss
from deltaplan.compiler.parameters import place_parameters
from deltaplan.compiler.sweeps import SEED
from deltaplan.diagnostics import DeltaplanError, Diagnostic, in_order
from deltaplan.runtime.backends.numpy.expressions import Array
from deltaplan.runtime.data.dataset import Dataset
from deltaplan.runtime.outcome import Backend, Outcome
from deltaplan.runtime.run import Run, run_of
from deltaplan.runtime.seeds import TOGETHER
from deltaplan.runtime.sweeps.rows import Row
from deltaplan.runtime.sweeps.scores import Scorer
from deltaplan.runtime.sweeps.trials import Trial
from deltaplan.runtime.train import train

Found = tuple[Row, Callable[[], Run] | None]  # a row, and the run of a trial that was trained
DIVERGED = "the objective or its gradient is NaN or infinite"  # of lanes, which do not say where
Load = Callable[[Mapping[str, Any]], Experiment]


@dataclass(frozen=True, slots=True)
class Bench:
    """What trials are made with: `load` gives the spec with values, `read` the data of a spec. On `threads`,
    chosen if None."""

    load: Load
    read: Callable[[Experiment], Dataset]
    backend: Backend | None = None
    threads: int | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """The trials of one setting, and its spec, compiled once."""

    experiment: Experiment
    trials: tuple[Trial, ...]


@dataclass(slots=True)
class Family:
    """Settings that may be one program: they have the same data, layers and kind of solver."""

    members: list[Member]
    dataset: Dataset


def results(bench: Bench, trials: Sequence[Trial]) -> Iterator[list[Found]]:
    """A row for each trial, those that are known at once together. A mistake of one trial is its row."""
    members: list[Member] = []
    for group in _by_setting(trials):
        try:
            members.append(Member(bench.load(group[0].setting), group))
        except DeltaplanError as error:
            yield _refused(group, error)
    for family in _families(bench, members):
        if isinstance(family, Family):
            yield from _trained(bench, family)
        else:
            yield _refused(*family)


def _by_setting(trials: Sequence[Trial]) -> list[tuple[Trial, ...]]:
    groups: dict[tuple[tuple[str, str], ...], list[Trial]] = {}
    for trial in trials:
        groups.setdefault(Trial(0, trial.setting).key, []).append(trial)
    return [tuple(group) for group in groups.values()]


def _refused(trials: Sequence[Trial], error: DeltaplanError) -> list[Found]:
    reason = told(*error.diagnostics)
    return [(Row(trial, "refused", reason), None) for trial in trials]


def told(*diagnostics: Diagnostic) -> str:
    """The first mistake in one line."""
    first = next(iter(in_order(d for d in diagnostics if d.severity == "error")))
    where = f"{first.span}: " if first.span else ""
    return f"{where}{first.message} [{first.code}]"


def _families(
    bench: Bench, members: Sequence[Member]
) -> Iterator["Family | tuple[Sequence[Trial], DeltaplanError]"]:
    """Settings that can share their data, with the data; those whose data are wrong, with the mistake."""
    found: list[Family] = []
    for member in members:
        alike = [family for family in found if shares_data(family.members[0].experiment, member.experiment)]
        try:
            dataset = alike[0].dataset if alike else bench.read(member.experiment)
        except DeltaplanError as error:
            yield member.trials, error
            continue
        own = next((f for f in alike if _may_be_one(f.members[0].experiment, member.experiment)), None)
        if own:
            own.members.append(member)
        else:
            found.append(Family([member], dataset))
    yield from found


def shares_data(first: Experiment, second: Experiment) -> bool:
    """Whether the data of one spec are those of the other: scaling, targets and precision too."""
    return all(
        of(first) == of(second)
        for of in (
            lambda e: e.data,
            lambda e: e.measured,
            lambda e: _settings(e).precision,
            lambda e: [(node, e.graph.shapes[node.name]) for node in (*e.graph.of(Input), *e.graph.outputs)],
            lambda e: [(loss.use.contract, loss.weights) for loss in e.graph.of(Loss)],
        )
    )


def _may_be_one(first: Experiment, second: Experiment) -> bool:
    shapes = [[p.tensor.shape for p in place_parameters(e.graph)] for e in (first, second)]
    return shapes[0] == shapes[1] and len([*first.graph]) == len([*second.graph])


def _settings(experiment: Experiment) -> TrainSpec:
    assert experiment.train is not None, "what is swept is trained"
    return experiment.train


def _trained(bench: Bench, family: Family) -> Iterator[list[Found]]:
    """All of a family as one program where that can be, else each setting, else each trial."""
    whole = _together(bench, family)
    if whole is not None:
        yield from whole
        return
    for part in (Family([member], family.dataset) for member in family.members):
        together = _together(bench, part) if len(family.members) > 1 else None
        yield from _one_by_one(bench, part) if together is None else together


def _together(bench: Bench, family: Family) -> Iterator[list[Found]] | None:
    """As lanes; None where that cannot be or would not be faster."""
    members = [(trial, _with_seed(m.experiment, trial)) for m in family.members for trial in m.trials]
    size = sum(p.size for p in place_parameters(members[0][1].graph))
    if len(members) < 2 or size > TOGETHER or bench.backend == "numpy":
        return None
    begin = perf_counter()
    ready = _ready([m.experiment for m in family.members], family.dataset)
    if ready is None:
        return None
    copies = [len(m.trials) for m in family.members]
    ready = replace(ready, numbers=np.repeat(ready.numbers, copies, axis=1))
    return _lanes(bench, family, ready, members, begin)


def _ready(experiments: Sequence[Experiment], dataset: Dataset) -> Any:
    """The program of all, with what they monitor where lanes can follow it; None where there is none."""
    try:
        from deltaplan.runtime.ensemble import prepared_variants
    except ImportError:
        return None
    for chosen in (experiments, [_unwatched(each) for each in experiments]):
        try:
            return prepared_variants(chosen, dataset)
        except NoScheduleError:
            continue
    return None


def _lanes(
    bench: Bench, family: Family, ready: Any, members: Sequence[tuple[Trial, Experiment]], begin: float
) -> Iterator[list[Found]]:
    """As many at once as there are lanes and threads, so that rows come early."""
    from deltaplan.runtime.ensemble import train_together
    from deltaplan.runtime.threads import cores

    count = ready.parts.nets * (bench.threads or cores())
    scorers = Scorers(family.dataset)
    for at in range(0, len(members), count):
        chosen = members[at : at + count]
        part = replace(ready, numbers=ready.numbers[:, at : at + count])
        nets = train_together(part, [e for _, e in chosen], bench.threads)
        scored = [
            {} if nets.ended[number] == "diverged" else scorers(e, nets.theta[number])
            for number, (_, e) in enumerate(chosen)
        ]
        seconds = (perf_counter() - begin) / len(chosen)
        batch: list[Found] = []
        for number, (trial, experiment) in enumerate(chosen):
            reached, outcome = int(nets.steps[number]), partial(nets.outcome, number)
            reason = DIVERGED if nets.ended[number] == "diverged" else ""
            row = _row(trial, experiment, nets.ended[number], reason, reached, seconds, scored[number])
            batch.append((row, partial(_run, experiment, family.dataset, outcome)))
        yield batch
        begin = perf_counter()


def _run(experiment: Experiment, dataset: Dataset, outcome: Callable[[], Outcome]) -> Run:
    return run_of(experiment, dataset, outcome())


def _one_by_one(bench: Bench, family: Family) -> Iterator[list[Found]]:
    scorers = Scorers(family.dataset)
    for member in family.members:
        for trial in member.trials:
            begin = perf_counter()
            experiment = _with_seed(member.experiment, trial)
            try:
                outcome = train(experiment, family.dataset, threads=bench.threads, backend=bench.backend)
                scores = {} if outcome.divergence else scorers(experiment, outcome.theta)
            except DeltaplanError as error:
                yield _refused([trial], error)
                continue
            if outcome.ended == "interrupted":
                raise KeyboardInterrupt
            reason, seconds = told(outcome.divergence) if outcome.divergence else "", perf_counter() - begin
            row = _row(trial, experiment, outcome.ended, reason, outcome.step, seconds, scores)
            yield [(row, partial(run_of, experiment, family.dataset, outcome))]


def _row(
    trial: Trial,
    experiment: Experiment,
    ended: str,
    reason: str,
    steps: int,
    seconds: float,
    scores: Mapping[str, float],
) -> Row:
    size = sum(p.size for p in place_parameters(experiment.graph))
    return Row(trial, ended, reason, steps, size, seconds, scores)


def _with_seed(experiment: Experiment, trial: Trial) -> Experiment:
    """The spec with the seed of a trial, as if it had been loaded with it."""
    if trial.seed is None:
        return experiment
    settings = replace(_settings(experiment), seed=trial.seed)
    return replace(experiment, train=settings, params={**experiment.params, SEED: trial.seed})


def _unwatched(experiment: Experiment) -> Experiment:
    """Without the metrics that are followed for the history alone: all are measured at the end."""
    settings = _settings(experiment)
    stop = settings.stop_early
    needed = stop is not None and stop.on != "loss"
    return experiment if needed else replace(experiment, train=replace(settings, monitor=()))


class Scorers:
    """The scorer of the spec at hand: trials of one setting follow each other and share it."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._graph: Any = None
        self._scorer: Scorer | None = None

    def __call__(self, experiment: Experiment, theta: Array) -> Mapping[str, float]:
        if self._scorer is None or experiment.graph is not self._graph:
            self._scorer = Scorer(experiment, self._dataset, theta)
            self._graph = experiment.graph
        return self._scorer(theta)
