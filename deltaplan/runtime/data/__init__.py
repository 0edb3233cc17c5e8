"""From the data that a spec names to the arrays that a plan computes with."""

from deltaplan.runtime.data.dataset import Dataset, Part
from deltaplan.runtime.data.prepare import load_dataset, read_table
from deltaplan.runtime.data.preprocessing import InputColumns, Preprocessing, TargetColumns

__all__ = [
    "Dataset",
    "InputColumns",
    "Part",
    "Preprocessing",
    "TargetColumns",
    "load_dataset",
    "read_table",
]
