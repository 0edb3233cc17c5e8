"""The files of a new package, by their paths in it."""

import keyword
import re
from collections.abc import Mapping
from typing import ClassVar

import deltaplan
from deltaplan.diagnostics import Diagnostic, SpecError, mistake
from deltaplan.plugins.loader import builtin_registry
from deltaplan.plugins.manifest import API
from deltaplan.runtime.scaffold.kinds import KINDS, Kind

NAME = re.compile(r"[a-z][a-z0-9_]*")


@mistake
class UnusableName(Diagnostic):
    code: ClassVar[str] = "unusable-plugin-name"
    title: ClassVar[str] = "`{name}` cannot be the name of a plugin: {why}"
    help: ClassVar[str] = "small letters, digits and `_`, a letter first: `my_{kind}`"
    name: str
    kind: str
    why: str


def package(name: str, kind: str) -> dict[str, str]:
    """Texts by path for a plugin with one contribution of that kind and of its own name. SpecError where the
    name is none, or a built-in's."""
    _check(name, kind)
    form = KINDS[kind]
    words = {
        "NAME": name,
        "KIND": kind,
        "A_KIND": _one(kind),
        "KEY": kind.replace(" ", "_"),
        "MODULE": f"deltaplan_{name}",
        "DISTRIBUTION": f"deltaplan-{name.replace('_', '-')}",
        "VERSION": deltaplan.__version__,
        "API": str(API),
    }
    files = {**FILES, "README.md": README.replace("SPEC", _spec(form, kind))}
    files |= {"MODULE/__init__.py": _module(form), "tests/test_NAME.py": _test(form)}
    return {_filled(path, words): _filled(text, words) for path, text in files.items()}


def _check(name: str, kind: str) -> None:
    if not NAME.fullmatch(name) or keyword.iskeyword(name):
        raise SpecError(UnusableName(name=name, kind=kind.replace(" ", "_"), why="a spec could not write it"))
    if name in builtin_registry().entries.get(kind, {}):  # type: ignore[call-overload]
        why = f"{_one(kind)} of that name comes with deltaplan"
        raise SpecError(UnusableName(name=name, kind=kind.replace(" ", "_"), why=why))


def _one(kind: str) -> str:
    return f"{'an' if kind[0] in 'aio' else 'a'} {kind}"


def _filled(text: str, words: Mapping[str, str]) -> str:
    """The text with its marks, words of capitals, in place."""
    marks = re.compile(
        rf"(?<![A-Za-z0-9])(?:{'|'.join(sorted(words, key=len, reverse=True))})(?![A-Za-z0-9])"
    )
    return marks.sub(lambda found: words[found[0]], text)


def _module(form: Kind) -> str:
    own = f"{form.own}\n" if form.own else ""
    head = '"""NAME: A_KIND for deltaplan."""\n\n'
    return f"{head}{own}from deltaplan.plugins.api import {form.imports}\n\n\n{form.code}"


def _test(form: Kind) -> str:
    standard = ["from pathlib import Path\n"]
    standard += ["import math\n"] if "math." in form.test else []
    standard += [form.hints] if "types" in form.hints else []
    ours = ["from deltaplan.plugins.loader import load_file\n", "from deltaplan.testing.suite import check\n"]
    ours += [form.hints] if form.hints and "types" not in form.hints else []
    ours.sort(key=lambda line: (not line.startswith("import"), line))
    standard.sort(key=lambda line: (not line.startswith("import"), line))
    pytest = "import pytest\n\n" if "pytest." in form.test else ""
    heads = f"{''.join(standard)}\n{pytest}{''.join(ours)}"
    return f'"""NAME by hand, and in the conformance suite."""\n\n{heads}{TEST}{form.test}'


TEST = """
FILE = Path(__file__).parents[1] / "MODULE" / "__init__.py"
(found,) = load_file(FILE)


def test_it_conforms():
    report = check(found)
    assert report.passed, report


"""

AROUND = {  # what of a spec stands around the line that uses it
    "data source": ("data {", "inputs x", "targets y"),
    "augmentation": ("data {", 'csv "samples.csv"', "inputs rest", "targets y"),
    "activation": ("model m {", "input", "output"),
    "layer": ("model m {", "input", "output"),
    "initializer": ("model m {", "input", "output"),
}
TRAIN = ("train {", "minimize mean(squared_error)", "optimizer adam(lr=1e-2)")


def _spec(form: Kind, kind: str) -> str:
    """The README's example, fenced."""
    if kind == "analysis":
        return f"```sh\n{form.use}\n```"
    head, *lines = AROUND.get(kind, TRAIN)
    word = form.use.split()[0]
    place = (
        1 if kind in ("activation", "layer", "initializer") else 0 if kind == "data source" else len(lines)
    )
    if word in (line.split()[0] for line in lines):
        lines = [form.use if line.split()[0] == word else line for line in lines]
    else:
        lines.insert(place, form.use)
    return "\n    ".join(["```\nuse NAME\n\n" + head, *lines]) + "\n}\n```"


FILES = {
    "MODULE/plugin.toml": """\
api = API
name = "NAME"
version = "0.1.0"
description = "A_KIND"
module = "MODULE"

[contributes]
KEY = ["NAME"]
""",
    "pyproject.toml": """\
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "DISTRIBUTION"
version = "0.1.0"
description = "The KIND NAME for deltaplan"
readme = "README.md"
requires-python = ">=3.11"
dependencies = ["deltaplan>=VERSION"]

[project.optional-dependencies]
test = ["mpmath", "pytest"]

[project.entry-points."deltaplan.plugins"]
NAME = "MODULE"

[tool.setuptools]
packages = ["MODULE"]

[tool.setuptools.package-data]
MODULE = ["plugin.toml"]

[tool.pytest.ini_options]
testpaths = ["tests"]
""",
    ".github/workflows/test.yml": """\
name: test
on: [push, pull_request]
jobs:
  test:
    runs-on: ubuntu-latest
    strategy:
      matrix:
        python: ["3.11", "3.13"]
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: ${{ matrix.python }}
      - run: pip install -e ".[test]"
      - run: pytest
""",
    ".gitignore": "__pycache__/\n*.egg-info/\n.pytest_cache/\n/dist/\n/build/\n/runs/\n",
}

README = """\
# NAME

`NAME` is A_KIND for [deltaplan](https://pypi.org/project/deltaplan/).

SPEC

`pip install DISTRIBUTION` makes it known by its name. Without installing it, a spec beside this folder says
`use "./MODULE/__init__.py"`.

```sh
pip install -e ".[test]"
pytest
deltaplan plugins check .
deltaplan plugins show NAME MODULE/__init__.py
```
"""
