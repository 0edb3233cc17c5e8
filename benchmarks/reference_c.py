"""The workloads by hand in C (`reference/*.c`), compiled where gcc is and called by ctypes.

Parameters are deltaplan's flat θ: the weights of all layers, then the biases.
"""

import ctypes
import shutil
import subprocess
from collections.abc import Sequence
from ctypes import c_double, c_int, c_long, c_uint64
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np

from deltaplan.runtime.backends.numpy.program import aligned

Array = np.ndarray[Any, Any]
SOURCES = Path(__file__).parent / "reference"
COMPILER = "gcc"
FLAGS = ("-std=gnu11", "-O3", "-march=native", "-ffast-math", "-fPIC")
ROOM = 16  # vectors have room for a multiple of so many numbers


def installed() -> bool:
    """Whether there is a compiler for the references."""
    return shutil.which(COMPILER) is not None


@cache
def library(name: str, dtype: str, *defines: str) -> ctypes.CDLL:
    """`reference/NAME.c` in this precision, compiled once; its file goes as soon as it is loaded.

    The linker does not see -ffast-math: it would add code that flushes tiny numbers to 0 in all the process.
    """
    options = [f"-D{text}" for text in (f"PRECISION={np.dtype(dtype).itemsize * 8}", *defines)]
    with TemporaryDirectory(prefix="deltaplan-benchmarks-", ignore_cleanup_errors=True) as folder:
        made = f"{folder}/{name}"
        run([COMPILER, *FLAGS, *options, "-c", str(SOURCES / f"{name}.c"), "-o", f"{made}.o"])
        run([COMPILER, "-shared", f"{made}.o", "-o", f"{made}.so", "-lm"])
        return ctypes.CDLL(f"{made}.so")


def run(command: Sequence[str]) -> None:
    subprocess.run(command, check=True)


def pointer(array: Array | None) -> ctypes.c_void_p:
    """Where it begins; NULL for None."""
    return ctypes.c_void_p(None if array is None else array.ctypes.data)


def roomy(values: Array, dtype: Any) -> Array:
    """A flat copy at a multiple of 64 bytes, followed by zeros up to whole vectors."""
    memory = aligned(-(-values.size // ROOM) * ROOM, np.dtype(dtype))
    memory[: values.size] = values.ravel()
    return memory


@dataclass
class Parameters:
    """θ with Adam's vectors and the number of steps (or epochs) done."""

    first: Array
    dtype: Any
    done: int = 0
    theta: Array = field(init=False)
    m: Array = field(init=False)
    v: Array = field(init=False)

    def __post_init__(self) -> None:
        self.theta = roomy(self.first, self.dtype)
        self.m, self.v = roomy(0 * self.first, self.dtype), roomy(0 * self.first, self.dtype)

    def restart(self) -> None:
        """The first θ again."""
        self.theta[: self.first.size] = self.first
        self.m[:], self.v[:], self.done = 0, 0, 0

    @property
    def value(self) -> Array:
        """θ without the room behind it."""
        return self.theta[: self.first.size]


class Residual:
    """W1 (`depth` 3) and W2 (45) on samples x, y [1, 40]; `snake` is the a of u + sin²(au)/a."""

    def __init__(
        self,
        depth: int,
        theta: Array,
        x: Array,
        y: Array,
        rate: float,
        dtype: Any,
        snake: float | None = None,
    ) -> None:
        defines = [f"DEPTH={depth}"] + ([f"SNAKE={snake}"] if snake is not None else [])
        self.call = library("residual", np.dtype(dtype).name, *defines).train
        self.state, self.rate, self.dtype = Parameters(theta, dtype), rate, dtype
        self.x, self.y = roomy(x, dtype), roomy(y, dtype)

    def train(self, steps: int, recorded: bool = False) -> Array:
        """So many steps; the losses before each of them if they are to be `recorded`."""
        s, losses = self.state, np.zeros(steps if recorded else 0, self.dtype)
        vectors = [pointer(a) for a in (self.x, self.y, s.theta, s.m, s.v, losses if recorded else None)]
        self.call(c_int(steps), c_int(s.done), c_double(self.rate), *vectors)
        s.done += steps
        return losses


class Digits:
    """W3 on samples [N, 64] with labels [N]."""

    def __init__(self, theta: Array, x: Array, labels: Array, rate: float, seed: int, dtype: Any) -> None:
        self.call = library("digits", np.dtype(dtype).name).train
        self.state, self.rate, self.seed, self.count = Parameters(theta, dtype), rate, seed, len(x)
        self.x, self.labels = roomy(x, dtype), np.ascontiguousarray(labels, np.int32)
        self.scratch = [np.zeros(len(x), kind) for kind in (np.int32, np.uint64, np.uint64)]

    def train(self, epochs: int) -> Array:
        """So many epochs; the mean loss that each saw."""
        s, losses = self.state, np.zeros(epochs)
        vectors = [pointer(a) for a in (self.x, self.labels, s.theta, s.m, s.v, *self.scratch, losses)]
        numbers = c_int(epochs), c_int(s.done), c_double(self.rate), c_uint64(self.seed), c_int(self.count)
        self.call(*numbers, *vectors)
        s.done += epochs
        return losses


class Convolution:
    """W5 on samples [N, 784] with labels [N], N a multiple of 64."""

    def __init__(
        self, theta: Array, x: Array, labels: Array, rate: float, momentum: float, seed: int, dtype: Any
    ) -> None:
        self.call = library("convolution", np.dtype(dtype).name).train
        self.state, self.rate, self.momentum = Parameters(theta, dtype), rate, momentum
        self.seed, self.count, self.dtype = seed, len(x), dtype
        self.x, self.labels = roomy(x, dtype), np.ascontiguousarray(labels, np.int32)
        self.scratch = [np.zeros(len(x), kind) for kind in (np.int32, np.uint64, np.uint64)]

    def train(self, steps: int) -> Array:
        """So many steps; the loss of each batch before its step."""
        s, losses = self.state, np.zeros(steps, self.dtype)
        vectors = [pointer(a) for a in (self.x, self.labels, s.theta, s.m, *self.scratch, losses)]
        numbers = c_int(steps), c_int(s.done), c_double(self.rate), c_double(self.momentum)
        self.call(*numbers, c_uint64(self.seed), c_int(self.count), *vectors)
        s.done += steps
        return losses


class Predictor:
    """W9 with the net of W3, float32."""

    def __init__(self, theta: Array) -> None:
        self.library = library("predict", "float32")
        self.theta = roomy(theta, np.float32)
        self.library.prepare(pointer(self.theta))

    def one(self, x: Array, out: Array) -> None:
        """x [64] to the probabilities of the classes, out [10]."""
        self.library.one(pointer(x), pointer(out))

    def repeated(self, count: int, x: Array, out: Array) -> None:
        """The same so many times, inside C."""
        self.library.repeated(c_int(count), pointer(x), pointer(out))

    def many(self, x: Array, out: Array) -> None:
        """x [N, 64] to out [N, 10], N a multiple of 32."""
        self.library.many(c_int(len(x)), pointer(x), pointer(out))


class Landscape:
    """W7: W1's net at θ + a·d₁ + b·d₂ for every pair of a, b [points]."""

    def __init__(
        self, theta: Array, directions: Array, a: Array, b: Array, x: Array, y: Array, dtype: Any
    ) -> None:
        self.call, self.points = library("landscape", np.dtype(dtype).name).landscape, a.size
        self.vectors = [roomy(values, dtype) for values in (a, b, theta, *directions, x, y, 0 * a)]

    def losses(self) -> Array:
        """[points]"""
        self.call(c_int(self.points), *(pointer(vector) for vector in self.vectors))
        return self.vectors[-1][: self.points]


def peak(dtype: Any, rounds: int = 2_000_000, turns: int = 5) -> float:
    """The most operations in a second that one core was seen to do in this precision."""
    call, sink = library("peak", np.dtype(dtype).name).peak, np.zeros(1, dtype)
    call.restype = c_double
    best = 0.0
    for _ in range(turns):
        begin = perf_counter()
        done = call(c_long(rounds), pointer(sink))
        best = max(best, done / (perf_counter() - begin))
    return best
