"""numba, as one who knows it writes it: explicit loops over [features, batch], all sizes constant."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numba
import numpy as np

from benchmarks.contest import Contender, repeating
from benchmarks.workloads import Array, Workload, landscape_of, rows_of

NAME = "numba"
SLOPE = 0.01


def compiled(function: Callable[..., Any]) -> Any:
    return numba.njit(fastmath=True, error_model="numpy")(function)


@compiled
def adam(theta, m, v, g, rate, t):  # type: ignore[no-untyped-def]
    kind = theta.dtype.type
    root = np.sqrt(1 - 0.999**t)
    scale, eps = kind(rate * root / (1 - 0.9**t)), kind(1e-8 * root)
    for i in range(theta.size):
        m[i] = kind(0.9) * m[i] + kind(0.1) * g[i]
        v[i] = kind(0.999) * v[i] + kind(0.001) * g[i] * g[i]
        theta[i] -= scale * m[i] / (np.sqrt(v[i]) + eps)


def residual_step(depth: int, samples: int, kind: Any) -> Any:
    """Forward and backward of W1 and W2. The five of a layer are written out: then the loops over the samples
    are innermost, which LLVM needs to make vectors of them."""
    width, slope, mean = 5, kind(SLOPE), kind(1 / samples)
    narrow = width + (depth - 1) * width**2
    out, biases = narrow + width, narrow + width + 1
    narrow_bias, out_bias = biases + depth * width, biases + depth * width + 1

    @compiled
    def step(w, g, x, y, z, v, d):  # type: ignore[no-untyped-def]
        for o in range(width):
            for n in range(samples):
                u = w[o] * x[n] + w[biases + o]
                v[0, o, n] = u
                z[0, o, n] = u if u > 0 else slope * u
        for j in range(1, depth):
            first = width + (j - 1) * width**2
            for o in range(width):
                b, k = w[biases + j * width + o], first + o * width
                w0, w1, w2, w3, w4 = w[k], w[k + 1], w[k + 2], w[k + 3], w[k + 4]
                for n in range(samples):
                    u = b + w0 * z[j - 1, 0, n] + w1 * z[j - 1, 1, n] + w2 * z[j - 1, 2, n]
                    u += w3 * z[j - 1, 3, n] + w4 * z[j - 1, 4, n]
                    v[j, o, n] = u
                    z[j, o, n] = z[j - 1, o, n] + max(u, slope * u)
        for i in range(narrow, biases):
            g[i] = 0
        g[narrow_bias] = 0
        g[out_bias] = 0
        last = depth - 1
        for n in range(samples):
            u = w[narrow_bias]
            for i in range(width):
                u += w[narrow + i] * z[last, i, n]
            a = u if u > 0 else slope * u
            r = (w[out] * a + w[out_bias] - y[n]) * mean
            g[out] += r * a
            g[out_bias] += r
            dv = r * w[out] * (kind(1) if u > 0 else slope)
            g[narrow_bias] += dv
            for i in range(width):
                g[narrow + i] += dv * z[last, i, n]
                d[i, n] = dv * w[narrow + i]
        for j in range(depth - 1, 0, -1):
            first = width + (j - 1) * width**2
            dv = v[j]
            for o in range(width):
                total = kind(0)
                for n in range(samples):
                    dv[o, n] = d[o, n] * (kind(1) if dv[o, n] > 0 else slope)
                    total += dv[o, n]
                g[biases + j * width + o] = total
                s0 = s1 = s2 = s3 = s4 = kind(0)
                for n in range(samples):
                    e = dv[o, n]
                    s0 += e * z[j - 1, 0, n]
                    s1 += e * z[j - 1, 1, n]
                    s2 += e * z[j - 1, 2, n]
                    s3 += e * z[j - 1, 3, n]
                    s4 += e * z[j - 1, 4, n]
                k = first + o * width
                g[k], g[k + 1], g[k + 2], g[k + 3], g[k + 4] = s0, s1, s2, s3, s4
            for i in range(width):
                k = first + i
                w0, w1, w2, w3, w4 = w[k], w[k + 5], w[k + 10], w[k + 15], w[k + 20]
                for n in range(samples):
                    d[i, n] += w0 * dv[0, n] + w1 * dv[1, n] + w2 * dv[2, n] + w3 * dv[3, n] + w4 * dv[4, n]
        for o in range(width):
            gw, gb = kind(0), kind(0)
            for n in range(samples):
                dv0 = d[o, n] * (kind(1) if v[0, o, n] > 0 else slope)
                gw += dv0 * x[n]
                gb += dv0
            g[o] = gw
            g[biases + o] = gb

    return step


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


def residual_loss(depth: int, samples: int, kind: Any) -> Any:
    """The loss of W1's net."""
    width, slope = 5, kind(SLOPE)
    narrow = width + (depth - 1) * width**2
    out, biases = narrow + width, narrow + width + 1

    @compiled
    def loss(w, x, y, z, u):  # type: ignore[no-untyped-def]
        for o in range(width):
            for n in range(samples):
                value = w[o] * x[n] + w[biases + o]
                z[o, n] = value if value > 0 else slope * value
        for j in range(1, depth):
            first = width + (j - 1) * width**2
            for o in range(width):
                for n in range(samples):
                    value = w[biases + j * width + o]
                    for i in range(width):
                        value += w[first + o * width + i] * z[i, n]
                    u[o, n] = z[o, n] + (value if value > 0 else slope * value)
            z[:] = u
        total = kind(0)
        for n in range(samples):
            value = w[biases + depth * width]
            for i in range(width):
                value += w[narrow + i] * z[i, n]
            r = w[out] * (value if value > 0 else slope * value) + w[biases + depth * width + 1] - y[n]
            total += r * r
        return total / (2 * samples)

    return loss


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
