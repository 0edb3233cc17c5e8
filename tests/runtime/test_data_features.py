"""Categories, derived columns, patterns of names, images: how columns become numbers, and how they do again
when a trained model meets other data."""

from pathlib import Path

import numpy as np
import pytest
from blocks import data, spec, train_part

import deltaplan
from deltaplan.diagnostics import SpecError
from deltaplan.runtime.data.prepare import load_part
from deltaplan.runtime.predictions import predictions_csv
from deltaplan.runtime.run import open_

PORTS = "age,port,y\n30,Kiel,1\n40,Bremen,2\n50,Kiel,3\n60,Lübeck,4\n"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("ports.csv").write_text(PORTS, encoding="utf-8")


def test_categories_are_one_hot_in_the_order_of_their_names():
    part = train_part('csv "ports.csv"; inputs age, port; targets y', inputs=4)
    assert part.x["input"].T.tolist() == [[30, 0, 1, 0], [40, 1, 0, 0], [50, 0, 1, 0], [60, 0, 0, 1]]


def test_a_trained_model_knows_its_categories():
    experiment = spec('csv "ports.csv"; inputs port; targets y', inputs=3)
    run = deltaplan.train(experiment, runs="runs")
    Path("new.csv").write_text("port\nLübeck\nBremen\n", encoding="utf-8")
    again = open_(run.folder)
    assert again.model.preprocessing.inputs["input"].labels == ("port=Bremen", "port=Kiel", "port=Lübeck")
    rows = [float(line) for line in predictions_csv(again, Path("new.csv")).split()[1:]]
    by_hand = run.theta[:3] + run.theta[3]  # W and b of the one affine map
    assert np.allclose(rows, by_hand[[2, 0]], rtol=1e-6)
    assert np.allclose(again.predict({"port": ["Kiel"]}), by_hand[1])


def test_a_category_that_training_did_not_have(golden):
    run = deltaplan.train(spec('csv "ports.csv"; inputs port; targets y', inputs=3))
    with pytest.raises(SpecError) as told:
        run.predict({"port": ["Keil", "Kiel", "Rom"]})
    golden(Path(__file__).parent / "errors" / "unknown-category.err", f"{told.value}\n")


def test_numbers_as_names():
    Path("zip.csv").write_text("zip,y\n24103,1\n9,2\n24103,3\n")
    part = train_part('csv "zip.csv"; inputs category(zip); targets y', inputs=2)
    assert part.x["input"].tolist() == [[0, 1, 0], [1, 0, 1]]


def test_derived_columns_are_computed_from_the_columns_they_name():
    Path("t.csv").write_text("t,the price,s\n1,2,7\n2,4,5\n3,8,9\n")
    lines = 'csv "t.csv"; inputs t, t^2, sin(3*t), maximum(t, 2)/s; targets log("the price")'
    part = train_part(lines, inputs=4)
    t, price, s = np.array([1.0, 2, 3]), np.array([2.0, 4, 8]), np.array([7, 5, 9])
    assert np.allclose(part.x["input"], [t, t**2, np.sin(3 * t), np.maximum(t, 2) / s], rtol=1e-15)
    assert np.allclose(part.y["output"], [np.log(price)], rtol=1e-15)


def test_derived_columns_come_again_in_prediction():
    Path("t.csv").write_text("t,y\n1,2\n2,4\n3,8\n")
    run = deltaplan.train(spec('csv "t.csv"; inputs t, t^2; targets log(y); standardize inputs', inputs=2))
    run = open_(deltaplan.train(run.experiment, runs="runs").folder)
    t = np.array([1.0, 2, 3])
    scaled = [(v - v.mean()) / v.std() for v in (t, t**2)]
    theta = run.theta.astype(np.float64)
    by_hand = theta[0] * scaled[0] + theta[1] * scaled[1] + theta[2]
    assert np.allclose(run.predict(t)[:, 0], by_hand, rtol=1e-5)
    assert predictions_csv(run, Path("t.csv")).splitlines()[0] == "log(y)"


def test_a_param_in_a_derived_column():
    Path("t.csv").write_text("t,y\n1,2\n2,4\n")
    Path("p.dl").write_text(
        'param w = 3\nmodel m { input 1; output 1 }\ndata { csv "t.csv"; inputs w*t; targets y }'
    )
    column = deltaplan.load("p.dl", params={"w": 5}).data.inputs["input"][0]
    assert (column.reads, column.name, str(column.expression)) == (("t",), "w*t", "5*t")


def test_columns_by_a_pattern_in_the_order_of_the_file():
    Path("p.csv").write_text("b,pixel2,y,pixel1,pix\n1,2,3,4,5\n6,7,8,9,10\n")
    part = train_part('csv "p.csv"; inputs "pixel*", b; targets y', inputs=3)
    assert part.x["input"].T.tolist() == [[2, 4, 1], [7, 9, 6]]


def test_multiplied_inputs_go_back_for_nobody_to_notice():
    Path("p.csv").write_text("a,y\n128,3\n256,5\n")
    found = data('csv "p.csv"; inputs a; targets y; multiply inputs 1/256; multiply targets 10')
    part = found.parts["train"]
    assert (part.x["input"].tolist(), part.y["output"].tolist()) == ([[0.5, 1.0]], [[30.0, 50.0]])
    back = found.preprocessing.targets_back({"output": part.y["output"]})["output"]
    assert np.allclose(back, [[3.0, 5.0]], rtol=1e-15)


def test_an_autoencoder_is_compared_with_its_own_inputs():
    Path("p.csv").write_text("a,b\n1,10\n2,30\n3,20\n")
    lines = 'csv "p.csv"; inputs a, b; targets inputs; standardize inputs'
    part = train_part(lines, inputs=2, outputs=2)
    assert part.y["output"].tolist() == part.x["input"].tolist()
    run = open_(deltaplan.train(spec(lines, inputs=2, outputs=2), runs="runs").folder)
    x = np.array([[1.0, 10], [2, 30], [3, 20]])
    theta, mean, dev = run.theta.astype(np.float64), x.mean(0), x.std(0)
    by_hand = (((x - mean) / dev) @ theta[:4].reshape(2, 2).T + theta[4:]) * dev + mean
    assert np.allclose(run.predict(x), by_hand, rtol=1e-5)
    assert run.score(x)["rmse"] == pytest.approx(np.sqrt(((by_hand - x) ** 2).mean()), rel=1e-5)
    assert predictions_csv(run, Path("p.csv")).splitlines()[0] == "a,b"


def test_an_autoencoder_of_numbers_from_0_to_1():
    Path("p.csv").write_text("a,b\n0,128\n256,64\n")
    lines = 'csv "p.csv"; inputs rest; targets inputs; multiply inputs 1/256'
    part = train_part(lines, inputs=2, outputs=2, loss="logistic")
    assert part.y["output"].T.tolist() == [[0, 0.5], [1, 0.25]]
    with pytest.raises(SpecError, match="must hold numbers from 0 to 1"):
        data(lines.replace("1/256", "1/128"), inputs=2, outputs=2, loss="logistic")


def test_a_part_may_have_a_file_of_its_own():
    Path("train.csv").write_text("a,y\n1,1\n2,2\n3,3\n4,4\n")
    Path("test.csv").write_text("y,a,more\n9,10,x\n7,8,x\n")
    lines = 'csv "train.csv" part=train; csv "test.csv" part=test; inputs a; targets y; standardize inputs'
    parts = data(lines).parts
    assert {name: part.y["output"].tolist() for name, part in parts.items()} == {
        "train": [[1, 2, 3, 4]],
        "test": [[9, 7]],
    }
    assert parts["test"].x["input"].tolist() == [[(10 - 2.5) / 1.25**0.5, (8 - 2.5) / 1.25**0.5]]
    split = data(lines + "; split validation=25%").parts
    assert {name: len(part) for name, part in split.items()} == {"train": 3, "validation": 1, "test": 2}


def test_mistakes_in_several_files_name_the_file():
    Path("train.csv").write_text("a,y\n1,1\n2,2\n")
    Path("test.csv").write_text("a,y\n1,1\n,2\n")
    with pytest.raises(SpecError, match=r"test\.csv:3"):
        data('csv "train.csv" part=train; csv "test.csv" part=test; inputs a; targets y')


def test_a_saved_run_finds_all_of_its_files():
    Path("train.csv").write_text("a,y\n1,1\n2,2\n")
    Path("test.csv").write_text("a,y\n1,1\n3,2\n")
    lines = 'csv "train.csv" part=train; csv "test.csv" part=test; inputs a; targets y'
    run = deltaplan.train(spec(lines), runs="runs")
    again = open_(run.folder).dataset()
    assert {name: len(part) for name, part in again.parts.items()} == {"train": 2, "test": 2}
    assert len(load_part(run.experiment, run.model.preprocessing, Path("test.csv"))) == 2
