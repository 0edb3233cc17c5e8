"""`import "blocks.dl"`: the params and blocks of another file, in place of the line.

A path begins at the file that it stands in, and stays within the folder of the spec. A file is brought in
once, wherever it is named.
"""

import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field, replace
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

from deltaplan.compiler.build.binding import TooManyValues, ValueNeeded
from deltaplan.compiler.build.context import Context, ExpansionLimits, Told
from deltaplan.compiler.build.places import FILE, read_lines
from deltaplan.diagnostics import DeltaplanError, Diagnostic, Note, Problems, Source, Span, SpecError, mistake
from deltaplan.dsl import parse, read, tree
from deltaplan.plugins.registry import Registry
from deltaplan.records import dataclass

Reader = Callable[[str], Source]  # of a path within the project: `lib/blocks.dl`
MOST_FILES = 100
OWN = ("use", "model", "data", "train", "sweep", "assert")  # lines that stand in the spec itself


@mistake
class ImportOutside(Diagnostic):
    code: ClassVar[str] = "import-outside"
    title: ClassVar[str] = "`{path}` lies outside of the spec's folder"
    help: ClassVar[str] = "a spec imports what stands beside it, or in a folder below"
    path: str


@mistake
class ImportCycle(Diagnostic):
    code: ClassVar[str] = "import-cycle"
    title: ClassVar[str] = "`{path}` imports itself: {chain}"
    path: str
    chain: str


@mistake
class NotImportable(Diagnostic):
    code: ClassVar[str] = "not-importable"
    title: ClassVar[str] = "`{head}` stands in an imported file"
    help: ClassVar[str] = (
        "params, blocks, definitions and further imports are brought in; `{head}` belongs in the spec itself"
    )
    head: str


@mistake
class TooManyImports(Diagnostic):
    code: ClassVar[str] = "too-many-imports"
    title: ClassVar[str] = "more than {limit} files are imported"
    limit: int


@dataclass(slots=True)
class Imports:
    """The files that were brought in so far, by their paths within the project; `own` is that of the spec,
    where another file could lead back to it."""

    context: Context
    read: Reader
    own: str = ""
    found: dict[str, Source] = field(default_factory=dict)
    lost: bool = False  # a file could not be brought in


def from_disk(folder: Path) -> Reader:
    """Reads the files of a project. SpecError where one cannot be read or lies outside of the folder."""

    def reading(path: str) -> Source:
        file = folder / path
        if not file.resolve().is_relative_to(folder.resolve()):
            raise SpecError(ImportOutside(path=path))
        return read(file)

    return reading


def from_texts(folder: Path, texts: Mapping[str, str]) -> Reader:
    """Files whose texts are known."""
    return lambda path: Source(str(folder / path), texts[path])


def with_imports(imports: Imports, spec: tree.Spec) -> tree.Spec:
    """The spec with the lines of imported files in place of its `import` lines; mistakes are told."""
    return replace(spec, lines=tuple(_expanded(imports, spec.lines, (imports.own,))))


def spliced(spec: tree.Spec, known: Mapping[str, Source]) -> tree.Spec:
    """The same once more, of files that are known and good."""
    context = Context(Registry(MappingProxyType({})), ExpansionLimits(), Path(), Problems())
    return with_imports(Imports(context, known.__getitem__), spec)


def _expanded(imports: Imports, lines: Iterable[tree.Line], trail: tuple[str, ...]) -> Iterator[tree.Line]:
    for line in lines:
        if _head(line) != "import" or line.broken:
            yield line
            continue
        for read_line in read_lines(imports.context, FILE, [line]):
            brought = imports.context.attempt(_brought, imports, read_line.line, trail)
            imports.lost |= brought is None
            yield from brought or ()


def _brought(imports: Imports, line: tree.Line, trail: tuple[str, ...]) -> list[tree.Line]:
    """The lines that an `import` stands for: none where its file was brought in before. Raises Told."""
    context, text = imports.context, _text(imports.context, line)
    path = posixpath.normpath(posixpath.join(posixpath.dirname(trail[-1]), text.value))
    if posixpath.isabs(path) or path.startswith("..") or "\\" in path or ":" in path:
        raise context.refuse(ImportOutside(span=text.span, path=text.value))
    if path in trail:
        chain = " imports ".join(f"`{each}`" for each in (*trail[trail.index(path) :], path))
        raise context.refuse(ImportCycle(span=text.span, path=path, chain=chain))
    if path in imports.found:
        return []
    if len(imports.found) == MOST_FILES:
        raise context.refuse(TooManyImports(span=text.span, limit=MOST_FILES))
    source = _source(imports, path, text.span)
    imports.found[path] = source
    spec, mistakes = parse(source)
    context.problems.extend(mistakes)
    lines = [each for each in spec.lines if not _is_own(context, each, text.span)]
    return list(_expanded(imports, lines, (*trail, path)))


def _text(context: Context, line: tree.Line) -> tree.Text:
    match line.items:
        case (tree.Text() as text,):
            return text
        case (tree.Text(), extra, *_):
            mistake: Diagnostic = TooManyValues(
                span=extra.span, owner="import", count="one file", value=extra.span.text
            )
        case _:
            mistake = ValueNeeded(
                span=line.span, owner="import", what="a file in quotes", example='import "blocks.dl"'
            )
    raise context.refuse(mistake)


def _source(imports: Imports, path: str, span: Span) -> Source:
    try:
        return imports.read(path)
    except DeltaplanError as error:
        for found in error.diagnostics:
            imports.context.refuse(replace(found, span=found.span or span))
        raise Told from None


def _is_own(context: Context, line: tree.Line, span: Span) -> bool:
    """Whether a line belongs in the spec itself, which is told."""
    head = _head(line)
    if head not in OWN:
        return False
    assert line.head is not None
    context.refuse(NotImportable(span=line.head.span, head=head, notes=(Note("imported here", span),)))
    return True


def _head(line: tree.Line) -> str:
    return line.head.text if isinstance(line.head, tree.Name) else ""
