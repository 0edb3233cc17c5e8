"""Plans beyond the gradient: the slope of a weighted output, and the Hessian times a vector.

Both are gradient plans of another goal, so that every rule and pass is that of training.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from deltaplan.compiler.differentiate import differentiate, rename
from deltaplan.compiler.lower import Trace
from deltaplan.compiler.plan import Part, Plan, gradient_plan
from deltaplan.compiler.steps import Map, Reduce, Step, Tensor
from deltaplan.plugins.expressions import argument

SEED = "seed"  # the input that weights the outputs


def output_plan(trace: Trace, output: str) -> Plan:
    """g ← ∂/∂θ Σ (seed ⊙ u) for the output u; `seed`, of the shape of u, is one more input of the plan."""
    u = trace.outputs[output]
    seed = Tensor(SEED, u.shape, batched=True)
    steps = tuple(_dots([(u, seed)]))
    goal = steps[-1].output
    whole = replace(
        trace,
        steps=(*trace.steps, *steps),
        inputs={**trace.inputs, SEED: seed},
        sample_loss=steps[0].output,
        loss=goal,
    )
    return gradient_plan(whole, of_loss=True)


def hessian_plan(trace: Trace, of_loss: bool = False) -> Plan:
    """g ← H v with H = ∂²J/∂θ², J the objective, or its loss alone: the gradient of vᵀ∂J/∂θ for a constant
    vector `v`."""
    first = trace.loss if of_loss else trace.objective
    assert first is not None, "a Hessian needs a problem"
    offsets = {p.tensor: p.offset for p in trace.parameters}
    offsets |= {s.tensor: s.offset for s in trace.segments}
    backward, adjoints = differentiate(trace.steps, {first: None}, offsets)
    names = {t: replace(t, name=f"first {t.name}") for step in backward for t in step.outputs}
    backward = tuple(rename(step, names) for step in backward)
    pairs = {
        Tensor(f"v of {t.name}", t.shape): (names.get(adjoint, adjoint), offsets[t])
        for t, adjoint in adjoints.items()
    }
    steps = tuple(_dots([(adjoint, v) for v, (adjoint, _) in pairs.items()]))
    whole = replace(trace, steps=(*trace.steps, *backward, *steps), loss=steps[-1].output)
    plan = gradient_plan(whole, of_loss=True)
    return replace(plan, parts=(*plan.parts, *_directions(pairs)))


def _directions(pairs: Mapping[Tensor, tuple[Tensor, int]]) -> Iterator[Part]:
    for v, (_, offset) in pairs.items():
        yield Part(v, "v", offset)


def _dots(pairs: list[tuple[Tensor, Tensor]]) -> Iterator[Step]:
    """Σ a·b over all numbers and samples, summed over the pairs."""
    totals = []
    for number, (a, b) in enumerate(pairs):
        product = Tensor(f"%product{number}", a.shape, a.batched)
        totals.append(Tensor(f"%dot{number}", ()))
        yield Map(inputs=(a, b), outputs=(product,), expressions=(argument("x0") * argument("x1"),))
        axes = tuple(range(len(a.shape)))
        yield Reduce(inputs=(product,), outputs=(totals[-1],), kind="sum", axes=axes, batch=a.batched)
    terms = [argument(f"x{i}") for i in range(len(totals))]
    total = Tensor("%dot", ())
    yield Map(inputs=tuple(totals), outputs=(total,), expressions=(sum(terms[1:], terms[0]),))
