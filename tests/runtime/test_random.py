"""Philox against its published answers, and streams against what is said of them."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deltaplan.runtime.random import Purpose, key, normal, permutation, philox, uniform

# counter, key, answer: the philox4x32-10 lines of `kat_vectors` in Random123
KNOWN_ANSWERS = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


def words(text):
    return np.array([int(word, 16) for word in text.split()], np.uint32)


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN_ANSWERS)
def test_known_answers(counter, key, answer):
    assert philox(words(counter), words(key)).tolist() == words(answer).tolist()


def test_many_counters_at_once():
    counters = np.stack([words(KNOWN_ANSWERS[0][0]), words("00000001 0 0 0")]).reshape(1, 2, 4)
    answers = philox(counters, words("0 0"))
    assert answers.shape == (1, 2, 4)
    assert answers[0, 0].tolist() == words(KNOWN_ANSWERS[0][2]).tolist()
    assert answers[0, 1].tolist() == philox(counters[0, 1], words("0 0")).tolist()


def by_hand(seed, purpose, step, node, sample, group):
    return [int(w) for w in philox(np.array([step, node, sample, group], np.uint32), key(seed, purpose))]


def test_53_bits_as_documented():
    drawn = uniform(Purpose.INIT, 7, 3, 2, (4, 5))
    w = by_hand(7, Purpose.INIT, 3, 2, 1, 1)  # sample 1; features 2 and 3
    assert drawn[1, 2] == ((w[0] >> 5) * 2**26 + (w[1] >> 6)) / 2**53
    assert drawn[1, 3] == ((w[2] >> 5) * 2**26 + (w[3] >> 6)) / 2**53


def test_24_bits_as_documented():
    drawn = uniform(Purpose.DROPOUT, 7, 3, 2, (2, 7), bits=24)
    w = by_hand(7, Purpose.DROPOUT, 3, 2, 1, 1)  # sample 1; features 4 to 6
    assert drawn[1, 4:].tolist() == [(a >> 8) / 2**24 for a in w[:3]]
    assert (drawn.astype(np.float32) == drawn).all()


@given(st.integers(0, 2**64 - 1), st.integers(1, 6), st.integers(1, 6), st.sampled_from([24, 53]))
def test_a_number_does_not_depend_on_the_shape(seed, rows, features, bits):
    large = uniform(Purpose.NOISE, seed, 1, 1, (6, 6), bits=bits)
    assert (uniform(Purpose.NOISE, seed, 1, 1, (rows, features), bits=bits) == large[:rows, :features]).all()


def test_a_sample_keeps_its_numbers_in_any_batch():
    all_of_them = uniform(Purpose.DROPOUT, 1, 5, 0, (10, 3))
    batch = uniform(Purpose.DROPOUT, 1, 5, 0, (3, 3), samples=[8, 0, 4])
    assert (batch == all_of_them[[8, 0, 4]]).all()
    assert (
        normal(Purpose.NOISE, 1, 5, 0, (2, 3), samples=[6, 2])
        == normal(Purpose.NOISE, 1, 5, 0, (7, 3))[[6, 2]]
    ).all()


def test_streams_differ():
    streams = [
        uniform(purpose, seed, step, node, (1, 8)).tobytes()
        for purpose in Purpose
        for seed in (0, 1, 2**32, 2**64 - 1)
        for step in (0, 1)
        for node in (0, 1)
    ]
    assert len(set(streams)) == len(streams)


def test_uniform_is_uniform():
    drawn = uniform(Purpose.INIT, 0, 0, 0, (300, 300))
    assert drawn.min() >= 0
    assert drawn.max() < 1
    counts = np.bincount((drawn.ravel() * 100).astype(int), minlength=100)
    chi_square = ((counts - 900) ** 2 / 900).sum()
    assert 99 - 5 * 14.1 < chi_square < 99 + 5 * 14.1  # 99 degrees of freedom, five standard deviations


def test_normal_is_normal():
    z = normal(Purpose.INIT, 0, 0, 0, (301, 299))
    n = z.size
    assert abs(z.mean()) < 5 / np.sqrt(n)
    assert abs((z**2).mean() - 1) < 5 * np.sqrt(2 / n)
    assert abs((z**4).mean() - 3) < 5 * np.sqrt(96 / n)
    assert abs(np.corrcoef(z[:, 0:298:2].ravel(), z[:, 1:299:2].ravel())[0, 1]) < 5 / np.sqrt(n / 2)


@given(st.integers(0, 60), st.integers(0, 2**64 - 1))
def test_a_permutation_permutes(n, seed):
    assert sorted(permutation(n, seed, Purpose.SHUFFLE).tolist()) == list(range(n))


def test_permutations_differ_with_the_step():
    orders = {tuple(permutation(20, 1, Purpose.SHUFFLE, step)) for step in range(50)}
    assert len(orders) == 50


def test_a_permutation_sorts_the_documented_keys():
    def sorting_key(i):
        w = by_hand(9, Purpose.SPLIT, 0, 0, i, 0)
        return w[0] * 2**32 + w[1], i

    assert permutation(12, 9, Purpose.SPLIT).tolist() == sorted(range(12), key=sorting_key)


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_a_seed_outside_its_range_is_refused(seed):
    with pytest.raises(ValueError, match="seed"):
        key(seed, Purpose.INIT)


def test_a_step_outside_its_range_is_refused():
    with pytest.raises(ValueError, match="counter"):
        uniform(Purpose.INIT, 0, 2**32, 0, (1, 1))


PROGRAM = """
from deltaplan.runtime.random import *
print(normal(Purpose.INIT, 5, 0, 1, (3, 3)).tobytes().hex(), permutation(9, 5, Purpose.SPLIT).tolist())
"""


def test_the_same_bits_in_another_process():
    printed = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    numbers, order = normal(Purpose.INIT, 5, 0, 1, (3, 3)), permutation(9, 5, Purpose.SPLIT)
    assert printed.stdout == f"{numbers.tobytes().hex()} {order.tolist()}\n"
