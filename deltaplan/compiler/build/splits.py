"""`split train=80% validation=20%`: which rows train, and which only look."""

from math import isclose
from typing import ClassVar, NoReturn

from deltaplan.compiler.build.binding import bind
from deltaplan.compiler.build.bound import Bound
from deltaplan.compiler.build.columns import plain_column
from deltaplan.compiler.build.context import Context
from deltaplan.compiler.build.form import Form, Slot
from deltaplan.compiler.build.places import Read
from deltaplan.compiler.build.scope import Scope
from deltaplan.compiler.experiment import DataFile, Split
from deltaplan.compiler.nodes import show_value
from deltaplan.diagnostics import Diagnostic, Note, Span, mistake


@mistake
class SplitOfNothing(Diagnostic):
    code: ClassVar[str] = "split-of-nothing"
    title: ClassVar[str] = "`split` names no part"
    label: ClassVar[str] = "write `split train=80% validation=20%`"


@mistake
class SplitTooLarge(Diagnostic):
    code: ClassVar[str] = "split-too-large"
    title: ClassVar[str] = "the parts of the split are {total} of the rows together"
    total: str


@mistake
class NothingToTrain(Diagnostic):
    code: ClassVar[str] = "nothing-to-train"
    title: ClassVar[str] = "the split leaves no rows to train on"


@mistake
class RowsLeftOut(Diagnostic):
    code: ClassVar[str] = "rows-left-out"
    title: ClassVar[str] = "the split uses {used} of the rows and leaves out the rest"
    severity: ClassVar = "warning"
    used: str


@mistake
class SplitClash(Diagnostic):
    code: ClassVar[str] = "split-clash"
    title: ClassVar[str] = "`{first}` and `{second}` of `split` do not go together: {why}"
    first: str
    second: str
    why: str


@mistake
class FoldOfNothing(Diagnostic):
    code: ClassVar[str] = "fold-of-nothing"
    title: ClassVar[str] = "`fold` says which of the folds, and there are none"
    help: ClassVar[str] = "`folds=10` says how many there are"


@mistake
class PartHasAFile(Diagnostic):
    code: ClassVar[str] = "part-has-a-file"
    title: ClassVar[str] = "the `{part}` part has a file of its own, and `split` makes one too"
    part: str


SHARES = ("train", "validation", "test")
SPLIT = Form(
    "split",
    "data line",
    (
        *(Slot(part, "number", minimum=0, maximum=1) for part in SHARES),
        Slot("seed", "whole", minimum=0),
        Slot("order", "word", choices=("random", "time")),
        Slot("by", "tree"),
        Slot("folds", "whole", minimum=2),
        Slot("fold", "whole", minimum=1),
    ),
)
CLASHES = (
    ("order", "seed", "time draws no numbers"),
    ("order", "by", "the order of the rows keeps no groups together"),
    ("order", "folds", "each fold but the last would train on what comes after it"),
    ("folds", "train", "all other folds train"),
    ("folds", "validation", "the fold is the validation part"),
)


def read_split(context: Context, scope: Scope, files: tuple[DataFile, ...], read: Read | None) -> Split:
    """The line, or all rows for training where there is none. Raises Told."""
    if read is None:
        return Split(1.0, 0.0, 0.0, 0)
    bound = bind(context, scope, SPLIT, read.line.items, read.span)
    _check_clashes(context, bound)
    _check_files(context, files, bound)
    if "folds" in bound.values:
        return _folds(context, read.line.span, bound)
    given = {name: _number(bound, name) for name in SHARES if name in bound.values}
    if not given:
        raise context.refuse(SplitOfNothing(span=read.line.span))
    train = _share_of_training(context, read.line.span, given)
    return _split(context, read.line.span, bound, train, given.get("validation", 0.0), given.get("test", 0.0))


def _split(context: Context, span: Span, bound: Bound, train: float, validation: float, test: float) -> Split:
    return Split(
        train,
        validation,
        test,
        int(str(bound.values.get("seed", 0))),
        span,
        by=plain_column(context, bound.trees["by"]) if "by" in bound.trees else None,
        in_time=bound.values.get("order") == "time",
        folds=int(str(bound.values.get("folds", 0))),
        fold=int(str(bound.values.get("fold", 1))),
    )


def _share_of_training(context: Context, span: Span, given: dict[str, float]) -> float:
    others = sum(value for name, value in given.items() if name != "train")
    train = given.get("train", 1 - others)
    total = train + others
    if total > 1 + 1e-9:
        raise context.refuse(SplitTooLarge(span=span, total=_percent(total)))
    if train <= 1e-9:
        raise context.refuse(NothingToTrain(span=span))
    if not isclose(total, 1):
        context.refuse(RowsLeftOut(span=span, used=_percent(total)))
    return train


def _folds(context: Context, span: Span, bound: Bound) -> Split:
    """Of what the test part leaves, one fold looks and the others train."""
    folds, fold, test = (int(str(bound.values["folds"])), bound.values.get("fold", 1), _number(bound, "test"))
    if int(str(fold)) > folds:
        why = f"there are {folds} folds"
        _clash(context, bound, "fold", "folds", why)
    if test >= 1 - 1e-9:
        raise context.refuse(NothingToTrain(span=span))
    validation = (1 - test) / folds
    return _split(context, span, bound, 1 - test - validation, validation, test)


def _check_clashes(context: Context, bound: Bound) -> None:
    for first, second, why in CLASHES:
        if first == "order" and bound.values.get("order") != "time":
            continue
        if first in bound.spans and second in bound.spans:
            _clash(context, bound, second, first, why)
    if "fold" in bound.spans and "folds" not in bound.spans:
        raise context.refuse(FoldOfNothing(span=bound.spans["fold"]))


def _clash(context: Context, bound: Bound, first: str, second: str, why: str) -> NoReturn:
    notes = (Note(f"`{second}` stands here", bound.spans[second]),)
    raise context.refuse(
        SplitClash(span=bound.spans[first], first=first, second=second, why=why, notes=notes)
    )


def _check_files(context: Context, files: tuple[DataFile, ...], bound: Bound) -> None:
    """`split` divides the file that trains; a part with a file of its own is none of its parts."""
    wanted = {"validation" if name == "folds" else name for name in (*SHARES, "folds") if name in bound.spans}
    for file in files:
        if file.part in wanted - {"train"}:
            span = bound.spans.get(file.part, bound.spans.get("folds"))
            notes = (Note("its file", file.use.span),)
            raise context.refuse(PartHasAFile(span=span, part=file.part, notes=notes))


def _number(bound: Bound, name: str) -> float:
    return float(str(bound.values.get(name, 0.0)))


def _percent(fraction: float) -> str:
    return f"{show_value(round(100 * fraction, 6))}%"
