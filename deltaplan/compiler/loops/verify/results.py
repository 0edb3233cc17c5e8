"""One kernel: whether its results are written whole, and what it reads that it has not written."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from deltaplan.compiler.loops.nest import Affine, Draw, Fold, For, Kernel, Statement
from deltaplan.compiler.loops.verify.coverage import Box, covers
from deltaplan.compiler.loops.verify.kernels import Access, Checker, Loops, Turns
from deltaplan.records import dataclass

SCRATCH = "scratch"  # memory that holds nothing before a kernel or behind it


@dataclass(frozen=True, slots=True)
class Checked:
    """What is found out about a kernel. `faults` says what is wrong with it, in short texts. `reads` are the
    parameters whose numbers must be there when it is called: those that it reads before, or where, it has not
    written them whole itself; `writes` are its outputs. With faults, it is not known what it reads."""

    faults: tuple[str, ...]
    reads: frozenset[str]
    writes: frozenset[str]


def check(kernel: Kernel) -> Checked:
    """What is wrong with a kernel, what it reads and what it writes."""
    checker = Checker({buffer.name: buffer for buffer in kernel.parameters})
    twice = len(checker.parameters) < len(kernel.parameters)
    checker.body(kernel.body)
    faults = ["two parameters have one name"] * twice + checker.faults
    outputs = kernel.outputs
    reads = frozenset() if checker.faults else _reads(checker, kernel)
    if not checker.faults:
        faults += _faults_of_results(checker, outputs, reads)
    return Checked(tuple(dict.fromkeys(faults)), reads, frozenset(outputs))


def _faults_of_results(checker: Checker, outputs: Sequence[str], reads: Collection[str]) -> Iterator[str]:
    if SCRATCH in reads:
        yield f"`{SCRATCH}` is read before it is written"
    for name in outputs:
        if name != SCRATCH and not _covered(checker.of("write", name)):
            yield f"`{name}` is not written whole"


def _reads(checker: Checker, kernel: Kernel) -> frozenset[str]:
    found = {s.state.name for s in _draws(kernel.body)}
    for read in (a for a in checker.accesses if a.kind == "read" and a.buffer.name not in found):
        writes = checker.of("write", read.buffer.name)
        before = [done for write in writes if (done := _before(write, read))]
        if not before or not _covered(before, read):
            found.add(read.buffer.name)
    return frozenset(found)


def _before(write: Access, read: Access) -> Access | None:
    """A write that is done before the read in each turn of the loops around both, as it is in one turn; None
    if it is not."""
    depth = next((n for n, (w, r) in enumerate(zip(write.path, read.path, strict=False)) if w != r), None)
    if depth is None or write.path[depth] > read.path[depth]:
        return None
    around = {name for name, turns in write.loops.items() if read.loops.get(name) is turns}
    loops = {n: Turns(t.values[:1]) if n in around else t for n, t in write.loops.items()}
    return replace(write, loops=loops)


def _draws(body: Sequence[Statement]) -> Iterator[Draw]:
    for statement in body:
        match statement:
            case Draw():
                yield statement
            case For() | Fold():
                yield from _draws(statement.body)


def _covered(writes: Sequence[Access], read: Access | None = None) -> bool:
    """Whether accesses reach every number of their buffer, whatever shape they see it in, or all that is
    read."""
    shapes = dict.fromkeys(a.buffer.shape for a in writes)
    wanted = _values(read) if read else None
    return any(
        covers(
            shape,
            [_values(a) for a in writes if a.buffer.shape == shape],
            wanted if read and read.buffer.shape == shape else None,
        )
        for shape in shapes
    )


def _values(access: Access) -> Box | None:
    """The places on each axis that an access reaches; None where the axes move together."""
    variables = [name for form in access.index for name, _ in form.terms]
    if len(set(variables)) < len(variables):
        return None
    return [_places(form, access.loops) for form in access.index]


def _places(form: Affine, loops: Loops) -> Collection[int]:
    match form.terms:
        case ():
            return (form.offset,)
        case ((name, factor),) if factor > 0:
            values = loops[name].values
            return range(
                form.offset + factor * values.start, form.offset + factor * values.stop, factor * values.step
            )
    found = {form.offset}
    for name, factor in form.terms:
        found = {place + factor * value for place in found for value in loops[name].values}
    return found
