"""What a kernel computes, in the lecture's notation."""

from collections.abc import Iterator, Mapping, Sequence

from deltaplan.compiler.loops.calls import Call
from deltaplan.compiler.printers.formulas import Formula
from deltaplan.compiler.steps import Step
from deltaplan.diagnostics.letters import ascii


class Comments:
    """Formulas by the tensors that they define, and the steps that lead from one tensor to another, those of
    the backward pass apart. Steps without a node are called `name`."""

    def __init__(
        self,
        steps: Sequence[Step],
        formulas: Sequence[Formula],
        backward: Sequence[Step] = (),
        name: str = "step",
    ) -> None:
        self._makers: Mapping[str, Step] = {t.name: step for step in steps for t in step.outputs}
        self._formulas = formulas
        self._name = name
        self._backward = {t.name for step in backward for t in step.outputs}

    def stem(self, call: Call) -> str:
        """`dense2`, for its backward pass `dense2_back`, for its gradient `dense2_sum`."""
        first = call.kernel.title.split(", ")[0] or self._name
        if call.kernel.name.startswith("sums"):
            return f"{first}_sum"
        return first + ("_back" if written_by(call) & self._backward else "")

    def of(self, call: Call) -> Iterator[str]:
        """A line for each formula that a call works out; else the nodes that it belongs to."""
        made = self._between(call)
        found = [f for f in self._formulas if f.tensor.name in made]
        yield from (ascii(str(formula)) for formula in found)
        if not found and call.kernel.title:
            yield ascii(f"for {call.kernel.title}")

    def _between(self, call: Call) -> set[str]:
        """The tensors that are computed on the way from what a call reads to what it writes."""
        written = written_by(call)
        read = set(call.tensors) - written
        found, pending = set(written), sorted(written)
        while pending:
            step = self._makers.get(pending.pop())
            for tensor in step.inputs if step else ():
                if tensor.name not in read and tensor.name not in found and tensor.name in self._makers:
                    found.add(tensor.name)
                    pending.append(tensor.name)
        return found


class Said(Comments):
    """Lines that are known beforehand."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__([], [])
        self._lines = lines

    def of(self, call: Call) -> Iterator[str]:
        yield from self._lines


def written_by(call: Call) -> set[str]:
    """The tensors that a call writes."""
    names = dict(zip((b.name for b in call.kernel.parameters), call.tensors, strict=True))
    return {names[name] for name in call.kernel.outputs}
