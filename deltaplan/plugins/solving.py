"""What a solver is given, and what it gives."""

from typing import TYPE_CHECKING, Any, Protocol

from deltaplan.records import dataclass

if TYPE_CHECKING:
    import numpy as np


class Objective(Protocol):
    """What a solver minimizes: J of the parameters that are trained, x [n], in float64."""

    def __call__(self, x: "np.ndarray[Any, Any]") -> "tuple[float, np.ndarray[Any, Any]]":
        """J(x) and its gradient [n]."""

    def hessian(self, x: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
        """The second derivatives [n, n] of J at x."""


@dataclass(frozen=True, slots=True)
class Iterate:
    """A point that a solver has reached, with J and the gradient there."""

    x: "np.ndarray[Any, Any]"
    value: float
    gradient: "np.ndarray[Any, Any]"
