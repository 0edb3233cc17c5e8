"""A module in parts that are compiled each by itself, the first ones while the last are still written."""

import re
from collections.abc import Callable, Iterable, Iterator

from deltaplan.records import dataclass

LINES = 400  # of a part: below that, what LLVM does once for each part begins to count
NAMED = re.compile(r"@([\w.]+)")


@dataclass(frozen=True, slots=True)
class Part:
    """The text of a module that shares its functions with the other parts; what is in it is `light`: its
    code may be slow."""

    text: str
    light: bool


Take = Callable[[Part], None]


class Parts:
    """Gathers functions and hands them out, so many together: which ones follows from the text alone."""

    def __init__(self, take: Take, outside: Iterable[str]) -> None:
        """`outside` has the signatures of the functions that are in no part; it grows as they are called."""
        self._take, self._outside = take, outside
        self._known: dict[str, str] = {}  # how each function and variable so far is declared
        self._variables: list[str] = []
        self._heavy: list[str] = []
        self._light: list[str] = []

    def add(self, signature: str, lines: list[str], light: bool) -> None:
        """A function and its lines, the first of which defines it."""
        self._known[_name(signature)] = f"declare {signature}"
        gathered = self._light if light else self._heavy
        gathered += [lines[0].replace("internal ", "", 1), *lines[1:]]
        if len(self._heavy) >= LINES:
            self._give(self._heavy, light=False)

    def variable(self, name: str, kind: str) -> None:
        """A variable, which is defined in the last part."""
        self._known[name] = f"@{name} = external global {kind}, align 64"
        self._variables.append(f"@{name} = global {kind} zeroinitializer, align 64")

    def end(self) -> None:
        """Hands out what is left."""
        self._give(self._heavy, light=False, variables=self._variables)
        self._give(self._light, light=True)

    def _give(self, lines: list[str], light: bool, variables: Iterable[str] = ()) -> None:
        body = "\n".join((*variables, *lines))
        if not body:
            return
        text = "\n".join((*self._declared(body), body, ""))
        lines.clear()
        self._take(Part(text, light))

    def _declared(self, body: str) -> Iterator[str]:
        """How what is named in a part and is not in it is declared."""
        own = {_name(line) for line in body.split("\n") if line.startswith(("define", "@"))}
        known = self._known | {_name(s): f"declare {s}" for s in self._outside}
        for name in dict.fromkeys(NAMED.findall(body)):
            if name not in own:
                yield known[name]


def _name(line: str) -> str:
    """The first name in a line."""
    found = NAMED.search(line)
    assert found is not None
    return found[1]
