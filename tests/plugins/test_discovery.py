"""Plugins are listed and found without running any of their code, and a broken one harms nobody else."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from deltaplan.compiler.load import loads, registry_of
from deltaplan.compiler.used import used
from deltaplan.diagnostics import DeltaplanError, PluginError, Source, Span
from deltaplan.plugins.discovery import GROUP, VARIABLE, discover
from deltaplan.plugins.installed import content_sha256, load_plugin
from deltaplan.plugins.loader import OFF, load_file
from deltaplan.plugins.manifest import MOST_BYTES, read_manifest

MANIFEST = """\
api = 1
name = "wave"
version = "1.0"
description = "a wave"
module = "wave"

[contributes]
activation = ["wave"]
"""
MODULE = """\
from deltaplan.plugins.api import activation, sin


@activation("wave")
def wave(u):
    return u + sin(u)
"""
MODEL = "use wave\nmodel m { input 1; dense 3 wave; output 1 }\n"


def plugin(folder: Path, manifest: str = MANIFEST, module: str = MODULE, file: str = "wave.py") -> Path:
    (folder / file).parent.mkdir(parents=True, exist_ok=True)
    (folder / file).write_text(module, "utf-8")
    (folder / "plugin.toml").write_text(manifest, "utf-8")
    return folder / "plugin.toml"


def refusal(text: str, path: Path) -> str:
    path.write_text(text, "utf-8")
    with pytest.raises(PluginError) as told:
        read_manifest(path)
    return told.value.diagnostics[0].message.replace(str(path), "plugin.toml")


def test_a_manifest_is_read(tmp_path: Path) -> None:
    manifest = read_manifest(plugin(tmp_path / "wave"))
    assert (manifest.name, manifest.version, manifest.module) == ("wave", "1.0", "wave")
    assert manifest.names == {("activation", "wave")}
    text = MANIFEST.replace('activation = ["wave"]', 'data_source = ["a"]\nlayer = ["b", "c"]')
    assert read_manifest(plugin(tmp_path / "b", text)).contributes == {
        "data source": ("a",),
        "layer": ("b", "c"),
    }


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("api = 1", "api = 2"), "version 2 of the plugin API, and this deltaplan knows 1"),
        (("api = 1", ""), "it needs `api = 1`"),
        (("api = 1", "api = 1\nauthor = 5"), "unknown key `author`"),
        (("version", "verison"), "unknown key `verison`; similar name: `version`"),
        (('version = "1.0"', ""), "it has no `version`"),
        (('version = "1.0"', "version = 1.0"), "`version` is not a line of text"),
        (('"wave"', '"wa ve"'), "`wa ve` is not a name"),
        (('module = "wave"', 'module = "../wave"'), "`../wave` is not a module"),
        (("[contributes]", "[gives]"), "unknown key `gives`"),
        (("activation =", "activations ="), "unknown key `activations` in `contributes`"),
        (('["wave"]', "[]"), "`activation` is not a list of names"),
        (('["wave"]', '["wave", "wave"]'), "`wave` is named twice"),
        (('["wave"]', "[[1]]"), "`[1]` is not a name"),
        (("api = 1", "api = ["), "cannot be used: invalid value"),
        (("api = 1", "#" * MOST_BYTES), "it has more than 65,536 bytes"),
        (("api = 1", "a" + ".a" * 5000 + " = 1"), "cannot be used"),
        (("api = 1", "api = " + "[" * 5000), "cannot be used"),
    ],
)
def test_a_wrong_manifest_is_refused(change: tuple[str, str], told: str, tmp_path: Path) -> None:
    assert told in refusal(MANIFEST.replace(*change), tmp_path / "plugin.toml")


def test_a_spec_uses_a_plugin_in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin(tmp_path / "plugins" / "wave")
    (wave,) = (c for c in used(loads(MODEL, folder=tmp_path)) if c.name == "wave")
    assert (wave.owner.plugin, wave.owner.version, wave.owner.origin) == ("wave", "1.0", "folder")
    (tmp_path / "elsewhere").mkdir()
    with pytest.raises(DeltaplanError, match="no plugin `wave`"):
        loads(MODEL, folder=tmp_path / "elsewhere")
    monkeypatch.setenv(VARIABLE, os.pathsep.join([str(tmp_path / "none"), str(tmp_path / "plugins")]))
    assert loads(MODEL, folder=tmp_path / "elsewhere")


def test_a_plugin_may_be_a_package(tmp_path: Path) -> None:
    folder = tmp_path / "plugins" / "wave"
    plugin(folder, module="from .inner import wave\n", file="wave/__init__.py")
    (folder / "wave" / "inner.py").write_text(MODULE, "utf-8")
    manifest = discover(tmp_path, {}).find("wave")
    (found,) = load_plugin(manifest)
    assert found.name == "wave"
    before = found.owner.sha256
    (folder / "wave" / "inner.py").write_text(MODULE + "\n", "utf-8")
    assert content_sha256(folder / "wave" / "__init__.py") != before  # of all its files


def test_a_manifest_may_lie_in_its_own_package(tmp_path: Path) -> None:
    """As in a package that is installed, or is to be."""
    plugin(tmp_path / "deltaplan-wave" / "wave", module=MODULE, file="__init__.py")
    (found,) = load_plugin(discover(tmp_path, {VARIABLE: str(tmp_path / "deltaplan-wave")}).find("wave"))
    assert found.owner.location.endswith("__init__.py")


def test_a_module_that_is_not_there_is_told(tmp_path: Path) -> None:
    path = plugin(tmp_path / "plugins" / "wave", MANIFEST.replace('module = "wave"', 'module = "waves"'))
    span = Span(Source("a.dl", "use wave\n"), 4, 8)
    with pytest.raises(PluginError, match="its module `waves` is not there") as told:
        load_plugin(read_manifest(path), span)
    assert "a.dl:1:5" in str(told.value)


def test_two_of_one_name_and_broken_ones_leave_the_others_alone(tmp_path: Path) -> None:
    for name in ("one", "two", "broken"):
        plugin(tmp_path / "plugins" / name)
    plugin(tmp_path / "plugins" / "other", MANIFEST.replace('name = "wave"', 'name = "other"'))
    (tmp_path / "plugins" / "broken" / "plugin.toml").write_text("api = 3", "utf-8")
    found = discover(tmp_path, {})
    assert [m.name for m in found.manifests] == ["other", "wave", "wave"]
    assert [p.code for p in found.problems] == ["plugin-manifest", "two-plugins"]
    with pytest.raises(PluginError, match="two plugins have the name `wave`"):
        found.find("wave")
    with pytest.raises(PluginError, match="version 3"):
        found.find("broken")
    assert loads(MODEL.replace("use wave", "use other"), folder=tmp_path)
    assert loads(MODEL.replace("use wave", "").replace("3 wave", "3 tanh"), folder=tmp_path)


@pytest.mark.parametrize(
    ("module", "told"),
    [
        ("import nothing_of_that_name\n", "fails to load: ModuleNotFoundError"),
        (MODULE.replace('"wave"', '"other"'), "contributes no activation `wave`"),
        (MODULE + '\n\n@activation("more")\ndef more(u):\n    return u**3\n', "does not say that it"),
        (MODULE.replace("(u)", "(u, k)"), "cannot be called with (u)"),
        ("raise SystemExit\n", "fails to load: SystemExit"),
        ("x = (\n", "is not Python"),
        ("import os\nos.chdir('/')\n" + MODULE, "changes the working directory"),
    ],
)
def test_a_plugin_that_fails_is_told_and_the_host_goes_on(module: str, told: str, tmp_path: Path) -> None:
    plugin(tmp_path / "plugins" / "wave", module=module)
    before = os.getcwd()
    with pytest.raises(DeltaplanError, match="wave") as failed:
        loads(MODEL, folder=tmp_path)
    assert told in str(failed.value)
    assert os.getcwd() == before
    assert [m.name for m in discover(tmp_path, {}).manifests] == ["wave"]
    assert loads(MODEL.replace("use wave", "").replace("3 wave", "3 tanh"), folder=tmp_path)


def test_what_a_plugin_prints_is_kept_out_of_the_output(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plugin(tmp_path / "plugins" / "wave", module="print('loud')\n" + MODULE)
    loads(MODEL, folder=tmp_path)
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", "loud\n")


def test_foreign_code_can_be_turned_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, golden: Callable[[Path, str], None]
) -> None:
    plugin(tmp_path / "plugins" / "wave")
    monkeypatch.setenv(OFF, "1")
    with pytest.raises(DeltaplanError) as told:
        loads(MODEL, "a.dl", folder=tmp_path)
    golden(Path(__file__).with_name("plugins-off.err"), f"{told.value}\n")
    with pytest.raises(PluginError, match="turned off"):
        load_file(tmp_path / "plugins" / "wave" / "wave.py")
    assert [m.name for m in discover(tmp_path, {}).manifests] == ["wave"]
    defined = "activation wave(u) = u + sin(u)\n" + MODEL.replace("use wave\n", "")
    assert loads(defined)  # a definition is no code
    monkeypatch.setenv(OFF, "0")
    assert loads(MODEL, folder=tmp_path)


def install(site: Path, name: str) -> None:
    """What pip leaves of a package with one plugin."""
    plugin(site / name, MANIFEST.replace('"wave"', f'"{name}"'), "raise SystemExit\n", "__init__.py")
    info = site / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{GROUP}]\n{name} = {name}\n")


HOOKED = """
import sys


def see(event, arguments):
    if event == "import" and arguments[0].startswith("pack"):
        print("imported", arguments[0], file=sys.stderr)

sys.addaudithook(see)
from deltaplan.cli import main
try:
    main(["plugins", "list", "--json"])
finally:
    print([name for name in sys.modules if name.startswith("pack")], file=sys.stderr)
"""


@pytest.mark.slow
def test_two_hundred_installed_plugins_are_listed_and_none_is_imported(tmp_path: Path) -> None:
    for number in range(200):
        install(tmp_path, f"pack{number:03}")
    listed = subprocess.run(
        [sys.executable, "-c", HOOKED],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])},
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(listed.stdout)
    assert len(told["plugins"]) == 200
    assert told["plugins"][7]["contributes"] == {"activation": ["pack007"]}
    assert {p["origin"] for p in told["plugins"]} == {"installed"}
    assert told["problems"] == []
    assert listed.stderr.strip() == "[]"


def test_registries_of_specs_share_nothing(tmp_path: Path) -> None:
    plugin(tmp_path / "plugins" / "wave")
    (tmp_path / "a.dl").write_text(MODEL)
    (tmp_path / "b.dl").write_text("model m { input 1; output 1 }\n")
    assert registry_of(tmp_path / "a.dl").find("activation", "wave")
    assert registry_of(tmp_path / "b.dl").find("activation", "wave") is None
