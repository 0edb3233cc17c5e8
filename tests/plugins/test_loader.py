"""Plugin files: what they contribute, and that a broken one never harms the host."""

import logging
import os
import random
import sys
import warnings

import numpy
import pytest

from deltaplan.diagnostics import PluginError, Source, Span
from deltaplan.plugins.loader import builtin_registry, load_file
from deltaplan.plugins.registry import Registry

SPEC = Source("house.dl", 'use "./mine.py"\n')
USE = Span(SPEC, 4, 15)
GOOD = """
from deltaplan.plugins.api import activation, sin
from deltaplan.plugins.builtin.activations import relu

@activation("snake", a=1.0)
def snake(u, a):
    return u + sin(a * u) ** 2 / a
"""


BRANCH = "if u > 0: return u + sin(a * u) ** 2 / a"


@pytest.fixture
def plugin(tmp_path):
    def write(text, name="mine.py"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def failure(path):
    before = set(sys.modules)
    with pytest.raises(PluginError) as caught:
        load_file(path, USE)
    assert {m for m in set(sys.modules) - before if m.startswith("deltaplan_plugin")} == set()
    (diagnostic,) = caught.value.diagnostics
    return diagnostic


def test_a_file_gives_what_it_marks_and_not_what_it_imports(plugin):
    path = plugin(GOOD)
    (snake,) = load_file(path, USE)
    assert snake.name == "snake"
    assert str(snake.owner) == f"mine ({path})"


def test_two_files_of_one_name_are_two_plugins(plugin, tmp_path):
    (tmp_path / "b").mkdir()
    first, second = plugin(GOOD), plugin(GOOD.replace("snake", "worm"), "b/mine.py")
    assert load_file(first)[0].name == "snake"
    assert load_file(second)[0].name == "worm"
    assert load_file(first)[0].name == "snake"


def test_a_file_may_use_dataclasses_and_print(plugin, capsys):
    record = "@dataclass\nclass A:\n    x: int\nprint(A(1))\n"
    head = "from __future__ import annotations\nfrom dataclasses import dataclass\n"
    load_file(plugin(head + record + GOOD), USE)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("text", "code", "line", "part"),
    [
        ("import nothing_like_this\n", "plugin-failed", "import nothing_like_this", "ModuleNotFoundError"),
        ("x = 1\nraise SystemExit(0)\n", "plugin-failed", "raise SystemExit(0)", "SystemExit"),
        ("class E(BaseException): pass\nraise E('no')\n", "plugin-failed", "raise E('no')", "E: no"),
        ("def f():\n    return 1 / 0\nf()\n", "plugin-failed", "return 1 / 0", "division by zero"),
        ("x = (1 +\n", "plugin-syntax", "x = (1 +", "was never closed"),
        ("def f(:\n    pass\n", "plugin-syntax", "def f(:", "invalid syntax"),
        (b"x = 1\n\xff\xfe\n", "plugin-syntax", 'use "./mine.py"', "utf-8"),
        (b"x = 1\x00\n", "plugin-syntax", None, "null bytes"),
        ("x = 1\n", "plugin-empty", '"./mine.py"', "contributes nothing"),
        (GOOD.replace("return", "if u > 0: return"), "branch-on-symbol", BRANCH, "if"),
    ],
)  # fmt: skip
def test_faults_are_told_with_their_line(plugin, text, code, line, part, capsys):
    diagnostic = failure(plugin(text))
    assert diagnostic.code == code
    assert part in diagnostic.message
    if code == "plugin-syntax" and line in (None, 'use "./mine.py"'):
        assert diagnostic.span
    else:
        assert diagnostic.span.text == line
    assert capsys.readouterr() == ("", "")


def test_the_spec_line_is_named_beside_the_plugin_line(plugin):
    diagnostic = failure(plugin("1 / 0\n"))
    assert diagnostic.span.source.name.endswith("mine.py")
    assert [n.span for n in diagnostic.notes] == [USE]


def test_a_file_that_is_not_there(tmp_path):
    diagnostic = failure(tmp_path / "no.py")
    assert diagnostic.code == "plugin-not-found"
    assert diagnostic.span == USE


def test_a_folder(tmp_path):
    assert failure(tmp_path).code == "plugin-not-found"


TOLD = {
    "os.chdir('/')": "the working directory",
    "random.seed(3)": "the state of `random`",
    "sys.setrecursionlimit(5000)": "the recursion limit",
    "sys.path.insert(0, 'elsewhere')": "`sys.path`",
    "numpy.seterr(over='raise')": "numpy's way with floating-point errors",
    "numpy.random.seed(3)": "the state of `numpy.random`",
    "numpy.set_printoptions(precision=2)": "how numpy prints",
}


def of_process():
    """What a plugin could change of the process."""
    return (
        *(os.getcwd(), random.getstate(), sys.getrecursionlimit(), list(sys.path), dict(os.environ)),
        *(numpy.geterr(), str(numpy.random.get_state()), numpy.get_printoptions()),
        *(
            list(warnings.filters),
            logging.root.level,
            list(logging.root.handlers),
            logging.root.manager.disable,
        ),
    )


@pytest.mark.parametrize("change", TOLD)
def test_what_a_plugin_changes_of_the_process_is_set_back_and_told(plugin, change):
    before = of_process()
    diagnostic = failure(plugin(f"import os, random, sys\nimport numpy\n{change}\n{GOOD}"))
    assert diagnostic.code == "plugin-changes-process"
    assert f"changes {TOLD[change]} while it is loaded" in diagnostic.message
    assert of_process() == before


def test_all_that_it_changes_is_told_at_once(plugin):
    diagnostic = failure(plugin("import os, random, sys\nimport numpy\n" + "\n".join(TOLD)))
    assert all(words in diagnostic.what for words in TOLD.values())
    assert diagnostic.what.count(",") == len(TOLD) - 2


@pytest.mark.parametrize(
    "change",
    [
        "os.environ['NEW_ONE'] = '1'",
        "del os.environ['PATH']",
        "os.environ['PATH'] = 'elsewhere'",
        "warnings.simplefilter('ignore')",
        "logging.basicConfig(level=10, force=True)",
        "logging.disable(50)",
    ],
)
def test_what_packages_change_when_they_are_imported_is_set_back(plugin, change):
    before = of_process()
    (found,) = load_file(plugin(f"import logging, os, warnings\n{change}\n{GOOD}"))
    assert found.name == "snake"
    assert of_process() == before


def test_ctrl_c_goes_through(plugin):
    with pytest.raises(KeyboardInterrupt):
        load_file(plugin("raise KeyboardInterrupt\n"))


def test_a_failed_second_load_leaves_the_first(plugin):
    load_file(plugin(GOOD))
    loaded = {n: m for n, m in sys.modules.items() if n.startswith("deltaplan_plugin_mine")}
    with pytest.raises(PluginError):
        load_file(plugin("1 / 0\n"))
    assert {n: sys.modules[n] for n in loaded} == loaded


def test_a_clash_names_both_owners(plugin):
    path = plugin(GOOD.replace('"snake"', '"relu"'))
    with pytest.raises(PluginError) as caught:
        builtin_registry().with_(load_file(path))
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.message == f"activation `relu` has two owners: deltaplan and mine ({path})"


def test_one_name_of_two_kinds_is_no_clash(plugin):
    registry = builtin_registry().with_(load_file(plugin(GOOD.replace('"snake"', '"l2"'))))
    assert registry.find("activation", "l2").kind == "activation"
    assert registry.find("regularizer", "l2").kind == "regularizer"


def test_a_registry_is_a_value(plugin):
    before = builtin_registry()
    after = before.with_(load_file(plugin(GOOD)))
    assert before.find("activation", "snake") is None
    assert after.find("activation", "snake") is not None
    assert "snake" in after.names("activation")
    assert Registry().names("activation") == ()
    with pytest.raises(TypeError):
        after.entries["activation"]["x"] = None


def test_the_built_ins_belong_to_deltaplan():
    registry = builtin_registry()
    assert {str(c.owner) for named in registry.entries.values() for c in named.values()} == {"deltaplan"}
    assert {"identity", "sigmoid", "tanh", "relu", "leaky_relu", "elu"} <= set(registry.names("activation"))
    assert {"dense", "dropout"} <= set(registry.names("layer"))
