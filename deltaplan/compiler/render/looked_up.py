"""What the builder looked up, by the place in the text that asked for it."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from deltaplan.compiler.build.files import source_form
from deltaplan.compiler.build.form import Form, Slot, of_attributes, of_parameters
from deltaplan.compiler.build.layers import INIT, RESIDUAL, extra_slots
from deltaplan.compiler.build.trained import WARM_START
from deltaplan.compiler.build.watch import STOP_EARLY
from deltaplan.compiler.build.weights import SLOT as WEIGHTS
from deltaplan.compiler.experiment import Experiment
from deltaplan.compiler.nodes import Activate, Layer, Loss, Penalty, Use, nested
from deltaplan.diagnostics import Span
from deltaplan.plugins import contracts
from deltaplan.records import dataclass

Place = tuple[str, int, int]  # the source, and where a span begins and ends: the same piece in two trees


def place(span: Span) -> Place:
    return span.source.name, span.start, span.end


def call_forms(experiment: Experiment, words_free: bool) -> Mapping[Place, Mapping[str, Form]]:
    """For each activation, loss, regularizer, initializer, optimizer and schedule of the text, the forms of
    what it stands for by name: several where a block's argument names it.

    `words_free` says that no node has the name of a place such as `weights`, which would hide it.
    """
    length = experiment.train.length if experiment.train else None
    found: dict[Place, dict[str, Form]] = {}
    for use, extra in _calls(experiment, words_free):
        forms = found.setdefault(place(use.span), {})
        if use.name not in forms:
            forms[use.name] = of_parameters(use.contract, use.contract.kind, *extra, length=length)
    return found


def _calls(experiment: Experiment, words_free: bool) -> Iterator[tuple[Use, tuple[Slot, ...]]]:
    on, weights = Slot("on", "tree"), Slot("on", "tree", default="weights" if words_free else None)
    for node in experiment.graph:
        match node:
            case Activate(use=use):
                yield use, ()
            case Loss(use=use):
                yield use, (on, WEIGHTS)
            case Penalty(use=use):
                yield use, (weights,)
            case Layer(init=Use() as init):
                yield init, ()
    for uses in experiment.data.augment.values() if experiment.data else ():
        for use in uses:
            yield use, ()
    if experiment.train:
        for use in nested(experiment.train.optimizer):
            yield use, ()
        for monitored in experiment.train.monitor:
            yield monitored.use, (on,)


@dataclass(frozen=True, slots=True)
class LineForm:
    """The form of a line that takes options; `optional` has what no default fills."""

    form: Form
    optional: tuple[str, ...]


def line_forms(experiment: Experiment) -> Mapping[Place, Mapping[str, LineForm]]:
    """The forms of the lines that make layers, of the data source, `stop_early` and `warm_start`, by what
    they begin with: several where a skip is projected, which makes a second layer."""
    found: dict[Place, dict[str, LineForm]] = {}
    for layer in experiment.graph.layers:
        forms = found.setdefault(place(layer.use.span), {})
        if layer.use.name not in forms:
            forms[layer.use.name] = _layer_form(layer)
    if experiment.data:
        for file in experiment.data.files:
            found[place(file.use.span)] = {file.use.name: _source_form(file.use)}
    if experiment.train and experiment.train.stop_early:
        found[place(experiment.train.stop_early.span)] = {STOP_EARLY.owner: _on(STOP_EARLY, "loss")}
    if experiment.train and experiment.train.warm_start:
        found[place(experiment.train.warm_start.span)] = {WARM_START.owner: _on(WARM_START, "parameters")}
    return found


def _on(form: Form, default: str) -> LineForm:
    """The form of a line whose `on` is this where it is not given."""
    slots = tuple(replace(s, default=default) if s.name == "on" else s for s in form.slots)
    return LineForm(replace(form, slots=slots), ())


def _layer_form(layer: Layer) -> LineForm:
    contract = layer.use.contract
    assert isinstance(contract, contracts.Layer)
    init = Slot(INIT.name, INIT.type, default="default")
    slots = (*extra_slots(contract), *[RESIDUAL] * (contract.affine and not layer.output))
    extra = tuple(init if slot is INIT else slot for slot in slots)
    form = of_attributes(contract.name, "layer", contract.attributes, not layer.output, *extra)
    return LineForm(form, _optional(contract.attributes))


def _source_form(use: Use) -> LineForm:
    contract = use.contract
    assert isinstance(contract, contracts.DataSource)
    return LineForm(source_form(contract), _optional(contract.attributes))


def _optional(attributes: tuple[contracts.Attribute, ...]) -> tuple[str, ...]:
    return tuple(a.name for a in attributes if a.default is None and not a.required)
