"""Calls a plugin's function once with symbols and checks what it returns."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NoReturn, TypeVar

from deltaplan.diagnostics import Diagnostic, Note, PluginError, Span
from deltaplan.plugins.contracts import WORDS, Kind, Owner, Parameter
from deltaplan.plugins.expressions import REDUCTIONS, Expr, Op, argument, lift, walk
from deltaplan.plugins.faults import (
    BadDeclaration,
    BadName,
    Constant,
    Fault,
    ForeignArgument,
    FunctionFailed,
    HoldsReduction,
    NoExpression,
    NotScalar,
    StateNotUpdated,
    UnknownState,
    WrongIndex,
    WrongSignature,
)
from deltaplan.plugins.places import code_of, failed_span, function_span, in_words
from deltaplan.records import dataclass

D = TypeVar("D", bound=Fault)


@dataclass(frozen=True, slots=True)
class Traced:
    """A function that is about to become a contribution; `place` is where a spec defines it, if one does."""

    kind: Kind
    name: str
    function: Callable[..., Any]
    place: Span | None = None

    @property
    def what(self) -> str:
        return f"{self.kind} `{self.name}`"

    @property
    def doc(self) -> str:
        return inspect.cleandoc(self.function.__doc__ or "")

    @property
    def owner(self) -> Owner:
        """The module and the place, until the loader knows the plugin's name."""
        code, module = code_of(self.function), getattr(self.function, "__module__", None) or ""
        return Owner(module, code.co_filename, line=code.co_firstlineno) if code else Owner(module)

    def fail(self, fault: type[D], **fields: Any) -> NoReturn:
        raise PluginError(fault(what=self.what, span=self.place or function_span(self.function), **fields))

    def check_names(self, *names: str) -> None:
        """The contribution's own name and those of its parameters can be written in a spec, and differ."""
        for name in (self.name, *names):
            if not (isinstance(name, str) and name.isidentifier() and name.isascii()):
                mend = "a name is of letters, digits and `_`, and begins with a letter"
                self.fail(BadName, name=str(name), why="is not a name that a spec can hold", mend=mend)
        for name in names:
            if names.count(name) > 1:
                self.fail(BadName, name=name, why="is declared twice")

    def check_parameters(self, parameters: Sequence[Parameter], symbols: Sequence[Expr] = ()) -> None:
        """Names that differ, from those of the symbols too, and defaults that keep their own bounds."""
        self.check_names(*(str(s.name) for s in symbols), *(p.name for p in parameters))
        for p in parameters:
            if p.type in ("numbers", "length") and self.kind != "schedule":
                self.fail(BadDeclaration, why=f"`{p.name}` is {WORDS[p.type]}, which only a schedule takes")
            if p.default is not None and not p.allows(p.default):
                why = f"the default of `{p.name}` is {p.default}, and must be {p.condition}"
                self.fail(BadDeclaration, why=why)

    def check_one_list(self, parameters: Sequence[Parameter]) -> None:
        """Lists of different lengths have no element in common."""
        lists = [p.name for p in parameters if p.type == "numbers"]
        if len(lists) > 1:
            self.fail(BadDeclaration, why=f"{_quoted(lists)} are lists, and a schedule takes one at most")

    def check_signature(self, *positional: str, keywords: Sequence[str] = ()) -> None:
        """The function can be called with these arguments."""
        try:
            signature = inspect.signature(self.function)
            signature.bind(*positional, **dict.fromkeys(keywords))
        except (TypeError, ValueError) as error:
            self.fail(WrongSignature, given=", ".join((*positional, *keywords)), why=str(error))

    def accepts(self, name: str) -> bool:
        try:
            return name in inspect.signature(self.function).parameters
        except (TypeError, ValueError):
            return False

    def call(self, *positional: object, **keywords: object) -> Any:
        """What the function returns; whatever it raises is a PluginError at its line."""
        try:
            return self.function(*positional, **keywords)
        except KeyboardInterrupt:
            raise
        except PluginError as error:
            raise PluginError(*(self._placed(d, error) for d in error.diagnostics)) from None
        except BaseException as error:
            span = self._line(error)
            raise PluginError(FunctionFailed(what=self.what, error=in_words(error), span=span)) from None

    def _placed(self, diagnostic: Diagnostic, error: BaseException) -> Diagnostic:
        span = diagnostic.span or self._line(error)
        return replace(diagnostic, span=span, notes=(*diagnostic.notes, Note(f"in {self.what}")))

    def _line(self, error: BaseException) -> Any:
        code = code_of(self.function)
        return (failed_span(error, code.co_filename) if code else None) or function_span(self.function)

    def expression(self, symbols: Sequence[Expr], parameters: Sequence[Parameter]) -> Expr:
        """The function's expression of these symbols, by position, and the parameters, by name."""
        self.check_parameters(parameters, symbols)
        names = [p.name for p in parameters]
        self.check_signature(*(str(s.name) for s in symbols), keywords=names)
        scalars = {p.name: argument(p.name, scalar=p.type != "numbers") for p in parameters}
        result = self.call(*symbols, **scalars)
        if not isinstance(result, Expr):
            self.nonsense(result)
        self.check_arguments(result, {*symbols, *scalars.values()})
        return result

    def updates(
        self, elements: Sequence[Expr], scalars: Sequence[Expr], given: Sequence[Expr]
    ) -> Mapping[str, Expr]:
        """The function's new value for each of `elements`, an expression of all `given` arguments by name."""
        keywords = {str(e.name): e for e in given}
        self.check_signature(keywords=tuple(keywords))
        result = self.call(**keywords)
        if not isinstance(result, Mapping):
            self.nonsense(result, "a mapping from `w` and the states to expressions")
        wanted = [str(e.name) for e in elements]
        for name in wanted:
            if name not in result:
                self.fail(StateNotUpdated, name=name, wanted=_quoted(wanted))
        for name in result:
            if name not in wanted:
                states = ", ".join(f'"{state}"' for state in (*wanted[1:], name))
                self.fail(UnknownState, name=str(name), states=states + "," * (len(wanted) == 1))
        return {name: self._update(result[name], {*elements, *scalars}) for name in wanted}

    def _update(self, value: object, known: set[Expr]) -> Expr:
        if not isinstance(value, Expr | int | float):
            self.nonsense(value)
        expr = lift(value)
        self.check_arguments(expr, known)
        self.check_elementwise(expr)
        return expr

    def nonsense(self, result: object, wanted: str = "an expression of its arguments") -> NoReturn:
        """Refuses what the function returned."""
        mend = "is a `return` missing?" if result is None else None
        self.fail(NoExpression, result=f"`{result!r:.60}`", wanted=wanted, mend=mend)

    def check_arguments(self, expr: Expr, known: set[Expr]) -> None:
        for e in walk(expr):
            if e.op is Op.ARG and e not in known:
                self.fail(ForeignArgument, argument=e.name, mark=self.kind)

    def check_elementwise(self, expr: Expr) -> None:
        for e in walk(expr):
            if e.op in REDUCTIONS:
                self.fail(HoldsReduction, reduction=e.op.value)

    def check_indices(self, expr: Expr, *known: Expr) -> None:
        """Every pick() takes one of the known scalars as its index."""
        for e in walk(expr):
            if e.op is Op.PICK and not any(e.args[1] is index for index in known):
                self.fail(WrongIndex, index=str(e.args[1]))

    def check_scalar(self, expr: Expr) -> None:
        if not expr.scalar:
            self.fail(NotScalar)

    def check_depends(self, expr: Expr, symbol: Expr) -> None:
        if symbol not in walk(expr):
            self.fail(Constant, argument=symbol.name)


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
