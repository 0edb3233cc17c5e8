"""The lecture's nets: their parameter counts, and what training them must reach."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest

import deltaplan
from deltaplan.compiler.parameters import place_parameters
from deltaplan.runtime import inquiries
from deltaplan.runtime.gradcheck import AT_MOST, gradcheck

LECTURE = Path(__file__).parents[2] / "specs" / "lecture"
PICTURES = {"digits_cnn", "digits_resnet", "unet"}  # take minutes; their layers are tested one by one
COUNTS = {"3x5": 78, "5x5": 138, "10x5": 288, "15x5": 438, "30x5": 888, "45x5": 1338, "45x5_plain": 1338}


@pytest.mark.parametrize(("name", "count"), COUNTS.items())
def test_parameters_are_the_lectures(name: str, count: int) -> None:
    experiment = deltaplan.load(LECTURE / f"{name}.dl")
    assert sum(p.size for p in place_parameters(experiment.graph)) == count


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in COUNTS if not name.endswith("plain")])
def test_training_with_skips_reaches_a_tenth_of_the_variance(name: str) -> None:
    run = deltaplan.train(deltaplan.load(LECTURE / f"{name}.dl"), runs=None)
    targets = run.dataset().parts["train"].y["output"]
    assert run.saved.step == 5000
    assert run.metrics["train"]["loss"] < np.var(targets) / 10


ALIKE = {
    "15x5",
    "30x5",
    "45x5",
    "45x5_plain",
    "depth",
    "halved",
    "norms",
    "slopes",
    "width",
}  # as wave and 5x5


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param(path, id=path.stem, marks=pytest.mark.long if path.stem in ALIKE else ())
        for path in (*LECTURE.glob("*.dl"), *LECTURE.parent.glob("*.dl"))
        if path.stem not in PICTURES
    ],
)
def test_gradients_of_every_spec_agree_with_central_differences(
    spec: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At an eighth of the numbers that the verb checks: the larger specs have more."""
    monkeypatch.setattr(inquiries, "gradcheck", partial(gradcheck, most=AT_MOST // 8))
    rows = inquiries.check_gradients(deltaplan.load(spec))
    assert max(row.error for row in rows) <= 1e-6
    assert sum(row.checked for row in rows) >= 0.9 * sum(
        min(row.numbers, row.checked + row.kinks) for row in rows
    )


@pytest.mark.slow
def test_what_45_layers_reach_is_a_matter_of_skips() -> None:
    """The sweep over depth at its deepest, ten seeds: without skips most nets end at the mean of the data."""
    found = deltaplan.sweep(LECTURE / "depth.dl", params={"hidden": 45}, jobs=1)
    medians = {setting["skips"]: setting["median"] for setting in found.ranking()}
    assert found.ended == {"complete": 20}
    assert medians[True] < 0.01
    assert medians[False] > 0.1
