"""Plans that show what lies within: the value of every node, its slope, and how one node moves another."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from deltaplan.compiler.differentiate import differentiate
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


def between_plan(trace: Trace, target: str, source: str) -> tuple[Plan, Tensor | None]:
    """∂/∂source Σ (seed ⊙ target) for two nodes; `seed`, of the shape of the target, is one more input. None
    where the target does not depend on the source."""
    of, by = trace.values[target], trace.values[source]
    seed = Tensor(SEED, of.shape, batched=True)
    backward, adjoints = differentiate(trace.steps, {of: seed}, [by], [SEED])
    whole = replace(trace, inputs={**trace.inputs, SEED: seed})
    found = adjoints.get(by)
    return _plan(whole, tidy((*trace.steps, *backward)), dict.fromkeys([found] if found else [])), found


def _plan(trace: Trace, steps: tuple[Step, ...], wanted: Mapping[Tensor, None]) -> Plan:
    return Plan("evaluate", trace, prune(steps, wanted), (), tuple(stored_parts(trace)), tuple(wanted))
