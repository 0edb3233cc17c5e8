"""A file or a run folder is whole or not there, whoever else writes."""

import subprocess
import sys
from pathlib import Path

import pytest

from deltaplan.runtime import files
from deltaplan.runtime.files import new_run_folder, write_atomically


def test_text_and_bytes(tmp_path):
    write_atomically(tmp_path / "a.txt", "δ = Wᵀδ\n")
    write_atomically(tmp_path / "b.bin", b"\x00\r\n")
    assert (tmp_path / "a.txt").read_bytes() == "δ = Wᵀδ\n".encode()
    assert (tmp_path / "b.bin").read_bytes() == b"\x00\r\n"
    assert len(list(tmp_path.iterdir())) == 2


def test_an_existing_file_is_replaced(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("a much longer old text")
    write_atomically(path, "new")
    assert path.read_text() == "new"


def test_a_failure_keeps_the_old_file_and_leaves_nothing(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def full_disk(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, "new")
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]
    assert path.read_text() == "old"


def test_a_missing_folder_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_atomically(tmp_path / "no" / "a.txt", "x")


def one_file(folder):
    (folder / "run.json").write_text("{}")


def test_numbers_go_up(tmp_path):
    base = tmp_path / "runs"
    names = [new_run_folder(base, name, one_file).name for name in ("wave", "wave", "iris", "wave")]
    assert names == ["wave-1", "wave-2", "iris-1", "wave-3"]


def test_a_number_is_one_above_the_largest(tmp_path):
    for name in ("wave-7", "wave-x", "wavelet-20", "other"):
        (tmp_path / name).mkdir()
    assert new_run_folder(tmp_path, "wave", one_file).name == "wave-8"


def test_a_folder_that_appears_meanwhile_is_left_alone(tmp_path):
    def slow(folder):
        one_file(folder)
        (tmp_path / "wave-1").mkdir()
        (tmp_path / "wave-1" / "mine").write_text("mine")

    assert new_run_folder(tmp_path, "wave", slow).name == "wave-2"
    assert (tmp_path / "wave-1" / "mine").read_text() == "mine"


@pytest.mark.parametrize("fault", [ValueError, KeyboardInterrupt])
def test_a_half_written_folder_is_never_seen(tmp_path, fault):
    def fails(folder):
        one_file(folder)
        raise fault

    with pytest.raises(fault):
        new_run_folder(tmp_path, "wave", fails)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "folder"), [("a/b", "a-b-1"), ("../..", "run-1"), ("größe 2", "größe-2-1")])
def test_odd_names(tmp_path, name, folder):
    assert new_run_folder(tmp_path, name, one_file) == tmp_path / folder


PROGRAM = """
import sys
from pathlib import Path
from deltaplan.runtime.files import new_run_folder
base, id = sys.argv[1:]
for _ in range(5):
    print(new_run_folder(Path(base), "wave", lambda folder: (folder / "id").write_text(id)).name)
"""


def test_sixteen_processes_at_once(tmp_path):
    workers = [
        subprocess.Popen([sys.executable, "-c", PROGRAM, tmp_path, str(i)], stdout=subprocess.PIPE, text=True)
        for i in range(16)
    ]
    printed = [worker.communicate()[0].split() for worker in workers]
    taken = [name for names in printed for name in names]
    assert len(set(taken)) == len(taken) == 80
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(taken)
    for i, names in enumerate(printed):
        assert {Path(tmp_path, name, "id").read_text() for name in names} == {str(i)}
