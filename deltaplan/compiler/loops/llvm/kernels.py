"""The kernels of a module, each in its own arithmetic."""

from deltaplan.compiler.loops.llvm.lower import KernelWriter, Width
from deltaplan.compiler.loops.llvm.text import Text
from deltaplan.compiler.loops.nest import Arithmetic, Kernel


class KernelWriters:
    """Writes the kernels of a module whose numbers are of one type, each in its own arithmetic and once."""

    def __init__(self, text: Text, kind: str, width: Width) -> None:
        self.text, self.width = text, width
        self._writers: dict[Arithmetic, KernelWriter] = {
            "own": KernelWriter(text, kind, width),
            "estimated": KernelWriter(text, kind, width, estimates=True),
            "double": KernelWriter(text, "double", width),
        }
        self._written: set[str] = set()

    def kernel(self, kernel: Kernel) -> None:
        """The function of a kernel, if there is none yet."""
        if kernel.name not in self._written:
            self._written.add(kernel.name)
            self._writers[kernel.arithmetic].kernel(kernel)
