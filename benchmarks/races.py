"""The workloads W1 to W10 with their tasks and bars."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from benchmarks.contest import Bar
from benchmarks.workloads import Precision, Workload, w1, w1_snake, w2, w3, w4, w5, w6

C, ONE_NET, FACTORED = "c", "c, one net", "numpy, factored"
PRODUCTS, MKL = "numpy's matrix products alone", "torch's matrix products alone"
TIE = 1.1
AS_QUICK = (Bar(C, 1.0, TIE),)


@dataclass(frozen=True, slots=True)
class Race:
    """Contenders at a task of a workload. Ratios are to `reference`; `operations` are those in floating point
    of what one time is of, and `unit` how it is told."""

    title: str
    make: Callable[[], Workload]
    task: str
    operations: Callable[[Workload], float]
    bars: tuple[Bar, ...] = AS_QUICK
    reference: str = C
    unit: str = "µs/step"


def trained(work: Workload) -> float:
    """A step of training: for each weight and sample 2 forward, 2 for ∂W, and 2 for the slopes of the inputs,
    which the first layer does not need."""
    batch = work.settings.batch or len(work.dataset.parts["train"])
    sizes = [w.size for w, _ in work.blocks]
    return 2.0 * batch * (3 * sum(sizes) - sizes[0])


def convolved(work: Workload) -> float:
    """The same for W5, whose kernels are at every place; the first layer's inputs need no slopes."""
    first, second, dense = 28**2 * 9 * 8, 14**2 * 9 * 8 * 16, 784 * 10
    return 2.0 * 64 * (2 * first + 3 * second + 3 * dense)


def passed(samples: int, work: Workload) -> float:
    """Forward alone."""
    return 2.0 * samples * sum(w.size for w, _ in work.blocks)


def factored(work: Workload) -> float:
    """Forward, and the slopes of all layers but the first."""
    sizes = [w.size for w, _ in work.blocks]
    return 2.0 * len(work.dataset.parts["train"]) * (2 * sum(sizes) - sizes[0])


def surface(work: Workload) -> float:
    return 101**2 * passed(40, work)


SNAKE_BARS = Bar(C, 1.15), Bar("torch eager", 0.1), Bar("jax jit", 0.1)
W4_BARS = Bar(PRODUCTS, 1.15), Bar("jax scan", 1.0), Bar("torch eager", 1.0)
W5_BARS = (*AS_QUICK, Bar("torch eager", 0.2))
W10_BARS = Bar(ONE_NET, 0.5), Bar("jax vmap of scan", 1 / 3)
HALF = (Bar(FACTORED, 0.5),)
DOUBLE: Precision = "float64"
SINGLE: Precision = "float32"
RACES: Mapping[str, tuple[Race, ...]] = {
    "W1": (
        Race("3x5,1,1, Adam, float64", partial(w1, DOUBLE), "residual", trained),
        Race("3x5,1,1, Adam, float32", partial(w1, SINGLE), "residual", trained),
    ),
    "W1-snake": (
        Race("3x5,1,1 with snake, float64", partial(w1_snake, DOUBLE), "snake", trained, SNAKE_BARS),
        Race("3x5,1,1 with snake, float32", partial(w1_snake, SINGLE), "snake", trained, SNAKE_BARS),
    ),
    "W2": (
        Race("45x5,1,1, Adam, float64", partial(w2, DOUBLE), "residual", trained),
        Race("45x5,1,1, Adam, float32", partial(w2, SINGLE), "residual", trained),
    ),
    "W3": (Race("digits 64-64-64-10, batches of 32, float32", w3, "digits", trained),),
    "W4": (Race("784-512-512-10, batches of 128, float32", w4, "mlp", trained, W4_BARS, PRODUCTS),),
    "W5": (Race("two convolutions on 28x28, batches of 64, float32", w5, "convolution", convolved, W5_BARS),),
    "W6": (
        Race("norms of 1797 gradients, float32", w6, "norms", factored, HALF, FACTORED, "ms"),
    ),
    "W7": (
        Race("landscape, 101 x 101, float64", partial(w1, DOUBLE), "landscape", surface, unit="ms"),
        Race("landscape, 101 x 101, float32", partial(w1, SINGLE), "landscape", surface, unit="ms"),
    ),
    "W9": (
        Race("prediction of one sample", w3, "one", partial(passed, 1), (Bar("numba", 1.0),), unit="µs"),
        Race("prediction of 1024", w3, "many", partial(passed, 1024), (Bar(C, 1.15),), unit="µs"),
    ),
    "W10": (
        Race("1000 seeds of W1, a net and step", partial(w1, SINGLE), "ensemble", trained, W10_BARS, ONE_NET),
    ),
}  # fmt: skip
TWO_THREADS = ("W4",)  # those that are also run with two
ALL_CORES = ("W10",)  # those that are run with as many threads as there are cores, as users get it
