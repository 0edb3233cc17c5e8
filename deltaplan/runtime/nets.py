"""What many trainings gave, as arrays with one place for each seed."""

from collections.abc import Mapping, Sequence
from math import inf, isnan, nan

import numpy as np
from numpy.typing import NDArray

from deltaplan.records import dataclass
from deltaplan.runtime.backends.numpy.expressions import Array
from deltaplan.runtime.outcome import Ended, Outcome, Record
from deltaplan.runtime.recorded import Recorded

LINE = ("step", "epoch", "loss", "objective", "validation_loss")  # the columns of a history


@dataclass(frozen=True, slots=True)
class Nets:
    """What the training of each seed gave, in their order.

    `theta` [seeds, size] is as the spec keeps it, `last` that of the last step; `history` [lines, columns,
    seeds] has the columns of `LINE`, then those of what is monitored, `labels`; the lines of a net are those
    as far as its last step. `recorded` has θ along the way of each, where the spec asks for it.
    """

    seeds: tuple[int, ...]
    ended: tuple[Ended, ...]
    steps: NDArray[np.int64]
    theta: Array
    last: Array
    history: NDArray[np.float64]
    states: Mapping[str, Array]
    counters: Mapping[str, Array]
    labels: tuple[str, ...] = ()
    recorded: tuple[Recorded, ...] = ()

    def outcome(self, number: int) -> Outcome:
        """What the net of a seed would have given by itself."""
        step, ended = int(self.steps[number]), self.ended[number]
        counters = {name: values[number] for name, values in self.counters.items()}
        return Outcome(
            theta=self.theta[number].copy(),
            states={name: values[number].copy() for name, values in self.states.items()},
            step=max(step - 1, 0) if ended == "diverged" else step,
            history=tuple(self._records(number, step)),
            ended=ended,
            counters={"theta": self.last[number].copy(), **counters},
            backend="native",
            recorded=self.recorded[number] if self.recorded else None,
        )

    def last_lines(self) -> NDArray[np.float64]:
        """Loss, objective and validation loss of the last line of each net: [seeds, 3]; NaN without one."""
        found = np.full((len(self.seeds), 3), nan)
        for number in range(len(self.seeds)):
            mine = self.history[self.history[:, 0, number] <= self.steps[number], 2 : len(LINE), number]
            if len(mine):
                found[number] = mine[-1]
        return found

    def _records(self, number: int, last: int) -> list[Record]:
        return [
            Record(
                *(int(step), int(epoch), loss, objective, None if isnan(checked) else checked),
                dict(zip(self.labels, values, strict=True)),
            )
            for step, epoch, loss, objective, checked, *values in self.history[:, :, number].tolist()
            if step <= last
        ]


def together(parts: Sequence[Nets]) -> Nets:
    """The nets of several blocks; where one ended early, its history is filled with infinite steps."""
    lines = max(len(p.history) for p in parts)
    histories = [
        np.pad(p.history, ((0, lines - len(p.history)), (0, 0), (0, 0)), constant_values=inf) for p in parts
    ]
    return Nets(
        seeds=tuple(s for p in parts for s in p.seeds),
        ended=tuple(e for p in parts for e in p.ended),
        steps=np.concatenate([p.steps for p in parts]),
        theta=np.concatenate([p.theta for p in parts]),
        last=np.concatenate([p.last for p in parts]),
        history=np.concatenate(histories, axis=-1),
        states={name: np.concatenate([p.states[name] for p in parts]) for name in parts[0].states},
        counters={name: np.concatenate([p.counters[name] for p in parts]) for name in parts[0].counters},
        labels=parts[0].labels,
        recorded=tuple(way for p in parts for way in p.recorded),
    )


def nets_of(seeds: Sequence[int], outcomes: Sequence[Outcome]) -> Nets:
    """The nets of trainings that were made one by one."""
    lines = max((len(o.history) for o in outcomes), default=0)
    labels = next((tuple(o.history[0].metrics) for o in outcomes if o.history), ())
    history = np.full((lines, len(LINE) + len(labels), len(outcomes)), inf)
    for number, outcome in enumerate(outcomes):
        for row, record in enumerate(outcome.history):
            values = [*(getattr(record, name) for name in LINE), *record.metrics.values()]
            history[row, :, number] = [nan if value is None else value for value in values]
    first = outcomes[0]
    return Nets(
        seeds=tuple(seeds),
        ended=tuple(o.ended for o in outcomes),
        steps=np.array([o.step + (o.ended == "diverged") for o in outcomes], np.int64),
        theta=np.array([o.theta for o in outcomes]),
        last=np.array([o.counters["theta"] for o in outcomes]),
        history=history,
        states={name: np.array([o.states[name] for o in outcomes]) for name in first.states},
        counters={
            name: np.array([o.counters[name] for o in outcomes]) for name in first.counters if name != "theta"
        },
        labels=labels,
        recorded=tuple(o.recorded for o in outcomes if o.recorded),
    )
