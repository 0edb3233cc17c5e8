"""The plugin writer's mistakes."""

from typing import ClassVar

from deltaplan.diagnostics import Diagnostic, mistake


@mistake
class Fault(Diagnostic):
    """A mistake in one contribution: `what` is `activation `snake``."""

    what: str


@mistake
class FunctionFailed(Fault):
    code: ClassVar[str] = "plugin-function-failed"
    title: ClassVar[str] = "{what} fails: {error}"
    error: str


@mistake
class WrongSignature(Fault):
    code: ClassVar[str] = "plugin-signature"
    title: ClassVar[str] = "{what} cannot be called with ({given}): {why}"
    help: ClassVar[str] = "a function takes what its kind gives and what its mark declares, by these names"
    given: str
    why: str


@mistake
class NoExpression(Fault):
    code: ClassVar[str] = "plugin-result"
    title: ClassVar[str] = "{what} returns {result}, not {wanted}"
    help: ClassVar[str] = "{mend}"
    result: str
    wanted: str = "an expression of its arguments"
    mend: str | None = None


@mistake
class ForeignArgument(Fault):
    code: ClassVar[str] = "plugin-argument"
    title: ClassVar[str] = "{what} uses the symbol `{argument}`, which is none of its arguments"
    help: ClassVar[str] = "declare what it needs as a parameter: @{mark}(…, {argument}=1.0)"
    mark: str
    argument: str


@mistake
class HoldsReduction(Fault):
    code: ClassVar[str] = "plugin-reduction"
    title: ClassVar[str] = "{what} holds `{reduction}`, but works on each element alone"
    reduction: str


@mistake
class NotScalar(Fault):
    code: ClassVar[str] = "plugin-not-scalar"
    title: ClassVar[str] = "{what} gives a number for each element, not one"
    help: ClassVar[str] = "put sum(...) or mean(...) around it"


@mistake
class WrongIndex(Fault):
    code: ClassVar[str] = "plugin-index"
    title: ClassVar[str] = "{what} picks at `{index}`, and only the target itself is an index"
    help: ClassVar[str] = 'a loss with target="class" picks at y: pick(u, y)'
    index: str


@mistake
class Constant(Fault):
    code: ClassVar[str] = "plugin-constant"
    title: ClassVar[str] = "{what} does not depend on `{argument}`"
    help: ClassVar[str] = "its derivative is 0 everywhere, and nothing could be trained through it"
    argument: str


@mistake
class StateNotUpdated(Fault):
    code: ClassVar[str] = "plugin-state"
    title: ClassVar[str] = "{what} returns no new `{name}`"
    help: ClassVar[str] = "return all of {wanted}"
    wanted: str
    name: str


@mistake
class UnknownState(Fault):
    code: ClassVar[str] = "plugin-unknown-state"
    title: ClassVar[str] = "{what} returns `{name}`, which is neither `w` nor one of its states"
    help: ClassVar[str] = "declare it: state=({states})"
    states: str
    name: str


@mistake
class BadName(Fault):
    code: ClassVar[str] = "plugin-name"
    title: ClassVar[str] = "{what}: `{name}` {why}"
    help: ClassVar[str] = "{mend}"
    name: str
    why: str
    mend: str | None = None


@mistake
class BadDeclaration(Fault):
    code: ClassVar[str] = "plugin-declaration"
    title: ClassVar[str] = "{what}: {why}"
    why: str


@mistake
class NestedTotal(Fault):
    code: ClassVar[str] = "plugin-nested-total"
    title: ClassVar[str] = "{what} sums over the samples what is already such a sum"


@mistake
class OutsideTotal(Fault):
    code: ClassVar[str] = "plugin-outside-total"
    title: ClassVar[str] = "{what} uses `{argument}`, which belongs to one sample, outside of `total( )`"
    argument: str


@mistake
class NameClash(Fault):
    code: ClassVar[str] = "plugin-name-clash"
    title: ClassVar[str] = "{what} has two owners: {first} and {second}"
    label: ClassVar[str] = "give it another name"
    first: str
    second: str


@mistake
class PluginNotFound(Diagnostic):
    code: ClassVar[str] = "plugin-not-found"
    title: ClassVar[str] = "the plugin `{path}` cannot be read: {why}"
    label: ClassVar[str] = "similar name: `{similar}`"
    path: str
    why: str
    similar: str | None


@mistake
class PluginSyntax(Diagnostic):
    code: ClassVar[str] = "plugin-syntax"
    title: ClassVar[str] = "the plugin `{path}` is not Python: {why}"
    path: str
    why: str


@mistake
class PluginFailed(Diagnostic):
    code: ClassVar[str] = "plugin-failed"
    title: ClassVar[str] = "the plugin `{path}` fails to load: {error}"
    path: str
    error: str


@mistake
class PluginEmpty(Diagnostic):
    code: ClassVar[str] = "plugin-empty"
    title: ClassVar[str] = "the plugin `{path}` contributes nothing"
    help: ClassVar[str] = "mark a function with @activation(name) or another mark of deltaplan.plugins.api"
    path: str


@mistake
class PluginChanged(Diagnostic):
    code: ClassVar[str] = "plugin-changed"
    title: ClassVar[str] = "the plugin `{path}` has changed since the run was trained"
    help: ClassVar[str] = "bring the file back as it was, or train again"
    path: str


@mistake
class BadManifest(Diagnostic):
    code: ClassVar[str] = "plugin-manifest"
    title: ClassVar[str] = "the manifest `{path}` cannot be used: {why}"
    path: str
    why: str


@mistake
class WrongManifest(Diagnostic):
    code: ClassVar[str] = "plugin-contributes"
    title: ClassVar[str] = "the plugin `{name}` {why}"
    help: ClassVar[str] = (
        "`[contributes]` in `{path}` lists all that the module contributes, and nothing else"
    )
    name: str
    why: str
    path: str


@mistake
class NoSuchPlugin(Diagnostic):
    code: ClassVar[str] = "no-such-plugin"
    title: ClassVar[str] = "no plugin `{name}` is installed or in a plugin folder"
    label: ClassVar[str] = "similar name: `{similar}`"
    help: ClassVar[str] = (
        "there are: {known}; plugin folders are `plugins/` beside the spec and those in DELTAPLAN_PLUGINS; "
        'a file beside the spec is `use "./{name}.py"`'
    )
    name: str
    similar: str | None
    known: str


@mistake
class TwoPlugins(Diagnostic):
    code: ClassVar[str] = "two-plugins"
    title: ClassVar[str] = "two plugins have the name `{name}`: {first} and {second}"
    help: ClassVar[str] = 'remove one, or name the file of the one that is meant: `use "path/to/file.py"`'
    name: str
    first: str
    second: str


@mistake
class ForeignCodeOff(Diagnostic):
    code: ClassVar[str] = "plugins-off"
    title: ClassVar[str] = "the plugin `{name}` is not run: foreign code is turned off"
    help: ClassVar[str] = "`--no-plugins` or the environment variable DELTAPLAN_NO_PLUGINS did that"
    name: str


@mistake
class ChangesProcess(Diagnostic):
    code: ClassVar[str] = "plugin-changes-process"
    title: ClassVar[str] = "the plugin `{path}` changes {what} while it is loaded"
    help: ClassVar[str] = (
        "that belongs to the whole process, and is as it was before; a plugin has state of its own"
    )
    path: str
    what: str
