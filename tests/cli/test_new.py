"""`deltaplan new`: its spec for a usable csv checks and trains; other files are told what they lack."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import deltaplan
from deltaplan.cli import main
from deltaplan.runtime.data import load_dataset
from deltaplan.runtime.model import Model
from deltaplan.runtime.train import train

pytestmark = pytest.mark.light

SPECS = Path(__file__).parents[2] / "specs"
SETS = {  # inputs, classes, and what the first spec must reach on its test part
    "iris": (4, 3, "accuracy", 0.9),
    "wine": (13, 3, "accuracy", 0.95),
    "digits": (61, 10, "accuracy", 0.95),
    "breast_cancer": (30, 2, "accuracy", 0.95),
    "diabetes": (10, 0, "r2", 0.4),
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["new", *words], catch_exceptions=False)


def made(content: str, *words: str, encoding: str = "utf-8") -> dict[str, object]:
    """What is found in a file of this content; its spec has to check and to find its data."""
    Path("t.csv").write_bytes(content.encode(encoding))
    result = run("t.csv", *words, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, object] = json.loads(result.stdout)
    load_dataset(deltaplan.load(str(found["spec"])), Path())
    return found


def refused(content: str | bytes, *words: str) -> str:
    Path("t.csv").write_bytes(content.encode() if isinstance(content, str) else content)
    result = run("t.csv", *words)
    assert result.exit_code == 1
    assert not Path("t.dl").exists()
    return result.stderr


def rows(*columns: str, count: int = 20, head: str = "a,b,y") -> str:
    """A csv whose cells are the columns' templates with the row's number in them."""
    lines = [",".join(eval(f"f{cell!r}", {"i": i}) for cell in columns) for i in range(count)]
    return "\n".join([head, *lines]) + "\n"


@pytest.mark.parametrize("name", SETS)
def test_first_spec_of_a_real_data_set_learns(name: str) -> None:
    shutil.copy(SPECS / f"{name}.csv", ".")
    result = run(f"{name}.csv", "--json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    inputs, classes, metric, reached = SETS[name]
    assert (len(found["inputs"]), len(found["classes"])) == (inputs, classes)
    experiment = deltaplan.load(f"{name}.dl")
    assert experiment.name == name
    dataset = load_dataset(experiment, Path())
    model = Model(experiment, train(experiment, dataset).theta, dataset.preprocessing)
    assert model.score(dataset.parts["test"])[metric] >= reached


def test_spec_of_iris_reads_as_it_should(golden) -> None:
    shutil.copy(SPECS / "iris.csv", ".")
    assert run("iris.csv").exit_code == 0
    golden(Path(__file__).with_name("new.golden.dl"), Path("iris.dl").read_text(encoding="utf-8"))


def test_says_what_was_chosen_and_left_out() -> None:
    Path("t.csv").write_text(rows("{i}", "{i % 7}", "{i / 8}", "w", head="n,b,y,word"))
    result = run("t.csv", "--target", "y", "-o", "mine.dl")
    assert result.stdout.splitlines() == [
        "mine.dl: 1 input, target `y` (numbers that are not whole: a regression)",
        "left out: `n` (it counts the rows)",
        "left out: `word` (the same in every row)",
        "next: deltaplan train mine.dl",
    ]
    text = Path("mine.dl").read_text()
    assert "# left out: n (it counts the rows)" in text
    assert "a regression" in text


@pytest.mark.parametrize(
    ("cell", "classes"),
    [
        ("{'no yes'.split()[i % 2]}", ["no", "yes"]),
        ("{i % 3 - 1}", ["-1", "0", "1"]),
        ("{i % 3 / 2}", []),  # not whole
        ("{i % 5}", []),  # four rows a value
        ("{i * 37 % 101}", []),
        ("{1e9 * (i % 2):.0f}", ["0", "1000000000"]),
    ],
)
def test_words_and_few_whole_numbers_are_classes(cell: str, classes: list[str]) -> None:
    assert made(rows("{i * i}", "{i % 7}", cell))["classes"] == classes


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("{i + 1}", "it counts the rows"),
        ("5", "the same in every row"),
        ("{'' if i % 3 else i % 7}", "no value in 13 rows"),
        ("{'?' if i == 3 else i % 7}", "1 row without a number"),
        ("{'nan' if i == 3 else i % 7}", "1 row without a number"),
        ("{'ab'[i % 2] * (i + 1)}", "20 different words"),
        ("2021-{i % 12 + 1}-03", "dates"),
        ("{i if i % 3 == 0 else 'w'}", "words and numbers"),
    ],
)
def test_columns_that_cannot_be_inputs_are_left_out(cell: str, why: str) -> None:
    assert made(rows(cell, "{i % 7}", "{i / 8}"))["left_out"] == {"a": why}


def test_words_become_categories_and_gaps_are_filled() -> None:
    content = rows(
        "{'' if i == 3 else 'ab'[i % 2]}", "{'' if i == 5 else i % 7}", "{'yes no'.split()[i % 2]}"
    )
    found = made(content)
    assert (found["inputs"], found["categories"]) == (["a", "b"], {"a": 2})
    assert found["missing"] == {"a": "mode", "b": "median"}
    part = load_dataset(deltaplan.load("t.dl"), Path()).parts["train"]
    assert part.x["input"].shape == (3, 16)


def test_rows_without_a_target_are_left_out() -> None:
    content = rows("{i * i}", "{i % 7}", "{'' if i < 4 else 'yes no'.split()[i % 2]}")
    assert made(content)["missing"] == {"y": "drop"}
    dataset = load_dataset(deltaplan.load("t.dl"), Path())
    assert sum(len(part) for part in dataset.parts.values()) == 16
    assert "20 rows" in Path("t.dl").read_text()


def test_gaps_that_no_line_can_name_leave_the_column_out() -> None:
    content = rows("{'' if i == 3 else 'ab'[i % 2]}", "{i % 7}", "{i / 8}", head="the port,b,y")
    assert made(content)["left_out"] == {"the port": "no value in 1 row"}


def test_a_series_over_time_has_its_time() -> None:
    assert made(rows("{i}", "{i / 8}", head="t,y"))["inputs"] == ["t"]


def test_target_is_the_column_that_says_so_or_the_last() -> None:
    assert made(rows("{i * i}", "{i % 7}", "{i / 8}", head="a,Target,c"))["target"] == "Target"
    Path("t.dl").unlink()
    assert made(rows("{i * i}", "{i % 7}", "{i / 8}", head="a,b,c"))["target"] == "c"


@pytest.mark.parametrize(
    "head",
    [
        "rest,from,targets",
        "sepal length (cm),größe,π",
        "x,2019,inputs",
        "a # b,{,}",
        ",b,c",
        '"a ""quoted"" name",b,c',
        '"two\nlines",b,c',
        "a\u202eb,b,c",
        f"{'long' * 50},b,c",
    ],
)
def test_any_names_of_columns(head: str) -> None:
    found = made(rows("{i * i}", "{i % 7}", "{i / 8}", head=head))
    assert len(found["inputs"]) + len(found["left_out"]) == 2


@pytest.mark.parametrize(
    ("content", "decimal"),
    [
        ("a;b;y\n" + "".join(f"{i},5;{i * i},25;{i % 2}\n" for i in range(20)), True),
        ("a\tb\ty\r\n" + "".join(f"{i}.5\t{i * i}\t{i % 2}\r\n" for i in range(20)), False),
    ],
)
def test_csv_as_it_is_in_the_world(content: str, decimal: bool) -> None:
    assert made(content, encoding="utf-8-sig")["inputs"] == ["a", "b"]
    assert ("decimal=comma" in Path("t.dl").read_text()) == decimal


def test_latin_1_is_told() -> None:
    Path("t.csv").write_bytes(rows("{i * i}", "{i % 7}", "{'äö'[i % 2]}").encode("latin-1"))
    result = run("t.csv")
    assert result.exit_code == 0
    assert "Latin-1" in result.stderr


def test_wide_files_stay_readable() -> None:
    head = ",".join([*(f"column_{i}" for i in range(3000)), "same", "y"])
    found = made(rows(*["{i * i % 19}"] * 3000, "1", "{i % 2}", head=head))
    assert len(found["inputs"]) == 3000
    assert max(map(len, Path("t.dl").read_text().splitlines())) <= 110


@pytest.mark.parametrize(
    "name", ["from.csv", "2024 sales (new).csv", "größe.csv", "model.csv", ".csv", "a.b.csv"]
)
def test_any_name_of_the_file(name: str) -> None:
    Path(name).write_text(rows("{i * i}", "{i % 7}", "{i / 8}"))
    spec = json.loads(run(name, "--json").stdout)["spec"]
    load_dataset(deltaplan.load(spec), Path())


def test_the_path_of_the_data_begins_at_the_spec(folder: Path) -> None:
    (folder / "data").mkdir()
    (folder / "specs").mkdir()
    (folder / "data" / "t.csv").write_text(rows("{i * i}", "{i % 7}", "{i / 8}"))
    run("data/t.csv", "-o", "specs/t.dl")
    assert '"../data/t.csv"' in (folder / "specs" / "t.dl").read_text()


@pytest.mark.parametrize("count", [5, 6, 7, 40])
def test_small_files_train(count: int) -> None:
    made(rows("{i * i}", "{i * 5 % 7}", "{i * i / 8}", count=count))
    experiment = deltaplan.load("t.dl")
    assert train(experiment, load_dataset(experiment, Path())).ended == "complete"


def test_a_file_is_never_replaced(folder: Path) -> None:
    (folder / "t.dl").write_text("mine")
    (folder / "t.csv").write_text(rows("{i * i}", "{i % 7}", "{i / 8}"))
    result = run("t.csv")
    assert result.exit_code == 1
    assert "`t.dl` is there already" in result.stderr
    assert (folder / "t.dl").read_text() == "mine"


HOSTILE = {
    "empty": (b"", "empty"),
    "header alone": ("a,b\n", "no rows"),
    "one row": ("a,b\n1,2\n", "1 row"),
    "ragged": (rows("1", "2", "3") + "1,2\n", "t.csv:22"),
    "binary": (bytes(range(256)) * 10, "not text"),
    "zip": (b"PK\x03\x04" + b"x" * 100, "zip archive"),
    "one column": ("y\n" + "".join(f"{i}\n" for i in range(9)), "can be an input"),
    "names alone": (rows("n{i}", "x", "{i / 8}"), "`a`: 20 different words"),
    "target without values": (rows("{i * i}", "{i % 7}", "{'' if i > 3 else i / 8}"), "4 rows"),
    "target with gaps that no line can name": (
        rows("{i * i}", "{i % 7}", "{'' if i == 3 else i / 8}", head="a,b,the y"),
        "t.csv:5",
    ),
    "target the same": (rows("{i * i}", "{i % 7}", "4"), "the same in every row"),
    "target of names": (rows("{i * i}", "{i % 7}", "n{i}"), "a word of its own"),
    "target that cannot be written": (rows("{i * i}", "{i}", "{i / 8}", head='a,b,"""y"""'), "its name"),
    "two columns of a name": (rows("1", "2", "3", head="a,a,y"), "two columns"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_files_of_no_use_are_told(case: str) -> None:
    content, told = HOSTILE[case]
    assert told in refused(content)


def test_an_unknown_target_gets_the_nearest_name() -> None:
    told = refused(rows("{i * i}", "{i % 7}", "{i / 8}", head="height,weight,age"), "--target", "wieght")
    assert "similar name: `weight`" in told


def test_a_file_that_is_not_there() -> None:
    Path("iris.csv").write_text("")
    result = run("irsi.csv")
    assert result.exit_code == 1
    assert "similar name: `iris.csv`" in result.stderr


def test_mistakes_are_told_as_their_golden_texts_say(golden) -> None:
    usable = rows("{i * i}", "{i % 7}", "{i / 8}")
    told = [
        refused("a,b\n1,2\n"),
        refused(rows("n{i}", "1", "{i / 8}")),
        refused(rows("{i * i}", "{i % 7}", "4")),
        refused(usable, "--target", "z"),
    ]
    Path('a"b.csv').write_text(usable)
    told.append(run('a"b.csv').stderr)
    golden(Path(__file__).with_name("new.err"), "\n".join(told))
