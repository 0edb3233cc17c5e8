"""The suite as tests of pytest, one for each contribution: `pytest --deltaplan mine.py`.

Off unless it is asked for: then alone anything of deltaplan is imported.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from deltaplan.plugins.contracts import Contribution
    from deltaplan.testing.report import Report


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--deltaplan FILE`, as often as there are files, and the same as a setting."""
    group = parser.getgroup("deltaplan")
    group.addoption(
        "--deltaplan",
        action="append",
        default=[],
        metavar="FILE",
        help="check the deltaplan plugins in this Python file; may be repeated",
    )
    parser.addini("deltaplan_plugins", "Python files with deltaplan plugins to check", "paths", [])


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[Any]) -> None:
    """Adds a test for each contribution of the files."""
    given = [Path(name) for name in config.getoption("--deltaplan")]
    for path in dict.fromkeys([*given, *config.getini("deltaplan_plugins")]):
        items.extend(_items(session, path))


def _items(session: pytest.Session, path: Path) -> Iterator[pytest.Item]:
    from deltaplan.diagnostics import DeltaplanError
    from deltaplan.plugins.loader import load_file

    try:
        found = load_file(path)
    except DeltaplanError as error:
        raise pytest.UsageError(str(error)) from None
    for contribution in found:
        name = f"{path.name}::{contribution.kind} {contribution.name}"
        yield Conformance.from_parent(session, name=name, contribution=contribution)


class NotConforming(Exception):  # noqa: N818
    """A check failed."""


class Conformance(pytest.Item):
    """All checks of one contribution."""

    def __init__(self, *, contribution: "Contribution", **options: Any) -> None:
        super().__init__(**options)
        self.contribution = contribution

    def runtest(self) -> None:
        from deltaplan.testing.suite import check

        report = check(self.contribution)
        self.add_report_section("call", "deltaplan", str(report))
        if not report.passed:
            raise NotConforming(_failures(report))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, NotConforming):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        owner = self.contribution.owner
        return (
            Path(owner.location),
            max(owner.line - 1, 0),
            f"{self.contribution.kind} {self.contribution.name}",
        )


def _failures(report: "Report") -> str:
    failed = (result for result in report.results if result.state == "failed")
    return "\n".join([report.title, *(f"  {result.check}: {result.found}" for result in failed)])
