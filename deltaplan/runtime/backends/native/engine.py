"""LLVM's text to object files, in several threads."""

import ctypes
import threading
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import llvmlite.binding as llvm
from llvmlite import __version__
from llvmlite.binding import ffi

from deltaplan.compiler.loops.llvm.parts import Part, Take
from deltaplan.runtime.backends.native.cache import place, read, save
from deltaplan.runtime.backends.native.target import Target
from deltaplan.runtime.threads import cores, wait_for

Write = Callable[[Take], object]  # writes a module and hands out its parts
Job = tuple[int, Part, Path | None]  # a part by its number, and the file that keeps what becomes of it


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
    """Compiles parts while the next ones are written, in as many threads as there are cores. What comes out
    does not depend on their number."""

    def __init__(self, target: Target, keep: bool) -> None:
        self._target, self._keep = target, keep
        version = ".".join(map(str, llvm.llvm_version_info))
        self._maker = (version, __version__, target.triple, target.cpu, target.features)
        self._objects: list[bytes | BaseException | None] = []
        self._waiting: SimpleQueue[Job | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._most = cores()

    def take(self, part: Part) -> None:
        """A part that is written."""
        number = len(self._objects)
        path = place((part.text, str(part.light), *self._maker)) if self._keep else None
        self._objects.append(read(path) if path else None)
        if self._objects[number] is not None:
            return
        self._waiting.put((number, part, path))
        if len(self._threads) < self._most:
            self._threads.append(threading.Thread(target=self._work, name="compiling", daemon=True))
            self._threads[-1].start()

    def _work(self) -> None:
        while (job := self._waiting.get()) is not None:
            self._make(*job)

    def _make(self, number: int, part: Part, path: Path | None) -> None:
        try:
            self._objects[number] = code = compile_text(part.text, self._target, part.light)
            if path:
                save(path, code)
        except BaseException as error:
            self._objects[number] = error

    def wait(self) -> None:
        """Until all threads have ended."""
        for _ in self._threads:
            self._waiting.put(None)
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
    with target.lent(0 if light else 3) as machine, ffi.OutputString() as error:
        module.triple, module.data_layout = target.triple, str(machine.target_data)
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
