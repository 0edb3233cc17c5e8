"""The calls of a program as one function: runs of equal kernels on evenly spaced memory become loops."""

from collections.abc import Sequence

from deltaplan.compiler.loops.calls import Call, Run
from deltaplan.compiler.loops.llvm.text import Text
from deltaplan.compiler.loops.program import Program
from deltaplan.compiler.loops.runs import runs


def write_program(text: Text, name: str, program: Program, kind: str) -> tuple[str, ...]:
    """The function `@name(ptr, …)` over the program's spaces, whose order is given back."""
    spaces = program.spaces
    given = [f"ptr %s{i}" for i in range(len(spaces))]
    with text.function(name, given, "void", "nounwind noinline", public=False, light=True):
        for run in runs(program.calls):
            _write_run(text, run, spaces, kind)
        text.do("ret void")
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
