"""`deltaplan trace`: one sample through the recursions, with numbers."""

from collections.abc import Iterable, Iterator
from math import floor, hypot, inf, log10
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deltaplan.cli.spec import json_option, params_option, run_plugins_option

if TYPE_CHECKING:
    from deltaplan.runtime.trace import Columns, Line, SampleTrace

FORMULA = 34  # columns for the formula; what is longer has its numbers on the next line
WIDTH = 80
WHOLE = 6  # numbers of a vector, rows and columns of a matrix that are printed in full


@click.command("trace")
@click.argument("file", metavar="FILE|RUN", type=click.Path(path_type=Path))
@params_option
@click.option(
    "--sample",
    type=click.IntRange(min=1),
    metavar="N",
    help="The N-th sample of the data; by default the first one that is trained on.",
)
@click.option("--parameters", is_flag=True, help="Print the parameters too.")
@run_plugins_option
@json_option("Every number as JSON, nothing cut.")
def command(
    file: Path,
    params: dict[str, Any],
    sample: int | None,
    parameters: bool,
    run_plugins: bool,
    as_json: bool,
) -> None:
    """Print each line of the recursions with its numbers for one sample: z, v and the loss forward, delta
    and the gradients backward.

    A spec is traced at the parameters that training begins with, a run at those that it ended with. Numbers
    are float64; dropout is off. A vector longer than 6 is cut: its norm follows.
    """
    from deltaplan.cli.console import say, say_json

    if params and not _is_spec(file):
        raise click.UsageError("--set belongs to a spec; a run has its params")
    if run_plugins and _is_spec(file):
        raise click.UsageError("--run-plugins belongs to a run; a spec runs what it names with `use`")
    found = _traced(file, params, sample, run_plugins)
    if as_json:
        say_json(_data(found))
    else:
        say("\n".join(_text(found, parameters)))


def _is_spec(file: Path) -> bool:
    return file.suffix == ".dl" or file.is_file()


def _traced(file: Path, params: dict[str, Any], sample: int | None, run_plugins: bool) -> "SampleTrace":
    from deltaplan.cli.spec import load
    from deltaplan.runtime.inquiries import trace

    if _is_spec(file):
        return trace(load(file, params), sample)
    import deltaplan

    return deltaplan.open(file, run_plugins).trace(sample)


def _text(found: "SampleTrace", parameters: bool) -> Iterator[str]:
    yield f"{found.name}: sample {found.number} ({found.part}), scale = 1" + ", no dropout" * found.random
    for word, groups in (("", found.inputs), ("target ", found.targets), ("predicted ", found.predictions)):
        for columns in groups:
            yield from _row(f"  {word}{_names(columns)}", _column_values(columns))
    if parameters:
        yield from _section("parameters", found.parameters, sign=" = ")
    yield from _section("forward", (*found.leaves, *found.forward))
    yield from _section("predict", found.predicted)
    yield from _section("backward", found.backward)


def _names(columns: "Columns") -> str:
    names = columns.names if len(columns.names) <= 3 else (*columns.names[:2], "…", columns.names[-1])
    return ", ".join(names)


def _column_values(columns: "Columns") -> list[str]:
    values = columns.values.reshape(-1).tolist()
    return _joined(_cut([v if isinstance(v, str) else _number(v) for v in values]))


def _section(title: str, lines: Iterable["Line"], sign: str = "") -> Iterator[str]:
    lines = tuple(lines)
    if lines:
        yield ""
        yield title
    for line in lines:
        name = f"{line.tensor}{sign}{line.formula}" if sign else line.formula
        yield from _row(f"  {name}", _numbers(line.values.tolist(), line.values.shape))


def _row(left: str, right: list[str]) -> Iterator[str]:
    """The formula, and the numbers to the right of it; below, where it is long."""
    if len(left) > FORMULA - 2:
        yield left
        left = ""
    for text in right:
        yield f"{left:<{FORMULA}}{text}".rstrip()
        left = ""


def _numbers(values: Any, shape: tuple[int, ...]) -> list[str]:
    """A number, a vector or the rows of a matrix; what is large is cut, and its norm added."""
    if not shape:
        return [_number(values)]
    if len(shape) == 2 and min(shape) > 1 and max(shape) <= WHOLE:
        rows = _rows(values)
        if len(rows[-1]) <= WIDTH - FORMULA:
            return rows
    flat = _flat(values, len(shape))
    texts = _cut([_number(v) for v in flat])
    if len(texts) < len(flat):
        texts.append(f"{list(shape)}, norm {_number(hypot(*flat))}")
    return _joined(texts)


def _rows(values: list[list[float]]) -> list[str]:
    """The rows of a matrix with four digits of its largest number, under a power of ten before all."""
    largest = max(abs(v) for row in values for v in row)
    power = floor(log10(largest)) if 0 < largest < inf else 0
    factor = 0 if power in (-1, 0) else power
    texts = [[f"{v / 10**factor:.{3 - power + factor}f}" for v in row] for row in values]
    width = max(len(text) for row in texts for text in row)
    lines = ["  ".join(text.rjust(width) for text in row) for row in texts]
    return [f"1e{factor} *", *lines] if factor else lines


def _joined(texts: list[str]) -> list[str]:
    """The texts in lines that fit beside the formula."""
    lines = [""]
    for text in texts:
        longer = f"{lines[-1]}  {text}" if lines[-1] else text
        if len(longer) <= WIDTH - FORMULA:
            lines[-1] = longer
        else:
            lines.append(text)
    return lines


def _cut(texts: list[str]) -> list[str]:
    return texts if len(texts) <= WHOLE else [*texts[:3], "…", texts[-1]]


def _flat(values: Any, depth: int) -> list[float]:
    return list(values) if depth == 1 else [v for row in values for v in _flat(row, depth - 1)]


def _number(value: float) -> str:
    return f"{value:.4g}"


def _data(found: "SampleTrace") -> dict[str, Any]:
    return {
        "name": found.name,
        "sample": found.number,
        "part": found.part,
        "inputs": _columns_data(found.inputs),
        "targets": _columns_data(found.targets),
        "predictions": _columns_data(found.predictions),
        "parameters": _lines_data(found.parameters),
        "forward": _lines_data((*found.leaves, *found.forward)),
        "predict": _lines_data(found.predicted),
        "backward": _lines_data(found.backward),
    }


def _columns_data(groups: Iterable["Columns"]) -> list[dict[str, Any]]:
    return [
        {"node": group.node, "columns": list(group.names), "values": group.values.reshape(-1).tolist()}
        for group in groups
    ]


def _lines_data(lines: Iterable["Line"]) -> list[dict[str, Any]]:
    from deltaplan.cli.console import finite

    return [
        {
            "tensor": line.tensor,
            "formula": line.formula,
            "line": line.line,
            "shape": list(line.values.shape),
            "values": finite(line.values.tolist()),
        }
        for line in lines
    ]
