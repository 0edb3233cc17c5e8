"""`deltaplan examples`: what comes with the package can be had from anywhere, and costs nobody a file."""

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import deltaplan
from deltaplan.cli import main
from deltaplan.diagnostics import SpecError
from deltaplan.runtime import writing
from deltaplan.runtime.data import load_dataset
from deltaplan.runtime.examples import examples

SPECS = Path(__file__).parents[2] / "specs"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["examples", *words], catch_exceptions=False)


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_list_has_every_spec_of_the_package_with_its_data() -> None:
    result = run()
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    (iris,) = [line for line in lines if line.startswith("iris ")]
    assert max(map(len, lines)) <= 80
    assert "three species" in iris
    listed = {entry["name"]: entry for entry in json.loads(run("--json").stdout)}
    assert {f"{name}.dl" for name in listed} == {p.relative_to(SPECS).as_posix() for p in SPECS.rglob("*.dl")}
    assert listed["lecture/3x5"]["files"] == ["wave.csv"]
    assert all(entry["about"] for entry in listed.values())


def test_nets_of_the_lecture_are_listed_by_their_widths() -> None:
    names = [e.name for e in examples() if "/" in e.name]
    assert names[:3] == ["lecture/3x5", "lecture/5x5", "lecture/10x5"]


NAMES = [
    path.relative_to(SPECS).with_suffix("").as_posix()
    for path in sorted(SPECS.rglob("*.dl"))
    if path.parent.name != "networks"
]


def test_copy_takes_the_data_along(folder: Path) -> None:
    result = run("iris")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "iris.csv: copied", "iris.dl: copied", "next: deltaplan train iris.dl",
    ]  # fmt: skip
    assert files(folder) == {"iris.dl", "iris.csv"}
    assert (folder / "iris.csv").read_bytes() == (SPECS / "iris.csv").read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_every_copy_checks_and_finds_its_data(folder: Path, name: str) -> None:
    told = json.loads(run(name, "deep/below", "--json").stdout)
    (spec,) = told["specs"]
    assert Path(spec) == Path("deep/below", f"{name}.dl")
    assert set(map(Path, told["written"])) == {path.relative_to(folder) for path in folder.rglob("*.*")}
    assert len(load_dataset(deltaplan.load(spec), Path()).parts["train"]) > 0


def test_a_network_without_data_says_so(folder: Path) -> None:
    lines = run("networks/lenet").stdout.splitlines()
    assert lines == [
        "networks/lenet.dl: copied",
        "the data do not come with deltaplan: the spec says which it wants",
        "next: deltaplan show networks/lenet.dl",
    ]
    assert deltaplan.load("networks/lenet.dl").name == "lenet"


def test_a_folder_of_examples_is_copied_whole(folder: Path) -> None:
    assert run("lecture").exit_code == 0
    own = {f"lecture/{path.name}" for path in (SPECS / "lecture").iterdir() if path.suffix in (".dl", ".csv")}
    assert files(folder) == {"wave.csv", "digits.csv", *own}


def test_a_second_copy_changes_nothing(folder: Path) -> None:
    run("iris")
    os.utime("iris.csv", (1, 1))
    again = run("iris.dl", "--json")
    assert json.loads(again.stdout)["written"] == []
    assert len(json.loads(again.stdout)["kept"]) == 2
    assert (folder / "iris.csv").stat().st_mtime == 1


def test_a_file_of_the_user_is_never_replaced_unasked(folder: Path) -> None:
    (folder / "iris.csv").write_text("mine")
    result = run("iris")
    assert result.exit_code == 1
    assert "`iris.csv` is there already" in result.stderr
    assert "--force" in result.stderr
    assert files(folder) == {"iris.csv"}
    assert (folder / "iris.csv").read_text() == "mine"
    assert run("iris", "--force").exit_code == 0
    assert (folder / "iris.csv").read_bytes() == (SPECS / "iris.csv").read_bytes()


@pytest.mark.parametrize(
    ("name", "similar"),
    [("irsi", "iris"), ("45x5", "lecture/45x5"), ("Breast-Cancer", "breast_cancer"), ("../iris", "iris")],
)
def test_wrong_names_get_the_nearest(folder: Path, name: str, similar: str) -> None:
    result = run(name)
    assert result.exit_code == 1
    assert f"no example `{name}`" in result.stderr
    assert f"`{similar}`" in result.stderr
    assert files(folder) == set()


def test_mistakes_as_json() -> None:
    told = json.loads(run("irsi", "--json").stdout)
    assert told["ok"] is False
    assert told["diagnostics"][0]["code"] == "unknown-example"


def test_a_folder_that_is_a_file(folder: Path) -> None:
    (folder / "here").write_text("mine")
    result = run("iris", "here")
    assert result.exit_code == 1
    assert "`here` is no folder" in result.stderr
    assert files(folder) == {"here"}


def test_a_full_disk_leaves_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, content: bytes) -> None:
        if path.suffix == ".dl":
            raise OSError(28, "No space left on device")
        path.write_bytes(content)

    monkeypatch.setattr(writing, "write_atomically", full)
    result = run("iris")
    assert result.exit_code == 1
    assert "`iris.dl` cannot be written: no space left on device" in result.stderr
    assert files(folder) == set()


def test_mistakes_are_told_as_their_golden_texts_say(folder: Path, golden) -> None:
    (folder / "file").write_text("")
    (folder / "iris.dl").write_text("mine")
    told = []
    for words in (["irsi"], ["iris"], ["iris", "file"]):
        told.append(f"$ deltaplan examples {' '.join(words)}\n{run(*words).stderr}")
    golden(Path(__file__).with_name("examples.err"), "\n".join(told))


def test_overwriting_is_told_for_each_file(folder: Path) -> None:
    paths = [folder / "a", folder / "b"]
    for path in paths:
        path.write_text("")
    with pytest.raises(SpecError) as told:
        writing.refuse_to_overwrite(paths)
    assert len(told.value.diagnostics) == 2
