"""Folders of images: pixels row by row and channels last, a class for each subfolder, and all misfits."""

from pathlib import Path

import numpy as np
import pytest

import deltaplan
from deltaplan.plugins.api import Unreadable
from deltaplan.plugins.builtin.tables import image_table
from deltaplan.plugins.builtin.tables.image_table import read_images

Image = pytest.importorskip("PIL.Image")
RNG = np.random.default_rng(0)


def save(path: Path, pixels) -> np.ndarray:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.asarray(pixels, np.uint8)
    Image.fromarray(pixels).save(path)
    return pixels.reshape(-1)


def noise(*shape: int) -> np.ndarray:
    return RNG.integers(0, 256, shape)


def test_classes_and_pixels(tmp_path):
    second = save(tmp_path / "dog" / "b.png", noise(2, 3, 3))
    first = save(tmp_path / "cat" / "a.png", noise(2, 3, 3))
    third = save(tmp_path / "dog" / "c.BMP", noise(2, 3, 3))
    (tmp_path / "dog" / "notes.txt").write_text("no image")
    table = read_images(tmp_path)
    assert table.columns["image"].tolist() == [first.tolist(), second.tolist(), third.tolist()]
    assert table.columns["class"].tolist() == ["cat", "dog", "dog"]
    assert table.shapes == {"image": (2, 3, 3)}
    assert table.row_name(2) == "dog/c.BMP"


def test_shades_of_gray_are_one_channel(tmp_path):
    pixels = save(tmp_path / "a" / "1.png", noise(4, 5))
    assert read_images(tmp_path).columns["image"].tolist() == [pixels.tolist()]
    assert read_images(tmp_path, gray=False).columns["image"].tolist() == [pixels.repeat(3).tolist()]


def test_colours_to_gray_by_their_brightness(tmp_path):
    save(tmp_path / "a" / "1.png", [[[255, 0, 0], [0, 255, 0], [0, 0, 255]]])
    gray = read_images(tmp_path, gray=True).columns["image"]
    assert np.allclose(gray, [[76.245, 149.685, 29.07]], atol=0.5)  # ITU-R 601: 0.299, 0.587, 0.114


def test_all_are_brought_to_one_size(tmp_path):
    save(tmp_path / "a" / "1.png", np.full((4, 6), 7))
    save(tmp_path / "a" / "2.png", np.full((10, 10), 9))
    found = read_images(tmp_path, size=5).columns["image"]
    assert found.tolist() == [[7] * 25, [9] * 25]


def test_a_folder_without_classes_and_a_single_file(tmp_path):
    pixels = save(tmp_path / "1.png", noise(2, 2))
    for path in (tmp_path, tmp_path / "1.png"):
        table = read_images(path)
        assert {name: c.tolist() for name, c in table.columns.items()} == {"image": [pixels.tolist()]}
        assert table.row_name(0) in ("1.png", ".")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "there are no images"),
        ({"a/1.png": (2, 2), "a/2.png": (2, 3)}, "`2.png` has 3 x 2 pixels, and the first image 2 x 2"),
        ({"a/1.png": (2, 2), "b/2.png": (2, 2, 3)}, "`2.png` is in colour, and the first image is not"),
        ({"a/1.png": (2, 2), "2.png": (2, 2)}, "has images beside its subfolders"),
    ],
)
def test_folders_that_do_not_fit(tmp_path, files, message):
    for name, shape in files.items():
        save(tmp_path / name, noise(*shape))
    with pytest.raises(Unreadable, match=message):
        read_images(tmp_path)


@pytest.mark.parametrize("content", [b"", b"junk", b"\x89PNG\r\n\x1a\n" + b"\0" * 40])
def test_files_that_are_no_images(tmp_path, content):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.png").write_bytes(content)
    with pytest.raises(Unreadable, match=r"`1\.png` cannot be read"):
        read_images(tmp_path)


def test_a_cut_image(tmp_path):
    save(tmp_path / "a" / "1.png", noise(50, 50))
    whole = (tmp_path / "a" / "1.png").read_bytes()
    (tmp_path / "a" / "1.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(Unreadable, match=r"`1\.png` cannot be read"):
        read_images(tmp_path)


def test_without_pillow(tmp_path, monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(name)

    save(tmp_path / "a" / "1.png", noise(2, 2))
    monkeypatch.setattr(image_table, "import_module", missing)
    with pytest.raises(Unreadable, match="not installed"):
        read_images(tmp_path)


SPEC = """\
model shades {
    input 16
    output 2
}

data {
    images "shades" size=4 gray
    inputs image
    targets class
    multiply inputs 1/255
}

train {
    minimize mean(cross_entropy)
    optimizer adam(lr=0.1)
    epochs 60
}
"""


def test_a_model_learns_dark_from_bright_and_knows_a_new_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for i in range(6):
        save(Path(f"shades/dark/{i}.png"), RNG.integers(0, 90, (8, 8, 3)))
        save(Path(f"shades/bright/{i}.png"), RNG.integers(160, 256, (8, 8, 3)))
    Path("shades.dl").write_text(SPEC)
    run = deltaplan.train("shades.dl", runs="runs")
    assert run.metrics["train"]["accuracy"] == 1
    save(Path("new.png"), np.full((30, 20, 3), 200))
    from deltaplan.runtime.predictions import predictions_csv

    head, line = predictions_csv(run, Path("new.png")).splitlines()
    assert (head, line.split(",")[0]) == ("class,p(bright),p(dark)", "bright")
