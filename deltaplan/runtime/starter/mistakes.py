"""What can be wrong with a file that a spec is to be made for."""

from dataclasses import dataclass
from typing import ClassVar

from deltaplan.diagnostics import Diagnostic


@dataclass(frozen=True, slots=True, kw_only=True)
class TooFewRows(Diagnostic):
    code: ClassVar[str] = "too-few-rows"
    title: ClassVar[str] = "`{file}` has {rows}: training and testing need at least {needed}"
    file: str
    rows: str
    needed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsuitableTarget(Diagnostic):
    code: ClassVar[str] = "unsuitable-target"
    title: ClassVar[str] = "column `{name}` cannot be the target: {why}"
    help: ClassVar[str] = "`--target` names another column: {others}"
    name: str
    why: str
    others: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NoInputColumns(Diagnostic):
    code: ClassVar[str] = "no-input-columns"
    title: ClassVar[str] = "`{file}` has no column besides the target `{target}` that can be an input"
    file: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnwritablePath(Diagnostic):
    code: ClassVar[str] = "unwritable-path"
    title: ClassVar[str] = (
        "the path `{path}` cannot be written in a spec: it has a quote or a character that is not printed"
    )
    path: str
