"""jax: whole trainings as `lax.scan` over the steps, compiled at once; `vmap` of that for an ensemble."""

import os

os.environ.setdefault("JAX_PLATFORMS", "cpu")

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.contest import Contender, repeating
from benchmarks.threads import processors_held
from benchmarks.workloads import Workload, landscape_of, rows_of

jax.config.update("jax_enable_x64", True)
with processors_held():
    jax.devices()  # makes its threads
NAME = "jax scan"
Tree = Any
Outputs = Callable[[Tree, Any], Any]
Activation = Callable[[Any], Any]


def blocks_of(work: Workload) -> Tree:
    kind = work.settings.precision
    return [(jnp.asarray(w, kind), jnp.asarray(b, kind)) for w, b in work.blocks]


def turned(work: Workload) -> Tree:
    """The same with W [in, out]."""
    return [(jnp.array(w.T), b) for w, b in blocks_of(work)]


def leaky_relu(v: Any) -> Any:
    return jnp.where(v > 0, v, 0.01 * v)


def snake_of(v: Any) -> Any:
    """v + sin²(v), as one writes it"""
    return v + jnp.sin(v) ** 2


def residual_outputs(blocks: Tree, x: Any, activation: Activation = leaky_relu) -> Any:
    """z [features, batch] through W1's and W2's layers."""
    for w, b in blocks[:-1]:
        v = w @ x + b[:, None]
        a = activation(v)
        x = x + a if v.shape == x.shape else a
    w, b = blocks[-1]
    return w @ x + b[:, None]


def squared_error(blocks: Tree, x: Any, y: Any, activation: Activation = leaky_relu) -> Any:
    return ((residual_outputs(blocks, x, activation) - y) ** 2).sum() / 2 / x.shape[1]


def relu_outputs(blocks: Tree, x: Any) -> Any:
    """Rows [batch, features] through the layers of W3 and W4, W [in, out]."""
    for w, b in blocks[:-1]:
        x = jax.nn.relu(x @ w + b)
    w, b = blocks[-1]
    return x @ w + b


def cross_entropy(blocks: Tree, x: Any, labels: Any, outputs: Outputs = relu_outputs) -> Any:
    """Sums over one-hot classes, which XLA does quicker than it picks them."""
    logs = jax.nn.log_softmax(outputs(blocks, x))
    return -(jax.nn.one_hot(labels, logs.shape[1], dtype=logs.dtype) * logs).sum(1).mean()


def adam(rate: float, state: Tree, gradient: Tree) -> Tree:
    """The next (θ, m, v, t)."""
    theta, m, v, t = state
    t = t + 1
    kind = jax.tree.leaves(theta)[0].dtype
    first, second = (1 - 0.9**t).astype(kind), (1 - 0.999**t).astype(kind)
    m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, gradient)
    v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, gradient)
    move = partial(jax.tree.map, lambda w, m, v: w - rate * (m / first) / (jnp.sqrt(v / second) + 1e-8))
    return move(theta, m, v), m, v, t


def start(blocks: Tree) -> Tree:
    zeros = jax.tree.map(jnp.zeros_like, blocks)
    return blocks, zeros, zeros, jnp.asarray(0.0)


def one_step(work: Workload, activation: Activation = leaky_relu) -> Callable[[Tree], Tree]:
    """The state of W1 or W2 after a step on all samples."""
    x, y = (jnp.asarray(a, work.settings.precision) for a in work.samples)
    loss = partial(squared_error, x=x, y=y, activation=activation)
    return lambda state: adam(work.rate, state, jax.grad(loss)(state[0]))


def full_batch(work: Workload, steps: int, activation: Activation = leaky_relu) -> Callable[[Tree], Tree]:
    """`steps` steps of W1 or W2 from these blocks."""
    after = one_step(work, activation)

    def step(state: Tree, _: None) -> tuple[Tree, None]:
        return after(state), None

    return lambda blocks: jax.lax.scan(step, start(blocks), None, steps)[0][0]


def residual(work: Workload) -> dict[str, Contender]:
    steps = work.length if len(work.blocks) < 10 else work.length // 4
    train, blocks = jax.jit(full_batch(work, steps)), blocks_of(work)
    return {NAME: Contender(lambda units: jax.block_until_ready(train(blocks)), work.length, units=steps)}


def snake(work: Workload) -> dict[str, Contender]:
    """The whole training compiled, and each step by itself, as one writes it first."""
    train, blocks = jax.jit(full_batch(work, work.length, snake_of)), blocks_of(work)
    step = jax.jit(one_step(work, snake_of))

    def run(units: int) -> Any:
        state = start(blocks)
        for _ in range(units):
            state = step(state)
        return jax.block_until_ready(state)

    whole = Contender(lambda units: jax.block_until_ready(train(blocks)), work.length, units=work.length)
    return {NAME: whole, "jax jit": Contender(run, work.length)}


def ensemble(work: Workload, nets: int = 1000, steps: int = 200) -> dict[str, Contender]:
    """The time of a net and step; the first blocks of all nets differ."""
    train = jax.jit(jax.vmap(full_batch(work, steps)))
    factors = 1 + np.arange(nets) / nets

    def stack(block: Any) -> Any:
        return jnp.asarray(factors.reshape(nets, *(1 for _ in block.shape)) * block, block.dtype)

    blocks = jax.tree.map(stack, blocks_of(work))

    def run(units: int) -> Any:
        return jax.block_until_ready(train(blocks))

    return {"jax vmap of scan": Contender(run, steps, steps=nets, units=steps)}


def digits(work: Workload) -> dict[str, Contender]:
    """All epochs in one scan; the batches of an epoch in another, and after it the smaller one."""
    x, y = work.samples
    samples, labels = jnp.asarray(x.T, work.settings.precision), jnp.asarray(y)
    batch = work.settings.batch
    assert batch is not None
    whole = len(samples) // batch * batch

    def step(state: Tree, chosen: Any) -> tuple[Tree, None]:
        gradient = jax.grad(cross_entropy)(state[0], samples[chosen], labels[chosen])
        return adam(work.rate, state, gradient), None

    def epoch(state: Tree, key: Any) -> tuple[Tree, None]:
        order = jax.random.permutation(key, len(samples))
        state, _ = jax.lax.scan(step, state, order[:whole].reshape(-1, batch))
        return step(state, order[whole:])[0] if whole < len(samples) else state, None

    keys = jax.random.split(jax.random.key(0), work.length)
    train, blocks = jax.jit(lambda blocks: jax.lax.scan(epoch, start(blocks), keys)[0][0]), turned(work)

    def run(units: int) -> Any:
        return jax.block_until_ready(train(blocks))

    return {NAME: Contender(run, work.length, steps=work.steps, units=work.length)}


def picture_outputs(blocks: Tree, x: Any) -> Any:
    """Rows [batch, 784] through the layers of W5, kernels [out, height, width, in]."""
    x = x.reshape(-1, 28, 28, 1)
    for w, b in blocks[:-1]:
        x = jax.lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=("NHWC", "OHWI", "NHWC"))
        total = jax.lax.reduce_window(
            jax.nn.relu(x + b), 0.0, jax.lax.add, (1, 2, 2, 1), (1, 2, 2, 1), "VALID"
        )
        x = total / 4
    w, b = blocks[-1]
    return x.reshape(len(x), -1) @ w.T + b


def convolution(work: Workload) -> dict[str, Contender]:
    return with_momentum(work, blocks_of(work), picture_outputs)


def mlp(work: Workload) -> dict[str, Contender]:
    return with_momentum(work, turned(work), relu_outputs)


def with_momentum(work: Workload, blocks: Tree, outputs: Outputs) -> dict[str, Contender]:
    """SGD with momentum."""
    x, y = work.samples
    samples, labels = jnp.asarray(x.T, work.settings.precision), jnp.asarray(y)
    momentum = work.momentum
    order = np.random.default_rng(0).permutation(len(samples))
    chosen = jnp.asarray(order[: work.length * (work.settings.batch or 1)].reshape(work.length, -1))

    def step(state: Tree, chosen: Any) -> tuple[Tree, None]:
        theta, velocity = state
        gradient = jax.grad(cross_entropy)(theta, samples[chosen], labels[chosen], outputs)
        velocity = jax.tree.map(lambda v, g: momentum * v + g, velocity, gradient)
        return (jax.tree.map(lambda w, v: w - work.rate * v, theta, velocity), velocity), None

    def train(blocks: Tree) -> Tree:
        return jax.lax.scan(step, (blocks, jax.tree.map(jnp.zeros_like, blocks)), chosen)[0][0]

    compiled, one_step = jax.jit(train), jax.jit(lambda state, chosen: step(state, chosen)[0])

    def run(units: int) -> Any:
        return jax.block_until_ready(compiled(blocks))

    def step_by_step(units: int) -> Any:
        state = blocks, jax.tree.map(jnp.zeros_like, blocks)
        for number in range(units):
            state = one_step(state, chosen[number])
        return jax.block_until_ready(state)

    return {
        NAME: Contender(run, work.length, units=work.length),
        "jax jit of a step": Contender(step_by_step, work.length, units=work.length),
    }


def landscape(work: Workload) -> dict[str, Contender]:
    """vmap over the points."""
    x, y = (jnp.asarray(a, work.settings.precision) for a in work.samples)
    grid, blocks = landscape_of(work), blocks_of(work)
    leaves, shape = jax.tree.flatten(blocks)
    ends = np.cumsum([leaf.size for leaf in leaves])

    def loss(theta: Any) -> Any:
        parts = [p.reshape(leaf.shape) for p, leaf in zip(jnp.split(theta, ends[:-1]), leaves, strict=True)]
        return squared_error(jax.tree.unflatten(shape, parts), x, y)

    def losses(theta: Any, directions: Any, a: Any, b: Any) -> Any:
        return jax.vmap(lambda a, b: loss(theta + a * directions[0] + b * directions[1]))(a, b)

    given = [jnp.asarray(v, work.settings.precision) for v in (grid.theta, grid.directions, grid.a, grid.b)]
    surface = jax.jit(losses)
    return {"jax vmap": Contender(repeating(lambda: surface(*given).block_until_ready()), 100)}


def one(work: Workload) -> dict[str, Contender]:
    return predictions(work, 1)


def many(work: Workload) -> dict[str, Contender]:
    return predictions(work, 1024)


def predictions(work: Workload, count: int) -> dict[str, Contender]:
    blocks, rows = turned(work), rows_of(work, count)
    call = jax.jit(lambda x: jax.nn.softmax(relu_outputs(blocks, x)))
    return {"jax jit": Contender(repeating(lambda: np.asarray(call(rows))), 10_000)}
