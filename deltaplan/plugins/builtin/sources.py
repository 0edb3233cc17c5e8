"""Where samples come from. A reader is imported when it reads: a spec is checked without numpy."""

from pathlib import Path

from deltaplan.plugins.api import Attribute, Table, data_source

DELIMITER = Attribute(
    "delimiter",
    "word",
    choices=("comma", "semicolon", "tab", "pipe"),
    doc="what stands between cells; found in the first rows where it is not given",
)
DECIMAL = Attribute(
    "decimal", "word", default="point", choices=("point", "comma"), doc="what stands before decimals"
)
EMPTY = Attribute("empty", "text", doc="what stands in a cell that has no value, beside nothing at all: `NA`")


@data_source("csv", DELIMITER, DECIMAL, EMPTY, scalars=True)
def csv(path: Path, delimiter: str | None = None, decimal: str = "point", empty: str | None = None) -> Table:
    """A text file with a header row; a column is one of numbers or of words."""
    from deltaplan.plugins.builtin.tables.csv_table import read_csv

    return read_csv(path, delimiter, decimal, empty)


@data_source("parquet")
def parquet(path: Path) -> Table:
    """A parquet file; a column is one of numbers, of words or of lists of k numbers."""
    from deltaplan.plugins.builtin.tables.parquet_table import read_parquet

    return read_parquet(path)


SIZE = Attribute("size", "whole", minimum=1, doc="width and height that all images are brought to")
GRAY = Attribute("gray", "boolean", doc="one channel for all images; as the files are where it is not given")


@data_source("images", SIZE, GRAY)
def images(path: Path, size: int | None = None, gray: bool | None = None) -> Table:
    """A folder with a subfolder of images for each class: the columns `image` and `class`."""
    from deltaplan.plugins.builtin.tables.image_table import read_images

    return read_images(path, size, gray)


@data_source("npz")
def npz(path: Path) -> Table:
    """Arrays saved by numpy.savez: each is a column, of N numbers or words or of shape [N, k]."""
    from deltaplan.plugins.builtin.tables.npz_table import read_npz

    return read_npz(path)


@data_source("sklearn", named=True, scalars=True)
def sklearn(path: Path) -> Table:
    """A set that comes with scikit-learn: iris, digits, wine, breast_cancer, diabetes; y is in `target`."""
    from deltaplan.plugins.builtin.tables.sklearn_table import read_bundled

    return read_bundled(path.name)
