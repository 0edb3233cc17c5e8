"""LLVM's text to object files."""

import llvmlite.binding as llvm
from llvmlite import __version__

from deltaplan.runtime.backends.native.cache import cached
from deltaplan.runtime.backends.native.target import Target


def object_of(text: str, target: Target) -> bytes:
    """The object file of a module, from the cache where it was made before."""
    version = ".".join(map(str, llvm.llvm_version_info))
    parts = (text, version, __version__, target.triple, target.cpu, target.features)
    return cached(parts, lambda: compile_text(text, target))


def compile_text(text: str, target: Target) -> bytes:
    """The object file of a module."""
    module = llvm.parse_assembly(text)
    machine = target.machine()
    module.triple, module.data_layout = target.triple, str(machine.target_data)
    return bytes(machine.emit_object(module))


class Engine:
    """LLVM's own loader, for object files that `Image` does not take."""

    def __init__(self, code: bytes, target: Target) -> None:
        machine = target.machine()
        empty = llvm.parse_assembly("")
        empty.triple = target.triple
        self._engine = llvm.create_mcjit_compiler(empty, machine)
        self._engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        self._engine.finalize_object()

    def address(self, name: str) -> int:
        """Where the function `name` begins."""
        return int(self._engine.get_function_address(name))
