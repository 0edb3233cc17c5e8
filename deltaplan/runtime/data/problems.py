"""The mistakes in data, each told with the places in the file where it stands."""

from collections.abc import Callable, Sequence
from typing import ClassVar, Literal

from deltaplan.diagnostics import Diagnostic, Note, Span, mistake, nearest
from deltaplan.plugins.contracts import Unreadable

TOLD = 5  # places that are named for one mistake; the rest is counted
LISTED = 20  # columns that are listed where one is not found


@mistake
class DataUnreadable(Diagnostic):
    code: ClassVar[str] = "data-unreadable"
    title: ClassVar[str] = "{what}"
    help: ClassVar[str] = "{mend}"
    what: str
    mend: str | None


@mistake
class DataGuessed(Diagnostic):
    code: ClassVar[str] = "data-guessed"
    title: ClassVar[str] = "{what}"
    help: ClassVar[str] = "save it as UTF-8 to be sure"
    severity: ClassVar[Literal["error", "warning"]] = "warning"
    what: str


@mistake
class UnknownColumn(Diagnostic):
    code: ClassVar[str] = "unknown-column"
    title: ClassVar[str] = "the data have no column `{name}`"
    label: ClassVar[str] = "similar name: `{similar}`"
    help: ClassVar[str] = "columns: {columns}"
    name: str
    similar: str | None
    columns: str


@mistake
class UnreadColumn(Diagnostic):
    code: ClassVar[str] = "data-unread-column"
    title: ClassVar[str] = "column `{name}` {why}"
    help: ClassVar[str] = "what is not needed is left out by naming the inputs, in place of `rest`"
    name: str
    why: str


@mistake
class NotNumbers(Diagnostic):
    code: ClassVar[str] = "data-not-numbers"
    title: ClassVar[str] = "column `{name}` must hold numbers, and {rows} not"
    help: ClassVar[str] = "{mend}"
    name: str
    rows: str
    mend: str | None


@mistake
class MissingValue(Diagnostic):
    code: ClassVar[str] = "data-missing"
    title: ClassVar[str] = "column `{name}` has no value in {rows}"
    help: ClassVar[str] = "{mend}"
    name: str
    rows: str
    mend: str | None = None


@mistake
class DatesNotNumbers(Diagnostic):
    code: ClassVar[str] = "data-dates"
    title: ClassVar[str] = "column `{name}` holds dates, and a date is no number"
    help: ClassVar[str] = (
        "write what of it matters as columns of numbers: the month, the day of the week, days since the first"
        "; `order=time` of `split` keeps the order of the rows"
    )
    name: str


@mistake
class TooManyCategories(Diagnostic):
    code: ClassVar[str] = "too-many-categories"
    title: ClassVar[str] = "column `{name}` has {count:,} different names in {rows}: too many for categories"
    help: ClassVar[str] = "leave the column out, or put its names into groups"
    name: str
    count: int
    rows: str


@mistake
class UnknownCategory(Diagnostic):
    code: ClassVar[str] = "unknown-category"
    title: ClassVar[str] = "column `{name}` holds names that the model was not trained with"
    help: ClassVar[str] = "its categories: {known}"
    name: str
    known: str

    @classmethod
    def of(
        cls, name: str, categories: Sequence[str], notes: tuple[Note, ...], span: Span | None
    ) -> "UnknownCategory":
        more = f" and {len(categories) - LISTED} more" if len(categories) > LISTED else ""
        known = ", ".join(f"`{each}`" for each in categories[:LISTED]) + more
        return cls(name=name, known=known, notes=notes, span=span)


@mistake
class Undefined(Diagnostic):
    code: ClassVar[str] = "data-undefined"
    title: ClassVar[str] = "`{name}` has no finite value in {rows}"
    name: str
    rows: str


@mistake
class NothingToFillWith(Diagnostic):
    code: ClassVar[str] = "nothing-to-fill-with"
    title: ClassVar[str] = "column `{name}` has no value in any training row that could fill its gaps"
    name: str


@mistake
class NotFilledThere(Diagnostic):
    code: ClassVar[str] = "not-filled-there"
    title: ClassVar[str] = "column `{name}` is too large to be filled: it is read in pieces"
    help: ClassVar[str] = "`missing drop` leaves the rows with gaps out"
    name: str


@mistake
class WordsHaveNoMean(Diagnostic):
    code: ClassVar[str] = "words-have-no-mean"
    title: ClassVar[str] = "column `{name}` holds words, which have no {statistic}"
    help: ClassVar[str] = (
        "`missing {name}=mode` fills with the most frequent one, `{name}=drop` leaves the row out"
    )
    name: str
    statistic: str


@mistake
class WindowTooLong(Diagnostic):
    code: ClassVar[str] = "window-too-long"
    title: ClassVar[str] = "a window of {window} rows{ahead} does not fit into {rows}"
    window: int
    ahead: str
    rows: str


@mistake
class FilesDoNotFit(Diagnostic):
    code: ClassVar[str] = "files-do-not-fit"
    title: ClassVar[str] = "column `{name}` is one of {first} in `{file}` and of {other} in `{others}`"
    name: str
    first: str
    file: str
    other: str
    others: str


@mistake
class NoColumnMatches(Diagnostic):
    code: ClassVar[str] = "no-column-matches"
    title: ClassVar[str] = "no column of the data is like `{pattern}`"
    help: ClassVar[str] = "columns: {columns}"
    pattern: str
    columns: str


@mistake
class NotFinite(Diagnostic):
    code: ClassVar[str] = "data-not-finite"
    title: ClassVar[str] = "column `{name}` is infinite in {rows}"
    name: str
    rows: str


@mistake
class EmptyPart(Diagnostic):
    code: ClassVar[str] = "empty-part"
    title: ClassVar[str] = "the `{part}` part is empty: the data have {rows}"
    help: ClassVar[str] = "{mend}"
    part: str
    rows: str
    mend: str | None


@mistake
class ConstantColumn(Diagnostic):
    code: ClassVar[str] = "constant-column"
    title: ClassVar[str] = "{what}"
    label: ClassVar[str] = "{they} shifted to 0 and not scaled"
    help: ClassVar[str] = "{names}"
    severity: ClassVar[Literal["error", "warning"]] = "warning"
    what: str
    they: str
    names: str | None


def unreadable(error: Unreadable, span: Span | None) -> DataUnreadable:
    notes = ([Note(error.place)] if error.place else []) + [Note(text) for text in error.notes]
    return DataUnreadable(what=error.message, mend=error.help or None, span=span, notes=tuple(notes))


def constant_columns(found: Sequence[tuple[str, float, Span]]) -> ConstantColumn:
    """One warning for columns that are constant: names, values, and where the spec names them."""
    (name, value, span), *others = found
    if not others:
        what = f"column `{name}` is {value:g} in every training row"
        return ConstantColumn(what=what, they="it is", names=None, span=span)
    names = ", ".join(f"`{name}` is {value:g}" for name, value, _ in found[:LISTED])
    more = f" and {len(found) - LISTED} more" if len(found) > LISTED else ""
    what = f"{len(found)} columns do not change over the training rows"
    return ConstantColumn(what=what, they="they are", names=names + more, span=span.to(found[-1][2]))


def unknown_column(name: str, columns: Sequence[str], span: Span | None) -> UnknownColumn:
    note = Note("the first line of a file names its columns, and here it holds numbers")
    return UnknownColumn(
        name=name,
        similar=nearest(name, columns),
        columns=listed_columns(columns),
        span=span,
        notes=(note,) if columns and all(c.isdecimal() for c in columns) else (),
    )


def listed_columns(columns: Sequence[str]) -> str:
    more = f" and {len(columns) - LISTED} more" if len(columns) > LISTED else ""
    return ", ".join(f"`{c}`" for c in columns[:LISTED]) + more


def places(rows: Sequence[int], told: Callable[[int], str]) -> tuple[Note, ...]:
    """Notes on the first rows, and a count of the others."""
    notes = [Note(told(row)) for row in rows[:TOLD]]
    rest = [Note(f"and {len(rows) - TOLD:,} more")] if len(rows) > TOLD else []
    return (*notes, *rest)


def rows_in_words(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"
