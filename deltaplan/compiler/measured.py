"""What a spec leaves to its data: the sizes of a bare `input` and `output`, and balanced class weights.

Data are read by what runs below no floor of the compiler: it is handed a function that measures.
"""

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Literal

from deltaplan.records import dataclass

if TYPE_CHECKING:
    from deltaplan.compiler.experiment import DataSpec
    from deltaplan.compiler.nodes import Shape

Kind = Literal["real", "class", "binary", "sign"]


@dataclass(frozen=True, slots=True)
class Unmeasured:
    """What is asked for. `data` is None where the spec has no such block, `kinds` has what the loss of each
    output takes, `sized` the nodes without a size, and `balanced` the outputs whose classes are weighed."""

    data: "DataSpec | None"
    inputs: tuple[str, ...]
    kinds: Mapping[str, Kind]
    sized: frozenset[str]
    balanced: frozenset[str]


@dataclass(frozen=True, slots=True)
class Measured:
    """The shape of each input, the count of numbers of each output, and a weight for each of its classes."""

    sizes: Mapping[str, "Shape"] = field(default_factory=dict)
    weights: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


Measure = Callable[[Unmeasured], Measured | None]  # None: there is nothing to measure
