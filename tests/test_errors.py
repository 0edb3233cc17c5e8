"""Every mistake in a spec is told as its golden text says, and every kind of mistake has such a text.

A case is `errors/DOOR/NAME.dl` with `NAME.err` beside it, and the plugin or data that it names; DOORS says
how a user meets what stands in a folder. Texts of mistakes that take more than a spec stand as `.err` files
elsewhere under tests/, compared by the tests beside them.
"""

import gc
import importlib
import pkgutil
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import deltaplan
from deltaplan.diagnostics import DeltaplanError, Diagnostic, SpecError

pytestmark = pytest.mark.light

TESTS = Path(__file__).parent
ERRORS = TESTS / "errors"
CASES = sorted(ERRORS.rglob("*.dl"))


def train(file: str) -> None:
    """Trains, and raises what a user is told besides: warnings, divergence and what does not hold."""
    run = deltaplan.train(file)
    raise SpecError(*run.warnings, *([run.divergence] if run.divergence else []), *run.failed)


DOORS: dict[str, Callable[[str], object]] = {
    "build": deltaplan.load,
    "plugins": deltaplan.load,
    "data": train,
    "train": train,
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.stem}")
def test_mistake_is_told_as_its_golden_text_says(
    case: Path, golden: Callable[[Path, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(case.parent)
    with pytest.raises(DeltaplanError) as told:
        DOORS[case.relative_to(ERRORS).parts[0]](case.name)
    golden(case.with_suffix(".err"), f"{told.value}\n")


def test_every_golden_text_has_its_spec() -> None:
    texts = {text.with_suffix(".dl") for text in ERRORS.rglob("*.err")}
    assert texts <= set(CASES)


def test_every_diagnostic_has_a_golden_text() -> None:
    told = {code for text in TESTS.rglob("*.err") for code in codes_in(text)}
    missing = {
        f"{kind.code} ({kind.__module__}.{kind.__qualname__})" for kind in kinds() if kind.code not in told
    }
    assert not missing, "no golden text shows\n" + "\n".join(sorted(missing))


def test_codes_are_unique() -> None:
    used = Counter(kind.code for kind in kinds())
    assert [code for code, times in used.items() if times > 1] == []


def test_messages_are_in_the_house_style() -> None:
    for kind in kinds():
        for text in (kind.title, kind.label, kind.help):
            assert not text.endswith("."), f"full stop at the end of {kind.__qualname__}: {text}"
            assert not re.match(r"[A-Z][a-z]", text), f"capital at the start of {kind.__qualname__}: {text}"


def codes_in(text: Path) -> list[str]:
    return re.findall(r"\[([a-z0-9-]+)\]$", text.read_text(encoding="utf-8"), flags=re.MULTILINE)


def kinds() -> list[type[Diagnostic]]:
    """Every kind of diagnostic in the package, once, by importing all of it."""
    for module in pkgutil.walk_packages(deltaplan.__path__, "deltaplan."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    gc.collect()  # a slotted dataclass is made twice, and the first one lingers until it is collected
    found = {
        kind.__module__ + kind.__qualname__: kind for kind in descendants(Diagnostic) if hasattr(kind, "code")
    }
    return [kind for kind in found.values() if kind.__module__.startswith("deltaplan.")]


def descendants(kind: type[Diagnostic]) -> Iterator[type[Diagnostic]]:
    for child in kind.__subclasses__():
        yield child
        yield from descendants(child)
