"""From the data that a spec names to the arrays that a plan computes with."""

from deltaplan.runtime.data.dataset import Dataset, Part
from deltaplan.runtime.data.memory import dataset_from_memory, inputs_from_memory, part_from_memory
from deltaplan.runtime.data.prepare import load_dataset, load_part, prepare, read_table
from deltaplan.runtime.data.preprocessing import InputColumns, Preprocessing, Scaling, TargetColumns

__all__ = [
    "Dataset",
    "InputColumns",
    "Part",
    "Preprocessing",
    "Scaling",
    "TargetColumns",
    "dataset_from_memory",
    "inputs_from_memory",
    "load_dataset",
    "load_part",
    "part_from_memory",
    "prepare",
    "read_table",
]
