"""`deltaplan trace` on a spec and on a run: 80 columns for people, all numbers for machines."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import deltaplan
from deltaplan.cli import main

SPECS = Path(__file__).parents[2] / "specs"
WAVE = str(min((SPECS / "lecture").glob("*.dl")))


def run(*words: str) -> Result:
    return CliRunner().invoke(main, words, catch_exceptions=False)


@pytest.mark.parametrize("name", ["wave.dl", "iris.dl", "digits.dl", "diabetes.dl"])
@pytest.mark.parametrize("more", [(), ("--parameters",)])
def test_a_trace_is_80_columns_wide(name: str, more: tuple[str, ...]) -> None:
    lines = run("trace", str(SPECS / name), *more).stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert {"forward", "predict", "backward"} < set(lines)
    assert ("parameters" in lines) == bool(more)


def test_a_large_vector_is_cut_and_its_norm_told() -> None:
    text = run("trace", str(SPECS / "iris.dl"), "--sample", "7").stdout
    found = json.loads(run("trace", str(SPECS / "iris.dl"), "--sample", "7", "--json").stdout)
    (v1,) = (line["values"] for line in found["forward"] if line["tensor"] == "v1")
    assert len(v1) == 16
    told = " ".join(text.split("v1 = W1 z1 + b1")[1].split("z2 =")[0].split())
    norm = sum(v * v for v in v1) ** 0.5
    assert told == f"{v1[0]:.4g} {v1[1]:.4g} {v1[2]:.4g} … {v1[-1]:.4g} [16], norm {norm:.4g}"


def test_a_run_is_traced_where_it_ended(tmp_path: Path) -> None:
    run_ = deltaplan.train(deltaplan.load(SPECS / "iris.dl"), runs=tmp_path)
    found = json.loads(run("trace", str(run_.folder), "--sample", "3", "--json").stdout)
    columns = dict(zip(found["inputs"][0]["columns"], found["inputs"][0]["values"], strict=True))
    probabilities = run_.predict([list(columns.values())])[0]
    assert found["predict"][0]["values"] == pytest.approx(probabilities.tolist(), rel=1e-5)
    assert found["predictions"][0]["values"] == run_.decide([list(columns.values())]).tolist()
    refused = run("trace", str(run_.folder), "--set", "n=1")
    assert refused.exit_code == 2


def test_small_matrices_are_printed_in_full() -> None:
    """Rows of four digits, under a power of ten where one stands before them."""
    text = run("trace", WAVE).stdout
    found = json.loads(run("trace", WAVE, "--json").stdout)
    matrices = [line for line in found["backward"] if line["shape"] == [5, 5]]
    assert len(matrices) == 9
    for line in matrices:
        told = text.split(f"  {line['formula']} ")[1].split("δ")[0].split("dv")[0].split()
        power = int(told[0][2:]) if told[0].startswith("1e") else 0
        numbers = [float(word) * 10**power for word in told[2 * bool(power) :]]
        values = [value for row in line["values"] for value in row]
        assert numbers == pytest.approx(values, abs=1e-3 * max(map(abs, values)))


def test_mistakes(tmp_path: Path) -> None:
    missing = run("trace", str(SPECS / "iris.dl"), "--sample", "151")
    assert missing.exit_code == 1
    assert "there is no sample 151: the data have 150" in missing.stderr
    assert run("trace", str(SPECS / "iris.dl"), "--sample", "0").exit_code == 2
    no_run = run("trace", str(tmp_path / "nothing"))
    assert no_run.exit_code == 1
    assert "no run folder" in no_run.stderr
