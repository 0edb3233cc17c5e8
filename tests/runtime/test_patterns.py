"""Which entries a sparse matrix has."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deltaplan.compiler.steps import Pattern
from deltaplan.runtime import patterns
from deltaplan.runtime.patterns import cells
from deltaplan.runtime.random import Purpose, key, philox


@given(st.integers(1, 8), st.integers(1, 8), st.floats(0, 1), st.integers(0, 9), st.integers(0, 3))
def test_a_pattern_has_its_entries_and_one_in_each_row(rows, columns, share, seed, stream):
    entries = max(round(share * rows * columns), rows)
    found, places = cells(Pattern(rows, columns, entries, seed, stream))
    pairs = list(zip(found.tolist(), places.tolist(), strict=True))
    assert len(set(pairs)) == len(pairs) == entries
    assert pairs == sorted(pairs)
    assert set(found.tolist()) == set(range(rows))
    assert set(places.tolist()) <= set(range(columns))


def test_the_entries_are_those_of_the_smallest_keys():
    """The rule of the module, said with the generator alone."""
    rows, columns, entries = 5, 7, 12
    drawn = {}
    for row in range(rows):
        for column in range(columns):
            counter = np.array([0, 3, row, column], np.uint32)
            first, second, *_ = (int(w) for w in philox(counter, key(11, Purpose.PATTERN)))
            drawn[row, column] = first << 32 | second
    chosen = {min((drawn[row, c], (row, c)) for c in range(columns))[1] for row in range(rows)}
    others = sorted((value, cell) for cell, value in drawn.items() if cell not in chosen)
    chosen |= {cell for _, cell in others[: entries - rows]}
    found = zip(*(each.tolist() for each in cells(Pattern(rows, columns, entries, 11, 3))), strict=True)
    assert list(found) == sorted(chosen)


def test_a_large_pattern_is_drawn_in_pieces(monkeypatch):
    whole = cells(Pattern(40, 30, 200, 1, 2))
    monkeypatch.setattr(patterns, "BLOCK", 100)
    cells.cache_clear()
    pieces = cells(Pattern(40, 30, 200, 1, 2))
    assert all((a == b).all() for a, b in zip(whole, pieces, strict=True))


@pytest.mark.parametrize("other", [Pattern(20, 20, 100, 2, 0), Pattern(20, 20, 100, 1, 1)])
def test_another_seed_or_stream_is_another_pattern(other):
    one, two = cells(Pattern(20, 20, 100, 1, 0)), cells(other)
    assert not all((a == b).all() for a, b in zip(one, two, strict=True))


def test_entries_are_spread_over_the_matrix():
    """A tenth of a 200 x 300 matrix: each column's count is within five deviations of binomial(200, 0.1)."""
    _, columns = cells(Pattern(200, 300, 6000, 5, 0))
    counts = np.bincount(columns, minlength=300)
    assert abs(counts - 20).max() < 5 * np.sqrt(200 * 0.1 * 0.9)
