"""Object files made ready to run, without LLVM: importing that takes longer than training a small net.

What LLVM emits here is simple: sections of code and constants, and whole addresses to be filled in (ELF for
x86-64, System V ABI, chapter 4). Whatever else a file holds is left to LLVM.
"""

import ctypes
import mmap
import struct
import sys
from collections.abc import Iterator, Sequence
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
UNDEFINED = 0
LOCAL = 0  # STB_LOCAL: a symbol of one file
READ_AND_RUN = 5  # PROT_READ | PROT_EXEC


class NotLoadedError(Exception):
    """The file, or this system, needs LLVM's own loader."""


@dataclass(frozen=True, slots=True)
class Section:
    """Section `number` of a `file`; `info` and `link` name others of the same file."""

    file: int
    number: int
    kind: int
    flags: int
    content: bytes
    size: int
    link: int
    info: int
    alignment: int


@dataclass(frozen=True, slots=True)
class Symbol:
    """A name in a file, and its address: 0 where it has none, None where another file may have it. Other
    files see it where it is `shared`."""

    name: str
    address: int | None
    shared: bool


Places = dict[tuple[int, int], int]  # of sections by file and number


class Image:
    """The code of object files in memory of its own, unmapped with this object. NotLoadedError where it
    cannot be had."""

    def __init__(self, objects: Sequence[bytes]) -> None:
        if not sys.platform.startswith("linux") or machine() != "x86_64":
            raise NotLoadedError("not Linux on x86-64")
        files = [_sections(number, code) for number, code in enumerate(objects)]
        places, still, size = _places([section for sections in files for section in sections])
        self._memory = mmap.mmap(-1, size)
        self._view = (ctypes.c_char * size).from_buffer(self._memory)
        base = ctypes.addressof(self._view)
        for (file, number), place in places.items():
            section = files[file][number]
            if section.kind != NOBITS:
                self._memory[place : place + section.size] = section.content
        starts = {key: base + place for key, place in places.items()}
        symbols = [list(_symbols(sections, starts)) for sections in files]
        self._addresses = {s.name: s.address for found in symbols for s in found if s.shared and s.address}
        for sections, own in zip(files, symbols, strict=True):
            self._relocate(sections, places, own)
        if ctypes.CDLL(None).mprotect(ctypes.c_void_p(base), ctypes.c_size_t(still), READ_AND_RUN):
            raise NotLoadedError("this system runs no code from memory")

    def address(self, name: str) -> int:
        """Where the function `name` begins."""
        return self._addresses[name]

    def _relocate(self, sections: Sequence[Section], places: Places, symbols: Sequence[Symbol]) -> None:
        """Fills in the addresses in a file's sections."""
        for section in sections:
            place = places.get((section.file, section.info))
            if section.kind != RELA or place is None:
                continue
            for offset, info, addend in RELOCATION.iter_unpack(section.content):
                symbol = symbols[info >> 32]
                address = self._found(symbol)
                if info & 0xFFFFFFFF != WHOLE_ADDRESS or not address:
                    raise NotLoadedError(f"relocation {info & 0xFFFFFFFF} of `{symbol.name}`")
                ADDRESS.pack_into(self._memory, place + offset, address + addend)

    def _found(self, symbol: Symbol) -> int:
        """The address of a symbol, in another file or outside where it is not in its own; 0 for none."""
        if symbol.address is not None:
            return symbol.address
        return self._addresses.get(symbol.name) or _outside(symbol.name)


def _sections(file: int, code: bytes) -> list[Section]:
    if len(code) < HEADER.size or not code.startswith(START):
        raise NotLoadedError("no ELF file")
    _, kind, processor, _, _, _, table, _, _, _, _, width, count, _ = HEADER.unpack_from(code)
    if (kind, processor, width) != (RELOCATABLE, X86_64, SECTION.size) or table + width * count > len(code):
        raise NotLoadedError("no object file for x86-64")
    rows = (SECTION.unpack_from(code, table + width * number) for number in range(count))
    return [
        Section(file, number, kind, flags, code[offset : offset + size], size, link, info, alignment)
        for number, (_, kind, flags, _, offset, size, link, info, alignment, _) in enumerate(rows)
    ]


def _places(sections: Sequence[Section]) -> tuple[Places, int, int]:
    """Where each section that is needed at run time begins in memory, the size of what is never written, in
    whole pages, and the size of all."""
    needed = [section for section in sections if section.flags & ALLOC and section.size]
    fixed = [section for section in needed if not section.flags & WRITE]
    places, size = _in_turn(fixed, 0)
    still = _up(max(size, 1), mmap.PAGESIZE)
    written, size = _in_turn([section for section in needed if section.flags & WRITE], still)
    return places | written, still, _up(size, mmap.PAGESIZE)


def _in_turn(sections: Sequence[Section], size: int) -> tuple[Places, int]:
    """One section behind the other, and where the last one ends."""
    places: Places = {}
    for section in sections:
        place = _up(size, max(section.alignment, 1))
        places[section.file, section.number], size = place, place + section.size
    return places, size


def _up(size: int, unit: int) -> int:
    return -(-size // unit) * unit


def _symbols(sections: Sequence[Section], starts: Places) -> Iterator[Symbol]:
    """The symbols of a file."""
    table = next((s for s in sections if s.kind == SYMTAB), None)
    if table is None:
        raise NotLoadedError("no symbols")
    names = sections[table.link].content
    for name, info, _, section, value, _ in SYMBOL.iter_unpack(table.content):
        text = names[name : names.index(b"\0", name)].decode()
        start = starts.get((table.file, section))
        if section == UNDEFINED:
            yield Symbol(text, None, shared=False)
        else:
            yield Symbol(text, 0 if start is None else start + value, shared=info >> 4 != LOCAL)


def _outside(name: str) -> int:
    """The address of a function of this process, as of `memcpy`, which LLVM calls by itself; 0 for none."""
    try:
        function = getattr(ctypes.CDLL(None), name)
    except AttributeError:
        return 0
    return ctypes.cast(function, ctypes.c_void_p).value or 0
