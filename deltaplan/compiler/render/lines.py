"""The lines of a spec, each with what it leaves to defaults."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from deltaplan.compiler.build.bound import Item
from deltaplan.compiler.build.form import Form
from deltaplan.compiler.build.sharing import OWNED, SHARE
from deltaplan.compiler.build.sizes import is_bare
from deltaplan.compiler.experiment import Experiment, Split
from deltaplan.compiler.nodes import Shape
from deltaplan.compiler.render.calls import Calls
from deltaplan.compiler.render.given import Names, completed, given, missing, value_tree
from deltaplan.compiler.render.looked_up import LineForm, Place, call_forms, line_forms, place
from deltaplan.compiler.render.params import resolved_params
from deltaplan.compiler.render.remarks import comment, defaulted
from deltaplan.compiler.render.settings import split_items, unstated_data, unstated_split, unstated_train
from deltaplan.compiler.render.sweep import given_seed, resolved_sweep, with_seed
from deltaplan.compiler.render.weights import Weights, weights_of, with_weights
from deltaplan.dsl import tree
from deltaplan.plugins.contracts import Sides
from deltaplan.records import dataclass


def resolved(experiment: Experiment, spec: tree.Spec) -> tree.Spec:
    """The spec with every default. `spec` is the tree of the experiment's own text."""
    words_free = all(line.target is None or line.target.text != "weights" for line in _all(spec.lines))
    weights = weights_of(experiment)
    forms = Forms(experiment, call_forms(experiment, words_free), line_forms(experiment), weights)
    params = resolved_params(spec.lines, experiment.params)
    names = Names(experiment.params)
    seed = given_seed(experiment, spec)

    def line(at: int, written: tree.Line) -> tree.Line:
        if experiment.sweep and _is(written, "sweep"):
            return resolved_sweep(experiment.sweep, written, names)
        found = params.get(at) or _line(forms, names, written)
        return with_seed(found, seed) if seed is not None and _is(written, "train") else found

    return tree.Spec(tuple(line(at, each) for at, each in enumerate(spec.lines)), spec.source)


def _is(line: tree.Line, head: str) -> bool:
    return isinstance(line.head, tree.Name) and line.head.text == head


@dataclass(frozen=True, slots=True)
class Forms:
    """What the pieces of the text take, by where they stand."""

    experiment: Experiment
    calls: Mapping[Place, Mapping[str, Form]]
    lines: Mapping[Place, Mapping[str, LineForm]]
    weights: Weights

    def size(self, line: tree.Line) -> Shape | None:
        """That of a bare `input` or `output`."""
        is_node = isinstance(line.head, tree.Name) and line.head.text in ("input", "output")
        if not is_node or not is_bare(line):
            return None
        assert isinstance(line.head, tree.Name)
        name = line.target.text if line.target else line.head.text
        return self.experiment.measured.sizes.get(name)

    def line(self, line: tree.Line) -> LineForm | None:
        """The form of a line that makes layers, of the source of the data, or of `stop_early`."""
        forms = self.lines.get(place(line.span), {})
        first = line.items[0] if line.items else None
        if isinstance(line.head, tree.Name) and line.head.text in forms:
            return forms[line.head.text]
        if isinstance(line.head, tree.Name) and line.head.text == "output":
            return forms.get(first.text if isinstance(first, tree.Name) else "") or forms.get("dense")
        return None


def _line(forms: Forms, names: Names, line: tree.Line) -> tree.Line:
    calls = Calls(forms.calls, names)
    given_items = tuple(with_weights(forms.weights, item) for item in line.items)
    if given_items != line.items:
        calls.remarks.append("weights from the data")
    items = tuple(map(calls.item, given_items))
    form, split = forms.line(line), _split(forms, line)
    size = forms.size(line)
    if size:
        items = (value_tree(Sides(size), line.span), *items)
        calls.remarks.append("size from the data")
    if form:
        items = _filled(calls, form, line, items)
    if split:
        calls.defaults += unstated_split(items, split)
        items = split_items(items, split, line.span)
    remarks = [defaulted(calls.defaults)] if calls.defaults else []
    body = replace(line.body, lines=_body(forms, names, line, line.body)) if line.body else None
    return replace(line, items=items, body=body, comment=comment(line, *remarks, *calls.remarks))


def _filled(calls: Calls, line_form: LineForm, line: tree.Line, items: tuple[Item, ...]) -> tuple[Item, ...]:
    """The items of a layer or a source with its defaults; the kind of an `output` stays in front."""
    form, first = line_form.form, items[:1]
    kind = first if first and _is_kind(line, first[0], form) else ()
    values = items[len(kind) :]
    activations = frozenset(at for at, item in enumerate(values) if place(item.span) in calls.forms)
    found = given(form, values, calls.names, activations)
    found.names |= set(OWNED) if SHARE.name in found.names else set()
    calls.defaults += [slot.name for slot in missing(form, found)]
    absent = [name for name in line_form.optional if name not in found.names]
    calls.remarks += [f"not given: {', '.join(absent)}"] if absent else []
    return kind + completed(form, values, found, line.span)


def _is_kind(line: tree.Line, item: Item, form: Form) -> bool:
    is_output = isinstance(line.head, tree.Name) and line.head.text == "output"
    return is_output and isinstance(item, tree.Name) and item.text == form.owner


def _split(forms: Forms, line: tree.Line) -> Split | None:
    data = forms.experiment.data
    stated = data.split.span if data else None
    return data.split if data and stated and place(stated) == place(line.span) else None


def _body(forms: Forms, names: Names, line: tree.Line, body: tree.Body) -> tuple[tree.Line, ...]:
    inner = _inside(names, line)
    return (*(_line(forms, inner, each) for each in body.lines), *_unstated(forms.experiment, line))


def _inside(names: Names, line: tree.Line) -> Names:
    """What names stand for in the braces of a line: a block has its arguments."""
    match line:
        case tree.Line(head=tree.Name(text="block"), items=(tree.Call(items=items),)):
            keys = (item.key if isinstance(item, tree.Option) else item for item in items)
            arguments = frozenset(key.text for key in keys if isinstance(key, tree.Name))
            return replace(names, arguments=arguments)
    return names


def _unstated(experiment: Experiment, line: tree.Line) -> tuple[tree.Line, ...]:
    match line.head:
        case tree.Name(text="train") if experiment.train:
            return unstated_train(experiment.train)
        case tree.Name(text="data") if experiment.data:
            return unstated_data(experiment.data)
    return ()


def _all(lines: Iterable[tree.Line]) -> Iterator[tree.Line]:
    for line in lines:
        yield line
        yield from _all(line.body.lines if line.body else ())
