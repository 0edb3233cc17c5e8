"""What must hold of kernels and programs; what does not is our mistake, not the writer's."""

from collections.abc import Collection, Iterable, Iterator, Sequence

from deltaplan.compiler.loops.nest import Kernel
from deltaplan.compiler.loops.program import Program
from deltaplan.compiler.loops.verify.programs import faults_of_program
from deltaplan.compiler.loops.verify.results import Checked, check


class BrokenLoopsError(AssertionError):
    """Kernels or calls in a state that they must not be in."""

    def __init__(self, where: str, faults: Sequence[str]) -> None:
        super().__init__(
            f"{where} is broken: {'; '.join(faults)}. "
            "This is a mistake in deltaplan: please report it with the spec."
        )
        self.faults = tuple(faults)


def verify_kernel(kernel: Kernel) -> Checked:
    """What a kernel reads and writes. Raises BrokenLoopsError if an access may lie outside its buffer, a
    local is read where it is not known or written twice, a result is not written whole, or a loop along lanes
    is none."""
    checked = check(kernel)
    if checked.faults:
        raise BrokenLoopsError(f"the kernel `{kernel.name}`", checked.faults)
    return checked


def verify(program: Program, kept: Iterable[str] = (), given: Collection[str] = ()) -> None:
    """Raises BrokenLoopsError if a kernel is broken, or if over the calls memory is read that was not written
    or holds another tensor by then. `kept` are the tensors that are read after the last call; the spaces
    `given` hold numbers before the first, as all do but the arena, the scratch and the gradient."""
    kernels = {kernel.name: verify_kernel(kernel) for kernel in program.kernels}
    faults = list(_few(faults_of_program(program, kernels, kept, given)))
    if faults:
        raise BrokenLoopsError("the program", faults)


def _few(faults: Iterator[str], most: int = 10) -> Iterator[str]:
    for number, fault in enumerate(faults):
        if number == most:
            yield "and more"
            return
        yield fault
