"""Hostile input through the command line: each is refused by a limit with its place, and all of them together
stay within 200 MB. One child process meets them in turn, so that its peak memory is that of the worst."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BUDGET = 200 * 1024  # of memory, in KiB
CHILD = """
import json, resource, sys
from pathlib import Path
from click.testing import CliRunner
from deltaplan.cli import main

def peak():  # ru_maxrss of a child counts what its parent had when it was forked
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    told = [int(line.split()[1]) for line in lines if line.startswith("VmHWM:")]
    return told[0] if told else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

def told(arguments):
    done = CliRunner().invoke(main, arguments)
    fault = None if isinstance(done.exception, SystemExit | None) else repr(done.exception)
    return done.exit_code, done.stderr, fault

found = {name: told(arguments) for name, arguments in json.load(sys.stdin).items()}
print(json.dumps([found, peak()]))
"""
MODEL = "model m {{\n    input 1\n    {}\n    output 1\n}}\n"
TRAIN = """
data {{
    csv "{}"
    inputs t
    targets y
}}
train {{
    minimize mean(squared_error)
    optimizer adam
    epochs 1
}}
"""
NESTED = "repeat 1000 {\n" * 4 + "dense 3\n" + "}\n" * 4
BLOCKS = [
    f"block b{i} {{\n    b{i - 1}\n    b{i - 1}\n}}\n" if i else "block b0 { dense 3 }\n" for i in range(40)
]
JUNK = bytes(range(255, -1, -1)) * 400

SPECS: dict[str, tuple[str | bytes, str]] = {
    "open_braces": ("a {\n" * 30_000, "open_braces.dl:101:3: nested more than 100 deep [too-deep]"),
    "braces": ("a {\n" * 30_000 + "}\n" * 30_000, "braces.dl:101:3: nested more than 100 deep [too-deep]"),
    "brackets": (
        MODEL.format("dense " + "(" * 4000 + "1" + ")" * 4000),
        "brackets.dl:3:110: nested more than",
    ),
    "one_line": ("dense " + "1" * 10_000_000, "`one_line.dl` is longer than 1,048,576 bytes [file-too-long]"),
    "long_line": ("dense " + "1" * 20_000, "long_line.dl:1:10001: a line of 20,006 characters"),
    "wide": (MODEL.format("dense 1000000000000"), "wide.dl:3:11: `width` of `dense` must be at most"),
    "power": (MODEL.format("dense 9^9^9^9"), "power.dl:3:13: the number is too large"),
    "many": (MODEL.format("dense 5x1000000000"), "many.dl:3:5: the model goes over 100,000,000 parameters"),
    "repeats": (MODEL.format(NESTED), "repeats.dl:7:1: the model goes over 10,000 layers"),
    "blocks": ("".join(BLOCKS) + MODEL.format("b39"), "blocks.dl:1:12: the model goes over 10,000 layers"),
    "tokens": ("a 1\n" * 70_000, "tokens.dl:66667:4: more than 200,000 words and signs"),
    "mistakes": ("dense 3)\n" * 20_000, "mistakes.dl:1:8: this `)` closes nothing"),
    "junk": (JUNK, "junk.dl:1:1: the byte 0xff is not UTF-8 text"),
    "zeros": (bytes(1000), "zeros.dl:1:1: the control character U+0000"),
}
TABLES: dict[str, tuple[str | bytes, str]] = {
    "junk_table": (JUNK, "`junk_table.csv` is not text"),
    "one_row_long": ("t,y" * 1_000_000, "a line of `one_row_long.csv` has 3,000,000 characters"),
    "ragged": ("t,y\n" + "1,2\n1,2,3\n1\n" * 30_000, "60,000 rows have another number of cells"),
    "wide_row": ("t,y\n" + "," * 500_000 + "\n", "1 row has another number of cells"),
    "open_quote": ('t,y\n"' + "1,2\n" * 100_000, "a quote that is opened in `open_quote.csv` is not closed"),
    "words": ("t,y\n" + "a,b\n" * 50_000, "column `y` must hold numbers, and 50,000 rows do not"),
    "names": ("t,y\n" + "".join(f"n{i},1\n" for i in range(50_000)), "50,000 different names in 50,000 rows"),
    "gaps": ("t,y\n1,2\n,3\n", "column `t` has no value in 1 row"),
    "nan": ("t,y\n1,2\nnan,3\n", "column `t` must hold numbers, and 1 row does not"),
    "largest": ("t,y\n1e308,-1e308\n-1e308,1e308\n", "training diverged at step 1: the data of `input`"),
    "no_rows": ("t,y\n", "`no_rows.csv` has a header and no rows"),
    "nothing": ("", "`nothing.csv` is empty"),
    "no_column": ("time,y\n1,2\n", "the data have no column `t`"),
}  # fmt: skip


@pytest.fixture(scope="module")
def met(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, tuple[int, str, str | None]], int]:
    """Exit code, standard error and what was raised for each input, and the peak memory of all in KiB."""
    pytest.importorskip("resource")
    folder = tmp_path_factory.mktemp("hostile")
    for name, (text, _) in SPECS.items():
        write(folder / f"{name}.dl", text)
    for name, (text, _) in TABLES.items():
        write(folder / f"{name}.csv", text)
        write(folder / f"{name}.dl", MODEL.format("dense 2 tanh") + TRAIN.format(f"{name}.csv"))
    verbs = {**dict.fromkeys(SPECS, "check"), **dict.fromkeys(TABLES, "train")}
    calls = json.dumps({name: [verb, f"{name}.dl"] for name, verb in verbs.items()})
    child = [sys.executable, "-c", CHILD]
    done = subprocess.run(child, input=calls, cwd=folder, capture_output=True, text=True, check=True)
    found, peak = json.loads(done.stdout.splitlines()[-1])
    return found, peak // 1024 if sys.platform == "darwin" else peak


def write(path: Path, content: str | bytes) -> None:
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def test_hostile_input_is_refused_with_its_place(met) -> None:
    for name, (_, words) in {**SPECS, **TABLES}.items():
        code, told, raised = met[0][name]
        assert (code, raised) == (1, None), name
        assert words in told, name
        assert "Warning" not in told, name


def test_no_hostile_input_takes_much_memory(met) -> None:
    assert met[1] < BUDGET
