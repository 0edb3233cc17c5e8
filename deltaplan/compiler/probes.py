"""Plans that show what lies within: the value of every node, its slope, and how one node moves another."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from deltaplan.compiler.differentiate import dependents, differentiate, rename
from deltaplan.compiler.fuse import prune, tidy
from deltaplan.compiler.lower import Trace
from deltaplan.compiler.plan import Plan, stored_parts
from deltaplan.compiler.steps import Step, Tensor

SEED = "seed"  # the input that weights the numbers of the node which is derived


def values_plan(trace: Trace, nodes: Iterable[str]) -> Plan:
    """The forward pass up to the values of the nodes."""
    wanted = dict.fromkeys(trace.values[name] for name in nodes)
    return _plan(trace, trace.steps, wanted)


def slopes_plan(trace: Trace, nodes: Iterable[str]) -> tuple[Plan, dict[str, Tensor]]:
    """The slope δ of scale · Σ loss by the value of each node; a node that the loss does not see has none."""
    assert trace.loss is not None, "slopes need a problem"
    tensors = {name: trace.values[name] for name in nodes}
    backward, adjoints = differentiate(trace.steps, {trace.loss: None}, dict.fromkeys(tensors.values()))
    found = {name: adjoints[tensor] for name, tensor in tensors.items() if tensor in adjoints}
    return _plan(trace, tidy((*trace.steps, *backward)), dict.fromkeys(found.values())), found


def between_plan(trace: Trace, target: str, source: str) -> tuple[Plan, Tensor | None, tuple[Tensor, ...]]:
    """∂/∂source Σ (seed ⊙ target) for two nodes; `seed`, of the shape of the target, is an input. What the
    source has no part in, and the source itself, are inputs too, by their tensors' names: they are given as
    well. None where the target does not depend on the source."""
    of, by = trace.values[target], trace.values[source]
    seed = Tensor(SEED, of.shape, batched=True)
    backward, adjoints = differentiate(trace.steps, {of: seed}, [by], [SEED])
    if (found := adjoints.get(by)) is None:
        return _plan(trace, (), {}), None, ()
    moved = dependents(trace.steps, [by])
    own = (s for s in trace.steps if s.output in moved or not any(t.batched for t in s.inputs))
    steps = tidy((*own, *backward))
    needed = prune(steps, [found])
    made = {t for step in needed for t in step.outputs} | {seed}
    given = tuple(dict.fromkeys(t for s in needed for t in s.inputs if t.batched and t not in made))
    whole = replace(trace, inputs={**{t.name: t for t in given}, SEED: seed})
    return _plan(whole, steps, {found: None}), found, given


def given_plan(trace: Trace, tensors: Sequence[Tensor]) -> Plan:
    """The forward pass up to tensors of it."""
    return _plan(trace, trace.steps, dict.fromkeys(tensors))


def moved_trace(trace: Trace) -> tuple[Trace, tuple[Tensor, ...]]:
    """The part of a trace that its trained parameters move. What else it reads of the samples are its inputs,
    by their tensors' names: they are given as well."""
    moved = dependents(trace.steps, [p.tensor for p in trace.trained])
    own = tuple(
        step
        for step in trace.steps
        if not moved.isdisjoint(step.outputs) or not any(t.batched for t in step.inputs)
    )
    made = {t for step in own for t in step.outputs} | {*trace.targets.values()}
    given = tuple(dict.fromkeys(t for s in own for t in s.inputs if t.batched and t not in made))
    return replace(trace, steps=own, inputs={t.name: t for t in given}), given


def curvature_plan(trace: Trace) -> tuple[Plan, dict[str, Tensor], dict[str, Tensor]]:
    """Σ (seed ⊙ δ) derived by each output, for the slopes δ of scale · Σ loss by the outputs: with a seed of
    1 for one number it is a row of each sample's Hessian by the outputs. With the plan come the seeds, inputs
    of it, and what is found, both by outputs; of what is curved nowhere nothing is found."""
    assert trace.loss is not None, "a curvature needs a problem"
    first, slopes = differentiate(trace.steps, {trace.loss: None}, trace.outputs.values())
    names = {t: replace(t, name=f"first {t.name}") for step in first for t in step.outputs}
    steps = (*trace.steps, *(rename(step, names) for step in first))
    seeds = {name: Tensor(f"{SEED} {name}", u.shape, batched=True) for name, u in trace.outputs.items()}
    known: dict[Tensor, Tensor | None] = {
        names.get(slopes[u], slopes[u]): seeds[name] for name, u in trace.outputs.items() if u in slopes
    }
    taken = [seed.name for seed in seeds.values()]
    second, curved = differentiate(steps, known, trace.outputs.values(), taken)
    found = {name: curved[u] for name, u in trace.outputs.items() if u in curved}
    whole = replace(trace, inputs={**trace.inputs, **{seed.name: seed for seed in seeds.values()}})
    plan = _plan(whole, tidy((*steps, *second)), dict.fromkeys(found.values()))
    return plan, seeds, found


def _plan(trace: Trace, steps: tuple[Step, ...], wanted: Mapping[Tensor, None]) -> Plan:
    return Plan("evaluate", trace, prune(steps, wanted), (), tuple(stored_parts(trace)), tuple(wanted))
