"""Writes wave.csv, the lecture's one-dimensional regression: `python specs/make_wave.py`.

40 samples of y = 0.8 sin(2.4 t) + 0.25 t - 0.1 plus noise of standard deviation 0.07, with t uniform on
[-1, 3]. The samples are symmetric around no point: symmetric ones have gradients that are zero but for
round-off. Of `random` only the uniform draws are used: they are the same in every Python.
"""

from math import sin
from pathlib import Path
from random import Random

SEED = 20
SAMPLES = 40
NOISE = 0.07


def wave(t: float) -> float:
    return 0.8 * sin(2.4 * t) + 0.25 * t - 0.1


def normal(random: Random) -> float:
    """Nearly standard normal: a centred sum of twelve uniform draws."""
    return sum(random.random() for _ in range(12)) - 6.0


def rows() -> list[tuple[float, float]]:
    random = Random(SEED)
    places = sorted(-1.0 + 4.0 * random.random() for _ in range(SAMPLES))
    return [(t, wave(t) + NOISE * normal(random)) for t in places]


def text() -> str:
    return "t,y\n" + "".join(f"{t:.4f},{y:.4f}\n" for t, y in rows())


if __name__ == "__main__":
    Path(__file__).with_name("wave.csv").write_text(text(), encoding="utf-8", newline="\n")
