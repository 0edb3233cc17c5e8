"""The calls of a program as one function: runs of equal kernels on evenly spaced memory become loops."""

from collections.abc import Sequence
from dataclasses import dataclass

from deltaplan.compiler.loops.llvm.text import Text
from deltaplan.compiler.loops.program import Call, Program

LONGEST = 6  # calls that may repeat together


@dataclass(frozen=True, slots=True)
class Run:
    """`times` turns over calls whose offsets grow by `steps` (for each call, one number a parameter)."""

    calls: tuple[Call, ...]
    times: int
    steps: tuple[tuple[int, ...], ...]


def spaces_of(program: Program) -> tuple[str, ...]:
    """The memory that a program works on, by name."""
    return tuple(dict.fromkeys(spot.space for call in program.calls for spot in call.spots))


def write_program(text: Text, name: str, program: Program, kind: str) -> tuple[str, ...]:
    """The function `@name(ptr, …)` over the program's spaces, whose order is given back."""
    spaces = spaces_of(program)
    given = ", ".join(f"ptr %s{i}" for i in range(len(spaces)))
    text.lines.append(f"define internal void @{name}({given}) nounwind noinline {{")
    text.begin("entry")
    for run in runs(program.calls):
        _write_run(text, run, spaces, kind)
    text.do("ret void")
    text.lines.append("}")
    return spaces


def _write_run(text: Text, run: Run, spaces: Sequence[str], kind: str) -> None:
    if run.times == 1:
        for call in run.calls:
            _write_call(text, call, spaces, kind, None, ())
        return

    def turn(index: str, _: Sequence[str]) -> Sequence[str]:
        for call, steps in zip(run.calls, run.steps, strict=True):
            _write_call(text, call, spaces, kind, index, steps)
        return ()

    text.loop(run.times, turn)


def _write_call(
    text: Text, call: Call, spaces: Sequence[str], kind: str, index: str | None, steps: Sequence[int]
) -> None:
    given = []
    for number, spot in enumerate(call.spots):
        pointer = f"%s{spaces.index(spot.space)}"
        if index is not None and steps[number]:
            moved = text.value(f"mul nsw i64 {index}, {steps[number]}")
            pointer = text.value(f"getelementptr inbounds {kind}, ptr {pointer}, i64 {moved}")
        if spot.offset:
            pointer = text.value(f"getelementptr inbounds {kind}, ptr {pointer}, i64 {spot.offset}")
        given.append(f"ptr {pointer}")
    text.do(f"call void @{call.kernel.name}({', '.join(given)})")


def runs(calls: Sequence[Call]) -> list[Run]:
    """The calls as runs, each as long as it gets."""
    found: list[Run] = []
    position = 0
    while position < len(calls):
        best = max((_run_at(calls, position, length) for length in range(1, LONGEST + 1)), key=_covered)
        if best.times < 3:
            best = Run(tuple(calls[position : position + 1]), 1, ())
        found.append(best)
        position += best.times * len(best.calls)
    return found


def _covered(run: Run) -> tuple[int, int]:
    covered = run.times * len(run.calls) if run.times >= 3 else 0
    return covered, -len(run.calls)


def _run_at(calls: Sequence[Call], begin: int, length: int) -> Run:
    """The run of groups of `length` calls that begins here."""
    first = tuple(calls[begin : begin + length])
    steps = None
    times = 1
    while True:
        following = calls[begin + times * length : begin + (times + 1) * length]
        before = calls[begin + (times - 1) * length : begin + times * length]
        if len(following) < length or len(first) < length:
            break
        found = _steps(before, following)
        if found is None or (steps is not None and found != steps):
            break
        steps = found
        times += 1
    return Run(first, times, steps or ())


def _steps(before: Sequence[Call], after: Sequence[Call]) -> tuple[tuple[int, ...], ...] | None:
    """How far each offset moves from one call to its counterpart; None where they differ in more."""
    found = []
    for a, b in zip(before, after, strict=True):
        if a.kernel is not b.kernel or any(x.space != y.space for x, y in zip(a.spots, b.spots, strict=True)):
            return None
        found.append(tuple(y.offset - x.offset for x, y in zip(a.spots, b.spots, strict=True)))
    return tuple(found)
