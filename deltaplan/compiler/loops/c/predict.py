"""The functions of prediction: the model's scores, predictions in the data's units, decisions."""

from collections.abc import Iterator, Mapping, Sequence

from deltaplan.compiler.buffers import aliases
from deltaplan.compiler.links import link_of
from deltaplan.compiler.loops.c.arguments import Array, Scaling, at, each, inputs_of, outputs_of
from deltaplan.compiler.loops.c.code import Block, Code, folded, lines_of
from deltaplan.compiler.loops.c.comments import Comments
from deltaplan.compiler.loops.c.entries import Entries
from deltaplan.compiler.loops.c.functions import Base, Functions, Memory
from deltaplan.compiler.loops.c.leaves import leaves_of
from deltaplan.compiler.loops.c.ports import OutputPort, Source
from deltaplan.compiler.loops.c.refusals import refuse_steps
from deltaplan.compiler.loops.calls import Spot
from deltaplan.compiler.loops.plain import plain_program
from deltaplan.compiler.loops.program import Made, Program
from deltaplan.compiler.plan import linked_steps, predict_plan
from deltaplan.compiler.printers.plan import prediction_formulas
from deltaplan.compiler.steps import Tensor
from deltaplan.records import dataclass


@dataclass(frozen=True, slots=True)
class Link:
    """What is done to the scores of an output: a program, and where the result lies behind them."""

    program: Program
    offset: int


class Prediction:
    """Programs and functions of prediction. `first` is the number of parameters `theta` in each function: the
    weights are handed over, or stand in the file."""

    def __init__(self, source: Source, functions: Functions, made: Made) -> None:
        self.source, self.functions = source, functions
        self.real = functions.writer.real
        self.inputs = inputs_of(source.inputs)
        self.outputs = outputs_of(source.outputs, [a.name for a in self.inputs.values()])
        scales = {port.node: port.scale for port in source.inputs}
        scales |= {port.node: port.scale for port in source.outputs}
        arrays = self.inputs | self.outputs
        self.scalings = {n: Scaling(arrays[n].name, scale, self.real) for n, scale in scales.items()}
        self._programs(made)

    def _programs(self, made: Made) -> None:
        graph = self.source.experiment.graph
        plan = predict_plan(graph, linked=False)
        refuse_steps(self.source.experiment, plan.steps)
        scaled = [plan.trace.inputs[p.node] for p in self.source.inputs if p.scale]
        external = {t: s for t, s in leaves_of(plan).items() if t not in scaled}
        outputs = plan.trace.outputs
        self.model = plain_program(plan.steps, external, [*outputs.values()], made, scaled)
        self.entries = Entries(self.model.tables, self.source.cells)
        alias = aliases(plan.steps)
        self.places = {node: self.model.spots[alias.get(t.name, t).name] for node, t in outputs.items()}
        self.prepared = {
            node: self.model.spots[t.name].offset for node, t in plan.trace.inputs.items() if t in scaled
        }
        self.links = {
            node: self._link(node, tensor, made)
            for node, tensor in outputs.items()
            if link_of(graph, node) != "identity"
        }
        unfused = predict_plan(graph, fused=False)
        formulas = prediction_formulas(self.source.experiment, unfused)
        self.functions.add([(self.model, Comments(unfused.steps, formulas))])
        for node, link in self.links.items():
            comments = Comments(unfused.steps, formulas, name=link_of(graph, node))
            self.functions.add([(link.program, comments)])
        self.memory = self.model.arena + max((k.program.arena for k in self.links.values()), default=0)

    def _link(self, node: str, u: Tensor, made: Made) -> Link:
        own = "ŷ" if len(self.source.outputs) == 1 else f"ŷ_{node}"
        steps, value = linked_steps(link_of(self.source.experiment.graph, node), u, own)
        spot = self.places[node]
        place = Spot("scores", spot.offset) if spot.space == "arena" else spot
        program = plain_program(steps, {u: place}, [value], made)
        return Link(program, self.model.arena + program.spots[value.name].offset)

    def constants(self) -> Iterator[str]:
        for scaling in self.scalings.values():
            yield from scaling.constants()

    @property
    def constant_bytes(self) -> int:
        return sum(scaling.bytes for scaling in self.scalings.values())

    # the text of functions
    def text(self, prefix: str, weights: str, with_theta: bool) -> Iterator[str]:
        """All functions of prediction. With `with_theta` there is one to which the weights are handed."""
        yield self._model()
        yield self._predict(prefix, weights, with_theta)
        yield self._batch(prefix)
        for port in self._deciding():
            yield self._decide(prefix, weights, port)

    def prototypes(self, prefix: str, with_theta: bool) -> Iterator[tuple[str, str]]:
        """The heads of the functions that a user calls, with what they do."""
        x, y = self._listed()
        units = "in the data's units" if any(p.scale for p in self.source.outputs) else "of one sample"
        what = "probabilities" if self.links else "predictions"
        yield f"The {what} {units}.", f"void {prefix}_predict({x}, {y})"
        if with_theta:
            yield (
                "The same with other numbers for the parameters.",
                f"void {prefix}_predict_with({self._theta(prefix)}, {x}, {y})",
            )
        yield "n samples, one after the other.", f"void {prefix}_predict_batch({self._batch_listed()})"
        for port in self._deciding():
            yield self._decision(port), self._decide_head(prefix, port)

    def _theta(self, prefix: str) -> str:
        return f"const {self.real.type} theta[{prefix.upper()}_PARAMETERS]"

    def _listed(self) -> tuple[str, str]:
        type_ = self.real.type
        x = ", ".join(array.declared(f"const {type_}") for array in self.inputs.values())
        return x, ", ".join(array.declared(type_) for array in self.outputs.values())

    def _batch_listed(self) -> str:
        type_ = self.real.type
        x = [array.each(f"const {type_}") for array in self.inputs.values()]
        return ", ".join(["size_t n", *x, *(array.each(type_) for array in self.outputs.values())])

    def _handed(self) -> str:
        return ", ".join(array.name for array in self.inputs.values())

    def _spaces(self) -> dict[str, Base]:
        own: dict[str, Base] = {f"in {node}": array.name for node, array in self.inputs.items()}
        own |= self.entries.spaces
        return {"θ": "theta", "scores": "a", "arena": ("a", self.model.arena), **own}

    def _scores(self, node: str) -> tuple[str, int]:
        """Where the scores of an output lie."""
        spot = self.places[node]
        return (
            "a" if spot.space == "arena" else self.inputs[spot.space.removeprefix("in ")].name
        ), spot.offset

    def _model(self) -> str:
        type_ = self.real.type
        x = ", ".join(array.each(f"const {type_}") for array in self.inputs.values())
        memory = Memory({**self._spaces(), "arena": "a"})
        code = [*prepared(self.inputs, self.prepared, self.scalings)]
        code += self.functions.calls(self.model, memory)
        head = f"static void model(const {type_} *theta, {x}, {type_} *a)"
        return function("the layers, one after the other; a is memory for what lies between", head, code)

    def _predict(self, prefix: str, weights: str, with_theta: bool) -> str:
        x, y = self._listed()
        head, theta = f"void {prefix}_predict({x}, {y})", weights
        if with_theta:
            head, theta = f"void {prefix}_predict_with({self._theta(prefix)}, {x}, {y})", "theta"
        code: list[Code] = [*self._memory(prefix, theta)]
        for port in self.source.outputs:
            array = self.outputs[port.node]
            base, offset = self._scores(port.node)
            if port.node in self.links:
                link = self.links[port.node]
                code += self.functions.calls(link.program, Memory(self._spaces()))
                base, offset = "a", link.offset
            value = at(base, offset)
            if port.kind == "real":
                value = self.scalings[port.node].undone(value, port.size)
            code.append(each(port.size, f"{array.name}[i] = {value};"))
        text = function("", head, code)
        if with_theta:
            call = f"{prefix}_predict_with({weights}, {self._handed()}, {self._given()});"
            text += "\n" + function("", f"void {prefix}_predict({x}, {y})", [call])
        return text

    def _given(self) -> str:
        return ", ".join(array.name for array in self.outputs.values())

    def _memory(self, prefix: str, theta: str) -> Iterator[Code]:
        yield f"{prefix.upper()}_MEMORY"
        yield f"model({theta}, {self._handed()}, a);"

    def _batch(self, prefix: str) -> str:
        arrays = [*self.inputs.values(), *self.outputs.values()]
        places = ", ".join(array.at("i") for array in arrays)
        loop = Block("for (size_t i = 0; i < n; i++)", [f"{prefix}_predict({places});"])
        return function("", f"void {prefix}_predict_batch({self._batch_listed()})", [loop])

    def _deciding(self) -> list[OutputPort]:
        return [port for port in self.source.outputs if port.decision != "none"]

    def _decide_head(self, prefix: str, port: OutputPort) -> str:
        name = f"{prefix}_decide" + (f"_{self.outputs[port.node].name}" if len(self.outputs) > 1 else "")
        x, _ = self._listed()
        if port.decision == "positive" and port.size > 1:
            return f"void {name}({x}, int c[{port.size}])"
        return f"int {name}({x})"

    def _decision(self, port: OutputPort) -> str:
        if port.decision == "argmax":
            return "The class of one sample, counted from 0."
        return "The class of one sample: 1 for yes, else 0."

    def _decide(self, prefix: str, weights: str, port: OutputPort) -> str:
        base, offset = self._scores(port.node)
        code: list[Code] = [*self._memory(prefix, weights)]
        zero = self.real.literal(0.0)
        if port.decision == "argmax":
            u = f"{base} + {offset}" if offset else base
            code.append(f"return first_largest({u}, {port.size});")
        elif port.size == 1:
            code.append(f"return {base}[{offset}] > {zero};")
        else:
            code.append(each(port.size, f"c[i] = {at(base, offset)} > {zero};"))
        return function("", self._decide_head(prefix, port), code)

    @property
    def picks_largest(self) -> bool:
        return any(port.decision == "argmax" for port in self.source.outputs)


def prepared(
    inputs: Mapping[str, Array], places: Mapping[str, int], scalings: Mapping[str, Scaling], sample: str = ""
) -> Iterator[Code]:
    """The inputs scaled, in the memory of the model."""
    for node, offset in places.items():
        array = inputs[node]
        text = scalings[node].done(f"{array.name}[i]", array.size)
        yield each(array.size, f"{at('a', offset)} = {text};")


def function(comment: str, head: str, code: Sequence[Code]) -> str:
    """A function under its comment."""
    lines = [f"/* {comment} */"] if comment else []
    return "\n".join([*lines, *folded(head), "{", *lines_of(list(code), "    "), "}"]) + "\n"


FIRST_LARGEST = """\
/* the place of the first of the largest numbers, or of the first that is not a number */
static int first_largest(const real *u, int n)
{
    int best = 0;
    for (int i = 1; i < n && u[best] == u[best]; i++)
        if (u[i] > u[best] || u[i] != u[i])
            best = i;
    return best;
}
"""
