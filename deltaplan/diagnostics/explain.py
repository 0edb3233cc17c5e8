"""What a code stands for: its message, why it is a mistake, and an example."""

import json
from functools import cache
from importlib.resources import files
from typing import ClassVar

import tomli

from deltaplan.diagnostics.diagnostic import DeltaplanError, Diagnostic, mistake
from deltaplan.diagnostics.names import nearest
from deltaplan.records import dataclass


@mistake
class UnknownCode(Diagnostic):
    code: ClassVar[str] = "unknown-code"
    title: ClassVar[str] = "no mistake has the code `{name}`"
    label: ClassVar[str] = "similar name: `{similar}`"
    help: ClassVar[str] = "`deltaplan explain` lists them"
    name: str
    similar: str | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """`title` has `…` where a message has names or numbers; `spec` and `report` are an example, the spec
    empty where it takes more than one to make the mistake."""

    code: str
    title: str
    severity: str
    text: str
    spec: str
    report: str


def explanations() -> tuple[Explanation, ...]:
    """All of them, by their codes."""
    texts = _texts()
    return tuple(
        Explanation(code, each["title"], each["severity"], texts.get(code, ""), each["spec"], each["report"])
        for code, each in sorted(_examples().items())
    )


def explain(code: str) -> Explanation:
    """That of one code; DeltaplanError where no mistake has it."""
    known = {each.code: each for each in explanations()}
    if code not in known:
        raise DeltaplanError(UnknownCode(name=code, similar=nearest(code, known)))
    return known[code]


@cache
def _texts() -> dict[str, str]:
    found = tomli.loads(files("deltaplan.diagnostics").joinpath("explanations.toml").read_text("utf-8"))
    return {code: " ".join(text.split()) for code, text in found.items()}


@cache
def _examples() -> dict[str, dict[str, str]]:
    """Written by the tests from their golden texts."""
    found: dict[str, dict[str, str]] = json.loads(
        files("deltaplan.diagnostics").joinpath("examples.json").read_text("utf-8")
    )
    return found
