"""The golden fixture: it compares, it explains, and it writes only when asked."""

from collections.abc import Callable
from pathlib import Path

import pytest

Golden = Callable[[Path, str], None]


@pytest.fixture
def comparing(pytestconfig: pytest.Config, golden: Golden) -> Golden:
    if pytestconfig.getoption("--update-golden"):
        pytest.skip("golden texts are being written")
    return golden


def test_equal_text_passes(comparing: Golden, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\ntwo\n", encoding="utf-8")
    comparing(tmp_path / "a.txt", "one\ntwo\n")


def test_other_text_fails_with_the_difference(comparing: Golden, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\ntwo\n", encoding="utf-8")
    with pytest.raises(pytest.fail.Exception, match=r"(?s)-two\n\+three\n\\ no newline at the end"):
        comparing(tmp_path / "a.txt", "one\nthree")


def test_missing_text_fails_with_a_word_on_how_to_make_it(comparing: Golden, tmp_path: Path) -> None:
    with pytest.raises(pytest.fail.Exception, match="--update-golden"):
        comparing(tmp_path / "a.txt", "one\n")
    assert not (tmp_path / "a.txt").exists()
