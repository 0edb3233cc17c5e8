"""Kernels and programs for tests: small ones by hand, those of specs, and random models."""

from zlib import crc32

from hypothesis import strategies as st
from programs import spec

from deltaplan.compiler.loops.nest import Affine, Buffer, Compute, For, Kernel, Load, MultiplyAdd, Store
from deltaplan.compiler.loops.places import external_of
from deltaplan.compiler.loops.program import Program, program
from deltaplan.compiler.loops.schedule.axes import Axes, Machine
from deltaplan.compiler.loops.schedule.nearby import read_by, written_by
from deltaplan.compiler.plan import Plan
from deltaplan.plugins.expressions import argument, evaluate

AVX512 = {"float64": Machine(8, 32), "float32": Machine(16, 32)}
AVX2 = {"float64": Machine(4, 16), "float32": Machine(8, 16)}
X, Y = Buffer("x", (4, 8)), Buffer("y", (4, 8))
DOUBLED = Compute(("t2",), (2 * argument("x0"),), ("t1",))


def doubling(load=("k", "b"), store=("k", "b"), body=None, rows=4, kind="lanes", outer="k", inner="b"):
    """y = 2·x for x, y [4, 8], with other places or another body where they are given."""
    body = body or (Load("t1", X, load), DOUBLED, Store(Y, store, "t2"))
    return Kernel("doubling", (X, Y), (For(outer, rows, (For(inner, 8, body, kind),)),))


def twice(variable):
    return Affine(((variable, 2),))


def program_of(plan: Plan, batch: int, machine: Machine, made=None, nets=0, fused=True) -> Program:
    """The program of a plan as the native backend has it; unfused without reuse of memory."""
    axes = Axes(batch, machine, nets)
    made = {} if made is None else made
    return program(plan.steps, external_of(plan, 0, nets), plan.kept, axes, made, fused=fused, reuse=fused)


LOSSES = {
    "mean(squared_error)": "{}",
    "sum(huber)": "{}",
    "mean(hinge)": "1",
    "mean(logistic)": "1",
    "mean(cross_entropy)": "{}",
}
ACTIVATIONS = ("tanh", "relu", "leaky_relu(0.1)", "elu", "softplus", "silu", "")


def carried_out(body):
    """The numbers that the statements store, by buffer and place; what they find there depends on both."""
    stored, known = {}, {}
    for s in body:
        match s:
            case Load():
                known[s.name] = crc32(str((s.buffer.name, s.index)).encode()) / 2**31 - 1
            case MultiplyAdd():
                known[s.name] = (known[s.before] if s.before else 0) + known[s.a] * known[s.b]
            case Compute():
                given = {f"x{i}": known[name] for i, name in enumerate(s.inputs)}
                for name, expression in zip(s.outputs, s.expressions, strict=True):
                    known[name] = evaluate(expression, given)
            case Store():
                stored[s.buffer, s.index] = known[s.name]
    return stored


def most_at_once(body):
    """Locals that are still read later."""
    last = {name: number for number, s in enumerate(body) for name in read_by(s)}
    live, most = set(), 0
    for number, s in enumerate(body):
        live = {name for name in live if last.get(name, -1) > number} | set(written_by(s))
        most = max(most, len(live))
    return most


@st.composite
def models(draw):
    """The text of a random spec: layers of 1 to 40 numbers with skips and dropout, a loss, penalties."""
    inputs = draw(st.integers(1, 20))
    lines = [f"input {inputs}"]
    for _ in range(draw(st.integers(0, 4))):
        width, activation = draw(st.integers(1, 40)), draw(st.sampled_from(ACTIVATIONS))
        skip = draw(st.sampled_from(("", "", "residual=project")))
        bias = draw(st.sampled_from(("", "bias=false")))
        lines.append(f"dense {width}  {activation} {skip} {bias}")
        lines += ["dropout 0.3"] if draw(st.booleans()) else []
    loss = draw(st.sampled_from(sorted(LOSSES)))
    outputs = int(LOSSES[loss].format(draw(st.integers(2, 12))))
    lines.append(f"output {outputs}")
    targets = 1 if "cross" in loss else outputs
    penalty = draw(st.sampled_from(("", " + l2(0.1)", " + l1(0.1)")))
    return spec(*lines, inputs=inputs, targets=targets, minimize=loss + penalty)
