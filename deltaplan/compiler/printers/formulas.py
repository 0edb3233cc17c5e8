"""A plan's steps as formulas: one for each tensor with a name, temporaries put in where they are read."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from deltaplan.compiler.buffers import aliases
from deltaplan.compiler.printers.algebra import short
from deltaplan.compiler.printers.templates import PLACEHOLDER, template
from deltaplan.compiler.steps import Map, Reduce, Step, Tensor, View, flops
from deltaplan.plugins.expressions import Expr, amax, argument, arguments, substitute, sum, to_text
from deltaplan.records import dataclass

SLOPE_AT = re.compile(r"'\(([^()]*)\)$")  # of `δ ⊙ σ'(v)`: v is named and no input of the step
INLINE = re.compile(r"%.*|a[0-9]+|Σℓ|dθ\(.*")  # what is shown where it is read, if it is read once


@dataclass(frozen=True, slots=True)
class Known:
    """A text that says a tensor better than its steps do, the tensors that it names, and its node."""

    text: str
    reads: tuple[Tensor, ...]
    origin: str


@dataclass(frozen=True, slots=True)
class Formula:
    """`name sign text`: a tensor, and all steps whose work is told by it; `←` writes over what was there."""

    name: str
    text: str
    tensor: Tensor
    origin: str
    steps: tuple[Step, ...]
    sign: str = "="

    def __str__(self) -> str:
        return f"{self.name} {self.sign} {self.text}"

    @property
    def cost(self) -> tuple[int, int]:
        """FLOPs of a step whatever the batch, and those for each sample."""
        fixed = total(flops(step, 0) for step in self.steps)
        return fixed, total(flops(step, 1) for step in self.steps) - fixed


def total(numbers: Iterable[int]) -> int:
    result = 0
    for number in numbers:
        result += number
    return result


def formulas(
    sections: Sequence[Sequence[Step]], kept: Iterable[Tensor], known: Mapping[Tensor, Known]
) -> list[list[Formula]]:
    """The formulas of each section. Maps have one output each: the plan is not fused."""
    return Reader(sections, set(kept), known).read()


class Reader:
    """Reads steps: counts how often the text names each tensor, then writes the text."""

    def __init__(
        self, sections: Sequence[Sequence[Step]], kept: set[Tensor], known: Mapping[Tensor, Known]
    ) -> None:
        every = [step for section in sections for step in section]
        self._alias = aliases(every)
        self._sections = [[self._direct(s) for s in part if not isinstance(s, View)] for part in sections]
        self._steps = [step for section in self._sections for step in section]
        self._section = {s.output: i for i, part in enumerate(self._sections) for s in part}
        self._made = {step.output: step for step in self._steps}
        self._kept, self._known = {self._root(t) for t in kept}, known
        self._argued = {name for step in self._steps for name in SLOPE_AT.findall(step.formula)}
        self._uses: Counter[Tensor] = Counter()
        self._used_in: dict[Tensor, int] = {}
        self._count()
        self._lines = [s for s in self._steps if self._is_named(s.output) and not self._is_inline(s.output)]
        self._shown = self._temporaries()

    def read(self) -> list[list[Formula]]:
        work = self._work()
        lines = set(self._lines)
        return [
            [self._formula(step, work[step.output]) for step in section if step in lines]
            for section in self._sections
        ]

    def _root(self, tensor: Tensor) -> Tensor:
        return self._alias.get(tensor.name, tensor)

    def _direct(self, step: Step) -> Step:
        return replace(step, inputs=tuple(self._root(t) for t in step.inputs))

    def _count(self) -> None:
        """How often the text names each tensor, and in which section; what it never names is left out."""
        for step in reversed(self._steps):
            if self._is_named(step.output):
                for tensor in self._reads(step):
                    self._uses[self._root(tensor)] += 1
                    self._used_in[self._root(tensor)] = self._section[step.output]

    def _reads(self, step: Step) -> Sequence[Tensor]:
        if step.output in self._known:
            return self._known[step.output].reads
        form = template(step)
        if form is None:
            return [step.inputs[int(name[1:])] for e in _expressions(step) for name in arguments(e)]
        return [step.inputs[int(place)] for place in PLACEHOLDER.findall(form)]

    def _is_named(self, tensor: Tensor) -> bool:
        return tensor in self._kept or self._uses[tensor] > 0

    def _is_inline(self, tensor: Tensor) -> bool:
        return (
            INLINE.fullmatch(tensor.name) is not None
            and tensor in self._made
            and tensor not in self._kept
            and tensor.name not in self._argued
            and self._uses[tensor] == 1
            and self._used_in[tensor] == self._section[tensor]
        )

    def _temporaries(self) -> dict[Tensor, str]:
        """t1, t2, … for temporaries with a line of their own."""
        taken = {tensor.name for step in self._steps for tensor in (*step.inputs, *step.outputs)}
        free = (name for i in range(1, 10**9) if (name := f"t{i}") not in taken)
        return {s.output: next(free) for s in self._lines if s.output.name.startswith("%")}

    def _formula(self, step: Step, work: Sequence[Step]) -> Formula:
        tensor = step.output
        text = _text(self._definition(step))
        if tensor.name.startswith("∂θ("):
            return Formula(tensor.name.removesuffix("\N{PRIME}"), text, tensor, step.origin, tuple(work), "←")
        known = self._known.get(tensor)
        return Formula(self._name(tensor), text, tensor, known.origin if known else step.origin, tuple(work))

    def _name(self, tensor: Tensor) -> str:
        return self._shown.get(tensor, tensor.name)

    def _value(self, tensor: Tensor) -> Expr:
        tensor = self._root(tensor)
        return (
            self._definition(self._made[tensor]) if self._is_inline(tensor) else argument(self._name(tensor))
        )

    def _definition(self, step: Step) -> Expr:
        """What a step computes; a part in the notation of matrices is one symbol."""
        if step.output in self._known:
            return argument(self._known[step.output].text)
        values = [self._value(tensor) for tensor in step.inputs]
        form = template(step)
        if form is not None:
            return argument(_filled(form, [_text(value) for value in values]))
        (expression,) = _expressions(step)
        return short(substitute(expression, {f"x{i}": v for i, v in enumerate(values)}), first=("scale",))

    def _work(self) -> dict[Tensor, list[Step]]:
        """For each line its step and those without a line: they belong to the first one that needs them."""
        owner: dict[Tensor, Tensor] = {step.output: step.output for step in self._lines}
        for step in reversed(self._steps):
            target = owner.get(step.output)
            for tensor in step.inputs:
                if target is not None and tensor in self._made and self._made[tensor] not in self._lines:
                    owner[tensor] = target
        work: dict[Tensor, list[Step]] = {step.output: [] for step in self._lines}
        for step in self._steps:
            work[owner[step.output]].append(step)
        return work


def _expressions(step: Step) -> tuple[Expr, ...]:
    """A map's expressions, or a reduction of a whole vector as one."""
    match step:
        case Map():
            return step.expressions
        case Reduce(kind="sum"):
            return (sum(argument("x0")),)
        case Reduce():
            return (amax(argument("x0")),)
        case _:
            raise AssertionError(f"{type(step).__name__} has a template")


def _text(value: Expr) -> str:
    """The text of an expression; a symbol that is itself a product or a sum stands in parentheses in it."""
    if not value.args and value.name is not None:
        return value.name
    return to_text(value, {name: f"({name})" for name in arguments(value) if _has_space(name)})


def _filled(form: str, texts: Sequence[str]) -> str:
    """A template with its placeholders filled in; sums stand in parentheses within a product."""
    tight = not re.fullmatch(
        r"\{\d+\}( \+ \{\d+\})*|[^{}]*\w\(\{\d+\}\)|[^{}]*\w\(\{\d+\}, \{\d+\}\)|\[.*\]", form
    )
    return PLACEHOLDER.sub(lambda m: _in_parentheses(texts[int(m[1])], tight), form)


def _in_parentheses(text: str, tight: bool) -> str:
    return f"({text})" if tight and any(f" {sign} " in _outside(text) for sign in "+-") else text


def _has_space(text: str) -> bool:
    return " " in _outside(text)


def _outside(text: str) -> str:
    """The text without what stands in parentheses or brackets."""
    while (shorter := re.sub(r"\([^()\[\]]*\)|\[[^()\[\]]*\]", "", text)) != text:
        text = shorter
    return text
