"""Which backend does the work: the one that is named, else the native one where it can be had."""

from collections.abc import Callable
from typing import ClassVar, TypeVar

from deltaplan.compiler.loops.schedule import NoScheduleError
from deltaplan.diagnostics import Diagnostic, SpecError, mistake
from deltaplan.runtime.outcome import Backend

T = TypeVar("T")
INSTALL = "`pip install llvmlite` brings it; `--backend numpy` is silent"


@mistake
class NativeUnavailable(Diagnostic):
    code: ClassVar[str] = "native-unavailable"
    title: ClassVar[str] = "the native backend cannot run this: {why}"
    help: ClassVar[str] = "{mend}"
    why: str
    mend: str | None


def choose(
    backend: Backend | None, native: Callable[[], T], numpy: Callable[[], T]
) -> tuple[T, tuple[Diagnostic, ...]]:
    """What one of the two makes, and what is to be told. SpecError where the native one is named and cannot
    do it."""
    if backend == "numpy":
        return numpy(), ()
    try:
        return native(), ()
    except ImportError as error:
        missing = NativeUnavailable(why=f"llvmlite does not import ({error})", mend=INSTALL)
    except NoScheduleError as error:
        missing = NativeUnavailable(why=f"it has no code for {error}", mend=None)
    if backend == "native":
        raise SpecError(missing)
    return numpy(), (missing,)
