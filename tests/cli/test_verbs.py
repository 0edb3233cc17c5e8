"""The verbs, typed as a user types them: rightly, and with the mistakes that people make."""

import contextlib
import csv
import json
import re
from functools import partialmethod
from io import StringIO
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from deltaplan.cli import main

WAVE = """\
model wave {
    input 1
    dense 3x5, 1  leaky_relu(0.01)  residual
    output 1
}

data {
    csv "wave.csv"
    inputs t
    targets y
    split train=80% validation=20% seed=1
    standardize inputs
}

train {
    minimize mean(squared_error) + l2(1e-4)
    optimizer adam(lr=1e-2)
    epochs 50
    batch full
    seed 4
}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    source = Path(__file__).parents[2] / "specs" / "wave.csv"
    (tmp_path / "wave.csv").write_bytes(source.read_bytes())
    (tmp_path / "wave.dl").write_text(WAVE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str) -> Result:
    return CliRunner().invoke(main, words, catch_exceptions=False)


@pytest.fixture
def trained(folder: Path) -> Path:
    result = run("train", "wave.dl", "--quiet")
    assert result.exit_code == 0, result.output
    return folder / result.stdout.strip()


def test_check_counts_the_parameters_of_the_lecture(folder: Path) -> None:
    result = run("check", "wave.dl")
    assert result.exit_code == 0
    assert result.stdout == ("wave.dl: no mistakes; model `wave`, 78 parameters, skips on 2 of 4 layers\n")


def test_check_tells_every_mistake_of_a_file(folder: Path) -> None:
    text = (
        WAVE.replace("leaky_relu", "leakyrelu")
        .replace("adam(lr", "adam(rate")
        .replace("inputs t", "inptus t")
    )
    (folder / "bad.dl").write_text(text)
    result = run("check", "bad.dl")
    assert result.exit_code == 1
    assert "bad.dl:3:19: " in result.stderr
    assert "similar name: `leaky_relu`" in result.stderr
    assert "`inputs`" in result.stderr
    assert "write `lr`" in result.stderr
    assert "Traceback" not in result.stderr


def test_mistakes_as_json(folder: Path) -> None:
    (folder / "bad.dl").write_text(WAVE.replace("leaky_relu", "leakyrelu"))
    result = run("check", "bad.dl", "--json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert told["ok"] is False
    (mistake,) = told["diagnostics"]
    assert (mistake["span"]["line"], mistake["span"]["column"]) == (3, 19)


def test_params_from_the_command_line(folder: Path) -> None:
    (folder / "wide.dl").write_text("param n = 3\n" + WAVE.replace("3x5", "n x 5"))
    assert "138 parameters" in run("check", "wide.dl", "--set", "n=5").stdout
    wrong = run("check", "wide.dl", "--set", "m=5")
    assert wrong.exit_code == 1
    assert "`m`" in wrong.stderr
    assert run("check", "wide.dl", "--set", "n").exit_code == 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("chekc", "wave.dl"), "similar name: `check`"),
        (("check",), "Missing argument"),
        (("show", "wave.dl", "--tree", "--plan"), "exclude each other"),
        (("show", "wave.dl", "--as", "dot"), "belongs to --graph"),
        (("show", "wave.dl", "--loops", "--llvm"), "exclude each other"),
        (("show", "wave.dl", "--full"), "belong to --plan and --loops"),
        (("show", "wave.dl", "--target", "avx2"), "belongs to --loops and --llvm"),
        (("export", "c", "wave.dl"), "Missing argument"),
        (("export", "rust", "wave.dl", "wave.rs"), "No such command"),
        (("show", "wave.dl", "--llvm", "--target", "avx3"), "'avx512', 'avx2', 'x86-64', 'aarch64'"),
        (("evaluate", "runs/x", "a.csv", "--part", "test"), "not both"),
    ],
)
def test_wrong_usage_ends_with_2(folder: Path, words: tuple[str, ...], told: str) -> None:
    result = run(*words)
    assert result.exit_code == 2
    assert told in result.stderr


def test_a_file_that_is_not_there(folder: Path) -> None:
    result = run("train", "wav.dl")
    assert result.exit_code == 1
    assert "wav.dl" in result.stderr
    assert not (folder / "runs").exists()


def test_train_writes_a_whole_run_and_says_where_the_fit_is(folder: Path) -> None:
    result = run("train", "wave.dl")
    assert result.exit_code == 0
    assert "the fit: runs/wave-1/fit.svg" in result.stdout.replace("\\", "/")
    names = {path.name for path in (folder / "runs" / "wave-1").iterdir()}
    assert names == {
        "run.json", "spec.dl", "resolved.dl", "model.safetensors", "state.safetensors", "history.jsonl",
        "metrics.json", "loss.svg", "fit.svg",
    }  # fmt: skip
    assert run("train", "wave.dl", "--quiet").stdout.strip().endswith("wave-2")


def test_train_as_json(folder: Path) -> None:
    told = json.loads(run("train", "wave.dl", "--json").stdout)
    assert told["ok"] is True
    assert told["step"] == 50
    assert told["metrics"]["train"]["loss"] > 0


def test_divergence_names_step_node_and_line_and_keeps_the_last_good_parameters(folder: Path) -> None:
    (folder / "wild.dl").write_text(WAVE.replace("adam(lr=1e-2)", "sgd(lr=1e6)"))
    result = run("train", "wild.dl")
    assert result.exit_code == 1
    assert "training diverged at step" in result.stderr
    assert "wild.dl:" in result.stderr
    scores = json.loads(run("evaluate", "runs/wild-1", "--json").stdout)
    assert scores["train"]["loss"] is not None


def test_evaluate_repeats_the_scores_of_training(trained: Path) -> None:
    again = json.loads(run("evaluate", str(trained), "--json").stdout)
    written = json.loads((trained / "metrics.json").read_text())
    assert again == {part: written[part] for part in ("train", "validation")}
    assert run("evaluate", str(trained), "--part", "validation").exit_code == 0
    missing = run("evaluate", str(trained), "--part", "test")
    assert missing.exit_code == 1
    assert "has no part `test`" in missing.stderr


def test_evaluate_on_another_file_uses_the_statistics_of_training(trained: Path, folder: Path) -> None:
    (folder / "new.csv").write_text("y,t,more\n0.5,1.0,x\n0.25,2.0,y\n")
    scores = json.loads(run("evaluate", str(trained), "new.csv", "--json").stdout)["new.csv"]
    rows = list(csv.DictReader(StringIO(run("predict", str(trained), "new.csv").stdout)))
    errors = [float(row["y"]) - target for row, target in zip(rows, (0.5, 0.25), strict=True)]
    assert scores["loss"] == pytest.approx(sum(e**2 for e in errors) / 4, rel=1e-5)


def test_predict_reads_csv_and_writes_csv(trained: Path, folder: Path) -> None:
    (folder / "new.csv").write_text("t;name\n0,5;a\n1,0;b\n")
    wrong = run("predict", str(trained), "new.csv")
    assert wrong.exit_code == 1
    assert "new.csv" in wrong.stderr
    (folder / "new.csv").write_text("t;name\n0.5;a\n1.0;b\n")
    result = run("predict", str(trained), "new.csv", "-o", "out.csv")
    assert result.exit_code == 0
    head, *rows = (folder / "out.csv").read_text().splitlines()
    assert head == "y"
    assert len(rows) == 2


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("x\n1\n", "`t`"),
        ("t\nabc\n", "abc"),
        ("t\n", "no rows"),
        ("", "empty"),
        ("t\nnan\n", "nan"),
    ],
)
def test_predict_on_unusable_data(trained: Path, folder: Path, content: str, told: str) -> None:
    (folder / "new.csv").write_text(content)
    result = run("predict", str(trained), "new.csv", "-o", "out.csv")
    assert result.exit_code == 1
    assert told in result.stderr.lower()
    assert not (folder / "out.csv").exists()


def test_predictions_that_the_disk_does_not_take(trained: Path, folder: Path) -> None:
    (folder / "taken").write_text("")
    result = run("predict", str(trained), "wave.csv", "-o", "taken/out.csv")
    assert result.exit_code == 1
    assert "cannot be written" in result.stderr
    assert (folder / "taken").read_text() == ""


def test_a_run_folder_that_is_none(folder: Path, trained: Path) -> None:
    result = run("predict", "runs/wave-9", "wave.csv")
    assert result.exit_code == 1
    assert "similar name: `wave-1`" in result.stderr


def test_gradcheck_prints_a_line_for_each_block(folder: Path) -> None:
    result = run("gradcheck", "wave.dl")
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.stdout.splitlines()[1:-1]] == [
        *(f"{layer}.W" for layer in ("dense1", "dense2", "dense3", "dense4", "output")),
        *(f"{layer}.b" for layer in ("dense1", "dense2", "dense3", "dense4", "output")),
    ]
    blocks = json.loads(run("gradcheck", "wave.dl", "--json").stdout)["blocks"]
    assert max(block["error"] for block in blocks) <= 1e-6
    assert sum(block["checked"] for block in blocks) == 78


def test_help_of_every_verb() -> None:
    from deltaplan.cli import VERBS

    overview = run("--help").stdout
    for verb in VERBS:
        assert f"  {verb} " in overview
        help_text = run(verb, "--help").stdout
        assert len(help_text.splitlines()) > 4
        assert max(map(len, help_text.splitlines())) <= 80


def test_a_run_on_data_from_memory_is_told_to_have_no_file(folder: Path) -> None:
    import deltaplan

    text = "model m { input 1; output 1 }\n" + WAVE[WAVE.index("train {") :]
    trained = deltaplan.train(deltaplan.loads(text), [[1.0], [2.0]], [1.0, 2.0], runs="runs")
    for words in (("evaluate",), ("trace",)):
        result = run(*words, str(trained.folder))
        assert result.exit_code == 1
        assert "trained on data from memory" in result.stderr
    for words in (("evaluate",), ("predict",)):
        result = run(*words, str(trained.folder), "wave.csv")
        assert result.exit_code == 1
        assert "has no `data` block" in result.stderr


@pytest.mark.parametrize(
    ("words", "begins"),
    [
        (("--graph",), "○   input"),
        (("--graph", "--as", "dot"), "digraph"),
        (("--graph", "--as", "mermaid"), "flowchart"),
        (("--graph", "--as", "svg"), "<svg"),
        (("--tree",), "1:1"),
        (("--plan", "--buffers"), "wave: one step on B = 32 samples"),
        ((), "wave"),
        (
            ("--loops", "--target", "avx2"),
            "wave: training in float32, vectors of 8 numbers\n\nstep on 32 samples: ",
        ),
        (("--loops", "--full", "--target", "aarch64"), "wave: training in float32, vectors of 4 numbers\n"),
        (("--llvm", "--target", "x86-64"), "declare <"),
    ],
)
def test_show_prints_every_stage(folder: Path, words: tuple[str, ...], begins: str) -> None:
    for order in (("wave.dl", *words), (*words, "wave.dl")):
        result = run("show", *order)
        assert result.exit_code == 0
        assert result.stdout.startswith(begins)


def test_threads_of_blas_are_one_unless_asked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class Limits(contextlib.nullcontext[None]):
        def __init__(self, libraries: object, limits: int, user_api: str) -> None:
            super().__init__()
            asked.append((limits, user_api))

    monkeypatch.setattr("threadpoolctl.ThreadpoolController.limit", partialmethod(Limits))
    assert run("train", "wave.dl", "-q", "--backend", "numpy").exit_code == 0
    assert set(asked) == {(1, "blas")}
    assert run("train", "wave.dl", "-q", "--backend", "numpy", "--threads", "2").exit_code == 0
    assert (2, "blas") in asked
    assert run("train", "wave.dl", "--threads", "0").exit_code == 2


def test_export_writes_a_file_and_its_header(trained: Path, folder: Path) -> None:
    result = run("export", "c", str(trained), "out/wave.c")
    assert result.exit_code == 0
    assert re.fullmatch(r"out.wave\.c: [\d,]+ bytes\nout.wave\.h: \d+ bytes\n", result.stdout)
    assert "wave-1: 50 steps, complete." in (folder / "out" / "wave.c").read_text()
    assert run("export", "c", str(trained), "out/wave.c", "--train", "-q").stdout == ""
    assert "float wave_step(" in (folder / "out" / "wave.h").read_text()
    assert run("export", "c", str(trained), "out/wave.c", "--float64").exit_code == 0
    assert "void wave_predict(const double x[1]" in (folder / "out" / "wave.h").read_text()


def test_export_of_a_spec_takes_params_and_that_of_a_run_does_not(trained: Path, folder: Path) -> None:
    (folder / "wide.dl").write_text("param n = 3\n" + WAVE.replace("3x5", "n x 5"))
    assert run("export", "c", "wide.dl", "wide.c", "--set", "n=4").exit_code == 0
    assert "W6 [1, 1], output.W" in (folder / "wide.c").read_text()
    assert run("export", "c", str(trained), "wave.c", "--set", "n=4").exit_code == 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("wave.dl", "wave.h"), "does not end in `.c`"),
        (("wav.dl", "wave.c"), "wav.dl"),
        (("runs/wave-2", "wave.c"), "similar name: `wave-1`"),
        (("wave.csv", "wave.c"), "wave.csv:1:"),
        (("wave.dl", "wave.dl/wave.c"), "cannot be written"),
    ],
)
def test_export_of_what_cannot_be(trained: Path, folder: Path, words: tuple[str, ...], told: str) -> None:
    before = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    result = run("export", "c", *words)
    assert result.exit_code == 1
    assert told in result.stderr
    assert {path: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before
