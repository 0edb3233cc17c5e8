"""W1's and W2's net in numba, and Adam: explicit loops over [features, batch], all sizes constant."""

from collections.abc import Callable
from typing import Any

import numba
import numpy as np

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
