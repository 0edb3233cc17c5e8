"""One kernel: whether its results are written whole, and what it reads that it has not written."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from deltaplan.compiler.loops.nest import Draw, Fold, For, Kernel, Place, Statement, affine
from deltaplan.compiler.loops.text import kernel_text
from deltaplan.compiler.loops.verify.coverage import covers
from deltaplan.compiler.loops.verify.kernels import Access, Checker, Loops, Turns

SCRATCH = "scratch"  # memory that holds nothing before a kernel or behind it


def faults_of_kernel(kernel: Kernel) -> Iterator[str]:
    """What is wrong with a kernel, as short texts."""
    parameters = {buffer.name: buffer for buffer in kernel.parameters}
    if len(parameters) < len(kernel.parameters):
        yield "two parameters have one name"
    checker = Checker(parameters)
    faults = list(dict.fromkeys(checker.body(kernel.body)))
    yield from faults
    if faults:
        return
    if SCRATCH in reads_of(kernel):
        yield f"`{SCRATCH}` is read before it is written"
    for name in kernel.outputs:
        writes = [a for a in checker.accesses if a.kind == "write" and a.buffer.name == name]
        if name != SCRATCH and not _covered(writes):
            yield f"`{name}` is not written whole"


def reads_of(kernel: Kernel) -> frozenset[str]:
    """The parameters whose numbers must be there when the kernel is called: those that it reads before, or
    where, it has not written them whole itself."""
    checker = Checker({buffer.name: buffer for buffer in kernel.parameters})
    faults = list(checker.body(kernel.body))
    assert not faults, f"{faults}\n{kernel_text(kernel)}"
    found = {s.state.name for s in _draws(kernel.body)}
    for read in (a for a in checker.accesses if a.kind == "read"):
        writes = [a for a in checker.accesses if a.kind == "write" and a.buffer.name == read.buffer.name]
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
    loops = {n: Turns(t.values[:1], False) if n in around else t for n, t in write.loops.items()}
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


def _values(access: Access) -> list[frozenset[int]] | None:
    """The places on each axis that an access reaches; None where the axes move together."""
    variables = [name for place in access.index for name, _ in affine(place).terms]
    if len(set(variables)) < len(variables):
        return None
    return [frozenset(_places(place, access.loops)) for place in access.index]


def _places(place: Place, loops: Loops) -> set[int]:
    form = affine(place)
    found = {form.offset}
    for name, factor in form.terms:
        found = {place + factor * value for place in found for value in loops[name].values}
    return found
