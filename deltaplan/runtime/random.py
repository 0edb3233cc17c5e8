"""Random numbers that depend on what they are for and never on where they lie in memory.

Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3, SC 2011) turns a
counter of four 32-bit words and a key of two into four words. Here

    key     = words 0 and 1 of philox(counter=(purpose, 0, 0, 0), key=(seed mod 2³², seed div 2³²))
    counter = (step, node, sample, group)

and the words w0 … w3 of a counter serve neighbouring features, in one of two forms:

    53 bits: feature f has group f div 2 and the words a, b at 2·(f mod 2) and the next;
             its number is ((a div 2⁵)·2²⁶ + b div 2⁶) / 2⁵³
    24 bits: feature f has group f div 4 and the word a at f mod 4; its number is (a div 2⁸) / 2²⁴

Both are exact in float64, the second in float32 too, so every backend draws the same bits.
"""

from collections.abc import Iterator, Sequence
from enum import IntEnum
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Words = NDArray[np.uint64]  # 32-bit words, held in 64 bits so that a product of two fits

ROUNDS = 10
KEY_STEPS = 0x9E3779B9, 0xBB67AE85  # the golden ratio and √3 − 1, added to the key each round


def _constant(value: int) -> Words:
    """An array without axes: numpy turns a scalar into one in every call."""
    array = np.array(value, np.uint64)
    array.flags.writeable = False
    return array


FIRST, SECOND = _constant(0xD2511F53), _constant(0xCD9E8D57)
LOW, HALF = _constant(0xFFFFFFFF), _constant(32)


class Purpose(IntEnum):
    """What a stream of numbers is for. The values are part of every saved run: they never change."""

    INIT = 1
    SPLIT = 2
    SHUFFLE = 3
    DROPOUT = 4
    NOISE = 5
    PATTERN = 6
    AUGMENT = 7
    PROBE = 8
    SWEEP = 9


def philox(counter: NDArray[np.uint32], key: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Philox4x32-10: counter [..., 4] and key [2] to words [..., 4]."""
    counter = np.asarray(counter, np.uint64)
    c0, c1, c2, c3 = np.moveaxis(counter, -1, 0)
    words = _rounds(c0, c1, c2, c3, key)
    return np.stack(words, axis=-1).astype(np.uint32)


@lru_cache(maxsize=64)
def key(seed: int, purpose: Purpose) -> NDArray[np.uint32]:
    """The key [2] of a stream, which is not to be written to; the seed is below 2⁶⁴."""
    if not 0 <= seed < 2**64:
        raise ValueError(f"a seed is at least 0 and below 2^64, and {seed} is not")
    halves = np.array([seed & 0xFFFFFFFF, seed >> 32], np.uint32)
    words = philox(np.array([purpose, 0, 0, 0], np.uint32), halves)[:2]
    words.flags.writeable = False
    return words


def uniform(
    purpose: Purpose,
    seed: int | Sequence[int],
    step: int,
    node: int,
    shape: tuple[int, int],
    *,
    samples: ArrayLike | None = None,
    bits: Literal[24, 53] = 53,
) -> Floats:
    """Numbers in [0, 1) of shape [samples, features], or [seeds, samples, features] for several seeds.

    `samples` names the samples where they are not 0 … shape[0] − 1: a sample of the data keeps its numbers
    wherever it stands in a batch.
    """
    rows, features = shape
    named = np.arange(rows) if samples is None else np.asarray(samples)
    if named.shape != (rows,):
        raise ValueError(f"{rows} samples are asked for, and {named.shape} are named")
    each = 2 if bits == 53 else 4
    groups = np.arange(-(-features // each), dtype=np.uint64)
    own = isinstance(seed, int)
    keys = key(seed, purpose) if isinstance(seed, int) else keys_of(seed, purpose)[:, :, None, None]
    words = _rounds(_word(step), _word(node), named.astype(np.uint64)[:, None], groups, keys)
    numbers = _fractions_53(words) if bits == 53 else _fractions_24(words)
    return numbers.reshape(*(() if own else (-1,)), rows, len(groups) * each)[..., :features]


def keys_of(seeds: Sequence[int], purpose: Purpose) -> Words:
    """The keys [2, seeds] of several seeds."""
    if not all(0 <= seed < 2**64 for seed in seeds):
        raise ValueError("a seed is at least 0 and below 2^64")
    whole = np.array(seeds, np.uint64)
    zero = np.zeros_like(whole)
    words = _rounds(zero + _word(purpose), zero, zero, zero, np.stack([whole & LOW, whole >> HALF]))
    return np.stack(words[:2])


def normal(
    purpose: Purpose,
    seed: int | Sequence[int],
    step: int,
    node: int,
    shape: tuple[int, int],
    *,
    samples: ArrayLike | None = None,
) -> Floats:
    """Standard normal numbers of shape [samples, features], or [seeds, samples, features] for several seeds.

    Box and Muller (1958): features 2k and 2k + 1 are r·cos(2πv) and r·sin(2πv) with r = √(−2·log(1 − u)),
    where u and v are the 53-bit uniform numbers of the same two features.
    """
    rows, features = shape
    pairs = uniform(purpose, seed, step, node, (rows, features + features % 2), samples=samples)
    radius = np.sqrt(-2.0 * np.log1p(-pairs[..., 0::2]))
    angle = 2.0 * np.pi * pairs[..., 1::2]
    both = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)
    return both.reshape(*pairs.shape[:-1], -1)[..., :features]


def permutation(n: int, seed: int, purpose: Purpose, step: int = 0, node: int = 0) -> NDArray[np.intp]:
    """The numbers 0 … n − 1 in random order: sorted by the 64-bit keys w0·2³² + w1 of the counters
    (step, node, i, 0), equal keys by i."""
    return np.argsort(keys(purpose, seed, step, node, (n, 1))[:, 0], kind="stable")


def keys(purpose: Purpose, seed: int, step: int, node: int, shape: tuple[int, int], first: int = 0) -> Words:
    """64-bit keys of shape [rows, columns]: w0·2³² + w1 of the counters (step, node, row, column), the rows
    counted from `first`."""
    rows, columns = (np.arange(n, dtype=np.uint64) for n in shape)
    first_row = rows[:, None] + _word(first)
    w0, w1, _, _ = _rounds(_word(step), _word(node), first_row, columns, key(seed, purpose))
    drawn: Words = w0 << HALF | w1
    return drawn


def _rounds(
    c0: Any, c1: Any, c2: Any, c3: Any, key: NDArray[np.uint32] | Words
) -> tuple[Words, Words, Words, Words]:
    """The ten rounds over counter words, and words of keys, that broadcast to one shape."""
    for k0, k1 in _round_keys(*(int(k) for k in key)) if key.ndim == 1 else _schedule(key[0], key[1]):
        p0, p1 = FIRST * c0, SECOND * c2
        c0, c1 = (p1 >> HALF) ^ c1 ^ k0, p1 & LOW
        c2, c3 = (p0 >> HALF) ^ c3 ^ k1, p0 & LOW
    return c0, c1, c2, c3


def _schedule(k0: Words, k1: Words) -> Iterator[tuple[Words, Words]]:
    """The words of several keys in each round."""
    first, second = (_constant(step) for step in KEY_STEPS)
    for _ in range(ROUNDS):
        yield k0, k1
        k0, k1 = (k0 + first) & LOW, (k1 + second) & LOW


@lru_cache(maxsize=64)
def _round_keys(k0: int, k1: int) -> tuple[tuple[Words, Words], ...]:
    """The key of each round."""
    first, second = KEY_STEPS
    return tuple(
        (_constant((k0 + n * first) & 0xFFFFFFFF), _constant((k1 + n * second) & 0xFFFFFFFF))
        for n in range(ROUNDS)
    )


def _fractions_53(words: tuple[Words, Words, Words, Words]) -> Floats:
    w0, w1, w2, w3 = words
    high = np.stack(np.broadcast_arrays(w0, w2), axis=-1) >> np.uint64(5)
    low = np.stack(np.broadcast_arrays(w1, w3), axis=-1) >> np.uint64(6)
    numbers: Floats = (high << np.uint64(26) | low) * np.float64(2.0**-53)
    return numbers


def _fractions_24(words: tuple[Words, Words, Words, Words]) -> Floats:
    numbers: Floats = (np.stack(np.broadcast_arrays(*words), axis=-1) >> np.uint64(8)) * np.float64(2.0**-24)
    return numbers


def _word(value: int) -> np.uint64:
    if not 0 <= value < 2**32:
        raise ValueError(f"a word of a counter is at least 0 and below 2^32, and {value} is not")
    return np.uint64(value)
