"""What a sweep found: its rows, the best of them, and what they say together."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.sweeps import Sweep
from deltaplan.diagnostics import Diagnostic
from deltaplan.runtime.run import Run, open_
from deltaplan.runtime.sweeps import rows as of
from deltaplan.runtime.sweeps.folder import BEST
from deltaplan.runtime.sweeps.rows import Row, Setting


@dataclass(frozen=True, slots=True)
class Swept:
    """The trials of a spec that have ended, in the order of the spec.

    `rows` has a dict for each: `trial`, the values, how it `ended` and the `reason`, `steps`, `parameters`,
    `seconds`, loss and metrics of each part. `folder` is None where nothing was written; `interrupted` says
    that Ctrl-C came before the last one.
    """

    experiment: Experiment
    found: tuple[Row, ...]
    total: int
    folder: Path | None = None
    interrupted: bool = False
    warnings: tuple[Diagnostic, ...] = ()

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [row.columns() for row in self.found]

    @property
    def sweep(self) -> Sweep:
        assert self.experiment.sweep is not None
        return self.experiment.sweep

    @property
    def column(self) -> str:
        """What trials are compared by: `validation_loss`, or `train_loss` without a validation part."""
        return of.ranked_by(self.found)

    def best(self) -> dict[str, Any] | None:
        """The row with the lowest loss; None where no trial came to a good end."""
        row = self.best_row()
        return row.columns() if row else None

    def best_row(self) -> Row | None:
        return of.best_of(self.found, self.column)

    def best_run(self) -> Run:
        """The run of the best trial. DeltaplanError where none was kept."""
        return open_((self.folder or Path()) / BEST)

    def ranking(self) -> list[dict[str, Any]]:
        """Each setting of the params with the median, the lowest and the highest loss over its seeds."""
        return [_data(setting) for setting in self.settings()]

    def settings(self) -> list[Setting]:
        return of.ranking(self.found, self.column)

    @property
    def ended(self) -> Mapping[str, int]:
        """How many trials ended how."""
        return dict(Counter(row.ended for row in self.found).most_common())

    @property
    def reasons(self) -> Mapping[str, int]:
        """Why trials came to no good end, and how many."""
        return dict(Counter(row.reason for row in self.found if not row.trained).most_common())

    def __repr__(self) -> str:
        where = f" in {self.folder}" if self.folder else ""
        return f"<{len(self.found)} of {self.total} trials of `{self.experiment.name}`{where}>"


def _data(setting: Setting) -> dict[str, Any]:
    scores = setting.scores
    ends = {"lowest": scores[0], "highest": scores[-1]} if scores else {}
    median = setting.median if setting.median < inf else None
    counts = {"trials": setting.trials, "failed": setting.trials - len(scores)}
    return {**setting.values, "median": median, **ends, **counts}
