"""What a terminal, a pipe and an impatient user meet: letters, width, colours, broken pipes and Ctrl-C."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from deltaplan.cli import VERBS, main
from deltaplan.cli.console import shown
from deltaplan.cli.plugins import VERBS as PLUGINS

ROOT = Path(__file__).parents[2]
WAVE = str(ROOT / "specs" / "wave.dl")
IRIS = str(ROOT / "specs" / "iris.dl")
START = [sys.executable, "-m", "deltaplan"]
POSIX = pytest.mark.skipif(os.name != "posix", reason="signals and pipes of POSIX")


def environment(**changes: str) -> dict[str, str]:
    kept = {
        k: v
        for k, v in os.environ.items()
        if not k.startswith(("LC_", "LANG", "PYTHONIOENCODING", "PYTHONUTF8"))
    }
    return kept | {"PYTHONUTF8": "0"} | changes


def run(*words: str, folder: Path | None = None, **changes: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [*START, *words], capture_output=True, cwd=folder, env=environment(**changes), timeout=60
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A spec whose words and data need more than ASCII, and a run of it."""
    folder = tmp_path_factory.mktemp("café")
    (folder / "käse.csv").write_text("größe;art\n1;röd\n2;blå\n3;röd\n4;blå\n", "utf-8")
    (folder / "käse.dl").write_text(
        "# δ θ ∂\nmodel kaese { input 1; dense 2 tanh; output 2 }\n"
        'data { csv "käse.csv"; inputs "größe"; targets art }\n'
        "train { minimize mean(cross_entropy) + l2(0.1); optimizer adam; epochs 3; batch full }\n",
        "utf-8",
    )
    (folder / "falsch.dl").write_text("model kaese { input 1; dense 2 tahn; output 1 }  # θ…\n", "utf-8")
    result = run("train", "käse.dl", "--quiet", folder=folder, PYTHONIOENCODING="utf-8")
    assert result.returncode == 0, result.stderr.decode()
    return folder


CALLS = [
    (0, "show", "käse.dl"),
    (0, "show", "käse.dl", "--plan"),
    (0, "show", "käse.dl", "--tree"),
    (0, "trace", "käse.dl"),
    (0, "train", "käse.dl"),
    (0, "evaluate", "runs/käse-1"),
    (0, "predict", "runs/käse-1", "käse.csv", "-o", "out.csv"),
    (0, "gradcheck", "käse.dl"),
    (0, "plugins", "list"),
    (1, "check", "falsch.dl"),
    (1, "check", "føø.dl"),
    (2, "ræin"),
]


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
@pytest.mark.parametrize("call", CALLS, ids=lambda call: " ".join(call[1:]))
def test_every_verb_on_a_terminal_of_few_letters(
    folder: Path, call: tuple[int, ...], encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, *words = call
    monkeypatch.chdir(folder)
    result = CliRunner(charset=encoding).invoke(main, list(map(str, words)), catch_exceptions=False)
    assert result.exit_code == code, result.output
    usage_error_as_utf_8 = code == 2 and encoding == "ascii"  # so click prints, whatever the stream says
    text = (result.stdout_bytes + result.stderr_bytes).decode("utf-8" if usage_error_as_utf_8 else encoding)
    assert "Traceback" not in text


def test_a_mistake_on_a_terminal_of_few_letters(folder: Path) -> None:
    result = run("check", "falsch.dl", folder=folder, PYTHONIOENCODING="ascii")
    assert result.returncode == 1
    assert b"similar name: `tanh`" in result.stderr
    assert b"# theta..." in result.stderr
    assert result.stderr.isascii()


def test_a_terminal_with_all_letters_gets_them() -> None:
    words = ["show", WAVE, "--plan"]
    texts = [CliRunner(charset=encoding).invoke(main, words).stdout for encoding in ("utf-8", "ascii")]
    assert "δ_j = W_jᵀ dv_j + δ_{j+1}" in texts[0]
    assert "delta_j = W_j^T dv_j + delta_{j+1}" in texts[1]


def test_what_an_encoding_shows_stays_as_it_is() -> None:
    assert shown("½ ± 2", "cp1252") == "½ ± 2"
    assert shown("½δ", "cp1252") == "1/2delta"
    assert shown("δ", None) == "delta"


def test_predictions_are_data_and_keep_their_names(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = run("predict", "runs/käse-1", "käse.csv", folder=folder, PYTHONIOENCODING="ascii")
    head, *rows = result.stdout.decode().splitlines()
    assert head == "art,p(blå),p(röd)"
    assert {row.split(",")[0] for row in rows} <= {"blå", "röd"}
    monkeypatch.chdir(folder)
    quiet = CliRunner().invoke(main, ["predict", "runs/käse-1", "käse.csv", "-q", "-o", "out.csv"])
    assert (quiet.exit_code, quiet.output) == (0, "")
    assert (folder / "out.csv").read_text("utf-8").splitlines() == [head, *rows]


def test_quiet_check_says_nothing_where_nothing_is_wrong(folder: Path) -> None:
    right, wrong = (
        CliRunner().invoke(main, ["check", str(spec), "-q"]) for spec in (IRIS, folder / "falsch.dl")
    )
    assert (right.exit_code, right.output) == (0, "")
    assert wrong.exit_code == 1
    assert "similar name: `tanh`" in wrong.stderr


def test_json_is_ascii_and_whole(folder: Path) -> None:
    result = CliRunner(charset="ascii").invoke(main, ["trace", str(folder / "käse.dl"), "--json"])
    assert json.loads(result.stdout)["inputs"][0]["columns"] == ["größe"]


def test_nothing_is_coloured_in_a_pipe(folder: Path) -> None:
    result = run("train", "käse.dl", folder=folder, TERM="xterm-256color")
    assert b"\x1b[" not in result.stdout + result.stderr


@POSIX
def test_the_bar_of_a_terminal_respects_no_color(folder: Path) -> None:
    pty = pytest.importorskip("pty")
    for coloured in (True, False):
        ours, theirs = pty.openpty()
        settings = environment(
            TERM="xterm-256color", PYTHONIOENCODING="utf-8", NO_COLOR="" if coloured else "1"
        )
        subprocess.run(
            [*START, "train", "käse.dl"],
            cwd=folder,
            env=settings,
            stderr=theirs,
            stdout=subprocess.PIPE,
            timeout=60,
        )
        os.close(theirs)
        seen = os.read(ours, 100_000)
        os.close(ours)
        assert bool(re.search(rb"\x1b\[[0-9;]*3[0-9]", seen)) == coloured


@POSIX
@pytest.mark.parametrize("words", [("plugins", "list"), ("trace", WAVE, "--json")])
def test_a_reader_that_leaves_early_is_no_mistake(words: tuple[str, ...]) -> None:
    process = subprocess.Popen(
        [*START, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    told = process.stderr.read()
    process.stderr.close()
    process.wait(60)
    assert told == b""


@POSIX
def test_ctrl_c_ends_with_130_and_without_a_traceback(tmp_path: Path) -> None:
    """A named pipe as the spec: the verb waits for it until it is interrupted."""
    os.mkfifo(tmp_path / "slow.dl")
    process = subprocess.Popen(
        [*START, "check", "slow.dl"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    with open(tmp_path / "slow.dl", "w"):  # opens when the verb does
        time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert (out, told) == (b"", b"interrupted\n")


def commands() -> dict[str, click.Command]:
    context = click.Context(main)
    found = {verb: main.get_command(context, verb) for verb in VERBS}
    plugins = found["plugins"]
    assert isinstance(plugins, click.Group)
    nested = {
        f"plugins {name}": plugins.get_command(context, name) for name in plugins.list_commands(context)
    }
    return {name: command for name, command in (found | nested).items() if command is not None}


@pytest.mark.parametrize("name", [*VERBS, *(f"plugins {verb}" for verb in PLUGINS)])
def test_help_is_plain_and_at_most_80_columns_wide(name: str) -> None:
    command = commands()[name]
    context = click.Context(command, parent=click.Context(main, info_name="deltaplan"), info_name=name)
    context.max_content_width = 80
    text = command.get_help(context)
    assert text.isascii()
    assert max(map(len, text.splitlines())) <= 80
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help, option.name
