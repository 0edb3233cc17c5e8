"""The specs that come with the package, and copies of them with their data."""

import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import ClassVar

from deltaplan.diagnostics import Diagnostic, Source, SpecError, mistake, nearest
from deltaplan.dsl import parse, tree
from deltaplan.records import dataclass
from deltaplan.runtime.writing import refuse_to_overwrite, write_together


@mistake
class UnknownExample(Diagnostic):
    code: ClassVar[str] = "unknown-example"
    title: ClassVar[str] = "there is no example `{name}`"
    label: ClassVar[str] = "similar name: `{similar}`"
    help: ClassVar[str] = "`deltaplan examples` lists them"
    name: str
    similar: str | None


@dataclass(frozen=True, slots=True)
class Example:
    """A spec of the package: its name without `.dl`, its first line, and the files that it names.

    Name and files are paths from the folder of the specs, with slashes.
    """

    name: str
    about: str
    files: tuple[str, ...]

    @property
    def spec(self) -> str:
        return f"{self.name}.dl"


@dataclass(frozen=True, slots=True)
class Copied:
    """What a copy wrote, and what was in the folder with the same content already."""

    specs: tuple[Path, ...]
    written: tuple[Path, ...]
    kept: tuple[Path, ...]


def examples() -> tuple[Example, ...]:
    """All of them, folders last, numbers in their order."""
    return _read(_names())


def find_examples(name: str) -> tuple[Example, ...]:
    """The example of this name, or all those of the folder of this name. SpecError where there is none."""
    known = _names()
    plain = name.replace("\\", "/").removesuffix(".dl").rstrip("/")
    found = [each for each in known if each == plain or each.startswith(f"{plain}/")]
    if not found:
        raise SpecError(UnknownExample(name=name, similar=_similar(plain, known)))
    return _read(found)


def _names() -> list[str]:
    paths = sorted(_specs(resources.files("deltaplan.specs")), key=_place)
    return [path.removesuffix(".dl") for path in paths]


def _read(names: Iterable[str]) -> tuple[Example, ...]:
    root = resources.files("deltaplan.specs")
    return tuple(_example(root, f"{name}.dl") for name in names)


def copy_examples(chosen: Sequence[Example], folder: Path, replace: bool = False) -> Copied:
    """Copies specs with the files that they name, data first, so that a spec never stands without its data.

    SpecError where another file is in the way, unless `replace`, or where the disk does not take them; then
    nothing is left half done.
    """
    root = resources.files("deltaplan.specs")
    names = dict.fromkeys([*(file for e in chosen for file in e.files), *(e.spec for e in chosen)])
    contents = {folder / name: (root / name).read_bytes() for name in names}
    kept = tuple(path for path, content in contents.items() if _holds(path, content))
    wanted = {path: content for path, content in contents.items() if path not in kept}
    if not replace:
        refuse_to_overwrite(wanted, "--force")
    write_together(wanted)
    return Copied(tuple(folder / e.spec for e in chosen), tuple(wanted), kept)


def _specs(folder: Traversable, above: str = "") -> Iterator[str]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _specs(entry, f"{above}{entry.name}/")
        elif entry.name.endswith(".dl"):
            yield above + entry.name


def _place(path: str) -> tuple[int, list[str | int], str]:
    """`3x5` before `10x5`: a number is at every second place of the split, so that like meets like."""
    parts = re.split(r"(\d+)", path)
    return path.count("/"), [int(p) if i % 2 else p for i, p in enumerate(parts)], path


def _example(root: Traversable, path: str) -> Example:
    text = (root / path).read_text(encoding="utf-8")
    spec, _ = parse(Source(path, text))
    beside = (posixpath.join(posixpath.dirname(path), named) for named in _texts(spec.lines))
    files = dict.fromkeys(posixpath.normpath(file) for file in beside)
    return Example(
        path.removesuffix(".dl"),
        _about(text, posixpath.basename(path)),
        tuple(f for f in files if (root / f).is_file()),
    )


def _about(text: str, file: str) -> str:
    """The comment on the first line, without the file's name."""
    first = text.partition("\n")[0]
    return first.lstrip("# ").removeprefix(f"{file}:").strip() if first.startswith("#") else ""


def _texts(lines: Iterable[tree.Line]) -> Iterator[str]:
    """The strings of a spec: among them are the names of its files."""
    for line in lines:
        yield from (item.value for item in line.items if isinstance(item, tree.Text))
        yield from _texts(line.body.lines if line.body else ())


def _similar(name: str, known: Sequence[str]) -> str | None:
    """By the last part too: `45x5` is `lecture/45x5`."""
    last = {full.rpartition("/")[2]: full for full in known}
    names = last | dict(zip(known, known, strict=True))
    found = nearest(name, names)
    return names[found] if found else None


def _holds(path: Path, content: bytes) -> bool:
    try:
        return path.read_bytes() == content
    except OSError:
        return False
