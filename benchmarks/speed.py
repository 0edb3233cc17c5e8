"""The speed of deltaplan beside the references in C and the peers that are installed."""

from collections.abc import Collection, Iterator, Mapping
from functools import cache
from time import perf_counter, process_time

import numpy as np

from benchmarks import reference_c
from benchmarks.contenders import OURS, entered
from benchmarks.contest import Result, contest
from benchmarks.races import RACES, C, Race
from benchmarks.report import load
from deltaplan.runtime.threads import blas_threads

PER_SECOND = {"µs/step": 1e6, "µs": 1e6, "ms": 1e3}
LINE = "| {:30} | {:>14} | {:>14} | {:>12} | {:>12} | {:>8} |"
RULE = "|".join(["", "-" * 32, *(f"{'-' * (n + 1)}:" for n in (14, 14, 12, 12, 8)), ""])


def lines(name: str, chosen: Collection[str], turns: int, threads: int) -> Iterator[str]:
    """The tables of a workload, each when its contest is over; `chosen` names contenders, all if empty."""
    for race in RACES[name]:
        yield f"\n### {name}: {race.title}{f', {threads} threads' if threads > 1 else ''}\n"
        if race.reference != C:
            yield f"The reference: {race.reference}.\n"
        yield from held(race, chosen, turns, threads)


def held(race: Race, chosen: Collection[str], turns: int, threads: int) -> Iterator[str]:
    work = race.make()
    busy = load() if threads > 1 else 0.0  # with several threads other programs are in the way
    clock = process_time if threads == 1 else perf_counter  # the processor's adds up those of the threads
    with np.errstate(all="ignore"), blas_threads(threads):
        contenders = entered(race.task, work, chosen)
        results = contest(contenders, turns, clock)
    peak = best_of_machine(work.settings.precision) * threads
    yield from table(race, results, race.operations(work) / peak if peak else None)
    yield from verdicts(race, results)
    if busy > 1.5:
        yield f"\nOther programs were at work (load {busy:.1f}): figures of several threads say little then."


def table(race: Race, results: Mapping[str, Result], least: float | None) -> Iterator[str]:
    """The quickest first; `least` are the seconds that the machine's peak would take."""
    yield LINE.format(
        "", race.unit, "best", "to C" if race.reference == C else "to reference", "to deltaplan", "of peak"
    )
    yield RULE
    for result in sorted(results.values(), key=lambda result: result.median):
        yield LINE.format(
            result.name,
            figure(result.median * PER_SECOND[race.unit]),
            figure(result.best * PER_SECOND[race.unit]),
            ratio(result, results.get(race.reference)),
            ratio(result, results.get(OURS)),
            "" if least is None else f"{least / result.median:.2%}",
        )


def verdicts(race: Race, results: Mapping[str, Result]) -> Iterator[str]:
    """Each bar that can be looked at."""
    told = [
        f"at most {bar.limit:.3g} of {bar.against}: {figure(found)}, {bar.verdict(found)}"
        for bar in race.bars
        if OURS in results and bar.against in results
        for found in [results[OURS].ratio(results[bar.against])]
    ]
    if told:
        yield f"\ndeltaplan {'; '.join(told)}"


def figure(value: float) -> str:
    """Three digits that count."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def ratio(result: Result, other: Result | None) -> str:
    return "" if other is None else figure(result.ratio(other))


@cache
def best_of_machine(precision: str) -> float:
    """Operations in a second of one core; 0 where nothing can be compiled."""
    return reference_c.peak(precision) if reference_c.installed() else 0.0
