"""Calls in a line with all their parameters: `adam(lr=1e-2)` is `adam(lr=1e-2, beta1=0.9, …)`."""

from collections.abc import Iterator, Mapping
from dataclasses import field, replace

from deltaplan.compiler.build.bound import Item
from deltaplan.compiler.build.form import Form
from deltaplan.compiler.render.given import Given, Names, given, missing, options
from deltaplan.compiler.render.looked_up import Place, place
from deltaplan.diagnostics import Span
from deltaplan.dsl import tree, value_text
from deltaplan.records import dataclass


@dataclass(slots=True)
class Calls:
    """The calls of one line while they are completed; `defaults` are the names of what was filled in, and
    `remarks` what cannot be said in the line itself."""

    forms: Mapping[Place, Mapping[str, Form]]
    names: Names
    defaults: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def item(self, item: Item) -> Item:
        """The item with every call in it completed."""
        match item:
            case tree.Option():
                return replace(item, value=self.value(item.value))
            case tree.Values():
                return replace(item, items=tuple(map(self.value, item.items)))
            case _:
                return self.value(item)

    def value(self, value: tree.Value) -> tree.Value:
        forms = self.forms.get(place(value.span))
        if forms:
            self._remark_name(value, forms)
            return self._completed(value, forms)
        match value:
            case tree.Binary():
                return replace(value, left=self.value(value.left), right=self.value(value.right))
            case tree.Call():
                return replace(value, items=self._arguments(value.items))
        return value

    def _arguments(self, items: tuple[tree.Value | tree.Option, ...]) -> tuple[tree.Value | tree.Option, ...]:
        return tuple(map(self._argument, items))

    def _argument(self, argument: tree.Value | tree.Option) -> tree.Value | tree.Option:
        if isinstance(argument, tree.Option):
            return replace(argument, value=self.value(argument.value))
        return self.value(argument)

    def _completed(self, value: tree.Value, forms: Mapping[str, Form]) -> tree.Value:
        """The name or call in `0.5 * leaky_relu` with its parameters."""
        match value:
            case tree.Binary():
                left, right = (self._completed(side, forms) for side in (value.left, value.right))
                return replace(value, left=left, right=right)
            case tree.Name(text=name) if self._stands_for_itself(value, forms):
                return self._call(tree.Call(name, (), (), value.span, value.span), forms[name]) or value
            case tree.Call(name=name) if name in forms:
                inner = replace(value, items=self._arguments(value.items), after=self._arguments(value.after))
                return self._call(inner, forms[name]) or inner
        return value

    def _call(self, call: tree.Call, form: Form) -> tree.Call | None:
        """The call with what it lacks, None where it lacks nothing."""
        slots = missing(form, given(form, call.items + call.after, self.names))
        if not slots:
            return None
        self.defaults += [slot.name for slot in slots]
        more = options(slots, call.span)
        # Options come last: after the `;`, where the call has one.
        if call.after:
            return replace(call, after=call.after + more)
        return replace(call, items=call.items + more)

    def _stands_for_itself(self, value: tree.Value, forms: Mapping[str, Form]) -> bool:
        """Whether this is the name or call of a contribution; a param may have the name of an activation."""
        match value:
            case tree.Call(name=name):
                return name in forms
            case tree.Name(text=name) if name in forms:
                return forms[name].kind != "activation" or self.names.word(name) == name
        return False

    def _remark_name(self, value: tree.Value, forms: Mapping[str, Form]) -> None:
        """Tells what a param or an argument of the block stands for: the line itself keeps the name."""
        if any(self._stands_for_itself(leaf, forms) for leaf in _leaves(value)):
            return
        full = [text for form in forms.values() if (text := _full(form, value.span))]
        if full:
            self.remarks.append(f"{value_text(value)}: {', '.join(full)}")


def _leaves(value: tree.Value) -> Iterator[tree.Value]:
    """The factors of a product."""
    if isinstance(value, tree.Binary):
        yield from _leaves(value.left)
        yield from _leaves(value.right)
    else:
        yield value


def _full(form: Form, span: Span) -> str:
    """A contribution with all its defaults, `leaky_relu(alpha=0.01)`; nothing where it has none."""
    slots = missing(form, Given())
    return value_text(tree.Call(form.owner, options(slots, span), (), span, span)) if slots else ""
