"""A `sweep` block with what it leaves to defaults, and the seed of training where it was given instead."""

from dataclasses import replace

from deltaplan.compiler.build.sweep import DISTRIBUTIONS
from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.render.given import Names, given, missing, options, value_tree
from deltaplan.compiler.render.remarks import comment, defaulted
from deltaplan.compiler.sweeps import SEED, Sweep
from deltaplan.dsl import tree, value_text


def resolved_sweep(sweep: Sweep, line: tree.Line, names: Names) -> tree.Line:
    """The block with the seed of its draws, and its distributions with all that they take."""
    assert line.body is not None, "the table of the file asks for braces"
    body = replace(line.body, lines=tuple(_axis(axis, names) for axis in line.body.lines))
    keys = {
        item.key.text
        for item in line.items
        if isinstance(item, tree.Option) and isinstance(item.key, tree.Name)
    }
    if sweep.random is None or SEED in keys:
        return replace(line, body=body, comment=comment(line))
    seed = tree.Option(tree.Name(SEED, line.span), value_tree(sweep.seed, line.span), line.span)
    return replace(line, body=body, items=(*line.items, seed), comment=comment(line, defaulted([SEED])))


def _axis(line: tree.Line, names: Names) -> tree.Line:
    if not isinstance(line.head, tree.Call):
        return replace(line, comment=comment(line))
    form = DISTRIBUTIONS[line.head.name]
    slots = missing(form, given(form, line.head.items + line.head.after, names))
    if not slots:
        return replace(line, comment=comment(line))
    call = replace(line.head, items=line.head.items + options(slots, line.span))
    return replace(line, head=call, comment=comment(line, defaulted([slot.name for slot in slots])))


def given_seed(experiment: Experiment, spec: tree.Spec) -> int | None:
    """The seed of training that was given from outside; None where the spec's own holds."""
    params = {
        item.key.text
        for line in spec.lines
        for item in line.items
        if isinstance(item, tree.Option) and isinstance(item.key, tree.Name) and _is(line, "param")
    }
    value = experiment.params.get(SEED)
    return value if isinstance(value, int) and SEED not in params else None


def with_seed(line: tree.Line, seed: int) -> tree.Line:
    """The lines of a `train` block, with the seed that was used."""
    assert line.body is not None, "the table of the file asks for braces"
    return replace(
        line, body=replace(line.body, lines=tuple(_seeded(each, seed) for each in line.body.lines))
    )


def _seeded(line: tree.Line, seed: int) -> tree.Line:
    if not _is(line, SEED):
        return line
    value = value_tree(seed, line.span)
    written = [value_text(item) for item in line.items if not isinstance(item, tree.Option | tree.Values)]
    remark = (
        f"given: {seed}, written: {', '.join(written)}" if line.comment != "default" else f"given: {seed}"
    )
    return replace(line, items=(value,), comment=comment(replace(line, comment=""), remark))


def _is(line: tree.Line, head: str) -> bool:
    return isinstance(line.head, tree.Name) and line.head.text == head
