"""The specs that come with deltaplan, and how they travel."""

import runpy
import shutil
import subprocess
import sys
import zipfile
from importlib import resources
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SPECS = ROOT / "specs"


def test_wave_csv_is_what_its_script_writes() -> None:
    text = runpy.run_path(str(SPECS / "make_wave.py"))["text"]()
    assert (SPECS / "wave.csv").read_bytes() == text.encode()


def test_specs_are_reached_as_package_data() -> None:
    wave = resources.files("deltaplan.specs") / "wave.dl"
    assert wave.read_bytes() == (SPECS / "wave.dl").read_bytes()


@pytest.mark.long
def test_specs_travel_in_the_wheel(tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(".*", "tests", "build", "*.egg-info", "runs"))
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--no-build-isolation",
        "--no-deps",
        "--wheel-dir",
        "out",
        ".",
    ]
    subprocess.run(build, cwd=source, check=True, capture_output=True)
    (wheel,) = (source / "out").glob("*.whl")
    inside = set(zipfile.ZipFile(wheel).namelist())
    ours = [path for suffix in ("dl", "csv") for path in SPECS.rglob(f"*.{suffix}")]
    assert {f"deltaplan/specs/{path.relative_to(SPECS).as_posix()}" for path in ours} <= inside
    assert "deltaplan/diagnostics/render.py" in inside
