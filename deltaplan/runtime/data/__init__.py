"""From the data that a spec names to the arrays that a plan computes with."""

from deltaplan.runtime.data.dataset import Dataset, Part, ReadFile
from deltaplan.runtime.data.prepare import load_dataset, load_part, prepare, read_table
from deltaplan.runtime.data.preprocessing import InputColumns, Preprocessing, TargetColumns
from deltaplan.runtime.data.scaling import Scaling

__all__ = [
    "Dataset",
    "InputColumns",
    "Part",
    "Preprocessing",
    "ReadFile",
    "Scaling",
    "TargetColumns",
    "load_dataset",
    "load_part",
    "prepare",
    "read_table",
]
