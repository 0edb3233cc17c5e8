"""Mistakes that take more than a spec with its data: a damaged run, other data for a model, samples in
memory, texts too large to keep. Each case makes one, and `golden/errors/NAME.err` tells it."""

import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import deltaplan
from deltaplan.diagnostics import DeltaplanError, SpecError
from deltaplan.runtime.interop.c import export as to_c
from deltaplan.runtime.lab.arrays import write_arrays
from deltaplan.runtime.run import Run, score
from deltaplan.runtime.sweeps.foreseen import wrong_trials

GOLDEN = Path(__file__).parent / "golden" / "errors"
RUN = Path("runs/line-1")
LINE = """\
model line {
    input 1
    dense 2 tanh
    output 1
}

data {
    csv "line.csv"
    inputs t
    targets y
}

train {
    minimize mean(squared_error)
    optimizer adam
    epochs 2
}
"""
PLAIN = """\
model plain {
    input 2
    output 1
}

train {
    minimize mean(squared_error)
    optimizer adam
    epochs 2
}
"""
ARCTAN = """\
import numpy as np
from deltaplan.plugins.api import activation, numpy_function

arctan = numpy_function("arctan", np.arctan, lambda u: 1 / (1 + u**2))


@activation("arctan")
def arctan_of(u):
    return arctan(u)
"""
Case = Callable[[], object]
CASES: list[Case] = []


def case(make: Case) -> Case:
    CASES.append(make)
    return make


@pytest.mark.parametrize("make", CASES, ids=lambda make: make.__name__)
def test_mistake_is_told_as_its_golden_text_says(
    make: Case, golden: Callable[[Path, str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("line.dl").write_text(LINE)
    Path("line.csv").write_text("t,y\n0,0\n1,1\n2,0\n3,1\n")
    with pytest.raises(DeltaplanError) as told:
        make()
    golden(GOLDEN / f"{make.__name__.replace('_', '-')}.err", f"{told.value}\n")


def test_every_golden_text_has_its_case() -> None:
    names = {make.__name__.replace("_", "-") for make in CASES}
    assert {text.stem for text in GOLDEN.glob("*.err")} == names


def trained() -> Run:
    return deltaplan.train("line.dl", runs="runs")


def changed(old: str, new: str) -> str:
    """The spec's file with other words."""
    Path("line.dl").write_text(LINE.replace(old, new))
    return "line.dl"


# ---- sweeps


@case
def wrong_trial() -> None:
    swept = LINE.replace("model", "param width = 2\n\nmodel").replace("dense 2", "dense width")
    Path("line.dl").write_text(swept + "\nsweep {\n    width = [2, 0, 0.5]\n}\n")
    experiment = deltaplan.load("line.dl")
    raise SpecError(*wrong_trials(experiment, lambda values: deltaplan.load("line.dl", params=values)))


# ---- runs


@case
def run_not_found() -> None:
    trained()
    deltaplan.open("runs/lin-1")


@case
def run_without_record() -> None:
    Path("runs/line-1").mkdir(parents=True)
    deltaplan.open(RUN)


@case
def run_is_a_file() -> None:
    deltaplan.open("line.csv")


@case
def run_too_new() -> None:
    trained()
    record = json.loads((RUN / "run.json").read_text())
    record |= {"format": 99, "environment": {"deltaplan": "9.0"}}
    (RUN / "run.json").write_text(json.dumps(record))
    deltaplan.open(RUN)


@case
def run_record_cut() -> None:
    trained()
    (RUN / "run.json").write_text('{"format": 1, ')
    deltaplan.open(RUN)


@case
def run_record_without_name() -> None:
    trained()
    record = json.loads((RUN / "run.json").read_text())
    del record["name"]
    (RUN / "run.json").write_text(json.dumps(record))
    deltaplan.open(RUN)


@case
def run_parameters_changed() -> None:
    trained()
    weights = bytearray((RUN / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (RUN / "model.safetensors").write_bytes(weights)
    deltaplan.open(RUN)


@case
def run_file_missing() -> None:
    trained()
    (RUN / "history.jsonl").unlink()
    deltaplan.open(RUN)


@case
def run_of_another_spec() -> None:
    trained()
    spec = LINE.replace("dense 2", "dense 3").encode()
    (RUN / "spec.dl").write_bytes(spec)
    record = json.loads((RUN / "run.json").read_text())
    record["sha256"]["spec.dl"] = hashlib.sha256(spec).hexdigest()
    (RUN / "run.json").write_text(json.dumps(record))
    deltaplan.open(RUN)


@case
def run_not_written() -> None:
    Path("runs").write_text("a file where the folder of the runs would be")
    trained()


@case
def no_such_part() -> None:
    score(trained(), "test")


@case
def no_such_sample() -> None:
    trained().trace(5)


@case
def data_not_kept() -> None:
    deltaplan.train(deltaplan.loads(LINE, "line.dl"), [[0.0], [1.0]], [0.0, 1.0]).dataset()


# ---- going on


def go_on(old: str, new: str) -> None:
    run = trained()
    deltaplan.train(changed(old, new), resume=run)


@case
def resumed_at_its_end() -> None:
    run = trained()
    deltaplan.train("line.dl", resume=run)


@case
def resumed_with_other_layers() -> None:
    go_on("dense 2", "dense 3")


@case
def resumed_in_other_precision() -> None:
    go_on("epochs 2", "epochs 4\n    precision float64")


@case
def resumed_with_another_optimizer() -> None:
    go_on("optimizer adam", "optimizer sgd(0.1)")


@case
def resumed_on_other_data() -> None:
    run = trained()
    Path("line.csv").write_text("t,y\n0,0\n1,2\n")
    deltaplan.train(changed("epochs 2", "epochs 4"), resume=run)


# ---- other data for a trained model


@case
def unseen_class() -> None:
    Path("line.csv").write_text("t,y\n0,low\n1,high\n2,low\n")
    spec = LINE.replace("squared_error", "cross_entropy").replace("output 1", "output 2")
    Path("line.dl").write_text(spec)
    Path("other.csv").write_text("t,y\n0,low\n1,middle\n2,middle\n")
    score(trained(), path=Path("other.csv"))


@case
def target_outside() -> None:
    run = deltaplan.train(changed("squared_error", "logistic"))
    Path("other.csv").write_text("t,y\n0,0\n1,2\n2,1\n")
    score(run, path=Path("other.csv"))


@case
def column_of_another_file_missing() -> None:
    Path("other.csv").write_text("time,y\n0,0\n1,2\n2,1\n")
    score(trained(), path=Path("other.csv"))


# ---- samples in memory


@case
def data_not_finite() -> None:
    deltaplan.train("line.dl", [[0.0], [np.inf], [2.0]], [0.0, 1.0, 2.0])


@case
def data_no_table() -> None:
    deltaplan.train("line.dl", [[0.0], [1.0, 2.0]], [0.0, 1.0])


@case
def data_lengths_differ() -> None:
    deltaplan.train("line.dl", [[0.0], [1.0]], [0.0, 1.0, 2.0])


@case
def data_column_count() -> None:
    trained().predict([[0.0, 1.0]])


@case
def data_other_inputs() -> None:
    spec = PLAIN.replace("input 2", "a = input 1\n    b = input 1\n    concat from a, b")
    deltaplan.train(deltaplan.loads(spec), {"a": [[0.0]], "c": [[1.0]]}, [1.0])


@case
def data_shared_column() -> None:
    columns = {"t": [0.0, 1.0], "y": [0.0, 1.0]}
    deltaplan.train(deltaplan.loads(PLAIN), columns, {"y": [0.0, 1.0]})


# ---- files of specs


@case
def unreadable_file() -> None:
    deltaplan.load("lines.dl")


@case
def file_too_long() -> None:
    Path("line.dl").write_text("# a comment\n" * 100_000)
    deltaplan.load("line.dl")


@case
def too_many_tokens() -> None:
    Path("line.dl").write_text("a 1\n" * 70_000)
    deltaplan.load("line.dl")


@case
def too_many_mistakes() -> None:
    """The last of them: each of the others is told like the first."""
    Path("line.dl").write_text("dense 3)\n" * 200)
    try:
        deltaplan.load("line.dl")
    except SpecError as error:
        raise SpecError(error.diagnostics[0], error.diagnostics[-1]) from None


# ---- models as C files


def export(words: str, old: str = "", new: str = "", **options: bool) -> None:
    source, file = words.split()
    if old:
        changed(old, new)
    to_c(Path(source), Path(file), **options)


@case
def not_a_c_file() -> None:
    export("line.dl line.cpp")


@case
def export_of_no_run() -> None:
    trained()
    export("runs/lin-1 line.c")


@case
def export_not_written() -> None:
    Path("folder").write_text("a file where the folder would be")
    export("line.dl folder/line.c")


@case
def solver_in_c() -> None:
    export("line.dl line.c", "adam", "lbfgs", train=True)


@case
def not_in_c() -> None:
    Path("mine.py").write_text(ARCTAN)
    Path("line.dl").write_text('use "./mine.py"\n' + LINE.replace("tanh", "arctan"))
    export("line.dl line.c")


# ---- the laboratory


@case
def no_such_analysis() -> None:
    deltaplan.examine("norm", "line.dl")


@case
def not_examinable() -> None:
    deltaplan.examine("norms", "line.dl", points=3)


@case
def no_such_picture() -> None:
    deltaplan.examine("norms", "line.dl").save("norms.gif")


@case
def numbers_unwritten() -> None:
    write_arrays(Path("norms.txt"), {})


@case
def no_matplotlib() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "matplotlib", None)
        deltaplan.examine("norms", "line.dl").figure()
