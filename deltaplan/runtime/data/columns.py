"""Which columns a spec asks for, once the data's own are known: `rest`, `"pixel*"`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from deltaplan.compiler.experiment import Column, DataSpec
from deltaplan.diagnostics import Problems, Span
from deltaplan.plugins.contracts import Table
from deltaplan.runtime.data.features import Feature
from deltaplan.runtime.data.problems import NoColumnMatches, listed_columns

Groups = Mapping[str, tuple[Column, ...]]


def with_columns_of(data: DataSpec, table: Table, problems: Problems) -> DataSpec:
    """`rest` and patterns as the columns that they stand for, in the order of the source."""
    inputs = {name: _matched(columns, table, problems) for name, columns in data.inputs.items()}
    targets = {name: _matched(columns, table, problems) for name, columns in data.targets.items()}
    found = replace(data, inputs=inputs, targets=targets)
    return _mirrored(_with_rest(found, table))


def _matched(columns: Sequence[Column], table: Table, problems: Problems) -> tuple[Column, ...]:
    found: dict[str, Column] = {}
    for column in columns:
        pattern = column.name
        if "*" not in pattern or column.expression is not None or column.labels or pattern in table.columns:
            found.setdefault(pattern, column)
            continue
        names = [name for name in table.columns if fnmatchcase(name, pattern)]
        if not names:
            columns_ = listed_columns(list(table.columns))
            problems.add(NoColumnMatches(pattern=pattern, columns=columns_, span=column.span))
        for name in names:
            found.setdefault(name, Column(name, column.span))
    return tuple(found.values())


def _with_rest(data: DataSpec, table: Table) -> DataSpec:
    """`inputs rest` as the named columns that are neither targets nor inputs, nor those that groups go by."""
    if not data.rest:
        return data
    own = [column for name, columns in data.targets.items() if name not in data.mirrors for column in columns]
    own += [column for columns in data.inputs.values() for column in columns]
    own += [data.split.by] if data.split.by else []
    stated = {name for column in own for name in column.reads}
    if not stated <= table.columns.keys():  # which is told, and what was meant may be among the others
        return data
    every = (*table.columns, *table.unread)  # one that cannot be read is told when it is looked up
    names = [name for name in every if name not in stated and not name.startswith("#")]
    return replace(data, inputs={**data.inputs, data.rest: tuple(Column(n, data.span) for n in names)})


def _mirrored(data: DataSpec) -> DataSpec:
    again = {output: data.inputs[node] for output, node in data.mirrors.items()}
    return replace(data, targets={**data.targets, **again})


def spans_of(data: DataSpec) -> dict[str, Span]:
    """Where the spec names each column, and each of those that one is made of."""
    found: dict[str, Span] = {}
    for columns in (*data.inputs.values(), *data.targets.values()):
        for column in columns:
            for name in (column.name, *column.reads):
                found.setdefault(name, column.span)
    return found


def sources_of(groups: Iterable[Iterable[Feature]]) -> list[str]:
    """The columns of the data that features are made of, each once."""
    return list(dict.fromkeys(name for features in groups for f in features for name in f.reads))
