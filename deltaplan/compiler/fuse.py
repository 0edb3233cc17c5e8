"""Passes over lists of steps: what nothing reads is dropped, maps that follow each other become one."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from deltaplan.compiler.steps import Map, Step, Tensor, View
from deltaplan.plugins.expressions import Expr, argument, arguments, substitute


def prune(steps: Sequence[Step], wanted: Iterable[Tensor]) -> tuple[Step, ...]:
    """The steps that the wanted tensors depend on."""
    needed = set(wanted)
    kept: list[Step] = []
    for step in reversed(steps):
        if any(tensor in needed for tensor in step.outputs):
            needed.update(step.inputs)
            kept.append(step)
    return tuple(reversed(kept))


def tidy(steps: Sequence[Step]) -> tuple[Step, ...]:
    """Puts constants into the maps that read them, and lets maps read what was only copied to broadcast."""
    sources: dict[Tensor, Tensor | Expr] = {}
    kept: list[Step] = []
    for step in steps:
        if isinstance(step, Map):
            step = _direct(step, sources)
            value = step.expressions[0]
            if len(step.outputs) == 1 and not step.inputs:
                sources[step.output] = value
            elif step.expressions == (argument("x0"),):
                sources[step.output] = step.inputs[0]
        elif isinstance(step, View) and isinstance(known := sources.get(step.inputs[0]), Expr):
            sources[step.output] = known
        kept.append(step)
    return tuple(kept)


def _direct(step: Map, sources: Mapping[Tensor, Tensor | Expr]) -> Map:
    """The map over what its inputs were copied from, constants put in."""
    if not any(tensor in sources for tensor in step.inputs):
        return step
    origins = [sources.get(tensor, tensor) for tensor in step.inputs]
    inputs = tuple(dict.fromkeys(o for o in origins if isinstance(o, Tensor)))
    values = {
        f"x{i}": o if isinstance(o, Expr) else argument(f"x{inputs.index(o)}") for i, o in enumerate(origins)
    }
    expressions = tuple(substitute(e, values) for e in step.expressions)
    used = {name for e in expressions for name in arguments(e)}
    plain = len(used) == len(step.inputs) and len(inputs) == len(step.inputs)
    return replace(step, inputs=inputs, expressions=expressions, formula=step.formula if plain else "")


def fuse(steps: Sequence[Step], kept: Collection[Tensor]) -> tuple[Step, ...]:
    """Merges a map into the next step that reads its output, where that is a map of the same shape.

    What other steps still read, and what is `kept`, is an output of the merged map too: nothing is computed
    twice.
    """
    kept = frozenset(kept)
    users = _users(steps)
    fused: list[Step | None] = list(steps)
    for index, step in enumerate(steps):
        producer = fused[index]
        if not isinstance(step, Map) or not isinstance(producer, Map):
            continue
        readers = [u for t in producer.outputs for u in users.get(t, ()) if u != index]
        if not readers:
            continue
        first = min(readers)
        consumer = fused[first]
        if isinstance(consumer, Map) and _same_shape(producer, consumer) and producer.inputs:
            visible = [t for t in producer.outputs if t in kept or any(u != first for u in users.get(t, ()))]
            fused[first] = merge(producer, consumer, visible)
            fused[index] = None
            for tensor in producer.inputs:
                users[tensor] = [first if u == index else u for u in users[tensor]]
    return tuple(_read_alone([step for step in fused if step is not None], kept))


def _read_alone(steps: Sequence[Step], kept: Collection[Tensor]) -> Iterator[Step]:
    """The steps, maps without the outputs whose every reader was merged into them."""
    read = {tensor for step in steps for tensor in step.inputs}
    for step in steps:
        if isinstance(step, Map) and len(step.outputs) > 1:
            pairs = zip(step.outputs, step.expressions, strict=True)
            wanted = [(t, e) for t, e in pairs if t in read or t in kept]
            outputs, expressions = zip(*wanted, strict=True)
            step = replace(step, outputs=outputs, expressions=expressions)
        yield step


def merge(producer: Map, consumer: Map, visible: Sequence[Tensor]) -> Map:
    """One map for two: the producer's visible outputs, then the consumer's."""
    inputs = tuple(
        dict.fromkeys([*producer.inputs, *(t for t in consumer.inputs if t not in producer.outputs)])
    )
    names = {tensor: argument(f"x{i}") for i, tensor in enumerate(inputs)}
    made = {
        tensor: substitute(e, {f"x{i}": names[t] for i, t in enumerate(producer.inputs)})
        for tensor, e in zip(producer.outputs, producer.expressions, strict=True)
    }
    values: dict[str, Expr] = {
        f"x{i}": made[t] if t in made else names[t] for i, t in enumerate(consumer.inputs)
    }
    return replace(
        consumer,
        inputs=inputs,
        outputs=(*visible, *consumer.outputs),
        expressions=(*(made[t] for t in visible), *(substitute(e, values) for e in consumer.expressions)),
        formula="",
    )


def _users(steps: Iterable[Step]) -> dict[Tensor, list[int]]:
    users: dict[Tensor, list[int]] = {}
    for index, step in enumerate(steps):
        for tensor in step.inputs:
            users.setdefault(tensor, []).append(index)
    return users


def _same_shape(a: Map, b: Map) -> bool:
    first, second = a.outputs[0], b.outputs[0]
    return first.shape == second.shape and first.batched == second.batched
