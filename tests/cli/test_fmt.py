"""`fmt` on files and on standard input."""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from deltaplan.cli import main

MESSY = 'model m{\n  input 1  # t\n output   1 }\ndata {csv "φ.csv"}'
NEAT = 'model m {\n    input 1  # t\n    output 1\n}\ndata { csv "φ.csv" }\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "messy.dl").write_text(MESSY, encoding="utf-8")
    (tmp_path / "neat.dl").write_text(NEAT, encoding="utf-8")
    (tmp_path / "broken.dl").write_text("model m {\n  dense  5 +\n  dense ]\n}\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(main, ("fmt", *words), input=stdin, catch_exceptions=False)


def read(name: str) -> str:
    return Path(name).read_bytes().decode()


def test_files_are_formatted_in_place(folder: Path) -> None:
    untouched = (folder / "neat.dl").stat().st_mtime_ns
    result = run("messy.dl", "neat.dl")
    assert (result.exit_code, result.stdout) == (0, "messy.dl: formatted\n")
    assert read("messy.dl") == NEAT
    assert (folder / "neat.dl").stat().st_mtime_ns == untouched
    assert run("messy.dl").stdout == ""
    assert {path.name for path in folder.iterdir()} == {"messy.dl", "neat.dl", "broken.dl"}


def test_check_names_the_files_and_changes_none(folder: Path) -> None:
    result = run("--check", "messy.dl", "neat.dl")
    assert (result.exit_code, result.stdout) == (1, "messy.dl: not in normal form\n")
    assert read("messy.dl") == MESSY
    assert run("--check", "neat.dl").exit_code == 0


def test_diff_prints_what_would_change(folder: Path) -> None:
    result = run("--diff", "messy.dl", "neat.dl")
    assert result.exit_code == 0
    assert result.stdout.startswith("--- messy.dl\n+++ messy.dl (formatted)\n@@ -1,4 +1,5 @@\n-model m{\n")
    assert '+    output 1\n+}\n+data { csv "φ.csv" }\n' in result.stdout
    assert '-data {csv "φ.csv"}\n\\ No newline at end of file\n' in result.stdout
    assert read("messy.dl") == MESSY
    assert run("--diff", "--check", "messy.dl").exit_code == 1
    assert run("--diff", "neat.dl").stdout == ""


def test_a_file_with_mistakes_is_left_alone_and_the_others_are_not(folder: Path) -> None:
    before = read("broken.dl")
    result = run("broken.dl", "missing.dl", "messy.dl")
    assert result.exit_code == 1
    assert "broken.dl:2:" in result.stderr
    assert "broken.dl:3:" in result.stderr
    assert "cannot read `missing.dl`" in result.stderr
    assert (read("broken.dl"), read("messy.dl")) == (before, NEAT)


def test_standard_input(folder: Path) -> None:
    result = run("-", stdin=b"\xef\xbb\xbf" + MESSY.encode())
    assert (result.exit_code, result.stdout_bytes.decode()) == (0, NEAT)
    assert run("-", "--check", stdin=NEAT.encode()).exit_code == 0
    told = run("-", "--check", stdin=MESSY.encode())
    assert (told.exit_code, told.stdout) == (1, "<stdin>: not in normal form\n")
    for wrong in (b"\xff", b"dense )", b"\x00", b"#" * (1 << 21)):
        result = run("-", stdin=wrong)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.startswith("<stdin>:1:") or "`<stdin>` is longer" in result.stderr


@pytest.mark.skipif(os.name == "nt", reason="rights and links of POSIX")
def test_rights_and_links_stay(folder: Path) -> None:
    (folder / "messy.dl").chmod(0o600)
    (folder / "link.dl").symlink_to("messy.dl")
    assert run("link.dl").exit_code == 0
    assert (folder / "link.dl").is_symlink()
    assert read("messy.dl") == NEAT
    assert (folder / "messy.dl").stat().st_mode & 0o777 == 0o600


def test_no_file_is_wrong_usage() -> None:
    assert run().exit_code == 2
