"""What import-linter cannot say: the built-ins see what an outside plugin sees, and nothing lags behind."""

import ast
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "deltaplan"
BUILTINS = sorted((PACKAGE / "plugins" / "builtin").rglob("*.py"))
ALLOWED = {"deltaplan.plugins.api", "numpy", "matplotlib", "scipy"} | sys.stdlib_module_names


@pytest.mark.parametrize("module", BUILTINS, ids=lambda module: module.stem)
def test_built_ins_import_the_plugin_api_alone(module: Path) -> None:
    seen = {name for name in imports(module) if not name.startswith("deltaplan.plugins.builtin.")}
    assert {name for name in seen if not allowed(name)} == set()


def test_every_folder_of_the_package_is_one() -> None:
    folders = {module.parent for module in PACKAGE.rglob("*.py")}
    assert [folder for folder in folders if not (folder / "__init__.py").exists()] == []


def test_every_dependency_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {canonical(entry) for entry in project["dependencies"]}
    wanted |= {canonical(entry) for extra in project["optional-dependencies"].values() for entry in extra}
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert wanted <= {canonical(line) for line in lines if "==" in line}


def test_every_test_module_has_a_name_of_its_own() -> None:
    """pytest collects the whole suite into one process, where two modules of one name clash."""
    names = Counter(path.name for part in ("tests", "plugins") for path in (ROOT / part).rglob("test_*.py"))
    assert {name for name, count in names.items() if count > 1} == set()


def allowed(name: str) -> bool:
    return any(name == known or name.startswith(f"{known}.") for known in ALLOWED)


def imports(module: Path) -> Iterator[str]:
    """The full name of everything that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import in {module}"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def canonical(requirement: str) -> str:
    """`import_linter>=2.1` and `Import-Linter==2.16` are the same project."""
    return requirement.replace(">", "=").split("=")[0].strip().lower().replace("_", "-")
