"""Formulas in lines of 80 columns: equal layers rolled up, with shapes, costs and lines of the spec."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from textwrap import wrap

from deltaplan.compiler.printers.formulas import Formula
from deltaplan.compiler.printers.repeats import Run, runs
from deltaplan.compiler.steps import Tensor
from deltaplan.diagnostics import Span
from deltaplan.records import dataclass

WIDTH = 80
TEXT = 47  # columns for the formula
NUMBERED = re.compile(
    r"(?<![\w.])([^\W\d]+)(\d+)(?=ᵀ|\.[^\W\d]|[^\w.(]|$)"
)  # W12, but neither log1p( nor 0.01


@dataclass(frozen=True, slots=True)
class Unit:
    """The formulas of one layer: `number` is its j, None where they belong to none."""

    number: int | None
    formulas: tuple[Formula, ...]
    texts: tuple[str, ...]  # each formula with its tensor's shape, cost and line: equal for equal layers

    def numbers(self) -> tuple[int, ...]:
        """The indices that stand in the formulas, in their order."""
        return tuple(int(match[2]) for text in self.texts for match in NUMBERED.finditer(text))

    def skeleton(self) -> tuple[str, ...]:
        return tuple(NUMBERED.sub(r"\1#", text) for text in self.texts)


@dataclass(frozen=True, slots=True)
class Layout:
    """How lines are written: for a batch of this size (None: for B samples), with the piece of the spec that
    each node comes from."""

    batch: int | None
    spans: Mapping[str, Span]
    full: bool

    def line(self, node: str) -> int | None:
        """Its number; None for what comes from no node."""
        return self.spans[node].line if node in self.spans else None


def section(formulas: Sequence[Formula], numbers: Mapping[str, int], layout: Layout) -> Iterator[str]:
    """The lines of one section. `numbers` gives the j of the layer that a node belongs to."""
    units = _units(formulas, numbers, layout)
    shifts = [(unit.skeleton(), unit.numbers()) for unit in units]
    for run in runs(units, _follows(shifts), least=len(units) + 1 if layout.full else 3):
        if run.times == 1:
            for formula in units[run.begin].formulas:
                yield from _columns(str(formula), formula, layout)
        else:
            yield from _rolled(units, run, layout)


def _units(formulas: Sequence[Formula], numbers: Mapping[str, int], layout: Layout) -> list[Unit]:
    groups: list[tuple[int | None, list[Formula]]] = []
    for formula in formulas:
        number = numbers.get(formula.origin)
        if number is None or not groups or groups[-1][0] != number:
            groups.append((number, []))
        groups[-1][1].append(formula)
    return [Unit(n, tuple(fs), tuple(_key(f, layout) for f in fs)) for n, fs in groups]


def _key(formula: Formula, layout: Layout) -> str:
    span = layout.spans.get(formula.origin)
    return f"{formula} | {show_tensor(formula.tensor)} {formula.cost} {span and (span.start, span.end)}"


def _follows(shifts: Sequence[tuple[tuple[str, ...], tuple[int, ...]]]) -> Callable[[int, int, int], bool]:
    """Whether a block is like the ones before it, with the indices of all its layers moved on by one step."""

    def follows(begin: int, period: int, times: int) -> bool:
        first, second, last = (begin + period * k for k in (0, 1, times - 1))
        step = _moves(shifts, first, second, period)
        here = _moves(shifts, last, last + period, period)
        return here is not None and here == step and len({move for move in here if move}) == 1

    return follows


def _moves(
    shifts: Sequence[tuple[tuple[str, ...], tuple[int, ...]]], a: int, b: int, period: int
) -> tuple[int, ...] | None:
    """How far each index moves from block a to block b; None where they differ in more."""
    moves: list[int] = []
    for (words, before), (others, after) in zip(shifts[a : a + period], shifts[b : b + period], strict=True):
        if words != others:
            return None
        moves += [n - m for m, n in zip(before, after, strict=True)]
    return tuple(moves)


def _rolled(units: Sequence[Unit], run: Run, layout: Layout) -> Iterator[str]:
    """`for j = 2, …, 45:` and the block in terms of j."""
    block = units[run.begin : run.begin + run.period]
    following = units[run.begin + run.period : run.begin + 2 * run.period]
    first = next((u.number for u in block if u.number is not None), 1)
    step = next(
        b - a
        for u, v in zip(block, following, strict=True)
        for a, b in zip(u.numbers(), v.numbers(), strict=True)
        if a != b
    )
    second = [f"{first + step}"] if abs(step) > 1 else []
    values = ", ".join([f"{first}", *second, "…", f"{first + step * (run.times - 1)}"])
    yield f"  for j = {values}  ({run.times} times, each):"
    for unit, other in zip(block, following, strict=True):
        for formula, later in zip(unit.formulas, other.formulas, strict=True):
            yield from _columns("  " + indexed(str(formula), str(later), first), formula, layout)


def indexed(text: str, later: str, j: int) -> str:
    """The text with j for the indices that move: W_j, z_{j+1}."""
    moved = iter([m[2] for m in NUMBERED.finditer(later)])

    def index(match: re.Match[str]) -> str:
        if match[2] == next(moved):
            return match[0]
        away = int(match[2]) - j
        return f"{match[1]}_{{j{away:+d}}}" if away else f"{match[1]}_j"

    return NUMBERED.sub(index, text)


def _columns(text: str, formula: Formula, layout: Layout) -> Iterator[str]:
    """The formula, the shape, the cost and the line; a long formula takes lines of its own."""
    line = layout.line(formula.origin)
    yield from columns(
        text, show_tensor(formula.tensor), show_cost(formula.cost, layout.batch), f":{line}" if line else ""
    )


def columns(text: str, *facts: str, indent: int = 2) -> Iterator[str]:
    """A text and what stands right of it: shape, cost, line of the spec."""
    right = f"{facts[0]:>10} {facts[1]:>13} {facts[2]:>5}"
    *above, last = folded(text, indent) or [""]
    if len(last) > TEXT:
        above, last = [*above, last], ""
    yield from above
    yield f"{last:<{TEXT}} {right}".rstrip()


def folded(text: str, indent: int = 2) -> list[str]:
    """A text in lines of 80 columns, those that go on further in."""
    bare = text.lstrip()
    margin = " " * (indent + len(text) - len(bare))
    return wrap(
        bare,
        WIDTH,
        initial_indent=margin,
        subsequent_indent=f"{margin}    ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def show_tensor(tensor: Tensor) -> str:
    """[5, B], [5, 5]; a number for each sample is [B]."""
    sides = [*map(str, tensor.shape), *["B"] * tensor.batched]
    return f"[{', '.join(sides)}]" if sides else "number"


def show_cost(cost: tuple[int, int], batch: int | None) -> str:
    """FLOPs: a number for a batch, else `55 B + 3`."""
    fixed, each = cost
    if batch is not None:
        return f"{fixed + each * batch:,}"
    parts = [f"{each:,} B"] * bool(each) + [f"{fixed:,}"] * bool(fixed)
    return " + ".join(parts) or "0"
