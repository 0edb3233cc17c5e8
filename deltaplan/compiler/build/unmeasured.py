"""Finds what a spec leaves to its data, before the model is built, and has it measured."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from deltaplan.compiler.build.context import Context, Told
from deltaplan.compiler.build.data import read_block
from deltaplan.compiler.build.places import Read
from deltaplan.compiler.build.scope import Scope, Wire
from deltaplan.compiler.build.sizes import is_bare
from deltaplan.compiler.build.terms import terms
from deltaplan.compiler.build.weights import BALANCED, WEIGHTS
from deltaplan.compiler.experiment import DataSpec
from deltaplan.compiler.measured import Kind, Measure, Measured, Unmeasured
from deltaplan.diagnostics import Problems
from deltaplan.dsl import tree

Nodes = dict[str, tree.Line]  # by the names that they will have


def measure_data(
    context: Context, scope: Scope, reads: Mapping[str, list[Read]], measure: Measure | None
) -> Context:
    """The context with what is measured. What is wrong with the file or its columns is told."""
    lines = [read.line for read in reads.get("model", [])[:1]]
    inputs, outputs = (_nodes(lines, head) for head in ("input", "output"))
    losses = list(_losses(context, reads.get("train", []), tuple(outputs)))
    sized = frozenset(name for name, line in [*inputs.items(), *outputs.items()] if is_bare(line))
    balanced = frozenset(output for output, _, call in losses if _is_balanced(call))
    if measure is None or not (sized or balanced):
        return context
    kinds: dict[str, Kind] = dict.fromkeys(outputs, "real")
    kinds |= {output: kind for output, kind, _ in reversed(losses)}
    try:
        data = _data(context, scope, inputs, outputs, reads.get("data", []))
    except Told:
        return replace(context, unmeasured=True)
    wanted = Unmeasured(data, tuple(inputs), kinds, sized, balanced)
    before = len(context.problems.errors)
    found = context.attempt(measure, wanted)
    return replace(context, measured=found or Measured(), unmeasured=len(context.problems.errors) > before)


def _nodes(models: Iterable[tree.Line], head: str) -> Nodes:
    lines = [line for model in models if model.body for line in model.body.lines]
    return {
        line.target.text if line.target else head: line
        for line in lines
        if isinstance(line.head, tree.Name) and line.head.text == head
    }


def _losses(
    context: Context, reads: Iterable[Read], outputs: tuple[str, ...]
) -> Iterator[tuple[str, Kind, tree.Value]]:
    """The output that each loss of `minimize` is on, what target it takes, and the loss as it is written.
    Mistakes are told when the line is read."""
    body = next((read.line.body for read in reads if read.line.body), None)
    for line in body.lines if body else ():
        if not (isinstance(line.head, tree.Name) and line.head.text == "minimize"):
            continue
        for item in line.items:
            if isinstance(item, tree.Option | tree.Values):
                continue
            for value in _named(item):
                contract = context.registry.find(
                    "loss", value.name if isinstance(value, tree.Call) else value.text
                )
                output = _on(value) or (outputs[0] if len(outputs) == 1 else "")
                if contract and output:
                    yield output, contract.target, value


def _named(value: tree.Value) -> Iterator[tree.Name | tree.Call]:
    """The names and calls in a sum, those within `mean( )` too."""
    for term in terms(value):
        match term:
            case tree.Call(name="mean" | "sum", items=items):
                for item in items:
                    if not isinstance(item, tree.Option):
                        yield from _named(item)
            case tree.Name() | tree.Call():
                yield term
            case tree.Binary(left=left, right=right):
                yield from _named(left)
                yield from _named(right)


def _on(value: tree.Name | tree.Call) -> str | None:
    return next((text for name, text in _options(value) if name == "on"), None)


def _is_balanced(value: tree.Value) -> bool:
    return (WEIGHTS, BALANCED) in _options(value)


def _options(value: tree.Value) -> Iterator[tuple[str, str]]:
    items = value.items + value.after if isinstance(value, tree.Call) else ()
    for item in items:
        if isinstance(item, tree.Option):
            yield item.key.span.text, item.value.span.text


def _data(
    context: Context, scope: Scope, inputs: Nodes, outputs: Nodes, reads: Iterable[Read]
) -> DataSpec | None:
    """The data block, None where there is none. Raises Told where it has mistakes, which are told when it is
    read for good."""
    line = next((read.line for read in reads), None)
    if line is None:
        return None
    aside = replace(context, problems=Problems())
    given, aims = _wires(inputs), _wires(outputs)
    found = aside.attempt(read_block, aside, scope, given, aims, line)
    if found is None or aside.problems.errors:
        raise Told
    return found.data


def _wires(nodes: Nodes) -> dict[str, Wire]:
    return {name: Wire(name, (0,), line.span) for name, line in nodes.items()}
