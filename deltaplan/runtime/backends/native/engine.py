"""LLVM's text to object files, in several threads."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import SimpleQueue

import llvmlite.binding as llvm
from llvmlite import __version__

from deltaplan.compiler.loops.llvm.parts import Part, Take
from deltaplan.runtime.backends.native.assembler import compile_text
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
    with compiling:
        write(compiling.take)
    return compiling.objects()


class Compiling:
    """Compiles parts while the next ones are written, in as many threads as there are cores. What comes out
    does not depend on their number. At the end of its block all of them are compiled."""

    def __init__(self, target: Target, keep: bool) -> None:
        """`keep`: in the cache, from which parts come that were compiled before."""
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

    def __enter__(self) -> "Compiling":
        return self

    def __exit__(self, *error: object) -> None:
        for _ in self._threads:
            self._waiting.put(None)
        wait_for(self._threads)

    def objects(self) -> tuple[bytes, ...]:
        """The object files in the order of the parts."""
        for found in self._objects:
            if isinstance(found, BaseException):
                raise found
        return tuple(found for found in self._objects if isinstance(found, bytes))


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
