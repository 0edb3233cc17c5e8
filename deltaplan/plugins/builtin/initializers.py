"""Initializers: the spread of a weight's first values by the inputs and outputs of one unit."""

from math import inf, sqrt

from deltaplan.plugins.api import initializer, required


@initializer("default", draw="normal")
def default(fan_in: int, fan_out: int, gain: float) -> float:
    """g/√fan_in with the gain of the activation that follows, so that E[v²] stays 1 layer after layer"""
    return gain / sqrt(fan_in)


@initializer("he", draw="normal")
def he(fan_in: int, fan_out: int, gain: float) -> float:
    """√(2/fan_in)  (He et al., 2015)"""
    return sqrt(2 / fan_in)


@initializer("glorot", draw="uniform")
def glorot(fan_in: int, fan_out: int, gain: float) -> float:
    """±√(6/(fan_in + fan_out))  (Glorot and Bengio, 2010)"""
    return sqrt(6 / (fan_in + fan_out))


@initializer("lecun", draw="normal")
def lecun(fan_in: int, fan_out: int, gain: float) -> float:
    """1/√fan_in  (LeCun et al., 1998)"""
    return 1 / sqrt(fan_in)


@initializer("orthogonal", draw="orthogonal")
def orthogonal(fan_in: int, fan_out: int, gain: float) -> float:
    """Orthonormal rows or columns, whichever are fewer  (Saxe et al., 2014)"""
    return 1.0


@initializer("torch", draw="uniform")
def torch(fan_in: int, fan_out: int, gain: float) -> float:
    """±1/√fan_in, what PyTorch's linear and convolution layers begin with"""
    return 1 / sqrt(fan_in)


@initializer("uniform", draw="uniform", low=required(), high=required())
def uniform(fan_in: int, fan_out: int, gain: float, low: float, high: float) -> tuple[float, float]:
    """From `low` to `high`"""
    if not low < high < inf:
        raise ValueError(f"`uniform({low:g}, {high:g})` is empty: the lower bound comes first")
    return low, high


@initializer("normal", draw="normal", deviation=required(minimum=0))
def normal(fan_in: int, fan_out: int, gain: float, deviation: float) -> float:
    """Mean 0 and the standard deviation given"""
    return deviation


@initializer("zeros", draw="constant")
def zeros(fan_in: int, fan_out: int, gain: float) -> float:
    """0"""
    return 0.0
