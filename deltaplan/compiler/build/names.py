"""What is said of a word that is not known in its place."""

from collections.abc import Iterable
from typing import ClassVar, get_args

from deltaplan.compiler.build.context import Context, Told
from deltaplan.compiler.build.words import ELSEWHERE, FOREIGN, OUT_OF_SCOPE
from deltaplan.diagnostics import Diagnostic, Note, Span, mistake, nearest
from deltaplan.plugins.contracts import Kind

BROUGHT = frozenset({*get_args(Kind), "word"})  # what plugins bring; a word may be an activation


@mistake
class UnknownName(Diagnostic):
    code: ClassVar[str] = "unknown-name"
    title: ClassVar[str] = "unknown {kind} `{name}`{place}"
    label: ClassVar[str] = "similar name: `{similar}`"
    help: ClassVar[str] = "known: {known}"
    kind: str
    name: str
    similar: str | None
    place: str = ""  # " of `dense`"
    known: str | None = None


@mistake
class OutOfScope(Diagnostic):
    code: ClassVar[str] = "out-of-scope"
    title: ClassVar[str] = "`{name}` is out of scope: {topic} needs {needs}, which the language does not have"
    name: str
    topic: str
    needs: str


@mistake
class OtherForm(Diagnostic):
    code: ClassVar[str] = "other-form"
    title: ClassVar[str] = "`{written}` is written otherwise here"
    label: ClassVar[str] = "write `{mend}`"
    written: str
    mend: str


@mistake
class ScheduleOutOfPlace(Diagnostic):
    code: ClassVar[str] = "schedule-out-of-place"
    title: ClassVar[str] = "the schedule `{name}` cannot stand here"
    help: ClassVar[str] = "a schedule is all of a setting of the optimizer: `optimizer adam(lr={name}(…))`"
    name: str


def unknown(
    context: Context,
    kind: str,
    name: str,
    span: Span,
    known: Iterable[str],
    *,
    place: str = "",
    list_known: bool = False,
    notes: tuple[Note, ...] = (),
) -> Told:
    """Tells what is wrong with a word that is not among the known ones of its place.

    Where a plugin could not be loaded, a word that is like none of these was probably its own: the plugin's
    fault is told, and nothing of the word.
    """
    known = sorted(known)
    plain = name.lower()
    if plain in OUT_OF_SCOPE:
        topic, needs = OUT_OF_SCOPE[plain]
        return context.refuse(OutOfScope(span=span, name=name, topic=topic, needs=needs))
    if name != plain and plain in ("true", "false"):
        return context.refuse(OtherForm(span=span, written=name, mend=plain))
    if (ours := FOREIGN.get(plain)) in known:
        return context.refuse(OtherForm(span=span, written=name, mend=str(ours)))
    similar = nearest(name, known) if name not in known else None
    if similar is None and (hint := ELSEWHERE.get(plain)):
        notes = (*notes, Note(hint))
    if context.incomplete and kind in BROUGHT and similar is None:
        return Told()
    return context.refuse(
        UnknownName(
            span=span,
            kind=kind,
            name=name,
            similar=similar,
            place=place,
            known=", ".join(f"`{each}`" for each in known) if list_known and known else None,
            notes=notes,
        )
    )
