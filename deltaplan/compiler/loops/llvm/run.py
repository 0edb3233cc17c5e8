"""A program by itself as a module: one function over a table of pointers."""

from deltaplan.compiler.loops.llvm.calls import write_program
from deltaplan.compiler.loops.llvm.code import Code
from deltaplan.compiler.loops.llvm.lower import KernelWriter, Width
from deltaplan.compiler.loops.llvm.parts import Take
from deltaplan.compiler.loops.llvm.text import Text
from deltaplan.compiler.loops.program import Program


def write_run(program: Program, kind: str, width: Width, take: Take | None = None) -> str:
    """The text of a module with the function `@run(table)`: a pointer for each of the program's spaces."""
    text = Text(take)
    kernels = KernelWriter(text, kind, width)
    for kernel in program.kernels:
        kernels.kernel(kernel)
    write_program(text, "program", program, kind)
    code = Code(text)
    with code.function("run", [("ptr", "table")], public=True) as f:
        code.call("program", [code.load(f["table"], i, "ptr") for i in range(len(program.spaces))])
        code.give()
    return text.end()
