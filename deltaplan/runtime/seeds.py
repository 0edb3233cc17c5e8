"""One spec trained with many seeds, and what came out of each: in memory and in a folder."""

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import numpy as safetensors

from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.loops.schedule import NoScheduleError
from deltaplan.compiler.plan import Plans, compile_plans
from deltaplan.compiler.render import render
from deltaplan.diagnostics import DeltaplanError, Diagnostic
from deltaplan.records import dataclass
from deltaplan.runtime.backends.numpy.expressions import Array
from deltaplan.runtime.claims import unchecked
from deltaplan.runtime.data.dataset import Dataset
from deltaplan.runtime.data.preprocessing import Preprocessing
from deltaplan.runtime.files import new_run_folder, write_atomically
from deltaplan.runtime.model import Model
from deltaplan.runtime.nets import Nets, nets_of
from deltaplan.runtime.outcome import Backend, Outcome
from deltaplan.runtime.runs.mistakes import not_written
from deltaplan.runtime.runs.saved import environment
from deltaplan.runtime.train import train

TOGETHER = 4096  # parameters up to which nets are lanes; larger ones are faster by themselves
COLUMNS = ("seed", "ended", "steps", "loss", "objective", "validation_loss")


@dataclass(frozen=True, slots=True)
class Seeds:
    """The nets of one spec, one for each seed, in the order of `seeds`.

    `theta` [seeds, size] is the θ that each ended with, as the spec keeps it. `table` has a row for each seed
    under `COLUMNS`: losses are those of the last line of its history.
    """

    experiment: Experiment
    preprocessing: Preprocessing
    nets: Nets
    folder: Path | None = None
    warnings: tuple[Diagnostic, ...] = ()

    @property
    def seeds(self) -> tuple[int, ...]:
        return self.nets.seeds

    @property
    def theta(self) -> Array:
        return self.nets.theta

    @property
    def table(self) -> list[dict[str, Any]]:
        """A row for each seed."""
        return [dict(zip(COLUMNS, row, strict=True)) for row in self._rows()]

    def losses(self, column: str = "loss") -> NDArray[np.float64]:
        """The last value of a column of the history for each seed: `loss`, `objective`, `validation_loss`."""
        place = COLUMNS.index(column)
        return np.array([row[place] for row in self._rows()], np.float64)

    @property
    def ended(self) -> dict[str, int]:
        """How many nets ended how."""
        return dict(Counter(self.nets.ended).most_common())

    def spread(self, quantiles: tuple[float, ...]) -> dict[str, list[float]]:
        """The quantiles of each column of losses over the seeds whose value is finite."""
        found = {}
        for column in COLUMNS[3:]:
            values = self.losses(column)
            values = values[np.isfinite(values)]
            if len(values):
                found[column] = np.quantile(values, quantiles).tolist()
        return found

    @property
    def best(self) -> tuple[str, int]:
        """The seed with the lowest validation loss, or loss where there is no validation part; and which."""
        column = "validation_loss" if np.isfinite(self.losses("validation_loss")).any() else "loss"
        return column, self.seeds[int(np.nanargmin(self.losses(column)))]

    def outcome(self, seed: int) -> Outcome:
        """What training with this seed alone gives."""
        return self.nets.outcome(self.seeds.index(seed))

    def model(self, seed: int) -> Model:
        """The trained model of a seed."""
        theta = self.theta[self.seeds.index(seed)].copy()
        return Model(self.experiment, theta, self.preprocessing)

    def _rows(self) -> list[tuple[Any, ...]]:
        n = self.nets
        last = n.last_lines()
        return [(seed, n.ended[i], int(n.steps[i]), *last[i].tolist()) for i, seed in enumerate(n.seeds)]

    def __repr__(self) -> str:
        where = f" in {self.folder}" if self.folder else ""
        return f"<{len(self.seeds)} nets of `{self.experiment.name}`{where}>"


def train_seeds(
    experiment: Experiment,
    dataset: Dataset,
    seeds: Sequence[int],
    *,
    runs: Path | None = None,
    threads: int | None = None,
    backend: Backend | None = None,
    done: Callable[[int], None] = lambda count: None,
) -> Seeds:
    """Trains a net for each seed; each is the net that the spec with that seed gives by itself. With `runs` a
    new folder there gets the table, θ of every seed and the spec. `done` hears of how many more are done."""
    plans = compile_plans(experiment)
    size = plans.evaluate.trace.size
    nets = None
    if size <= TOGETHER and backend != "numpy":
        nets = _together(experiment, dataset, plans, seeds, threads, done)
    if nets is None:
        nets = _one_by_one(experiment, dataset, plans, seeds, threads, backend, done)
    warnings = (*dataset.warnings, *unchecked(experiment, "it is of one net, and these are many"))
    found = Seeds(experiment, dataset.preprocessing, nets, None, warnings)
    return found if runs is None else replace(found, folder=_save(found, dataset, runs))


def seeded(experiment: Experiment, seed: int) -> Experiment:
    """The same experiment with another seed."""
    assert experiment.train is not None
    return replace(experiment, train=replace(experiment.train, seed=seed))


def _together(
    experiment: Experiment,
    dataset: Dataset,
    plans: Plans,
    seeds: Sequence[int],
    threads: int | None,
    done: Callable[[int], None],
) -> Nets | None:
    """As lanes of vectors; None where that cannot be."""
    try:
        from deltaplan.runtime.ensemble import prepared, train_together
    except ImportError:
        return None
    try:
        members = [seeded(experiment, seed) for seed in seeds]
        return train_together(prepared(experiment, dataset, plans), members, threads, done)
    except NoScheduleError:
        return None


def _one_by_one(
    experiment: Experiment,
    dataset: Dataset,
    plans: Plans,
    seeds: Sequence[int],
    threads: int | None,
    backend: Backend | None,
    done: Callable[[int], None],
) -> Nets:
    """Each by itself, on as many threads as there are cores."""

    def one(seed: int) -> Outcome:
        outcome = train(seeded(experiment, seed), dataset, plans, threads=1, backend=backend)
        done(1)
        return outcome

    with ThreadPoolExecutor(threads) as pool:
        return nets_of(seeds, list(pool.map(one, seeds)))


def _save(found: Seeds, dataset: Dataset, runs: Path) -> Path:
    experiment = found.experiment
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    rows.writerows([["" if value != value else value for value in row] for row in found._rows()])
    record = {
        "format": 1,
        "kind": "seeds",
        "name": experiment.name,
        "params": dict(experiment.params),
        "data": [{"path": str(file.path), "sha256": file.sha256} for file in dataset.files],
        "environment": dict(environment()),
    }
    n = found.nets
    arrays = {"theta": np.ascontiguousarray(n.theta), "seed": np.array(n.seeds, np.int64), "steps": n.steps}
    files = {
        "spec.dl": experiment.source.text.encode(),
        "resolved.dl": render(experiment).encode(),
        "seeds.csv": text.getvalue().encode(),
        "theta.safetensors": safetensors.save(arrays),
        "seeds.json": (json.dumps(record, indent=1, ensure_ascii=False) + "\n").encode(),
    }

    def fill(folder: Path) -> None:
        for name, content in files.items():
            write_atomically(folder / name, content)

    try:
        return new_run_folder(runs, f"{_name(experiment)}-seeds", fill)
    except OSError as error:
        raise DeltaplanError(not_written(runs, error)) from None


def _name(experiment: Experiment) -> str:
    path = Path(experiment.source.name)
    return path.stem if path.suffix == ".dl" else experiment.name
