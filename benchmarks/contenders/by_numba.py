"""numba, as one who knows it writes it: explicit loops over [features, batch]."""

from functools import partial

import numpy as np

from benchmarks.contenders.numba_residual import adam, compiled, residual_loss, residual_step
from benchmarks.contest import Contender, repeating
from benchmarks.workloads import Array, Workload, landscape_of, rows_of

NAME = "numba"


def residual(work: Workload) -> dict[str, Contender]:
    (x, y), first, kind = work.samples, work.theta, np.dtype(work.settings.precision).type
    depth, samples, rate = len(work.blocks) - 2, x.shape[1], work.rate
    step = residual_step(depth, samples, kind)
    x, y = x[0].astype(kind), y[0].astype(kind)

    @compiled
    def train(steps, w, m, v, g, z, pre, d):  # type: ignore[no-untyped-def]
        for t in range(1, steps + 1):
            step(w, g, x, y, z, pre, d)
            adam(w, m, v, g, rate, t)

    def run(steps: int) -> Array:
        w = first.astype(kind)
        m, v, g = np.zeros_like(w), np.zeros_like(w), np.zeros_like(w)
        z = np.zeros((depth, 5, samples), kind)
        train(steps, w, m, v, g, z, np.zeros_like(z), np.zeros((5, samples), kind))
        return w

    return {NAME: Contender(run, work.length)}


@compiled
def forward(w, b, z, out, relu):  # type: ignore[no-untyped-def]
    """out [outputs, batch] = w z + b; w [outputs, inputs]"""
    for o in range(out.shape[0]):
        for n in range(out.shape[1]):
            out[o, n] = b[o]
        for i in range(z.shape[0]):
            for n in range(out.shape[1]):
                out[o, n] += w[o, i] * z[i, n]
        if relu:
            for n in range(out.shape[1]):
                out[o, n] = max(out[o, n], 0)


@compiled
def slopes(d, z, gw, gb):  # type: ignore[no-untyped-def]
    """gw = d zᵀ with z^T [batch, inputs], so that the inputs are next to each other"""
    rows = np.ascontiguousarray(z.T)
    for o in range(d.shape[0]):
        total = gw.dtype.type(0)
        for i in range(z.shape[0]):
            gw[o, i] = 0
        for n in range(d.shape[1]):
            total += d[o, n]
            for i in range(z.shape[0]):
                gw[o, i] += d[o, n] * rows[n, i]
        gb[o] = total


@compiled
def back(w, d, z, out):  # type: ignore[no-untyped-def]
    """out = wᵀ d where z > 0"""
    out[:] = 0
    for o in range(d.shape[0]):
        for i in range(out.shape[0]):
            for n in range(out.shape[1]):
                out[i, n] += w[o, i] * d[o, n]
    for i in range(out.shape[0]):
        for n in range(out.shape[1]):
            if not z[i, n] > 0:
                out[i, n] = 0


@compiled
def softmax(u):  # type: ignore[no-untyped-def]
    """[classes, batch] in place"""
    for n in range(u.shape[1]):
        largest, total = u[0, n], u.dtype.type(0)
        for c in range(1, u.shape[0]):
            largest = max(largest, u[c, n])
        for c in range(u.shape[0]):
            u[c, n] = np.exp(u[c, n] - largest)
            total += u[c, n]
        for c in range(u.shape[0]):
            u[c, n] /= total


@compiled
def views(theta):  # type: ignore[no-untyped-def]
    """The blocks of W3's net in θ or in its gradient."""
    a, b, c = 64 * 64, 2 * 64 * 64, 2 * 64 * 64 + 640
    weights = (theta[:a].reshape(64, 64), theta[a:b].reshape(64, 64), theta[b:c].reshape(10, 64))
    return weights, (theta[c : c + 64], theta[c + 64 : c + 128], theta[c + 128 : c + 138])


@compiled
def digits_step(w, b, gw, gb, x, labels):  # type: ignore[no-untyped-def]
    """x [64, batch]"""
    size, kind = x.shape[1], x.dtype
    z1, z2, p = np.empty((64, size), kind), np.empty((64, size), kind), np.empty((10, size), kind)
    d1, d2 = np.empty((64, size), kind), np.empty((64, size), kind)
    forward(w[0], b[0], x, z1, True)
    forward(w[1], b[1], z1, z2, True)
    forward(w[2], b[2], z2, p, False)
    softmax(p)
    for n in range(size):
        p[labels[n], n] -= 1
    p *= kind.type(1 / size)
    slopes(p, z2, gw[2], gb[2])
    back(w[2], p, z2, d2)
    slopes(d2, z1, gw[1], gb[1])
    back(w[1], d2, z1, d1)
    slopes(d1, x, gw[0], gb[0])


@compiled
def digits_epochs(epochs, batch, rate, samples, labels, theta, m, v, g):  # type: ignore[no-untyped-def]
    w, b = views(theta)
    gw, gb = views(g)
    t = 0
    for _ in range(epochs):
        order = np.random.permutation(len(labels))
        for begin in range(0, len(labels), batch):
            chosen = order[begin : begin + batch]
            digits_step(w, b, gw, gb, np.ascontiguousarray(samples[chosen].T), labels[chosen])
            t += 1
            adam(theta, m, v, g, rate, t)


def digits(work: Workload) -> dict[str, Contender]:
    (x, labels), first, kind = work.samples, work.theta, np.dtype(work.settings.precision).type
    samples = np.ascontiguousarray(x.T.astype(kind))

    def run(epochs: int) -> None:
        theta = first.astype(kind)
        m, v, g = np.zeros_like(theta), np.zeros_like(theta), np.zeros_like(theta)
        digits_epochs(epochs, work.settings.batch, work.rate, samples, labels, theta, m, v, g)

    return {NAME: Contender(run, work.length, steps=work.steps)}


def landscape(work: Workload) -> dict[str, Contender]:
    (x, y), grid, kind = work.samples, landscape_of(work), np.dtype(work.settings.precision).type
    vectors = [np.ascontiguousarray(v, kind) for v in (grid.theta, *grid.directions, grid.a, grid.b)]
    x, y, depth, samples = x[0].astype(kind), y[0].astype(kind), len(work.blocks) - 2, x.shape[1]
    loss = residual_loss(depth, samples, kind)

    @compiled
    def surface(theta, d1, d2, a, b, out):  # type: ignore[no-untyped-def]
        w, z, u = np.empty_like(theta), np.empty((5, samples), kind), np.empty((5, samples), kind)
        for k in range(a.size):
            for i in range(w.size):
                w[i] = theta[i] + a[k] * d1[i] + b[k] * d2[i]
            out[k] = loss(w, x, y, z, u)

    out = np.zeros(grid.a.size, kind)
    return {NAME: Contender(repeating(partial(surface, *vectors, out)), 100)}


@compiled
def probabilities(theta, x, out):  # type: ignore[no-untyped-def]
    """x [N, 64] in rows, N a multiple of 32: so many at once, which stay in the first cache."""
    w, b = views(theta)
    z1, z2, p = np.empty((64, 32), x.dtype), np.empty((64, 32), x.dtype), np.empty((10, 32), x.dtype)
    for begin in range(0, len(x), 32):
        forward(w[0], b[0], np.ascontiguousarray(x[begin : begin + 32].T), z1, True)
        forward(w[1], b[1], z1, z2, True)
        forward(w[2], b[2], z2, p, False)
        softmax(p)
        out[begin : begin + 32] = p.T


@compiled
def probabilities_of_one(w1, w2, w3, theta, x, out):  # type: ignore[no-untyped-def]
    """Weights [in, out], so that the outputs are next to each other."""
    _, (b1, b2, b3) = views(theta)
    z1, z2 = b1.copy(), b2.copy()
    out[:] = b3
    for i in range(64):
        for o in range(64):
            z1[o] += w1[i, o] * x[i]
    for i in range(64):
        value = max(z1[i], 0)
        for o in range(64):
            z2[o] += w2[i, o] * value
    for i in range(64):
        value = max(z2[i], 0)
        for o in range(10):
            out[o] += w3[i, o] * value
    largest = out.max()
    total = out.dtype.type(0)
    for c in range(10):
        out[c] = np.exp(out[c] - largest)
        total += out[c]
    for c in range(10):
        out[c] /= total


def one(work: Workload) -> dict[str, Contender]:
    theta, x, out = work.theta.astype(np.float32), rows_of(work, 1)[0].copy(), np.zeros(10, np.float32)
    weights: list[Array] = [np.ascontiguousarray(w.T, np.float32) for w, _ in work.blocks]
    call = probabilities_of_one
    return {NAME: Contender(repeating(partial(call, *weights, theta, x, out)), 10_000)}


def many(work: Workload) -> dict[str, Contender]:
    theta, x, out = work.theta.astype(np.float32), rows_of(work, 1024), np.zeros((1024, 10), np.float32)
    return {NAME: Contender(repeating(partial(probabilities, theta, x, out)), 1000)}
