"""Pictures of the laboratory: matplotlib figures in the colours of our other pictures."""

from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

from deltaplan.diagnostics import DeltaplanError, Diagnostic, mistake
from deltaplan.plugins.examining import Picture
from deltaplan.runtime.writing import in_the_way, write_together

SUFFIXES = (".svg", ".png", ".pdf")
LIGHT = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#1f2328")  # Okabe and Ito
DARK = ("#56b4e9", "#e69f00", "#2cc295", "#cc79a7", "#f0e442", "#0072b2", "#f0f3f6")
PAGES = {
    False: ("#ffffff", "#1f2328", "#57606a", "#e4e7eb"),
    True: ("#14181d", "#e6e9ed", "#a5adb8", "#2a313a"),
}


@mistake
class NoMatplotlib(Diagnostic):
    code: ClassVar[str] = "no-matplotlib"
    title: ClassVar[str] = "pictures of the laboratory need matplotlib, which is not installed"
    help: ClassVar[str] = "pip install 'deltaplan[lab]'"


@mistake
class NoSuchPicture(Diagnostic):
    code: ClassVar[str] = "no-such-picture"
    title: ClassVar[str] = "a picture cannot be written to `{path}`: {why}"
    help: ClassVar[str] = "{mend}"
    path: str
    why: str
    mend: str | None = None


ENDS = "its name ends with .svg, .png or .pdf"


def figure_of(picture: Picture, dark: bool = False) -> Any:
    """The panels as one matplotlib figure, light or dark."""
    matplotlib = _matplotlib()
    from matplotlib.figure import Figure

    columns = min(picture.columns, len(picture.panels))
    rows = -(-len(picture.panels) // columns)
    with matplotlib.rc_context(_style(dark)):
        size = (picture.size[0] * columns, picture.size[1] * rows)
        figure = Figure(figsize=size, layout="constrained")
        for place, panel in enumerate(picture.panels, 1):
            axes = figure.add_subplot(rows, columns, place, projection=panel.projection)
            panel.draw(axes)
            if panel.title:
                axes.set_title(panel.title)
    return figure


def save_figure(picture: Picture, path: Path, dark: bool = False) -> Path:
    """Writes the figure whole or not at all, with the folders that it needs; the same picture gives the same
    bytes. The path that it has."""
    check_place(path)
    from io import BytesIO

    figure, content = figure_of(picture, dark), BytesIO()
    with _matplotlib().rc_context(_style(dark)):
        metadata = (
            None if path.suffix == ".png" else {"Date" if path.suffix == ".svg" else "CreationDate": None}
        )
        figure.savefig(content, format=path.suffix[1:], dpi=144, metadata=metadata)
    write_together({path: content.getvalue()})
    return path


def check_place(path: Path) -> None:
    """DeltaplanError where no picture can be written to the path, before there is one."""
    if path.suffix not in SUFFIXES:
        raise DeltaplanError(NoSuchPicture(path=str(path), why=f"`{path.suffix}` is no picture", mend=ENDS))
    if (other := in_the_way(path)) is not None:
        raise DeltaplanError(NoSuchPicture(path=str(path), why=f"`{other}` is no folder"))


def _matplotlib() -> Any:
    try:
        return import_module("matplotlib")
    except ImportError:
        raise DeltaplanError(NoMatplotlib()) from None


def _style(dark: bool) -> dict[str, Any]:
    """matplotlib's settings for our pictures."""
    page, text, tick, grid = PAGES[dark]
    cycler = import_module("cycler").cycler
    return {
        "axes.prop_cycle": cycler(color=DARK if dark else LIGHT),
        "figure.facecolor": page,
        "savefig.facecolor": page,
        "axes.facecolor": page,
        "axes.edgecolor": tick,
        "axes.labelcolor": text,
        "axes.titlecolor": text,
        "axes.titlesize": 11,
        "axes.titleweight": "bold",
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "grid.color": grid,
        "grid.linewidth": 0.7,
        "text.color": text,
        "xtick.color": tick,
        "ytick.color": tick,
        "xtick.labelsize": 9,
        "ytick.labelsize": 9,
        "legend.frameon": False,
        "legend.fontsize": 9,
        "font.size": 10,
        "lines.linewidth": 1.6,
        "image.cmap": "cividis",
        "svg.fonttype": "path",
        "svg.hashsalt": "deltaplan",
    }
