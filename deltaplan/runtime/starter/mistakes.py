"""What can be wrong with a file that a spec is to be made for."""

from typing import ClassVar

from deltaplan.diagnostics import Diagnostic, mistake


@mistake
class TooFewRows(Diagnostic):
    code: ClassVar[str] = "too-few-rows"
    title: ClassVar[str] = "`{file}` has {rows}: training and testing need at least {needed}"
    file: str
    rows: str
    needed: int


@mistake
class UnsuitableTarget(Diagnostic):
    code: ClassVar[str] = "unsuitable-target"
    title: ClassVar[str] = "column `{name}` cannot be the target: {why}"
    help: ClassVar[str] = "`--target` names another column: {others}"
    name: str
    why: str
    others: str | None


@mistake
class NoInputColumns(Diagnostic):
    code: ClassVar[str] = "no-input-columns"
    title: ClassVar[str] = "`{file}` has no column besides the target `{target}` that can be an input"
    file: str
    target: str


@mistake
class UnwritablePath(Diagnostic):
    code: ClassVar[str] = "unwritable-path"
    title: ClassVar[str] = (
        "the path `{path}` cannot be written in a spec: it has a quote or a character that is not printed"
    )
    path: str
