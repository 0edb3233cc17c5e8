"""An object file made ready to run, without LLVM: importing that takes longer than training a small net.

What LLVM emits here is simple: sections of code and constants, and whole addresses to be filled in (ELF for
x86-64, System V ABI, chapter 4). Whatever else a file holds is left to LLVM.
"""

import ctypes
import mmap
import struct
import sys
from collections.abc import Iterator, Mapping
from platform import machine

from deltaplan.records import dataclass

HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
SECTION = struct.Struct("<IIQQQQIIQQ")
SYMBOL = struct.Struct("<IBBHQQ")
RELOCATION = struct.Struct("<QQq")
ADDRESS = struct.Struct("<Q")
START = b"\x7fELF\x02\x01\x01"  # 64 bits, little-endian
RELOCATABLE, X86_64 = 1, 62
SYMTAB, RELA, NOBITS = 2, 4, 8
WRITE, ALLOC = 1, 2
WHOLE_ADDRESS = 1  # R_X86_64_64: symbol + addend
UNDEFINED, SPECIAL = 0, 0xFF00
READ_AND_RUN = 5  # PROT_READ | PROT_EXEC


class NotLoadedError(Exception):
    """The file, or this system, needs LLVM's own loader."""


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the file; `info` and `link` name other sections by their number."""

    kind: int
    flags: int
    offset: int
    size: int
    link: int
    info: int
    alignment: int


class Image:
    """The code of an object file in memory of its own, unmapped with this object. NotLoadedError where it
    cannot be had."""

    def __init__(self, code: bytes) -> None:
        if not sys.platform.startswith("linux") or machine() != "x86_64":
            raise NotLoadedError("not Linux on x86-64")
        sections = _sections(code)
        places, still, size = _places(sections)
        self._memory = mmap.mmap(-1, size)
        self._view = (ctypes.c_char * size).from_buffer(self._memory)
        base = ctypes.addressof(self._view)
        for number, place in places.items():
            s = sections[number]
            if s.kind != NOBITS:
                self._memory[place : place + s.size] = code[s.offset : s.offset + s.size]
        starts = {number: base + place for number, place in places.items()}
        symbols = list(_symbols(code, sections, starts))
        for section in sections:
            if section.kind == RELA and section.info in places:
                self._relocate(code, section, places[section.info], symbols)
        self._addresses = {name: address for name, address in symbols if name}
        if ctypes.CDLL(None).mprotect(ctypes.c_void_p(base), ctypes.c_size_t(still), READ_AND_RUN):
            raise NotLoadedError("this system runs no code from memory")

    def address(self, name: str) -> int:
        """Where the function `name` begins."""
        return self._addresses[name]

    def _relocate(self, code: bytes, section: Section, place: int, symbols: list[tuple[str, int]]) -> None:
        rows = code[section.offset : section.offset + section.size]
        for offset, info, addend in RELOCATION.iter_unpack(rows):
            name, address = symbols[info >> 32]
            if info & 0xFFFFFFFF != WHOLE_ADDRESS or not address:
                raise NotLoadedError(f"relocation {info & 0xFFFFFFFF} of `{name}`")
            ADDRESS.pack_into(self._memory, place + offset, address + addend)


def _sections(code: bytes) -> list[Section]:
    if len(code) < HEADER.size or not code.startswith(START):
        raise NotLoadedError("no ELF file")
    _, kind, processor, _, _, _, table, _, _, _, _, width, count, _ = HEADER.unpack_from(code)
    if (kind, processor, width) != (RELOCATABLE, X86_64, SECTION.size) or table + width * count > len(code):
        raise NotLoadedError("no object file for x86-64")
    rows = (SECTION.unpack_from(code, table + width * number) for number in range(count))
    return [
        Section(kind, flags, offset, size, link, info, alignment)
        for _, kind, flags, _, offset, size, link, info, alignment, _ in rows
    ]


def _places(sections: list[Section]) -> tuple[dict[int, int], int, int]:
    """Where each section that is needed at run time begins in memory, the size of what is never written, in
    whole pages, and the size of all."""
    needed = [n for n, section in enumerate(sections) if section.flags & ALLOC and section.size]
    fixed = [n for n in needed if not sections[n].flags & WRITE]
    places, size = _in_turn(sections, fixed, 0)
    still = _up(max(size, 1), mmap.PAGESIZE)
    written, size = _in_turn(sections, [n for n in needed if n not in places], still)
    return places | written, still, _up(size, mmap.PAGESIZE)


def _in_turn(sections: list[Section], numbers: list[int], size: int) -> tuple[dict[int, int], int]:
    """One section behind the other, and where the last one ends."""
    places: dict[int, int] = {}
    for number in numbers:
        places[number] = _up(size, max(sections[number].alignment, 1))
        size = places[number] + sections[number].size
    return places, size


def _up(size: int, unit: int) -> int:
    return -(-size // unit) * unit


def _symbols(code: bytes, sections: list[Section], starts: Mapping[int, int]) -> Iterator[tuple[str, int]]:
    """Each symbol's name and address, 0 where it has none."""
    table = next((s for s in sections if s.kind == SYMTAB), None)
    if table is None:
        raise NotLoadedError("no symbols")
    names = sections[table.link]
    rows = code[table.offset : table.offset + table.size]
    for name, _, _, section, value, _ in SYMBOL.iter_unpack(rows):
        begin = names.offset + name
        text = code[begin : code.index(b"\0", begin)].decode()
        if section == UNDEFINED:
            yield text, _outside(text)
        elif section >= SPECIAL or section not in starts:
            yield text, 0
        else:
            yield text, starts[section] + value


def _outside(name: str) -> int:
    """The address of a function of this process, as of `memcpy`, which LLVM calls by itself; 0 for none."""
    try:
        function = getattr(ctypes.CDLL(None), name)
    except AttributeError:
        return 0
    return ctypes.cast(function, ctypes.c_void_p).value or 0
