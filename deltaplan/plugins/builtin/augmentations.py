"""What training sees in place of an input: noise, mirror images and shifts, anew for each sample and step."""

from math import pi

from deltaplan.plugins.api import Builder, Expr, Tensor, augmentation, cos, log1p, required, sqrt, where


@augmentation("noise", deviation=required(minimum=0))
def noise(builder: Builder, x: Tensor, deviation: float) -> Tensor:
    """x + normal(0, deviation) for each number"""

    def disturb(v: Expr, radius: Expr, angle: Expr) -> Expr:
        """√(−2 log(1 − u)) cos(2πv)  (Box and Muller, 1958)"""
        return v + deviation * sqrt(-2 * log1p(-radius)) * cos(2 * pi * angle)

    noisy: Tensor = builder.map(disturb, x, builder.uniform(x.shape), builder.uniform(x.shape))
    return noisy


@augmentation("flip")
def flip(builder: Builder, x: Tensor) -> Tensor:
    """Left and right exchanged, in half of the pictures"""
    if len(x.shape) != 3:
        raise builder.refuse("`flip` takes a picture [height, width, channels]")
    mirrored = builder.reverse(x, 1)
    chance = builder.uniform((1, 1, 1))
    flipped: Tensor = builder.map(lambda v, m, u: where(u < 0.5, v, m), x, mirrored, chance)
    return flipped


@augmentation("shift", most=required("whole", minimum=1))
def shift(builder: Builder, x: Tensor, most: float) -> Tensor:
    """Moved by −k … k places on each side, k = `most`, with zeros where nothing comes from"""
    if len(x.shape) == 1:
        raise builder.refuse("`shift` takes a sequence or a picture, not a vector")
    reach = int(most)
    if reach >= min(x.shape[:-1]):
        raise builder.refuse(f"a shift by {reach} may move all of it away")
    for axis in range(len(x.shape) - 1):
        x = _shifted(builder, x, axis, reach)
    return x


def _shifted(builder: Builder, x: Tensor, axis: int, reach: int) -> Tensor:
    """One of the 2k + 1 places on an axis, all equally likely."""
    length, count = x.shape[axis], 2 * reach + 1
    wide = builder.pad(x, axis, reach, reach)
    places = [builder.slice(wide, axis, first, first + length) for first in range(count)]
    chance = builder.uniform((1,) * len(x.shape))

    def choose(u: Expr, *given: Expr) -> Expr:
        chosen = given[-1]
        for number in reversed(range(count - 1)):
            chosen = where(u < (number + 1) / count, given[number], chosen)
        return chosen

    moved: Tensor = builder.map(choose, chance, *places)
    return moved
