"""A run as a notebook shows it: its scores and its loss curve."""

from base64 import b64encode
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from deltaplan.runtime.runs import SavedRun
from deltaplan.runtime.svg.curves import loss_curve


def run_html(saved: SavedRun, folder: str | None) -> str:
    """A line on what was reached, a table with a row for each part of the data, and the loss curve."""
    where = f", in {folder}" if folder else ""
    title = escape(f"{saved.name}: {saved.step:,} steps, {saved.ended}{where}")
    picture = _image(loss_curve(saved.history, f"{saved.name}: loss")) if saved.history else ""
    return f"<p><b>{title}</b></p>{_table(saved.metrics)}{picture}"


def _table(metrics: Mapping[str, Any]) -> str:
    parts = {name: scores for name, scores in metrics.items() if isinstance(scores, Mapping)}
    names = list(dict.fromkeys(name for scores in parts.values() for name in scores))
    rows = [_row("th", ["part", *names])]
    rows += [_row("td", [part, *(_number(scores.get(n)) for n in names)]) for part, scores in parts.items()]
    return f"<table>{''.join(rows)}</table>" if parts else ""


def _row(tag: str, cells: Iterable[str]) -> str:
    return f"<tr>{''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in cells)}</tr>"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _image(svg: str) -> str:
    """A picture as an image: its styles stay its own, whatever else the page holds."""
    data = b64encode(svg.encode()).decode()
    return f'<img alt="loss curve" style="max-width: 100%" src="data:image/svg+xml;base64,{data}"/>'
