"""Specs for the tests of data blocks: a model of given widths around the lines of a block."""

from pathlib import Path

import deltaplan
from deltaplan.runtime.data import load_dataset

SPEC = """\
model m {{
    input {inputs}
    output {outputs}
}}

data {{
    {lines}
}}

train {{
    minimize mean({loss})
    optimizer sgd(lr=0.01)
    epochs 2
}}
"""


def spec(lines, inputs=1, outputs=1, loss="squared_error"):
    """The experiment of a spec in the current folder whose data block has these lines."""
    text = SPEC.format(inputs=inputs, outputs=outputs, loss=loss, lines="\n    ".join(lines.split("; ")))
    Path("spec.dl").write_text(text, encoding="utf-8")
    return deltaplan.load("spec.dl")


def data(lines, **model):
    """Its dataset."""
    return load_dataset(spec(lines, **model), Path())


def train_part(lines, **model):
    return data(lines, **model).parts["train"]
