"""The lecture redone: its statistics by hand, its cheap parts, and all of it in the exhaustive tests."""

import re

import numpy as np
import pytest

import deltaplan
from lecture import model, slopes
from lecture.__main__ import main
from lecture.claims import estimate, ratio, share
from lecture.nets import SPECS
from lecture.page import page
from lecture.pdf import NoPdfError, browser, write_pdf
from lecture.slips import SLIPS


def test_an_interval_holds_the_statistic_and_narrows_with_seeds():
    draws = np.random.default_rng(0).normal(3, 1, 400)
    few, many = estimate(draws[:20]), estimate(draws)
    assert few.low < np.median(draws[:20]) == few.value < few.high
    assert many.high - many.low < few.high - few.low
    assert many.high - many.low == pytest.approx(2 * 1.96 * 1.2533 / 20, rel=0.3)  # of a normal's median


def test_a_ratio_is_that_of_the_medians():
    found = ratio([2.0, 4.0, 6.0], [1.0, 1.0, 1.0])
    assert (found.value, found.low, found.high) == (4, 2, 6)
    assert share([True, False, True]) == "2 of 3"


def test_the_page_holds_its_parts():
    text = page([model.question(), slopes.backpropagation()], SLIPS, "the end")
    assert text.count("<h2") == 4
    assert text.count('class="holds"') == 4  # two claims, each in its section and in the ledger
    assert "δ" in text
    assert "http" not in re.sub(r"data:[^\"]*", "", text)  # nothing outside it is needed
    assert all(slip[0].split(":")[0] in text.replace("&#x27;", "'") for slip in SLIPS)


BROWSER = """#!/bin/sh
for word in "$@"; do
    case "$word" in --print-to-pdf=*) target="${word#*=}";; file:*) page="${word#file://}";; esac
done
cp "$page" "$target"
"""


class TestPdf:
    def test_a_browser_that_is_installed_prints_it(self, tmp_path, monkeypatch):
        put_on_path(tmp_path, monkeypatch, BROWSER)
        (tmp_path / "page.html").write_text("what is on it")
        made = write_pdf(tmp_path / "page.html", browser())
        assert made == tmp_path / "page.pdf"
        assert made.read_text() == "what is on it"
        assert sorted(path.name for path in tmp_path.iterdir()) == ["chromium", "page.html", "page.pdf"]

    def test_without_one_that_is_told_before_anything_is_trained(self, tmp_path, monkeypatch):
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(NoPdfError, match="no chromium or chrome was found"):
            main(tmp_path / "page.html", pdf=True)

    def test_what_a_browser_that_fails_says_is_told(self, tmp_path, monkeypatch):
        put_on_path(tmp_path, monkeypatch, "#!/bin/sh\necho no display >&2\nexit 1\n")
        with pytest.raises(NoPdfError, match="no display"):
            write_pdf(tmp_path / "page.html", browser())


def put_on_path(folder, monkeypatch, script: str) -> None:
    (folder / "chromium").write_text(script)
    (folder / "chromium").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/bin:/usr/bin")


def test_sigmoid_gradients_vanish_as_the_lecture_says():
    claims = {claim.number: claim for claim in slopes.vanishing().claims}
    assert [claims[n].verdict for n in (27, 28, 29, 30)] == ["holds"] * 4


@pytest.mark.slow
def test_forty_five_layers_train_with_skips_and_do_not_without():
    """The median over ten seeds, by a factor of ten at least, with the default initialisation."""
    losses = [
        deltaplan.train_seeds(
            SPECS / "fit.dl", seeds=range(10), params={"hidden": 45, "skips": skips, "start": "default"}
        ).losses()
        for skips in (False, True)
    ]
    assert np.median(losses[0]) > 10 * np.median(losses[1])


@pytest.mark.long
def test_the_whole_page(tmp_path):
    main(tmp_path / "lecture.html")
    text = (tmp_path / "lecture.html").read_text()
    assert text.count("<figure>") >= 13
    assert len(set(re.findall(r"<b>Claim (\d+)\.", text))) == 31
