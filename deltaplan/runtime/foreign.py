"""What a run takes from plugins. Expressions are saved with it; code is run again only by consent, and only
the bytes that it was trained with."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.used import used
from deltaplan.diagnostics import DeltaplanError, Diagnostic, PluginError, mistake
from deltaplan.plugins.contracts import Contribution
from deltaplan.plugins.loader import load_file
from deltaplan.runtime.contributions import Code, Saved, is_saved
from deltaplan.runtime.runs import RunDamaged, SavedRun

if TYPE_CHECKING:
    from deltaplan.plugins.manifest import Manifest


@mistake
class PluginNotRun(Diagnostic):
    code: ClassVar[str] = "plugin-not-run"
    title: ClassVar[str] = "`{run}` needs {what} of the plugin `{file}`, which is not run unasked"
    help: ClassVar[str] = "read the file; `run_plugins=True`, or `--run-plugins` after a verb, then runs it"
    run: str
    what: str
    file: str


@mistake
class PluginMissing(Diagnostic):
    code: ClassVar[str] = "plugin-missing"
    title: ClassVar[str] = "`{run}` needs {what} of the plugin `{plugin}` {version}, {instead}"
    help: ClassVar[str] = "{mend}; nothing else is run under its name"
    run: str
    what: str
    plugin: str
    version: str
    instead: str
    mend: str


def saved_of(experiment: Experiment) -> tuple[Saved, ...]:
    """The expressions of plugins that the spec uses."""
    return tuple(c for c in _foreign(experiment) if is_saved(c))


def code_of(experiment: Experiment) -> tuple[Code, ...]:
    """The contributions of plugins that the spec uses and that are no expressions."""
    return tuple(_code(c) for c in _foreign(experiment) if not is_saved(c))


def contributions_of(run: SavedRun, folder: Path, run_plugins: bool) -> tuple[Contribution, ...]:
    """All that a saved run takes from plugins. Their files are run with `run_plugins` alone.

    DeltaplanError with every file that is not run, or that cannot be read or has changed.
    """
    groups = [(file, tuple(codes)) for (file, _), codes in groupby(sorted(run.code, key=_bytes), _bytes)]
    if groups and not run_plugins:
        raise DeltaplanError(
            *(PluginNotRun(run=str(folder), what=_listed(codes), file=str(file)) for file, codes in groups)
        )
    loaded = (found for file, codes in groups for found in _loaded(file, codes, folder))
    return (*run.contributions, *loaded)


def _foreign(experiment: Experiment) -> Iterator[Contribution]:
    """What plugins contribute to the spec, each once; its own definitions are in its text."""
    return (c for c in used(experiment) if c.owner.foreign)


def _code(contribution: Contribution) -> Code:
    owner = contribution.owner
    return Code(
        contribution.kind,
        contribution.name,
        owner.plugin,
        owner.version,
        Path(owner.location),
        owner.sha256,
        owner.origin,
        owner.distribution,
    )


def _bytes(code: Code) -> tuple[Path, str]:
    return code.file, code.sha256


def _listed(codes: Iterable[Code]) -> str:
    *others, last = (f"the {code.kind} `{code.name}`" for code in codes)
    return f"{', '.join(others)} and {last}" if others else last


def _loaded(file: Path, codes: tuple[Code, ...], folder: Path) -> Iterator[Contribution]:
    """What the run takes of one plugin, and nothing else that is in it."""
    found: dict[tuple[str, str], Contribution] = {
        (c.kind, c.name): c for c in _contributed(file, codes, folder)
    }
    for code in codes:
        if (code.kind, code.name) not in found:
            what = f"names the {code.kind} `{code.name}`, and `{file}` has none"
            raise DeltaplanError(RunDamaged(file=str(folder / "run.json"), what=what))
        yield found[code.kind, code.name]


def _contributed(file: Path, codes: tuple[Code, ...], folder: Path) -> tuple[Contribution, ...]:
    """Of the file alone, or of the plugin whose manifest has the recorded name and version."""
    if codes[0].origin == "file":
        return load_file(file, sha256=codes[0].sha256)
    from deltaplan.plugins.discovery import discover  # the plugins of a run are seldom looked for
    from deltaplan.plugins.installed import load_plugin

    manifests = [m for m in (*_beside(file), *discover().manifests) if m.name == codes[0].plugin]
    same = [m for m in manifests if m.version == codes[0].version]
    if not same:
        raise DeltaplanError(_missing(codes, folder, manifests))
    return load_plugin(same[0], sha256=codes[0].sha256)


def _beside(file: Path) -> Iterator["Manifest"]:
    """The manifest of a plugin folder that is still where it was."""
    from deltaplan.plugins.manifest import FILE as MANIFEST
    from deltaplan.plugins.manifest import read_manifest

    for above in list(file.parents)[:3]:
        with suppress(PluginError):
            yield read_manifest(above / MANIFEST)


def _missing(codes: tuple[Code, ...], folder: Path, others: "list[Manifest]") -> PluginMissing:
    code = codes[0]
    there = ", ".join(dict.fromkeys(manifest.version for manifest in others))
    instead = f"and {there} is here" if there else "which is not here"
    if code.distribution:
        mend = f"`pip install {code.distribution}=={code.version}` brings it"
    else:
        mend = f"it was in `{code.file}`: bring that folder back, or put it into a plugin folder"
    what = _listed(codes)
    return PluginMissing(
        run=str(folder), what=what, plugin=code.plugin, version=code.version, instead=instead, mend=mend
    )
