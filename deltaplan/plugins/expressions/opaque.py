"""Plain functions of arrays, for what no expression can say: a table that is looked up, say.

Only the host can call one, so it runs on the numpy backend; nothing is known of its bounds and kinks.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from deltaplan.diagnostics import Diagnostic, PluginError, Span, mistake
from deltaplan.plugins.expressions.algebra import Expr, Number, lift
from deltaplan.plugins.expressions.ops import Op
from deltaplan.plugins.places import function_span
from deltaplan.records import dataclass

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


@mistake
class OpaqueFailed(Diagnostic):
    code: ClassVar[str] = "numpy-function-failed"
    title: ClassVar[str] = "the numpy function `{name}` {why}"
    help: ClassVar[str] = "it is given an array and numbers, and returns an array of the same shape"
    name: str
    why: str


@mistake
class OpaqueArgument(Diagnostic):
    code: ClassVar[str] = "numpy-function-argument"
    title: ClassVar[str] = "the numpy function `{name}` is given `{argument}` beside its first argument"
    help: ClassVar[str] = "its derivative is by the first argument; the others are parameters and numbers"
    name: str
    argument: str


@mistake
class NoSecondDerivative(Diagnostic):
    code: ClassVar[str] = "no-second-derivative"
    title: ClassVar[str] = "the numpy function `{name}` has no second derivative"
    help: ClassVar[str] = "a first derivative is what `numpy_function` takes; the second is not known"
    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Opaque:
    """An elementwise function of an array and of numbers, and its derivative by the array, likewise; the
    second derivative is a function that can be written down and not called."""

    name: str
    value: "Callable[..., Array]"
    slope: "Opaque | None" = None

    def __call__(self, u: Number, *parameters: Number) -> Expr:
        """The function of an expression. PluginError where a parameter is no number."""
        args = (lift(u), *map(lift, parameters))
        for each in args[1:]:
            if not each.scalar:
                raise PluginError(OpaqueArgument(name=self.name, argument=str(each)))
        return applied(self, args)

    def on(self, operands: "Sequence[Array]") -> "Array":
        """Its values, of the shape of the first operand, which it cannot change.

        PluginError where it fails or gives another shape."""
        import numpy as np

        first, *others = map(np.asarray, operands)
        shown = first.view()
        shown.flags.writeable = False
        try:
            found = np.asarray(self.value(shown, *(other.item() for other in others)))
        except PluginError:
            raise
        except Exception as error:
            why = f"fails: {type(error).__name__}: {error}"
            raise PluginError(OpaqueFailed(name=self.name, why=why, span=self._place)) from None
        if found.shape != first.shape or found.dtype.kind not in "fiub":
            got = f"an array of the shape {found.shape} and the type {found.dtype}"
            why = f"returns {got} for one of the shape {first.shape}"
            raise PluginError(OpaqueFailed(name=self.name, why=why, span=self._place))
        return found

    @property
    def _place(self) -> Span | None:
        return function_span(self.value)

    def of_floats(self, *operands: float) -> float:
        """The value at one point."""
        import numpy as np

        return float(self.on([np.array([operands[0]]), *map(np.asarray, operands[1:])])[0])


def applied(function: Opaque, args: Sequence[Expr]) -> Expr:
    """The function's node in an expression."""
    return Expr(Op.CALL, tuple(args), name=function.name, function=function)


def numpy_function(name: str, value: "Callable[..., Array]", derivative: "Callable[..., Array]") -> Opaque:
    """A function for expressions from plain numpy: `value(u, a)` of an array and numbers, elementwise, and
    its derivative by u, likewise. It runs on the numpy backend alone."""

    def second(*_: object) -> "Array":
        raise PluginError(NoSecondDerivative(name=name, span=function_span(derivative)))

    return Opaque(name, value, Opaque(f"{name}′", derivative, Opaque(f"{name}″", second)))
