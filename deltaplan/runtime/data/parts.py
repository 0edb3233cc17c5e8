"""Which samples train, validate and test."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltaplan.compiler.experiment import DataSpec, PartName
from deltaplan.diagnostics import Problems
from deltaplan.runtime.data.cells import Wanted, column_of, words_of
from deltaplan.runtime.data.gaps import missing_value
from deltaplan.runtime.data.problems import EmptyPart, rows_in_words
from deltaplan.runtime.data.raw import Raw
from deltaplan.runtime.data.samples import Samples
from deltaplan.runtime.data.split import Rows, cuts, split_rows
from deltaplan.runtime.data.stack import Stack


def rows_of_parts(
    raw: Raw, stack: Stack, samples: Samples, targets: Mapping[str, NDArray[Any]], problems: Problems
) -> dict[PartName, Rows]:
    """The places of each part's samples. Parts with files of their own have all of their rows, and `split`
    divides those of training."""
    fixed = {part for part in stack.parts if part}
    free = np.flatnonzero(stack.marks("train")[samples.ends]) if fixed else np.arange(len(samples))
    own = samples.chosen(free)
    split = raw.data.split
    groups = _groups(raw, own, problems)
    found = split_rows(len(own), split, _classes(raw, own, targets), groups)
    parts = {name: free[rows] for name, rows in found.items()}
    parts |= {part: np.flatnonzero(stack.marks(part)[samples.ends]) for part in fixed - {"train"}}
    wanted = dict.fromkeys(("train", *(name for name, _, _ in cuts(split)), *fixed))
    for name in wanted:
        if not len(parts.get(name, ())):
            _tell_empty(raw.data, name, len(samples), problems)
    return {name: parts[name] for name in ("train", "validation", "test") if name in parts}


def _classes(raw: Raw, samples: Samples, targets: Mapping[str, NDArray[Any]]) -> NDArray[np.int64] | None:
    """The class of each sample by the first output that has classes."""
    output = next((name for name in raw.targets if raw.classes(name)), None)
    if output is None:
        return None
    first = np.asarray(targets[output]).reshape(-1, raw.table.rows)[0].astype(np.int64)
    return np.asarray(first[samples.aims])


def _groups(raw: Raw, samples: Samples, problems: Problems) -> NDArray[np.intp] | None:
    """The number of each sample's group."""
    by = raw.data.split.by
    if by is None:
        return None
    wanted = Wanted(by.name, by.span)
    if column_of(raw.table, wanted, problems) is None:
        return None
    words = words_of(raw.table, wanted, problems)[samples.ends]
    gaps = np.flatnonzero(words == "").tolist()
    if gaps:
        rows = samples.ends[gaps].tolist()
        problems.add(missing_value(raw.table, by.name, rows, by.span, None))
    return np.asarray(np.unique(words.astype(str), return_inverse=True)[1]).reshape(-1)


def _tell_empty(data: DataSpec, name: PartName, rows: int, problems: Problems) -> None:
    mend = "give it a larger share, or leave it out" if rows else None
    span = data.split.span or data.span
    problems.add(EmptyPart(part=name, rows=rows_in_words(rows), mend=mend, span=span))
