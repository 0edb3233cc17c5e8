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


@data_source("csv", DELIMITER, DECIMAL)
def csv(path: Path, delimiter: str | None = None, decimal: str = "point") -> Table:
    """A text file with a header row; a column is one of numbers or of words."""
    from deltaplan.plugins.builtin.tables.csv_table import read_csv

    return read_csv(path, delimiter, decimal)
