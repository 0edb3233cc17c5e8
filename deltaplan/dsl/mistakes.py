"""What can be wrong with the syntax of a spec, one class for each mistake."""

from typing import ClassVar

from deltaplan.diagnostics import Diagnostic, in_order, mistake

LONGEST = 30  # characters of the text that a message quotes


def quoted(text: str) -> str:
    """A piece of the writer's text, short enough for a message."""
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


@mistake
class UnclosedString(Diagnostic):
    code: ClassVar[str] = "unclosed-string"
    title: ClassVar[str] = "a string is not closed"
    label: ClassVar[str] = 'a string begins and ends with `"` on one line'


@mistake
class SingleQuotes(Diagnostic):
    code: ClassVar[str] = "single-quotes"
    title: ClassVar[str] = "a string in single quotes"
    label: ClassVar[str] = 'write `"{content}"`'
    content: str


@mistake
class UnclosedBracket(Diagnostic):
    code: ClassVar[str] = "unclosed-bracket"
    title: ClassVar[str] = "this `{bracket}` is never closed"
    bracket: str


@mistake
class WrongBracket(Diagnostic):
    code: ClassVar[str] = "wrong-bracket"
    title: ClassVar[str] = "`{opener}` is closed by `{closer}`"
    label: ClassVar[str] = "expected `{wanted}`"
    opener: str
    closer: str
    wanted: str


@mistake
class StrayBracket(Diagnostic):
    code: ClassVar[str] = "stray-bracket"
    title: ClassVar[str] = "this `{bracket}` closes nothing"
    bracket: str


@mistake
class UnclosedBrace(Diagnostic):
    code: ClassVar[str] = "unclosed-brace"
    title: ClassVar[str] = "this `{{` is never closed"
    label: ClassVar[str] = "put a `}}` before line {line}"
    line: int | None


@mistake
class StrayBrace(Diagnostic):
    code: ClassVar[str] = "stray-brace"
    title: ClassVar[str] = "this `}}` closes nothing"


@mistake
class BraceOnNextLine(Diagnostic):
    code: ClassVar[str] = "brace-on-next-line"
    title: ClassVar[str] = "a `{{` at the beginning of a line"
    label: ClassVar[str] = "it stands at the end of the line that it belongs to"


@mistake
class MissingBraces(Diagnostic):
    code: ClassVar[str] = "missing-braces"
    title: ClassVar[str] = "a `:` at the end of a line"
    label: ClassVar[str] = "{mend}"
    mend: str


@mistake
class ColonForOption(Diagnostic):
    code: ClassVar[str] = "colon-for-option"
    title: ClassVar[str] = "unexpected `:`"
    label: ClassVar[str] = "{mend}"
    mend: str = "an option is `name=value`"


@mistake
class EqualsForOption(Diagnostic):
    code: ClassVar[str] = "equals-for-option"
    title: ClassVar[str] = "unexpected `==`"
    label: ClassVar[str] = "an option is `name=value`"


@mistake
class CommaBeforeOption(Diagnostic):
    code: ClassVar[str] = "comma-before-option"
    title: ClassVar[str] = "a comma before the option `{option}`"
    label: ClassVar[str] = "options of a line stand apart by spaces alone"
    option: str


@mistake
class CommentMark(Diagnostic):
    code: ClassVar[str] = "comment-mark"
    title: ClassVar[str] = "`{mark}` does not begin a comment"
    label: ClassVar[str] = "a comment begins with `#`"
    mark: str


@mistake
class MissingValue(Diagnostic):
    code: ClassVar[str] = "missing-value"
    title: ClassVar[str] = "a {wanted} is missing after `{before}`"
    label: ClassVar[str] = "{mend}"
    wanted: str
    before: str
    mend: str | None


@mistake
class ReservedWord(Diagnostic):
    code: ClassVar[str] = "reserved-word"
    title: ClassVar[str] = "`{word}` cannot be a name"
    label: ClassVar[str] = "it names the sources of a layer, at the end of its line"
    word: str


@mistake
class UnexpectedToken(Diagnostic):
    code: ClassVar[str] = "unexpected-token"
    title: ClassVar[str] = "unexpected {found}"
    label: ClassVar[str] = "{expected}"
    found: str
    expected: str


@mistake
class UnexpectedCharacter(Diagnostic):
    code: ClassVar[str] = "unexpected-character"
    title: ClassVar[str] = "unexpected character {character}"
    label: ClassVar[str] = "{mend}"
    character: str
    mend: str | None


@mistake
class NumberRunsOn(Diagnostic):
    code: ClassVar[str] = "number-runs-on"
    title: ClassVar[str] = "`{text}` is not a number"
    label: ClassVar[str] = "{mend}"
    text: str
    mend: str


@mistake
class NumberOutOfRange(Diagnostic):
    code: ClassVar[str] = "number-out-of-range"
    title: ClassVar[str] = "`{text}` is too {what} for a number"
    label: ClassVar[str] = "a number stands between 1e-307 and 1e308"
    text: str
    what: str


@mistake
class TooManyMistakes(Diagnostic):
    code: ClassVar[str] = "too-many-mistakes"
    title: ClassVar[str] = "more than {limit} mistakes"
    label: ClassVar[str] = "those from here on are not shown"
    limit: int


class Mistakes:
    """The mistakes of one text, up to a number that can still be read."""

    MOST: ClassVar[int] = 100

    def __init__(self) -> None:
        self._found: list[Diagnostic] = []

    @property
    def full(self) -> bool:
        return len(self._found) > self.MOST

    def add(self, diagnostic: Diagnostic) -> None:
        if len(self._found) < self.MOST:
            self._found.append(diagnostic)
        elif not self.full:
            self._found.append(TooManyMistakes(span=diagnostic.span, limit=self.MOST))

    def all(self) -> tuple[Diagnostic, ...]:
        """In the order of the text."""
        return tuple(in_order(self._found))
