"""Reads a text to the end, however many mistakes are in it."""

from functools import cached_property
from typing import Any

from lark import Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedToken

from deltaplan.diagnostics import Source, Span
from deltaplan.dsl.braces import Braces, margin
from deltaplan.dsl.grammar import parser
from deltaplan.dsl.lines import Lines
from deltaplan.dsl.mistakes import Mistakes, StrayBrace, UnclosedBrace
from deltaplan.dsl.pieces import end_of_line, partners
from deltaplan.dsl.stop import Stop
from deltaplan.dsl.wording import mistake


class Reader:
    """One text on its way through the parser.

    After a mistake the parser goes back to the state in which the line began, takes the line for BROKEN, and
    goes on where it ends, so that its body and all lines after it are still read.
    """

    def __init__(self, source: Source, mistakes: Mistakes) -> None:
        self.source = source
        self.mistakes = mistakes
        self.taken: list[Token] = []  # all that the parser took, `_SEP` for the end of a line
        self._parser: Any = parser().parse_interactive(source.text)
        self._state = self._parser.parser_state
        self._lines = Lines()
        self._braces = Braces(source)
        self._line: list[Token] = []  # what the parser took of the line that it is in
        self._end = 0  # of the last token
        self._move_to(int(source.text.startswith("\ufeff")))

    def read(self) -> Tree[Token]:
        """The tree of the text, with BROKEN for each line that was not understood."""
        while True:
            try:
                for token in self._parser.lexer_thread.lex(self._state):
                    self._take(token)
                return self._finish()
            except UnexpectedCharacters as error:
                self._recover(error.pos_in_stream or 0, None)
            except UnexpectedToken as error:
                self._recover(error.token.start_pos or 0, error.token)

    def _take(self, token: Token) -> None:
        if self._closes_nothing(token):
            return
        if self._at_line_start() and self._braces.ended_by(token):
            self._close_all(self.source.line_of(token.start_pos or 0))
            self._feed(self._made("_SEP"))
        if (shaped := self._lines.shape(token)) is not None:
            self._feed(shaped)

    def _closes_nothing(self, token: Token) -> bool:
        """Tells a brace that closes nothing. Never feed one: the parser would first close the whole text."""
        if token.type != "RBRACE" or self._braces:
            return False
        self.mistakes.add(StrayBrace(span=self._span(token)))
        return True

    def _feed(self, token: Token) -> None:
        if self._at_line_start():
            self._line.clear()
        self._state.feed_token(token)
        self.taken.append(token)
        self._line.append(token)
        self._end = token.end_pos or 0
        self._lines.note(token)
        self._braces.note(token)

    def _finish(self) -> Tree[Token]:
        if not self._at_line_start():
            self._feed(self._made("_SEP"))
        self._close_all(None)
        tree: Tree[Token] = self._state.feed_token(self._made("$END"), True)
        return tree

    def _close_all(self, line: int | None) -> None:
        """Closes what is open in front of a line, or of the end of the text."""
        for opener in self._braces.forgotten():
            self.mistakes.add(UnclosedBrace(span=self._span(opener), line=line))
        while self._braces:
            self._feed(self._made("RBRACE"))

    def _at_line_start(self) -> bool:
        return "line" in self._state.parse_conf.states[self._state.position]

    def _recover(self, at: int, found: Token | None) -> None:
        if found is not None and self._closes_nothing(found):
            self._move_to(at + 1)
            return
        stop = self._stop(at, found)
        if not self.mistakes.full:
            self.mistakes.add(mistake(stop))
        end = self._end_of_broken_line(stop)
        self._give_up_line(at, end)
        self._move_to(end)

    def _stop(self, at: int, found: Token | None) -> Stop:
        begun = () if self._at_line_start() else tuple(self._line[-3:])
        first = self._line[0] if begun else None
        bracket = self._lines.brackets[-1] if self._lines.brackets else None
        worded = found is not None and begun and not self.mistakes.full  # what is asked for here takes long
        accepts = frozenset(self._parser.accepts()) if worded else frozenset[str]()
        closed = bracket is None or _opening(bracket) in self._partners
        return Stop(self.source, at, found, first, begun, accepts, bracket, closed)

    @cached_property
    def _partners(self) -> dict[int, int]:
        return partners(self.source.text)

    def _end_of_broken_line(self, stop: Stop) -> int:
        text, opening = self.source.text, [_opening(b) for b in self._lines.brackets]
        if not stop.closed and (newline := text.rfind("\n", 0, stop.at)) > opening[-1]:
            return newline  # the bracket was left open on an earlier line: this one is innocent
        start = max([stop.at, *(self._partners[b] for b in opening if b in self._partners)])
        end = end_of_line(text, start, self._partners)
        if stop.goes_on and margin(self.source, end + 1) > margin(self.source, start):
            return end_of_line(text, end + 1, self._partners)
        return end

    def _give_up_line(self, at: int, end: int) -> None:
        start = at
        if not self._at_line_start():
            if self._line[-1].type == "RBRACE":  # the line was whole: what follows it is the broken one
                self._feed(self._made("_SEP"))
            else:
                start = self._line[0].start_pos or 0
        while not self._at_line_start():
            self._state.state_stack.pop()
            self._state.value_stack.pop()
        self._lines.brackets.clear()
        text = self.source.text[start:end].rstrip()
        self._feed(Token("BROKEN", text, start, end_pos=start + len(text)))

    def _move_to(self, offset: int) -> None:
        state = self._parser.lexer_thread.state
        assert state is not None
        state.line_ctr.char_pos = offset

    def _made(self, kind: str) -> Token:
        """A token that the text lacks."""
        return Token(kind, "", self._end, end_pos=self._end)

    def _span(self, token: Token) -> Span:
        return Span(self.source, token.start_pos or 0, token.end_pos or 0)


def _opening(bracket: Token) -> int:
    """The offset of the bracket itself: a call's token begins with its name."""
    return (bracket.end_pos or 0) - 1
