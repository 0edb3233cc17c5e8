"""LLVM's text to object files, in several threads."""

import ctypes
import sys
import threading
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
from llvmlite import __version__
from llvmlite.binding import ffi

from deltaplan.compiler.loops.llvm.parts import Part, Take
from deltaplan.runtime.backends.native.cache import place, read, save
from deltaplan.runtime.backends.native.target import Target
from deltaplan.runtime.threads import cores, wait_for

ARENA_MAX = -8  # glibc's M_ARENA_MAX
Write = Callable[[Take], object]  # writes a module and hands out its parts


def objects_of(write: Write, target: Target) -> tuple[bytes, ...]:
    """The object files of a module, one for each of its parts, from the cache where they were made before."""
    return _objects(Compiling(target, keep=True), write)


def compile_parts(write: Write, target: Target) -> tuple[bytes, ...]:
    """The same without the cache."""
    return _objects(Compiling(target, keep=False), write)


def _objects(compiling: "Compiling", write: Write) -> tuple[bytes, ...]:
    try:
        write(compiling.take)
    finally:
        compiling.wait()
    return compiling.objects()


class Compiling:
    """Compiles each part in a thread of its own while the next one is written, as many at once as there are
    cores. What comes out does not depend on their number."""

    def __init__(self, target: Target, keep: bool) -> None:
        self._target, self._keep = target, keep
        version = ".".join(map(str, llvm.llvm_version_info))
        self._maker = (version, __version__, target.triple, target.cpu, target.features)
        self._objects: list[bytes | BaseException | None] = []
        self._threads: list[threading.Thread] = []
        self._free = threading.Semaphore(cores())

    def take(self, part: Part) -> None:
        """A part that is written."""
        number = len(self._objects)
        path = place((part.text, str(part.light), *self._maker)) if self._keep else None
        self._objects.append(read(path) if path else None)
        if self._objects[number] is None:
            thread = threading.Thread(target=self._make, args=(number, part, path), name="compiling")
            self._threads.append(thread)
            _one_heap()
            thread.start()

    def _make(self, number: int, part: Part, path: Path | None) -> None:
        try:
            with self._free:
                self._objects[number] = code = compile_text(part.text, self._target, part.light)
            if path:
                save(path, code)
        except BaseException as error:
            self._objects[number] = error

    def wait(self) -> None:
        """Until all threads have ended."""
        wait_for(self._threads)

    def objects(self) -> tuple[bytes, ...]:
        """The object files in the order of the parts."""
        for found in self._objects:
            if isinstance(found, BaseException):
                raise found
        return tuple(found for found in self._objects if isinstance(found, bytes))


def compile_text(text: str, target: Target, light: bool = False) -> bytes:
    """The object file of a module; what is `light` is compiled in a third of the time to slower code."""
    module = llvm.parse_assembly(text, llvm.create_context())
    machine = target.machine(0 if light else 3)
    module.triple, module.data_layout = target.triple, str(machine.target_data)
    with ffi.OutputString() as error:
        buffer = _emit()(machine, module, 1, error)
        if not buffer:
            raise RuntimeError(str(error))
    try:
        size = ffi.lib.LLVMPY_GetBufferSize(buffer)
        return ctypes.string_at(ffi.lib.LLVMPY_GetBufferStart(buffer), size)
    finally:
        ffi.lib.LLVMPY_DisposeMemoryBuffer(buffer)


@cache
def _emit() -> Callable[..., Any]:
    """LLVM's code generator without the lock that llvmlite holds during each of its calls.

    LLVM lets any number of threads work at once, as long as no two of them share a context ("Ending execution
    with llvm_shutdown" and "Ensuring thread safety" in its Programmer's Manual): module, context and target
    machine above belong to one call. llvmlite's lock is for programs whose modules share its global context.
    A handle of our own on the library has functions of its own, without it.
    """
    known = ffi.lib.LLVMPY_TargetMachineEmitToMemory
    function = ctypes.CDLL(ffi.lib._name).LLVMPY_TargetMachineEmitToMemory
    function.argtypes, function.restype = known.argtypes, known.restype
    return function


@cache
def _one_heap() -> None:
    """From now on this process has one heap for all its threads. glibc makes one for each, and what is free
    in one is not taken up by the others: 6 MiB in a process that trains a small net."""
    if sys.platform.startswith("linux"):
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries have none
        if mallopt:
            mallopt(ARENA_MAX, 1)


class Engine:
    """LLVM's own loader, for object files that `Image` does not take."""

    def __init__(self, objects: Sequence[bytes], target: Target) -> None:
        machine = target.machine()
        empty = llvm.parse_assembly("")
        empty.triple = target.triple
        self._engine = llvm.create_mcjit_compiler(empty, machine)
        for code in objects:
            self._engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        self._engine.finalize_object()

    def address(self, name: str) -> int:
        """Where the function `name` begins."""
        return int(self._engine.get_function_address(name))
