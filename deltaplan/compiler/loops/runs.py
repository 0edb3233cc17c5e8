"""Runs of equal calls on evenly spaced memory: one loop instead of many calls."""

from collections.abc import Sequence

from deltaplan.compiler.loops.calls import Call, Rolled, Run

LEAST = 3  # turns of a run
LONGEST = 24  # calls that may repeat together
PLAIN = 4 * LONGEST  # calls after which a run is taken: what would repeat in longer groups repeats in these


def runs(calls: Sequence[Call], least: int = LEAST) -> list[Run]:
    """The calls as runs, each as long as it gets; what does not repeat `least` times is a run of one call."""
    if isinstance(calls, Rolled) and least == LEAST:
        return [*calls.runs]
    found: list[Run] = []
    position = 0
    while position < len(calls):
        best = Run(tuple(calls[position : position + 1]), 1, ())
        for length in range(1, min(LONGEST, (len(calls) - position) // least) + 1):
            if calls[position].kernel is not calls[position + length].kernel:
                continue
            run = _run_at(calls, position, length)
            if run.times >= least and _covered(run) > _covered(best):
                best = run
            if _covered(best) >= PLAIN:
                break
        found.append(best)
        position += best.times * len(best.calls)
    return found


def _covered(run: Run) -> int:
    return run.times * len(run.calls)


def _run_at(calls: Sequence[Call], begin: int, length: int) -> Run:
    """The run of groups of `length` calls that begins here."""
    first = tuple(calls[begin : begin + length])
    steps = None
    times = 1
    while True:
        following = calls[begin + times * length : begin + (times + 1) * length]
        before = calls[begin + (times - 1) * length : begin + times * length]
        if len(following) < length:
            break
        found = _steps(before, following)
        if found is None or (steps is not None and found != steps):
            break
        steps = found
        times += 1
    return Run(first, times, steps or ())


def _steps(before: Sequence[Call], after: Sequence[Call]) -> tuple[tuple[int, ...], ...] | None:
    """How far each offset moves from one call to its counterpart; None where they differ in more."""
    if any(a.kernel is not b.kernel for a, b in zip(before, after, strict=True)):
        return None
    found = []
    for a, b in zip(before, after, strict=True):
        steps = []
        for x, y in zip(a.spots, b.spots, strict=True):
            if x.space != y.space:
                return None
            steps.append(y.offset - x.offset)
        found.append(tuple(steps))
    return tuple(found)
