"""How float and double lie in memory, and the numbers that follow from it."""

from collections.abc import Mapping

from deltaplan.records import dataclass


@dataclass(frozen=True, slots=True)
class Layout:
    """A binary format: bits of the fraction, the exponent's bias, the largest and the smallest numbers.

    `shift` is 1.5·2^fraction: added to |a| < 2^(fraction−1) it leaves round(a) in the low bits of the sum.
    """

    fraction: int
    bias: int
    largest: float
    smallest_normal: float

    @property
    def shift(self) -> float:
        return 1.5 * 2.0**self.fraction

    @property
    def one(self) -> int:
        """The bits of 1."""
        return self.bias << self.fraction

    @property
    def sign(self) -> int:
        """The bit of the sign, as a negative integer."""
        return -(1 << (self.fraction + self.bias.bit_length() + 1))


LAYOUTS: Mapping[str, Layout] = {
    "float": Layout(23, 127, 2.0**127 * (2 - 2.0**-23), 2.0**-126),
    "double": Layout(52, 1023, 2.0**1023 * (2 - 2.0**-52), 2.0**-1022),
}
