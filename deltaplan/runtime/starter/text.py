"""The text of a starter spec. Its comments say what was chosen and what to try."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from deltaplan.diagnostics import SpecError
from deltaplan.runtime.starter.columns import LISTED, Findings
from deltaplan.runtime.starter.mistakes import UnwritablePath

COMMENT = 45  # the column at which comments begin
WIDTH = 100
RESERVED = frozenset({"from", "rest", "inputs", "targets"})
BATCH = 32
STEPS = 4000  # about so many, by which a small net has settled
EPOCHS = (20, 50, 100, 200)


def starter_text(found: Findings, spec: Path) -> str:
    """The spec that is to stand at `spec`. SpecError where the path of the data cannot be written in it."""
    model = _model_name(spec)
    blocks = [_head(found, spec), _model(found, model), _data(found, spec), _train(found)]
    return "\n\n".join("\n".join(lines) for lines in blocks) + "\n"


def _head(found: Findings, spec: Path) -> list[str]:
    kind = "classification" if found.classes else "regression"
    return [
        f"# {_plain(spec.name)}: a {kind} on {_plain(found.file.name)}. A first spec: try it, then change it",
        "",
        _line("param hidden = " + str(_units(found.rows)), "units: more learn more, and need more samples"),
    ]


def _model(found: Findings, name: str) -> list[str]:
    count = len(found.classes)
    output = f"a number for each class: {_labels(found.classes)}" if count else "no activation: the loss says"
    return [
        f"model {name} {{",
        _input(found),
        _line("    dense hidden  relu", "a list makes more layers: dense hidden x 2"),
        _line(f"    output {count or 1}", output if count else ""),
        "}",
    ]


def _input(found: Findings) -> str:
    if not found.categories:
        return f"    input {len(found.inputs)}"
    width = len(found.inputs) + sum(count - 1 for count in found.categories.values())
    return _line("    input", f"{width} numbers: one for each different word")


def _missing(found: Findings) -> list[str]:
    """`missing median y=drop port=mode`: what fills the gaps, and which rows are left out."""
    if not found.gaps:
        return []
    default = ["median"] if "median" in found.gaps.values() else []
    named = [f"{_column(name)}={word}" for name, word in found.gaps.items() if word != "median"]
    return [_line(f"    missing {' '.join([*default, *named])}", "what is done about gaps")]


def _data(found: Findings, spec: Path) -> list[str]:
    decimal = " decimal=comma" if found.decimal == "comma" else ""
    both = "inputs" if found.classes else "inputs, targets"
    return [
        "data {",
        _line(f'    csv "{_path(found.file, spec)}"{decimal}', f"{found.rows} rows"),
        *_inputs(found),
        *(f"    # left out: {line}" for line in _left_out(found)),
        *_missing(found),
        _line(f"    targets {_column(found.target)}", found.why),
        _line("    split train=80% test=20% seed=1", "the test part is for the last word alone"),
        _line(f"    standardize {both}", "mean 0 and deviation 1, by the training part"),
        "}",
    ]


def _inputs(found: Findings) -> list[str]:
    if not found.left_out:
        return [_line("    inputs rest", "all columns that are no targets")]
    names = [_column(name) for name in found.inputs]
    line = f"    inputs {', '.join(names)}"
    if len(line) <= WIDTH:
        return [line]
    return ["    inputs [", *(f"        {row}" for row in _rows(names)), "    ]"]


def _rows(names: Sequence[str]) -> list[str]:
    """Names with commas, as many on a line as fit."""
    rows = [""]
    for name in names:
        longer = f"{rows[-1]} {name},".lstrip()
        rows = [*rows[:-1], longer] if len(longer) <= WIDTH - 8 or not rows[-1] else [*rows, f"{name},"]
    return [*rows[:-1], rows[-1].rstrip(",")]


def _left_out(found: Findings) -> list[str]:
    told = [f"{_plain(name)} ({why})" for name, why in found.left_out.items()]
    rest = [f"and {len(told) - LISTED} more"] if len(told) > LISTED else []
    return told[:LISTED] + rest


def _train(found: Findings) -> list[str]:
    samples = round(found.rows * 0.8)
    loss, strength = ("cross_entropy", "1e-3") if found.classes else ("squared_error", "1e-2")
    return [
        "train {",
        _line(f"    minimize mean({loss}) + l2({strength})", "test far worse than train? a larger l2"),
        "    optimizer adam(lr=3e-3)",
        f"    epochs {_epochs(samples)}",
        f"    batch {BATCH if samples > BATCH else 'full'}",
        "    seed 1",
        "}",
    ]


def _units(rows: int) -> int:
    return 16 if rows < 1000 else 32 if rows < 10_000 else 64


def _epochs(samples: int) -> int:
    """The largest of the usual numbers with no more than the steps that are wanted."""
    steps = -(-samples // BATCH)
    return max((epochs for epochs in EPOCHS if epochs * steps <= STEPS), default=EPOCHS[0])


def _line(code: str, comment: str) -> str:
    return f"{code:<{COMMENT - 2}}  # {comment}" if comment else code


def _column(name: str) -> str:
    simple = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) and name not in RESERVED
    return name if simple else f'"{name}"'


def _labels(classes: Sequence[str]) -> str:
    more = ", …" if len(classes) > 6 else ""
    return ", ".join(_plain(label) for label in classes[:6]) + more


def _plain(text: str) -> str:
    """A name or a cell of the file, fit for a comment."""
    shown = "".join(c if c.isprintable() else " " for c in text)
    return shown if len(shown) <= 40 else f"{shown[:39]}…"


def _model_name(spec: Path) -> str:
    name = re.sub(r"[^A-Za-z0-9_]+", "_", spec.stem).strip("_")
    return name if name[:1].isalpha() and name not in RESERVED else f"net_{name}".rstrip("_")


def _path(file: Path, spec: Path) -> str:
    """The file as seen from the spec's folder; an absolute path if none leads there (another drive)."""
    try:
        path = Path(os.path.relpath(file.absolute(), spec.absolute().parent)).as_posix()
    except ValueError:
        path = file.absolute().as_posix()
    if '"' in path or not path.isprintable():
        raise SpecError(UnwritablePath(path=path))
    return path
