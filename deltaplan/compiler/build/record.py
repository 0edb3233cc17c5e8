"""`record parameters every=50`: θ along the way."""

from typing import ClassVar

from deltaplan.compiler.build.context import Context
from deltaplan.compiler.build.form import Form, Slot
from deltaplan.compiler.build.lines import line_of
from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.parameters import place_parameters
from deltaplan.diagnostics import Diagnostic, mistake
from deltaplan.dsl import tree

RECORD = Form(
    "record",
    "train line",
    (
        Slot("every", "whole", required=True, minimum=1),
        Slot("what", "word", required=True, positional=True, choices=("parameters",)),
    ),
    by_name=False,
)
ITEMSIZE = {"float32": 4, "float64": 8}


@mistake
class RecordTooLarge(Diagnostic):
    code: ClassVar[str] = "record-too-large"
    title: ClassVar[str] = (
        "{count:,} times {size:,} parameters are {bytes:,} bytes, and the bound is {limit:,}"
    )
    help: ClassVar[str] = "record them less often"
    count: int
    size: int
    bytes: int
    limit: int


def check_record(context: Context, experiment: Experiment, train: tree.Line) -> None:
    """Tells of a record that would take more memory than a model may."""
    spec, line = experiment.train, line_of(train, "record")
    if spec is None or spec.record is None or line is None:
        return
    count = spec.length // spec.record + 1
    size = sum(p.size for p in place_parameters(experiment.graph))
    total, limit = count * size * ITEMSIZE[spec.precision], context.limits.bytes
    if total > limit:
        context.refuse(RecordTooLarge(span=line.span, count=count, size=size, bytes=total, limit=limit))
