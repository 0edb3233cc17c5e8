"""Metrics and sources of data: plain code, so what can be known is found by running it."""

from collections.abc import Iterator
from math import isfinite
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from deltaplan.plugins.contracts import DataSource, Metric, Table, Unreadable
from deltaplan.plugins.settings import Setting
from deltaplan.testing.nets import Net
from deltaplan.testing.report import Result

SETTINGS = {"values": ("squared_error", "real", 2), "scores": ("cross_entropy", "class", 3)}


def metric_checks(metric: Metric) -> Iterator[Result]:
    """It is followed in training, on both backends alike, twice the same."""
    loss, kind, outputs = SETTINGS.get(metric.of, SETTINGS["scores"])
    if metric.gives == "table":
        yield _check_table(metric)
        return
    net = Net(metric, loss=loss, kind=kind, outputs=outputs, more=f"monitor {metric.name}")
    found = [_monitored(net, backend) for backend in ("numpy", "numpy", "native")]
    if not isfinite(found[0]):
        yield Result("value", "warned", f"it is {found[0]} for the first predictions of a net")
        return
    yield Result("value", "passed", f"{found[0]:.6g} for the first predictions of a net")
    same = found[0] == found[1]
    yield Result(
        "twice the same",
        "passed" if same else "failed",
        "" if same else f"{found[0]:.9g}, then {found[1]:.9g}",
    )
    agrees = abs(found[2] - found[0]) <= 1e-9 * max(1.0, abs(found[0]))
    text = "" if agrees else f"{found[2]:.9g}, on numpy {found[0]:.9g}"
    yield Result("numpy and native", "passed" if agrees else "failed", text)


def _monitored(net: Net, backend: str) -> float:
    record = net.train(backend).history[-1]
    (value,) = (v for name, v in record.items() if net.contribution.name in name)
    return float(value)


def _check_table(metric: Metric) -> Result:
    assert metric.function is not None
    truth = np.eye(3)[:, [0, 1, 2, 1]]
    found = np.asarray(metric.function(truth, truth))
    return Result("value", "passed" if found.size else "failed", f"an array {list(found.shape)}")


def source_checks(source: DataSource) -> Iterator[Result]:
    """What cannot be read is told as Unreadable; what can be is a table whose columns are equally long."""
    given: dict[str, Setting] = {a.name: a.default for a in source.attributes if a.default is not None}
    needed = [a.name for a in source.attributes if a.required]
    if needed:
        yield Result("reading", "skipped", f"`{needed[0]}` must be given")
        return
    others = {a.name: None for a in source.attributes if a.default is None}
    with TemporaryDirectory() as folder:
        try:
            table = source.read(Path(folder, "missing"), **others, **given)
        except Unreadable as error:
            yield Result("reading", "passed", f"a missing file is told: {error.message}")
            return
        except Exception as error:
            text = f"a missing file ends in {type(error).__name__}: raise Unreadable(message, place, help)"
            yield Result("reading", "failed", text)
            return
    yield _check_rows(table)


def _check_rows(table: Table) -> Result:
    lengths = {name: len(column) for name, column in table.columns.items()}
    wrong = [name for name, length in lengths.items() if length != table.rows]
    if not lengths or wrong:
        text = f"`{wrong[0]}` has {lengths[wrong[0]]} rows of {table.rows}" if wrong else "it has no columns"
        return Result("reading", "failed", text)
    return Result("reading", "passed", f"{table.rows} rows, {len(lengths)} columns")
