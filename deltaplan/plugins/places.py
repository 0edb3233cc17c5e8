"""Where a plugin's code stands: lines of Python files as spans."""

import linecache
from collections.abc import Callable, Iterator
from types import CodeType, TracebackType
from typing import Any

from deltaplan.diagnostics import Source, Span


def code_of(function: Callable[..., Any]) -> CodeType | None:
    """The code of a Python function; None for what is written in C."""
    code = getattr(function, "__code__", None)
    return code if isinstance(code, CodeType) else None


def line_span(path: str, line: int) -> Span | None:
    """The text of a 1-based line of a Python file; None if the file cannot be read."""
    linecache.checkcache(path)
    lines = linecache.getlines(path)
    if not 1 <= line <= len(lines):
        return None
    begin = sum(map(len, lines[: line - 1]))
    text = lines[line - 1]
    indent = len(text) - len(text.lstrip())
    return Span(Source(path, "".join(lines)), begin + indent, begin + max(indent, len(text.rstrip())))


def function_span(function: Callable[..., Any]) -> Span | None:
    """The first line of a function, its decorator included."""
    code = code_of(function)
    return line_span(code.co_filename, code.co_firstlineno) if code else None


def failed_span(error: BaseException, path: str) -> Span | None:
    """The line of the file at `path` from which the error came, the innermost one."""
    lines = [line for file, line in _frames(error.__traceback__) if file == path]
    return line_span(path, lines[-1]) if lines else None


def _frames(traceback: TracebackType | None) -> Iterator[tuple[str, int]]:
    while traceback is not None:
        yield traceback.tb_frame.f_code.co_filename, traceback.tb_lineno
        traceback = traceback.tb_next


def in_words(error: BaseException) -> str:
    """`ZeroDivisionError: division by zero`"""
    return f"{type(error).__name__}: {error}".removesuffix(": ")
