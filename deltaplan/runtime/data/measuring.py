"""What a spec leaves to its data, measured on them."""

from collections.abc import Callable, Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from deltaplan.compiler.measured import Measured, Unmeasured
from deltaplan.compiler.nodes import Shape
from deltaplan.compiler.weights import HALF
from deltaplan.diagnostics import Diagnostic, Problems, Source, Span, mistake
from deltaplan.runtime.data.columns import with_columns_of
from deltaplan.runtime.data.features import Feature
from deltaplan.runtime.data.gaps import OFFER
from deltaplan.runtime.data.memory import Nodes, block_of
from deltaplan.runtime.data.parts import rows_of_parts
from deltaplan.runtime.data.prepare import read_files
from deltaplan.runtime.data.raw import Raw, read_raw, whole_samples
from deltaplan.runtime.data.samples import Samples
from deltaplan.runtime.data.stack import Stack, stacked

NOWHERE = Span(Source("<memory>", ""), 0, 0)


@mistake
class ClassWithoutSamples(Diagnostic):
    code: ClassVar[str] = "class-without-samples"
    title: ClassVar[str] = (
        "no sample of the training part is of the class `{name}`{place}, which cannot be balanced"
    )
    name: str
    place: str = ""  # " of `tag`"


def measure_files(wanted: Unmeasured) -> Measured | None:
    """On the files that the data block names; None where there is no block. SpecError where they do not
    fit."""
    if wanted.data is None:
        return None
    return measured(wanted, read_files(wanted.data, Path())[0])


def measure_memory(x: Any, y: Any) -> Callable[[Unmeasured], Measured]:
    """The same on samples in memory."""

    def measure(wanted: Unmeasured) -> Measured:
        nodes = Nodes(wanted.inputs, tuple(wanted.kinds), NOWHERE)
        data, table = block_of(wanted.data, nodes, x, y)
        known = Unmeasured(data, wanted.inputs, wanted.kinds, wanted.sized, wanted.balanced)
        return measured(known, stacked([table], [None], [("", None)]))

    return measure


def measured(wanted: Unmeasured, stack: Stack) -> Measured:
    """Sizes by all rows, and class weights by those of the training part."""
    assert wanted.data is not None, "what is measured has columns"
    problems = Problems()
    data = with_columns_of(wanted.data, stack.table, problems)
    problems.raise_errors()
    raw = read_raw(wanted.kinds, data, stack.table, problems)
    problems.raise_errors()
    sizes = {name: _size(raw, name) for name in (*raw.inputs, *data.targets) if name in wanted.sized}
    weights = _weights(wanted, raw, stack, problems) if wanted.balanced else {}
    problems.raise_errors()
    return Measured(sizes, weights)


def _size(raw: Raw, name: str) -> Shape:
    """The shape of an input, and of an output as many numbers as it is compared with, or as there are classes
    for one that decides."""
    if name in raw.data.mirrors:
        return (prod(_size(raw, raw.data.mirrors[name])),)
    if name in raw.inputs:
        return _picture(raw, name) or (raw.data.window * _width(raw.inputs[name]),)
    return (len(raw.classes(name)) if raw.kinds[name] == "class" else _width(raw.targets[name]),)


def _width(features: Sequence[Feature]) -> int:
    return sum(feature.width for feature in features)


def _picture(raw: Raw, name: str) -> Shape | None:
    """That of the one column of an input, where its source says it: a picture's."""
    first, *others = raw.inputs[name]
    if others or first.expression is not None or raw.data.window > 1:
        return None
    return raw.table.shapes.get(first.reads[0])


def _weights(wanted: Unmeasured, raw: Raw, stack: Stack, problems: Problems) -> dict[str, tuple[float, ...]]:
    samples = whole_samples(raw, stack.lengths, OFFER, problems)
    problems.raise_errors()
    targets = raw.target_numbers(problems)
    parts = rows_of_parts(raw, stack, samples, targets, problems)
    problems.raise_errors()
    train = samples.chosen(parts["train"])
    return {
        output: _balanced(raw, output, targets, train, problems)
        for output in targets
        if output in wanted.balanced
    }


def _balanced(
    raw: Raw, output: str, targets: Mapping[str, NDArray[Any]], train: Samples, problems: Problems
) -> tuple[float, ...]:
    """N/(K·Nₖ): each of the K classes weighs the same in all, and a sample 1 on average."""
    if raw.kinds[output] == "class":
        return _shares(raw, output, raw.classes(output), targets[output][train.aims], "", problems)
    answers = targets[output][:, train.aims] > HALF
    columns = [name for feature in raw.targets[output] for name in _columns(feature)]
    found: list[float] = []
    for name, answer in zip(columns, answers, strict=True):
        place = f" of `{name}`" if len(columns) > 1 else ""
        found += _shares(raw, output, raw.classes(output) or ("0", "1"), answer, place, problems)
    return tuple(found)


def _columns(feature: Feature) -> tuple[str, ...]:
    """A name for each answer that it holds: two labels are the no and yes of one."""
    return (feature.name,) if feature.categories else feature.labels


def _shares(
    raw: Raw, output: str, names: Sequence[str], classes: NDArray[Any], place: str, problems: Problems
) -> tuple[float, ...]:
    counts = np.bincount(classes.astype(np.intp), minlength=len(names))
    for name, count in zip(names, counts, strict=True):
        if not count:
            span = raw.spans.get(raw.data.targets[output][0].name)
            problems.add(ClassWithoutSamples(name=name, place=place, span=span))
    with np.errstate(divide="ignore"):
        return tuple((counts.sum() / (len(counts) * counts)).tolist())
