"""Writes iris, digits, wine, breast_cancer and diabetes as csv: `python specs/make_datasets.py`.

Needs scikit-learn, whose bundled copies it exports as they are (1.9.1 was used): rows in their order, numbers
with the fewest digits that read back the same, classes by name. Columns are named as words.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sklearn import datasets

WINES = ("barolo", "grignolino", "barbera")  # which scikit-learn numbers, in this order
CLINICAL = {  # scikit-learn's short names, said in full
    "bp": "blood_pressure",
    "s1": "total_cholesterol",
    "s2": "ldl",
    "s3": "hdl",
    "s4": "cholesterol_ratio",
    "s5": "log_triglycerides",
    "s6": "glucose",
}


def tables() -> dict[str, str]:
    """The text of each file by its name."""
    iris, digits, wine = datasets.load_iris(), datasets.load_digits(), datasets.load_wine()
    cancer, diabetes = datasets.load_breast_cancer(), datasets.load_diabetes(scaled=False)
    return {
        "iris.csv": table(iris, "species", iris.target_names),
        "digits.csv": table(digits, "digit", digits.target_names),
        "wine.csv": table(wine, "wine", WINES),
        "breast_cancer.csv": table(cancer, "diagnosis", cancer.target_names),
        "diabetes.csv": table(diabetes, "progression", named=CLINICAL),
    }


def table(
    bunch: Any, target: str, classes: Iterable[object] = (), named: Mapping[str, str] | None = None
) -> str:
    names = [word(str(name)) for name in bunch.feature_names]
    header = [*((named or {}).get(name, name) for name in names), target]
    labels = [str(label) for label in classes]
    last = [labels[int(y)] if labels else number(y) for y in bunch.target]
    rows = [[*map(number, row), y] for row, y in zip(bunch.data.tolist(), last, strict=True)]
    return "".join(",".join(row) + "\n" for row in [header, *rows])


def word(name: str) -> str:
    """`sepal length (cm)` is `sepal_length`, `od280/od315_of_diluted_wines` is `od280_od315`."""
    plain = re.sub(r"\(.*?\)|_of_diluted_wines", "", name)
    return re.sub(r"\W+", "_", plain.strip())


def number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))


if __name__ == "__main__":
    for name, text in tables().items():
        Path(__file__).with_name(name).write_text(text, encoding="utf-8", newline="\n")
