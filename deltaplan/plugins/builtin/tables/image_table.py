"""Folders of images, one subfolder a class, read by pillow, which is imported here alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltaplan.plugins.api import Table, Unreadable

ENDINGS = frozenset(
    {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm"}
)
GRAY = frozenset({"1", "L", "I", "F", "I;16", "I;16B", "I;16L"})  # modes of one channel
DEEP = frozenset({"I", "F", "I;16", "I;16B", "I;16L"})  # whose numbers are kept as they are
LARGEST_IMAGE = 100_000_000  # pixels
MAPPED = 2**28  # bytes of all images, from which on they are kept in a temporary file


def read_images(path: Path, size: int | None = None, gray: bool | None = None) -> Table:
    """`image` [N, height · width · channels], row by row and channels last, and `class`, the name of the
    subfolder; a folder without subfolders and a single file have no classes.

    All are `size` pixels wide and high where it is given, else they must be of one size. Colours become three
    channels, shades of gray one, and with `gray` all become one. Raises Unreadable.
    """
    files, classes = _files(path)
    with _opened(files[0]) as first:
        shape = (size, size) if size else (first.height, first.width)
        one = first.mode in GRAY if gray is None else gray
    columns = {"image": _stacked(files, shape, size is not None, one, gray is None)}
    if classes:
        columns["class"] = np.array(classes, dtype=object)

    def row_name(row: int) -> str:
        return files[row].relative_to(path).as_posix() or path.name

    return Table(columns, len(files), row_name, shapes={"image": (*shape, 1 if one else 3)})


def _stacked(files: list[Path], shape: tuple[int, int], resize: bool, one: bool, found: bool) -> NDArray[Any]:
    """[N, height · width · channels], in a temporary file where that is large."""
    first = _pixels(files[0], shape, resize, one, found)
    whole = (len(files), first.size)
    if first.nbytes * len(files) < MAPPED:
        pixels: NDArray[Any] = np.empty(whole, first.dtype)
    else:
        with TemporaryFile(prefix="deltaplan-") as room:
            pixels = np.memmap(room, first.dtype, "w+", shape=whole)
    for at, file in enumerate(files):
        pixels[at] = _pixels(file, shape, resize, one, found)
    return pixels


def _files(path: Path) -> tuple[list[Path], list[str]]:
    """The images in the order of their names, class by class, and the class of each."""
    if path.is_file():
        return [path], []
    if not path.is_dir():
        raise Unreadable(f"there is no folder `{path}`")
    folders = sorted(f for f in path.iterdir() if f.is_dir() and not f.name.startswith("."))
    own = _images(path)
    if own and any(map(_images, folders)):
        help = "each stands in the folder of its class"
        raise Unreadable(f"`{path.name}` has images beside its subfolders", own[0].name, help)
    files = own or [file for folder in folders for file in _images(folder)]
    if not files:
        help = "a subfolder for each class holds its images: `folder/cat/1.png`"
        raise Unreadable(f"there are no images in `{path.name}`", help=help)
    return files, [] if own else [file.parent.name for file in files]


def _images(folder: Path) -> list[Path]:
    return sorted(f for f in folder.iterdir() if f.suffix.lower() in ENDINGS and f.is_file())


def pillow() -> Any:
    try:
        return import_module("PIL.Image")
    except ModuleNotFoundError:
        help = "install it: `pip install deltaplan[data]`"
        raise Unreadable("the source `images` needs pillow, which is not installed", help=help) from None


@contextmanager
def _opened(file: Path) -> Iterator[Any]:
    """The image, its pixels not read yet; what goes wrong inside is told as Unreadable."""
    images = pillow()
    try:
        with images.open(file) as image:
            if image.width * image.height > LARGEST_IMAGE:
                what = f"{image.width} x {image.height} pixels, and {LARGEST_IMAGE:,} are allowed"
                raise Unreadable(f"`{file.name}` has {what}", _shown(file))
            yield image
    except (OSError, ValueError, SyntaxError, images.DecompressionBombError) as error:
        reason = "it is no image" if isinstance(error, images.UnidentifiedImageError) else str(error).lower()
        raise Unreadable(f"`{file.name}` cannot be read: {reason}", _shown(file)) from None


def _pixels(file: Path, shape: tuple[int, int], resize: bool, one: bool, as_found: bool) -> NDArray[Any]:
    """[height · width · channels]"""
    with _opened(file) as image:
        if as_found and (image.mode in GRAY) != one:
            what = "in colour" if one else "in shades of gray"
            help = "`gray` on the line that names the folder makes all of them gray, `gray=false` none"
            raise Unreadable(f"`{file.name}` is {what}, and the first image is not", _shown(file), help)
        if not resize and (image.height, image.width) != shape:
            mine, first = f"{image.width} x {image.height}", f"{shape[1]} x {shape[0]}"
            help = "`size=64` on the line that names the folder brings all to one size"
            raise Unreadable(
                f"`{file.name}` has {mine} pixels, and the first image {first}", _shown(file), help
            )
        keeps = one and image.mode in DEEP
        found = image if keeps else image.convert("L" if one else "RGB")
        if resize and (found.height, found.width) != shape:
            found = found.resize(shape[::-1], pillow().Resampling.BILINEAR)
        return np.array(found).reshape(-1)


def _shown(file: Path) -> str:
    return f"{file.parent.name}/{file.name}"
