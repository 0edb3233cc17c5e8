"""Texts in which a few pieces, words and signs, are not what they were."""

from collections.abc import Callable, Sequence
from random import Random

Replace = Callable[[list[str], int, Random, int], None]  # one of the pieces, in one of several ways


def mutated(pieces: Sequence[str], random: Random, replace: Replace, ways: int = 1) -> str:
    """One to three pieces left out, doubled, exchanged with another or, in each of so many ways as often,
    replaced."""
    found = list(pieces)
    for _ in range(random.randint(1, 3)):
        at, other = random.randrange(len(found)), random.randrange(len(found))
        match random.randrange(3 + ways):
            case 0:
                found[at] = ""
            case 1:
                found[at] *= 2
            case 2:
                found[at], found[other] = found[other], found[at]
            case kind:
                replace(found, at, random, kind - 3)
    return "".join(found)
