"""Arrays that stay in their file train as those in memory do, on both backends."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from blocks import data, spec

import deltaplan
from deltaplan.diagnostics import SpecError
from deltaplan.plugins.builtin.tables import image_table, npz_table
from deltaplan.runtime.data import load_part, mapped
from deltaplan.runtime.data.preprocessing import Preprocessing
from deltaplan.runtime.predictions import predictions_csv
from deltaplan.runtime.run import score

RNG = np.random.default_rng(0)
X = RNG.normal(3, 2, (50, 2, 3)).astype(np.float32)
TEXT = """\
model m {{ input {shape}; flatten; dense 5 tanh; output 2 }}
data {{
    npz "x.npz"
    inputs x
    targets y
    split validation=20%
    {scale}
}}
train {{ minimize mean(cross_entropy); optimizer adam; epochs 4; batch 8; monitor accuracy {precision} }}
"""


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(mapped, "PIECE", 40)  # several pieces
    np.savez("x.npz", x=X, y=X.sum(axis=(1, 2)) > 18)


def loaded(scale="", shape="6", precision=""):
    text = TEXT.format(scale=scale, shape=shape, precision=precision)
    return deltaplan.loads(text)


def in_files(monkeypatch):
    monkeypatch.setattr(npz_table, "MAPPED", 0)


@pytest.mark.parametrize("backend", ["native", "numpy"])
@pytest.mark.parametrize("scale", ["", "multiply inputs 1/8", "standardize inputs"])
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_training_is_the_same(monkeypatch, backend, scale, precision):
    experiment = loaded(scale, precision=f"; precision {precision}")
    plain = deltaplan.train(experiment, backend=backend)
    in_files(monkeypatch)
    run = deltaplan.train(experiment, backend=backend)
    assert isinstance(run.dataset().parts["train"].x["input"], np.memmap)
    if "standardize" in scale:
        assert np.allclose(run.theta, plain.theta, rtol=1e-4 if precision == "float32" else 1e-9)
    else:
        assert np.array_equal(run.theta, plain.theta)
    assert run.metrics["validation"]["accuracy"] == plain.metrics["validation"]["accuracy"]


@pytest.mark.parametrize("backend", ["native", "numpy"])
def test_training_takes_no_memory_for_the_file(monkeypatch, backend):
    """48 MB in the file, and no more than a part of that in memory while batches are taken from it."""
    in_files(monkeypatch)
    monkeypatch.setattr(mapped, "PIECE", 2**16)
    x = np.arange(8000 * 1500, dtype=np.float32).reshape(8000, 1500)
    np.savez("x.npz", x=x, y=np.arange(8000) % 2)
    experiment = deltaplan.loads(
        TEXT.format(scale="", shape="1500", precision="").replace("batch 8", "batch 200")
    )
    tracemalloc.start()
    deltaplan.train(experiment, backend=backend, runs=None)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 24e6


def test_channels_are_scaled_in_pieces_as_at_once(monkeypatch):
    experiment = loaded("standardize inputs", shape="2x3")
    plain = experiment and deltaplan.train(experiment).dataset().preprocessing.inputs["input"].scaling
    in_files(monkeypatch)
    found = deltaplan.train(experiment).dataset().preprocessing.inputs["input"].scaling
    assert len(found.means) == 3
    assert np.allclose(found.means, plain.means, rtol=1e-12)
    assert np.allclose(found.scales, plain.scales, rtol=1e-12)


def test_gaps_and_infinite_numbers_are_found(monkeypatch, golden):
    in_files(monkeypatch)
    x = X.reshape(50, 6).copy()
    x[7, 2] = np.nan
    np.savez("x.npz", x=x, y=x[:, 0])
    block = 'npz "x.npz"; inputs x; targets y'
    with pytest.raises(SpecError, match="column `x` has no value in 1 row"):
        data(block, inputs=6)
    with pytest.raises(SpecError) as told:
        data(block + "; missing mean", inputs=6)
    golden(Path(__file__).parent / "errors" / "not-filled-there.err", f"{told.value}\n")
    kept = data(block + "; missing drop", inputs=6).parts["train"]
    assert kept.rows.tolist() == [row for row in range(50) if row != 7]
    assert np.array_equal(kept.x["input"].T, np.delete(x, 7, axis=0))
    x[7, 2] = np.inf
    np.savez("x.npz", x=x, y=x[:, 0])
    with pytest.raises(SpecError, match="column `x` is infinite in 1 row"):
        data(block, inputs=6)


def test_an_autoencoder_of_a_file(monkeypatch):
    block = 'npz "x.npz"; inputs x; targets inputs; multiply inputs 1/4'
    plain = deltaplan.train(spec(block, inputs=6, outputs=6))
    in_files(monkeypatch)
    run = deltaplan.train(spec(block, inputs=6, outputs=6))
    assert np.array_equal(run.theta, plain.theta)
    assert run.metrics["train"]["rmse"] == pytest.approx(plain.metrics["train"]["rmse"], rel=1e-6)


def test_compressed_arrays_are_unpacked(monkeypatch):
    in_files(monkeypatch)
    np.savez_compressed("x.npz", x=X, y=X[:, 0, 0])
    part = data('npz "x.npz"; inputs x; targets y', inputs=6).parts["train"]
    assert not isinstance(part.x["input"], np.memmap)
    assert np.array_equal(part.x["input"].T, X.reshape(50, 6))


def test_a_column_that_is_not_all_of_an_input_is_read(monkeypatch):
    in_files(monkeypatch)
    np.savez("x.npz", x=X, y=X[:, 0, 0], z=X[:, 1, 1])
    part = data('npz "x.npz"; inputs x, z; targets y', inputs=7).parts["train"]
    assert np.array_equal(part.x["input"].T, np.hstack([X.reshape(50, 6), X[:, 1, 1:2]]))


def test_a_disk_without_room(monkeypatch, golden):
    def full(*args, **more):
        raise OSError(28, "No space left on device")

    in_files(monkeypatch)
    monkeypatch.setattr(mapped, "TemporaryFile", full)
    with pytest.raises(SpecError) as told:
        data('npz "x.npz"; inputs x; targets y', inputs=6)
    golden(Path(__file__).parent / "errors" / "no-room.err", f"{told.value}\n")


def test_predictions_are_made_in_pieces(monkeypatch):
    run = deltaplan.train(loaded("standardize inputs"), runs=None)
    plain = predictions_csv(run, Path("x.npz"))
    in_files(monkeypatch)
    seen = []
    apply = Preprocessing.apply_inputs

    def counted(self, table):
        seen.append(table.rows)
        return apply(self, table)

    monkeypatch.setattr(Preprocessing, "apply_inputs", counted)
    assert predictions_csv(run, Path("x.npz")) == plain
    assert seen == [6] * 8 + [2]  # 40 numbers at once, 6 a row


def test_a_mistake_far_down_names_its_row(monkeypatch):
    run = deltaplan.train(loaded(), runs=None)
    in_files(monkeypatch)
    x = X.reshape(50, 6).copy()
    x[37, 2] = np.nan
    np.savez("new.npz", x=x)
    with pytest.raises(SpecError, match=r"new\.npz, row 37"):
        predictions_csv(run, Path("new.npz"))


def test_evaluation_of_a_file_leaves_it_there(monkeypatch):
    run = deltaplan.train(loaded("standardize inputs"), runs=None)
    plain = score(run, path=Path("x.npz"))
    in_files(monkeypatch)
    found = score(run, path=Path("x.npz"))
    assert isinstance(load_part(run.experiment, run.saved.preprocessing, Path("x.npz")).x["input"], np.memmap)
    assert found["x.npz"]["loss"] == pytest.approx(plain["x.npz"]["loss"], rel=1e-6)


def test_many_images_stay_in_a_file(monkeypatch, tmp_path):
    image = pytest.importorskip("PIL.Image")
    pixels = RNG.integers(0, 256, (6, 4, 4), dtype=np.uint8)
    for i, each in enumerate(pixels):
        folder = Path("pictures") / "ab"[i % 2]
        folder.mkdir(parents=True, exist_ok=True)
        image.fromarray(each).save(folder / f"{i}.png")
    monkeypatch.setattr(image_table, "MAPPED", 0)
    part = data(
        'images "pictures"; inputs image; targets class', inputs=16, outputs=2, loss="cross_entropy"
    ).parts["train"]
    assert isinstance(part.x["input"], np.memmap)
    order = [0, 2, 4, 1, 3, 5]
    assert np.array_equal(part.x["input"].T, pixels[order].reshape(6, 16))
