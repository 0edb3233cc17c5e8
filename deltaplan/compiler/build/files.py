"""The sources of a data block: `csv "a.csv"`, or a file for each part."""

from typing import ClassVar, get_args

from deltaplan.compiler.build.binding import bind
from deltaplan.compiler.build.context import Context
from deltaplan.compiler.build.form import Form, Slot, of_attributes
from deltaplan.compiler.build.places import Read, StatedTwice
from deltaplan.compiler.build.scope import Scope
from deltaplan.compiler.experiment import DataFile, PartName
from deltaplan.compiler.nodes import Use
from deltaplan.diagnostics import Diagnostic, Note, mistake
from deltaplan.plugins.contracts import DataSource


@mistake
class SourceWithoutPart(Diagnostic):
    code: ClassVar[str] = "source-without-part"
    title: ClassVar[str] = "there are several sources, and this one does not say which part it is"
    label: ClassVar[str] = "add `part=train`, `part=validation` or `part=test`"


@mistake
class NoTrainingFile(Diagnostic):
    code: ClassVar[str] = "no-training-file"
    title: ClassVar[str] = "no source is `part=train`"


PATH = Slot("path", "text", required=True, positional=True)
PART = Slot("part", "word", choices=get_args(PartName))


def read_files(context: Context, scope: Scope, reads: list[Read]) -> tuple[DataFile, ...]:
    """The sources in their order, without those that hold a mistake, which is told."""
    found = [context.attempt(_read_file, context, scope, read) for read in reads]
    files = tuple(file for file in found if file)
    if len(files) < len(reads):
        return ()
    parts = [file.part for file in files]
    if len(files) > 1 and not any(parts):
        notes = (Note("the first source", reads[0].span),)
        help_ = "`part=train` and `part=test` name the parts of several files"
        context.refuse(StatedTwice(span=reads[1].span, head="the source", notes=notes, mend=help_))
    elif len(files) > 1:
        for file, read in zip(files, reads, strict=True):
            if file.part is None:
                context.refuse(SourceWithoutPart(span=read.span))
    if any(parts) and "train" not in parts and None not in parts:
        context.refuse(NoTrainingFile(span=reads[0].line.span))
    return files


def source_form(contract: DataSource) -> Form:
    """The path and the attributes of a source."""
    form = of_attributes(contract.name, "data line", contract.attributes, False)
    slots = (PATH, *(slot for slot in form.slots if slot.name != PATH.name))
    return Form(form.owner, form.kind, slots, by_name=False)


def _read_file(context: Context, scope: Scope, read: Read) -> DataFile:
    """The path begins at the spec's folder."""
    contract = context.registry.find("data source", read.head)
    assert contract is not None, "the head was looked up in the registry"
    form = source_form(contract)
    with_part = Form(form.owner, form.kind, (*form.slots, PART), by_name=False)
    bound = bind(context, scope, with_part, read.line.items, read.span)
    path = str(context.folder / str(bound.values["path"]))
    values = {name: value for name, value in bound.values.items() if name != PART.name}
    part = next((name for name in get_args(PartName) if name == bound.values.get(PART.name)), None)
    return DataFile(Use(contract, {**values, "path": path}, read.line.span), part)
