"""Samples that a Python function or iterator gives, one by one or in batches, gathered into arrays."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from deltaplan.diagnostics import Diagnostic, SpecError, mistake
from deltaplan.runtime.data.tables import plain

LARGEST = 4 * 2**30  # bytes


@mistake
class NotSamples(Diagnostic):
    code: ClassVar[str] = "generator-item"
    title: ClassVar[str] = "the generator gave {given}, and not samples"
    help: ClassVar[str] = "each item is a pair (x, y) of one sample or of a batch, or a mapping of columns"
    given: str


@mistake
class GeneratorTooLong(Diagnostic):
    code: ClassVar[str] = "generator-too-long"
    title: ClassVar[str] = "the generator gave {samples:,} samples of {bytes:,} bytes and did not end"
    help: ClassVar[str] = "`itertools.islice(samples, n)` takes the first n of them"
    samples: int
    bytes: int


def is_generated(x: Any) -> bool:
    """Whether samples are given by a function or an iterator, and not as data."""
    return isinstance(x, Iterator) or (callable(x) and not hasattr(x, "__len__"))


def gathered(x: Callable[[], Iterable[Any]] | Iterator[Any], limit: int = LARGEST) -> tuple[Any, Any]:
    """The inputs and the targets of all samples, as for `dataset_from_memory`. The targets are None where the
    items are mappings of columns.

    A pair holds x of one sample, a number or [features], or of a batch, [n, features]; y is a number or a
    label, or has one for each sample. SpecError where an item is none of these, or where there is no end.
    """
    pieces: list[tuple[dict[Any, NDArray[Any]], NDArray[Any] | None]] = []
    samples = size = 0
    for item in x() if callable(x) else x:
        piece = _piece(item)
        pieces.append(piece)
        arrays = [*piece[0].values(), *([piece[1]] if piece[1] is not None else [])]
        samples += len(arrays[0]) if arrays else 0
        size += sum(array.nbytes for array in arrays)
        if size > limit:
            raise SpecError(GeneratorTooLong(samples=samples, bytes=size))
    return _joined(pieces)


def _joined(pieces: list[tuple[dict[Any, NDArray[Any]], NDArray[Any] | None]]) -> tuple[Any, Any]:
    if not pieces:
        raise SpecError(NotSamples(given="nothing at all"))
    keys = list(pieces[0][0])
    shapes = {tuple((k, v.shape[1:]) for k, v in x.items()) for x, _ in pieces}
    if len(shapes) > 1 or len({None if y is None else y.shape[1:] for _, y in pieces}) > 1:
        raise SpecError(NotSamples(given="items of several shapes"))
    columns = {key: np.concatenate([x[key] for x, _ in pieces]) for key in keys}
    targets = [y for _, y in pieces if y is not None]
    y = np.concatenate(targets) if targets else None
    return (columns[None] if keys == [None] else columns), y


def _piece(item: Any) -> tuple[dict[Any, NDArray[Any]], NDArray[Any] | None]:
    """Columns by name, or the whole x under None, and y."""
    if isinstance(item, Mapping):
        return {str(name): np.atleast_1d(plain(str(name), values)) for name, values in item.items()}, None
    if not isinstance(item, tuple | list) or len(item) != 2:
        raise SpecError(NotSamples(given=f"`{item!r:.40}`"))
    x, y = plain("x", item[0]), plain("y", item[1])
    batch = x.ndim > 1
    x = x.reshape(len(x), -1) if batch else x.reshape(1, -1)
    y = y if batch else y.reshape(1, *y.shape)
    if y.ndim == 0 or len(y) != len(x):
        many = len(y) if y.ndim else 1
        raise SpecError(NotSamples(given=f"{len(x)} samples of x and {many} of y"))
    return {None: x}, y
