"""What comes out of a trial: a row of the table."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf, isfinite, nan
from typing import Any

from deltaplan.plugins.contracts import Value
from deltaplan.runtime.sweeps.trials import Trial

TRAINED = ("complete", "converged", "stopped early")
OWN = ("ended", "reason", "steps", "parameters", "seconds")


@dataclass(frozen=True, slots=True)
class Row:
    """A trial and how it ended: as a run does, or `refused` where the spec is wrong with its values, or
    `failed` where the machine gave up; `reason` says why. `scores` are loss and metrics of each part, of the
    θ that the spec keeps. Trials that are trained together share their seconds."""

    trial: Trial
    ended: str
    reason: str = ""
    steps: int = 0
    parameters: int = 0
    seconds: float = 0.0
    scores: Mapping[str, float] = field(default_factory=dict)

    @property
    def trained(self) -> bool:
        """Whether it came to a good end."""
        return self.ended in TRAINED

    def columns(self) -> dict[str, Any]:
        """The row of the table: `trial`, the values, how it ended, the scores."""
        own = {name: getattr(self, name) for name in OWN}
        return {"trial": self.trial.number, **self.trial.given, **own, **self.scores}

    def to_data(self) -> dict[str, Any]:
        """Plain data, from which `row_of` makes the row again; None stands for what is not finite."""
        own = {name: getattr(self, name) for name in OWN}
        scores = {name: value if isfinite(value) else None for name, value in self.scores.items()}
        trial = {"number": self.trial.number, "setting": dict(self.trial.setting), "seed": self.trial.seed}
        return {**trial, **own, "scores": scores}


def row_of(data: Mapping[str, Any]) -> Row:
    """The row of plain data; KeyError or TypeError where they are not those of a row."""
    scores = {name: nan if value is None else float(value) for name, value in data["scores"].items()}
    return Row(trial_of(data), **{name: data[name] for name in OWN}, scores=scores)


def trial_of(data: Mapping[str, Any]) -> Trial:
    """The trial of plain data: `number`, `setting`, `seed`."""
    return Trial(data["number"], dict(data["setting"]), data["seed"])


def columns_of(rows: Iterable[Row]) -> list[str]:
    """The columns of the table: trial, values, how it ended, scores."""
    rows = list(rows)
    given = dict.fromkeys(name for row in rows for name in row.trial.given)
    scores = dict.fromkeys(name for row in rows for name in row.scores)
    return ["trial", *given, *OWN, *scores]


def ranked_by(rows: Iterable[Row]) -> str:
    """The column that trials are compared by: the validation loss, else that of training."""
    names = {name for row in rows for name in row.scores}
    return "validation_loss" if "validation_loss" in names else "train_loss"


def score_of(row: Row, column: str) -> float:
    """The value of a column; infinite where the trial has none that counts."""
    value = row.scores.get(column, inf)
    return value if row.trained and isfinite(value) else inf


def best_of(rows: Sequence[Row], column: str) -> Row | None:
    """The trial with the lowest value; None where none has one."""
    found = min(rows, key=lambda row: score_of(row, column), default=None)
    return found if found and score_of(found, column) < inf else None


@dataclass(frozen=True, slots=True)
class Setting:
    """All trials with the same values of the params: the scores of those that came to a good end, sorted."""

    values: Mapping[str, Value]
    scores: tuple[float, ...]
    trials: int

    @property
    def median(self) -> float:
        """That of the trials that came to a good end; infinite without one."""
        if not self.scores:
            return inf
        middle, odd = divmod(len(self.scores), 2)
        upper = self.scores[middle]
        return upper if odd else (self.scores[middle - 1] + upper) / 2


def ranking(rows: Iterable[Row], column: str) -> list[Setting]:
    """The settings by the median over their seeds, the lowest first; what failed stands last."""
    groups: dict[tuple[tuple[str, str], ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(Trial(0, row.trial.setting).key, []).append(row)
    found = [_setting(group, column) for group in groups.values()]
    return sorted(found, key=lambda setting: (setting.median, setting.trials - len(setting.scores)))


def _setting(group: Sequence[Row], column: str) -> Setting:
    scores = sorted(score_of(row, column) for row in group)
    return Setting(group[0].trial.setting, tuple(s for s in scores if s < inf), len(group))
