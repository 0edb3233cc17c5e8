"""One module's text to an object file, in a thread of its own.

LLVM lets any number of threads work at once, as long as no two share a context ("Ending execution with
llvm_shutdown" and "Ensuring thread safety" in its Programmer's Manual): module, context and target machine
belong to one call here. llvmlite holds a lock during each of its calls, since programs may share its global
context, and lets go of Python's own lock even for those that take a microsecond; a thread that wants that one
back from a thread that writes text waits for 5 ms. So LLVM is called through handles of our own on llvmlite's
library: without a lock, and without letting go of Python's but for reading text and writing code.
"""

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any

from llvmlite.binding import ffi

from deltaplan.runtime.backends.native.target import Target


def compile_text(text: str, target: Target, light: bool = False) -> bytes:
    """The object file of a module; what is `light` is compiled in a third of the time to slower code."""
    llvm = _library()
    message = ctypes.c_char_p()
    context = llvm.create()
    try:
        with target.lent(0 if light else 3) as (machine, head):
            module = llvm.parse(context, (head + text).encode(), ctypes.byref(message))
            try:
                buffer = None if message else llvm.emit(machine, module, 1, ctypes.byref(message))
            finally:
                llvm.dispose_module(module)
        if not buffer:
            raise RuntimeError(_taken(llvm, message))
        try:
            return ctypes.string_at(llvm.start(buffer), llvm.size(buffer))
        finally:
            llvm.dispose_buffer(buffer)
    finally:
        llvm.dispose_context(context)


class _Library:
    """What is called of LLVM."""

    def __init__(self) -> None:
        name = ffi.lib._name
        waits, keeps = ctypes.CDLL(name), ctypes.PyDLL(name)
        self.parse = _function(waits, "ParseAssembly")
        self.emit = _function(waits, "TargetMachineEmitToMemory")
        self.create = _function(keeps, "ContextCreate")
        self.start = _function(keeps, "GetBufferStart")
        self.size = _function(keeps, "GetBufferSize")
        self.dispose_buffer = _function(keeps, "DisposeMemoryBuffer")
        self.dispose_module = _function(keeps, "DisposeModule")
        self.dispose_context = _function(keeps, "ContextDispose")
        self.dispose_string = _function(keeps, "DisposeString")


@cache
def _library() -> _Library:
    return _Library()


def _function(library: ctypes.CDLL, name: str) -> Callable[..., Any]:
    """A function of LLVM with the types that llvmlite gives it."""
    known = getattr(ffi.lib, f"LLVMPY_{name}")
    found: Callable[..., Any] = getattr(library, f"LLVMPY_{name}")
    found.argtypes, found.restype = known.argtypes, known.restype  # type: ignore[attr-defined]
    return found


def _taken(llvm: _Library, message: ctypes.c_char_p) -> str:
    """What LLVM says, whose memory it gets back."""
    try:
        return (message.value or b"").decode()
    finally:
        llvm.dispose_string(message)
