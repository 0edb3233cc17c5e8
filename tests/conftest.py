"""What the whole suite shares: golden texts, hypothesis' profiles, and how machine code is made."""

import gc
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from difflib import unified_diff
from pathlib import Path

import pytest
from effort import is_light, lightly
from hypothesis import HealthCheck, settings

Golden = Callable[[Path, str], None]

# the cores are busy with tests: what numpy's library did in threads of its own would wait for them, and spin
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

settings.register_profile("normal", derandomize=True, max_examples=25, deadline=None, database=None)
settings.register_profile(
    "long", max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("normal")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="write the golden texts instead of comparing"
    )
    parser.addoption(
        "--fuzz", type=int, default=20_000, help="how many specs the exhaustive tests make (20,000)"
    )


def pytest_configure(config: pytest.Config) -> None:
    """A run that is told to end (`timeout` does) tidies up as one that is interrupted; Ctrl-C is heard, in
    the programs that tests start too, where the run stands in the background and would be deaf to it.

    Of a package with a plugin for pytest all asserts are rewritten, ten seconds' work at the first run of
    each process: not those of deltaplan, which are no tests."""
    getattr(config.pluginmanager.rewrite_hook, "_must_rewrite", set()).discard("deltaplan")
    for signal_ in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Exhaustive tests that draw thousands of examples come last: when time is out, all others have run. The
    documents, one of which takes longer than any other test, come first: nobody waits for it in the end."""
    items.sort(key=lambda item: (draws_thousands(item), item.path.name != "test_docs.py"))


def pytest_collection_finish() -> None:
    """What is there now stays to the end: to look through it again and again for garbage takes 7 % of the
    time of all tests. Where there is no more than this, garbage waits for more of its kind."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(5000, 20, 20)


def draws_thousands(item: pytest.Item) -> bool:
    drawn = getattr(getattr(item, "function", None), "is_hypothesis_test", False)
    return bool(item.get_closest_marker("long")) and (drawn or "shard" in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session", autouse=True)
def machine_code(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What the tests compile is kept for this run of them and all its processes, and not among the user's."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    os.environ["DELTAPLAN_CACHE"] = str(folder / "machine-code")


@pytest.fixture(autouse=True)
def effort(request: pytest.FixtureRequest, machine_code: None) -> Iterator[None]:
    """LLVM's lowest effort for a test that is marked `light`."""
    with lightly() if is_light(request.node) else nullcontext():
        yield


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """`golden(path, text)`: the text is what the file holds; `--update-golden` writes the file instead."""
    if request.config.getoption("--update-golden"):
        return write_golden
    return compare_golden


def write_golden(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


def compare_golden(path: Path, text: str) -> None:
    if not path.exists():
        pytest.fail(
            f"there is no golden text {path}: make it with pytest --update-golden, and read it", pytrace=False
        )
    expected = path.read_text(encoding="utf-8")
    if text != expected:
        pytest.fail(f"golden text {path} differs\n{difference(expected, text)}", pytrace=False)


def difference(expected: str, found: str) -> str:
    lines = unified_diff(expected.splitlines(True), found.splitlines(True), "expected", "found")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ no newline at the end\n" for line in lines)


@pytest.fixture
def specs() -> Path:
    """The folder of the specs that come with deltaplan, and of their data."""
    return Path(__file__).parents[1] / "specs"
