"""The workloads by hand in numpy, as one who knows it well would write them: the plan must be as fast.

All memory is made before the first step, and every call writes into it. Functions are local names that take
their output by position. Parameters, gradients and Adam's vectors are flat, with a view for each layer, so
that the update is one pass, and its scalars are folded. BLAS sums the biases' slopes, and relu's slope is a
product with its condition: the quickest that numpy has for each.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import sqrt
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Blocks = Sequence[tuple[Array, Array]]  # (W [out, in], b [out]) of each layer


class Adam:
    """θ ← θ − η m̂/(√v̂ + ε) with the bias corrections folded into two scalars."""

    def __init__(self, theta: Array, gradient: Array, lr: float) -> None:
        self.theta, self.gradient, self.lr, self.t = theta, gradient, lr, 0
        self.m, self.v, self.a, self.b = (np.zeros_like(theta) for _ in range(4))

    def step(self) -> None:
        self.t += 1
        first, second = 1 - 0.9**self.t, sqrt(1 - 0.999**self.t)
        multiply, add, m, v, g, a, b = np.multiply, np.add, self.m, self.v, self.gradient, self.a, self.b
        multiply(m, 0.9, m)
        multiply(g, 0.1, a)
        add(m, a, m)
        multiply(v, 0.999, v)
        multiply(g, g, a)
        multiply(a, 0.001, a)
        add(v, a, v)
        np.sqrt(v, a)
        add(a, 1e-8 * second, a)
        np.divide(m, a, b)
        multiply(b, self.lr * second / first, b)
        np.subtract(self.theta, b, self.theta)


class Layers:
    """Flat vectors θ and g, with a view of each for every layer's W and b."""

    def __init__(self, blocks: Blocks, dtype: Any) -> None:
        size = sum(w.size + b.size for w, b in blocks)
        self.theta, self.gradient = np.zeros(size, dtype), np.zeros(size, dtype)
        self.W: list[Array] = []
        self.b: list[Array] = []
        self.dW: list[Array] = []
        self.db: list[Array] = []
        end = 0
        for w, b in blocks:
            for value, own, slope in ((w, self.W, self.dW), (b, self.b, self.db)):
                begin, end = end, end + value.size
                own.append(self.theta[begin:end].reshape(value.shape))
                slope.append(self.gradient[begin:end].reshape(value.shape))
                own[-1][...] = value


class Residual:
    """W1 and W2: z ← z + leaky_relu(Wz + b) where the widths agree, ½(u − y)² on average, full batch, Adam.

    Features are rows and samples columns.
    """

    SLOPE = 0.01

    def __init__(self, blocks: Blocks, x: Array, y: Array, lr: float, dtype: Any) -> None:
        self.layers = Layers(blocks, dtype)
        self.adam = Adam(self.layers.theta, self.layers.gradient, lr)
        self.x, self.y = np.ascontiguousarray(x, dtype), np.ascontiguousarray(y, dtype)
        batch, widths = x.shape[1], [x.shape[0], *(len(b) for _, b in blocks)]
        self.columns = [b.reshape(-1, 1) for b in self.layers.b]
        self.transposed = [w.T for w in self.layers.W]
        self.v = [np.zeros((n, batch), dtype) for n in widths[1:]]
        self.z = [self.x, *(np.zeros((n, batch), dtype) for n in widths[1:])]
        self.zT = [z.T for z in self.z]
        self.d = [np.zeros((n, batch), dtype) for n in widths]
        self.t = [np.zeros((n, batch), dtype) for n in widths[1:]]
        self.positive = [np.zeros((n, batch), bool) for n in widths[1:]]
        self.ones = np.ones(batch, dtype)
        self.skips = [a == b for a, b in pairwise(widths[:-1])]

    def step(self) -> float:
        loss = self.forward()
        self.backward()
        self.adam.step()
        return loss

    def forward(self) -> float:
        matmul, add, multiply, maximum = np.matmul, np.add, np.multiply, np.maximum
        w, z = self.layers.W, self.z
        for i, skip in enumerate(self.skips):
            v, t, out = self.v[i], self.t[i], z[i + 1]
            matmul(w[i], z[i], v)
            add(v, self.columns[i], v)
            multiply(v, self.SLOPE, t)
            maximum(v, t, out=out)
            if skip:
                add(out, z[i], out)
        matmul(w[-1], z[-2], z[-1])
        add(z[-1], self.columns[-1], z[-1])
        r = np.subtract(z[-1], self.y, self.d[-1])
        loss: float = 0.5 * float(np.vdot(r, r)) / r.shape[1]
        multiply(r, 1 / r.shape[1], r)
        return loss

    def backward(self) -> None:
        matmul, dot, ones, d, t = np.matmul, np.dot, self.ones, self.d, self.t
        dw, db = self.layers.dW, self.layers.db
        matmul(d[-1], self.zT[-2], dw[-1])
        dot(d[-1], ones, db[-1])
        matmul(self.transposed[-1], d[-1], d[-2])
        for i in range(len(self.skips) - 1, -1, -1):
            np.greater(self.v[i], 0, self.positive[i])
            np.multiply(d[i + 1], self.SLOPE, t[i])
            np.copyto(t[i], d[i + 1], where=self.positive[i])
            matmul(t[i], self.zT[i], dw[i])
            dot(t[i], ones, db[i])  # a sum along rows is slower
            if i > 0:
                matmul(self.transposed[i], t[i], d[i])
                if self.skips[i]:
                    np.add(d[i], d[i + 1], d[i])


class Classifier:
    """W3: a ReLU net with softmax and cross entropy on mini-batches, Adam. Samples are rows."""

    def __init__(self, blocks: Blocks, x: Array, y: Array, batch: int, lr: float, dtype: Any) -> None:
        self.layers = Layers(blocks, dtype)
        self.adam = Adam(self.layers.theta, self.layers.gradient, lr)
        self.x, self.y, self.batch = np.ascontiguousarray(x, dtype), np.ascontiguousarray(y), batch
        sizes = {min(batch, len(x)), len(x) % batch or batch}  # the last batch may be smaller
        self.passes = {size: self._pass(size, dtype) for size in sizes}

    def epoch(self, order: Array) -> float:
        """One pass over the samples in this order; the mean loss that it saw."""
        total = 0.0
        for begin in range(0, len(order), self.batch):
            chosen = order[begin : begin + self.batch]
            total += self.passes[len(chosen)](chosen)
            self.adam.step()
        return total / len(order)

    def _pass(self, size: int, dtype: Any) -> Callable[[Array], float]:
        """Forward and backward on `size` samples."""
        w, b, dw, db = self.layers.W, self.layers.b, self.layers.dW, self.layers.db
        widths = [self.x.shape[1], *(len(bias) for bias in b)]
        z = [np.zeros((size, n), dtype) for n in widths]
        d = [np.zeros((size, n), dtype) for n in widths]
        on = [np.zeros((size, n), bool) for n in widths]
        largest, totals = np.zeros((size, 1), dtype), np.zeros((size, 1), dtype)
        labels, rows = np.zeros(size, self.y.dtype), np.arange(size)
        wt, dt, last = [m.T for m in w], [m.T for m in d], len(w)
        matmul, add, maximum = np.matmul, np.add, np.maximum

        def run(chosen: Array) -> float:
            self.x.take(chosen, 0, z[0], "clip")
            self.y.take(chosen, 0, labels, "clip")
            for i in range(last):
                matmul(z[i], wt[i], z[i + 1])
                add(z[i + 1], b[i], z[i + 1])
                if i + 1 < last:
                    maximum(z[i + 1], 0, out=z[i + 1])
            u, p = z[last], d[last]
            np.maximum.reduce(u, 1, out=largest, keepdims=True)
            np.subtract(u, largest, u)
            np.exp(u, p)
            np.add.reduce(p, 1, out=totals, keepdims=True)
            loss = float(np.log(totals).sum() - u[rows, labels].sum())
            np.divide(p, totals, p)
            p[rows, labels] -= 1
            np.multiply(p, 1 / size, p)
            for i in range(last - 1, -1, -1):
                matmul(dt[i + 1], z[i], dw[i])
                add.reduce(d[i + 1], 0, out=db[i])
                if i > 0:
                    matmul(d[i + 1], w[i], d[i])
                    np.greater(z[i], 0, on[i])
                    np.multiply(d[i], on[i], d[i])
            return loss

        return run
