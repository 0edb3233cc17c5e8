"""What `show --loops` prints: the calls of programs, equal ones told once, and the kernels they call."""

from collections.abc import Iterator, Mapping, Sequence

from deltaplan.compiler.loops.calls import Call, Run
from deltaplan.compiler.loops.nest import Kernel
from deltaplan.compiler.loops.program import Program
from deltaplan.compiler.loops.runs import runs
from deltaplan.compiler.loops.text import STEP, kernel_text
from deltaplan.compiler.printers.lines import NUMBERED, folded, indexed


def programs_text(
    title: str, programs: Mapping[str, Program], *, full: bool = False, buffers: bool = False
) -> str:
    """Each program with its title: its calls and the memory that it needs; then the distinct kernels of all.

    `full` tells each call where equal ones are told once; `buffers` adds where each tensor lies.
    """
    lines = [title]
    for name, program in programs.items():
        lines += ["", f"{name}: {_size(program)}", *_calls(program, full)]
        lines += _memory(program) if buffers else []
    calls = [call for program in programs.values() for call in program.calls]
    first = {call.kernel.name: call for call in reversed(calls)}
    kernels = dict.fromkeys(call.kernel.name for call in calls)
    lines += ["", f"kernels: {len(kernels)}, with the names of their first calls"]
    for name in kernels:
        lines += ["", *_kernel(first[name])]
    return "\n".join(lines) + "\n"


def _size(program: Program) -> str:
    calls, kernels = len(program.calls), len(program.kernels)
    parts = [f"{calls:,} call{'s' * (calls != 1)} of {kernels} kernel{'s' * (kernels != 1)}"]
    parts += [f"{n:,} numbers of {what}" for what, n in _needs(program) if n]
    return ", ".join(parts)


def _needs(program: Program) -> tuple[tuple[str, int], ...]:
    return ("arena", program.arena), ("scratch", program.scratch)


def _calls(program: Program, full: bool) -> Iterator[str]:
    position = 0
    for run in runs(program.calls, least=len(program.calls) + 1 if full else 3):
        if run.times == 1:
            yield from (line for call in run.calls for line in _call(call, call.tensors, STEP))
        else:
            later = program.calls[position + len(run.calls) :][: len(run.calls)]
            yield from _rolled(run, later)
        position += run.times * len(run.calls)


def _call(call: Call, tensors: Sequence[str], margin: str) -> Iterator[str]:
    """`samples1: W2, z2, b2 -> z3`"""
    names = list(zip(call.kernel.parameters, tensors, strict=True))
    read = ", ".join(name for buffer, name in names if buffer.name not in call.kernel.outputs)
    written = ", ".join(name for buffer, name in names if buffer.name in call.kernel.outputs)
    yield from folded(f"{margin}{call.kernel.name}: {read} -> {written}", indent=0)


def _rolled(run: Run, later: Sequence[Call]) -> Iterator[str]:
    """`for j = 2, …, 45` with W_j and z_{j+1} for what moves on by one layer; `later` is the second turn."""
    turns = list(zip(run.calls, later, strict=True))
    names = [pair for call, next_ in turns for pair in zip(call.tensors, next_.tensors, strict=True)]
    moves = (move for pair in names for move in _moves(*pair) if move[0] != move[1])
    first, after = next(moves, (1, 2))
    step = after - first
    second = [f"{after}"] if abs(step) > 1 else []
    values = ", ".join([f"{first}", *second, "…", f"{first + step * (run.times - 1)}"])
    yield f"{STEP}for j = {values}  ({run.times:,} times, each):"
    for call, next_ in turns:
        pairs = zip(call.tensors, next_.tensors, strict=True)
        yield from _call(call, [_moving(*pair, first, step) for pair in pairs], STEP * 2)


def _moves(name: str, later: str) -> list[tuple[int, int]]:
    """The numbers in the name of a layer's tensor beside those in the one that follows it."""
    plain = not name.startswith("%") and NUMBERED.sub(r"\1#", name) == NUMBERED.sub(r"\1#", later)
    found = [[int(match[2]) for match in NUMBERED.finditer(text)] for text in (name, later)]
    return list(zip(*found, strict=True)) if plain else []


def _moving(name: str, later: str, first: int, step: int) -> str:
    """The name in terms of j; one that moves in another way is followed by `…`."""
    if name == later:
        return name
    moves = {b - a for a, b in _moves(name, later)}
    return indexed(name, later, first) if moves - {0} == {step} else f"{name}…"


def _memory(program: Program) -> Iterator[str]:
    yield f"{STEP}{'tensor':<30}{'memory':>20}"
    used = {name for call in program.calls for name in call.tensors}
    for name, spot in program.spots.items():
        if name in used:
            yield f"{STEP}{name:<30}{f'{spot.space}[{spot.offset:,}]':>20}"


def _kernel(call: Call) -> Iterator[str]:
    kernel: Kernel = call.kernel
    if kernel.title:
        yield f"# {kernel.title}"
    yield from kernel_text(kernel, call.tensors).splitlines()
