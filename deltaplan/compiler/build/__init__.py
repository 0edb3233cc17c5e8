"""A spec's tree meets the registry here and becomes an experiment; one report tells every mistake."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from deltaplan.compiler.build.assertions import check_assertions, of_trained, read_assertions
from deltaplan.compiler.build.augment import augmented
from deltaplan.compiler.build.blocks import define_blocks
from deltaplan.compiler.build.braces import Block
from deltaplan.compiler.build.context import Context, ExpansionLimits
from deltaplan.compiler.build.data import build_data
from deltaplan.compiler.build.definitions import DEFINABLE, define, unused_definitions
from deltaplan.compiler.build.imports import Imports, Reader, from_disk, with_imports
from deltaplan.compiler.build.model import Model, build_model
from deltaplan.compiler.build.params import define_params, unused
from deltaplan.compiler.build.places import FILE, Read, StatedTwice, read_lines
from deltaplan.compiler.build.record import check_record
from deltaplan.compiler.build.scope import Scope
from deltaplan.compiler.build.solver import check_solver
from deltaplan.compiler.build.sweep import build_sweep
from deltaplan.compiler.build.train import build_train
from deltaplan.compiler.build.trained import check_trained
from deltaplan.compiler.build.unmeasured import measure_data
from deltaplan.compiler.build.uses import load_plugins
from deltaplan.compiler.build.watch import check_validation
from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.measured import Measure
from deltaplan.compiler.passes import PIPELINE, run
from deltaplan.compiler.passes.drop_dead import remarks
from deltaplan.compiler.sweeps import SEED
from deltaplan.diagnostics import Diagnostic, Note, Problems, mistake
from deltaplan.dsl import tree
from deltaplan.plugins.contracts import Value
from deltaplan.plugins.registry import Registry

__all__ = ["ExpansionLimits", "build", "registry_of"]

LIMITS = ExpansionLimits()


@mistake
class NoModel(Diagnostic):
    code: ClassVar[str] = "no-model"
    title: ClassVar[str] = "`{name}` has no model"
    help: ClassVar[str] = "a spec states one: `model NAME {{ input 1; dense 5 tanh; output 1 }}`"
    name: str


def build(
    spec: tree.Spec,
    registry: Registry,
    params: Mapping[str, Value] | None = None,
    limits: ExpansionLimits = LIMITS,
    found: Iterable[Diagnostic] = (),
    folder: Path | None = None,
    run_plugins: bool = True,
    measure: Measure | None = None,
    imports: Reader | None = None,
) -> Experiment:
    """What the spec states, with every name looked up and every shape inferred.

    `params` replace the values of params; `found` is what the parser told, so that one report has all; paths
    in the spec begin at `folder`, by default that of the file. Nothing is expanded beyond `limits`. Without
    `run_plugins` a `use` line runs nothing: the registry has what it contributes. `measure` is asked for what
    the spec leaves to its data; `imports` reads the files that it imports, by default from the folder. Raises
    SpecError with every mistake of the files.
    """
    problems = Problems()
    problems.extend(found)
    folder = Path(spec.source.name).parent if folder is None else folder
    context = Context(registry, limits, folder, problems)
    own = "" if imports else Path(spec.source.name).name
    imported = Imports(context, imports or from_disk(folder), own)
    spec = with_imports(imported, spec)
    context = replace(context, incomplete=imported.lost)
    reads = _by_head(read_lines(context, FILE, spec.lines))
    context = load_plugins(context, reads.get("use", []) if run_plugins else [])
    context, defined = define(context, reads)
    scope = Scope()
    params = params or {}
    values = define_params(context, scope, reads.get("param", []), params, "train" in reads)
    context = measure_data(context, scope, reads, measure)
    blocks = define_blocks(context, reads.get("block", []))
    model = _model(context, scope, blocks, spec, reads.get("model", []))
    lines = {head: reads[head][0].line for head in ("data", "train") if head in reads}
    train = build_train(context, scope, model, lines["train"]) if "train" in lines else None
    data = build_data(context, scope, model, lines["data"]) if "data" in lines else None
    if train and SEED in values and SEED not in scope.names:
        train = replace(train, seed=int(str(values[SEED])))
    sweep = build_sweep(context, scope, params, reads["sweep"][0]) if "sweep" in reads else None
    if train and data:
        check_validation(context, train, lines["train"], data)
    assertions = read_assertions(context, scope, reads.get("assert", []))
    problems.raise_errors()
    assert model is not None, "a spec without a model is told"
    graph = model.draft.graph()
    left = (each for each in unused(scope, blocks, model.draft.used) if _is_from(each, spec))
    problems.extend((*left, *remarks(graph)))
    experiment = Experiment(
        source=spec.source,
        name=model.name,
        params=values,
        graph=run(PIPELINE, augmented(graph, data.augment) if data else graph),
        data=data,
        train=train,
        skips=model.draft.skips,
        warnings=problems.warnings,
        measured=context.measured,
        imports=imported.found,
        sweep=sweep,
        claims=of_trained(assertions),
    )
    problems.extend(each for each in unused_definitions(experiment, defined) if _is_from(each, spec))
    experiment = replace(experiment, warnings=problems.warnings)
    if train:
        check_trained(context, experiment, lines["train"])
        check_record(context, experiment, lines["train"])
        check_solver(context, experiment)
        problems.raise_errors()
    check_assertions(context, experiment, assertions)
    problems.raise_errors()
    return experiment


def registry_of(spec: tree.Spec, context: Context) -> Registry:
    """The registry with what the spec brings and defines; nothing else of the spec is looked at."""
    own = Path(spec.source.name).name
    spec = with_imports(Imports(context, from_disk(context.folder), own), spec)
    heads = {"use", *DEFINABLE}
    lines = [line for line in spec.lines if isinstance(line.head, tree.Name) and line.head.text in heads]
    reads = _by_head(read_lines(context, FILE, lines))
    context, _ = define(load_plugins(context, reads.get("use", [])), reads)
    return context.registry


def _is_from(told: Diagnostic, spec: tree.Spec) -> bool:
    """Whether it stands in the spec itself: of an imported file, a spec uses what it needs."""
    return told.span is not None and told.span.source == spec.source


def _by_head(reads: Iterable[Read]) -> dict[str, list[Read]]:
    found: dict[str, list[Read]] = {}
    for read in reads:
        found.setdefault(read.head, []).append(read)
    return found


def _model(
    context: Context, scope: Scope, blocks: Mapping[str, Block], spec: tree.Spec, reads: list[Read]
) -> Model | None:
    for second in reads[1:]:
        notes = (Note("the first one", reads[0].span),)
        context.refuse(StatedTwice(span=second.span, head="model", notes=notes))
    if not reads:
        if not context.problems.errors:
            context.refuse(NoModel(name=spec.source.name))
        return None
    reserved = frozenset(line.target.text for line in _all_lines(spec.lines) if line.target)
    return build_model(context, scope, blocks, reserved, reads[0].line)


def _all_lines(lines: Iterable[tree.Line]) -> Iterator[tree.Line]:
    for line in lines:
        yield line
        if line.body:
            yield from _all_lines(line.body.lines)
