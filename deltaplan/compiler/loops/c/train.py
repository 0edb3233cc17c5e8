"""The functions of training: a step over samples one after the other, whose gradients are added up.

Where samples depend on each other, as in `batch_norm`, it goes over them as often as there are sums to know.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from deltaplan.compiler.buffers import aliases
from deltaplan.compiler.factors import with_factors
from deltaplan.compiler.loops.c.arguments import Array, at, each
from deltaplan.compiler.loops.c.code import Block, Code
from deltaplan.compiler.loops.c.comments import Comments, Said
from deltaplan.compiler.loops.c.expressions import Piece, Writer
from deltaplan.compiler.loops.c.functions import Base, Functions, Memory
from deltaplan.compiler.loops.c.leaves import leaves_of
from deltaplan.compiler.loops.c.names import identifier
from deltaplan.compiler.loops.c.ports import OutputPort, Source
from deltaplan.compiler.loops.c.predict import Prediction, function, prepared
from deltaplan.compiler.loops.c.refusals import refuse_steps
from deltaplan.compiler.loops.calls import Spot
from deltaplan.compiler.loops.nest import Draw, statements
from deltaplan.compiler.loops.passes import Passes, passes_of
from deltaplan.compiler.loops.plain import plain_program
from deltaplan.compiler.loops.program import Made, Program
from deltaplan.compiler.optimize import Update
from deltaplan.compiler.plan import Plan, training_plans
from deltaplan.compiler.printers.plan import training_formulas, update_formulas
from deltaplan.compiler.steps import Map, Step, Tensor
from deltaplan.diagnostics.letters import ascii
from deltaplan.plugins.expressions import Expr, arguments
from deltaplan.records import dataclass


@dataclass(frozen=True, slots=True)
class Member:
    """A member of the state of training: an array of numbers, or a whole number."""

    name: str
    count: int
    what: str
    words: bool = False


class Training:
    """Programs and functions of a step of training."""

    def __init__(self, source: Source, prediction: Prediction, functions: Functions, made: Made) -> None:
        self.source, self.prediction, self.functions = source, prediction, functions
        self.writer: Writer = functions.writer
        self.real = self.writer.real
        train, update = training_plans(source.experiment)
        assert train is not None
        assert update is not None
        self.plan: Plan = train
        self.update: Update = with_factors(update)
        refuse_steps(source.experiment, self.plan.steps)
        self.targets = self._target_arrays()
        self._programs(made)
        self._updates(made)

    def _target_arrays(self) -> dict[str, Array]:
        """By output, those whose targets are compared with something."""
        read = {t for step in self.plan.steps for t in step.inputs}
        used = [p for p in self.source.outputs if self.plan.trace.targets.get(p.node) in read]
        taken = {"theta", "state", "samples", "a", "i", "n", "s", *self._inputs_names()}
        found: dict[str, Array] = {}
        for port in used:
            name = "y" if len(used) == 1 else identifier(port.node, taken, "y")
            taken.add(name)
            found[port.node] = Array(name, port.targets)
        return found

    def _inputs_names(self) -> list[str]:
        return [array.name for array in self.prediction.inputs.values()]

    def _programs(self, made: Made) -> None:
        trace = self.plan.trace
        assert trace.objective is not None
        leaves = leaves_of(self.plan)
        passes = self._passes(leaves)
        given = [trace.inputs[p.node] for p in self.source.inputs if p.scale]
        given += [trace.targets[node] for node in self.targets]
        places, self.common = one_after_the_other(passes.common)
        sums, self.sums = one_after_the_other([t for t in passes.sums if t not in leaves])
        known = {t: s for t, s in leaves.items() if t not in given}
        known |= {t: Spot("common", place) for t, place in places.items()}
        known |= {t: Spot("sums", place) for t, place in sums.items()}
        kept = [*known, trace.objective]
        self.passes = [plain_program(steps, known, kept, made, given) for steps in passes.samples]
        self.between = [plain_program(steps, known, kept, made) for steps in passes.between]
        self.reads = [{t.name for s in steps for t in s.inputs} for steps in passes.samples]
        alias = aliases(passes.between[-1])
        self.objective = self.between[-1].spots[alias.get(trace.objective.name, trace.objective).name]
        self.given = {t.name: self.passes[0].spots[t.name].offset for t in given}
        unfused, _ = training_plans(self.source.experiment, fused=False)
        assert unfused is not None
        formulas = [f for part in training_formulas(self.source.experiment, unfused) for f in part]
        comments = Comments(unfused.steps, formulas, unfused.backward)
        self.functions.add([(program, comments) for program in self.programs])

    @property
    def random(self) -> bool:
        """Whether random numbers are drawn."""
        kernels = (kernel for program in self.passes for kernel in program.kernels)
        return any(isinstance(s, Draw) for kernel in kernels for s in statements(kernel.body))

    def _passes(self, leaves: Mapping[Tensor, Spot]) -> Passes:
        steps, objective = self.plan.steps, self.plan.trace.objective
        assert objective is not None
        produced = {t.name for step in steps for t in step.outputs}
        late = [t for t, spot in leaves.items() if spot.space == "g" and t.name not in produced]
        return passes_of(steps, late, [objective])

    @property
    def programs(self) -> list[Program]:
        """In the order in which they are carried out."""
        first, *after = self.between
        rest = zip(self.passes, after, strict=True)
        return [first, *(program for pair in rest for program in pair)]

    def _updates(self, made: Made) -> None:
        """The update of each part of θ, in its place."""
        steps: list[Step] = []
        external: dict[Tensor, Spot] = {}
        scalars = [t.name for t in self.update.scalars]
        for number, part in enumerate(self.update.parts):
            own = _apart(part.step, number)
            for tensor, copy in zip(
                (*part.step.inputs, *part.step.outputs), (*own.inputs, *own.outputs), strict=True
            ):
                plain = tensor.name.removesuffix("\N{PRIME}")
                if plain in scalars:
                    external[copy] = Spot("scalars", scalars.index(plain))
                else:
                    external[copy] = Spot(plain if plain in ("θ", "g") else f"state {plain}", part.begin)
            steps.append(own)
        self.updating: Program = plain_program(steps, external, [*external], made)
        self.functions.add([(self.updating, Said([*self.formulas()]))])

    # memory
    def members(self) -> list[Member]:
        """What the state of training holds."""
        size = self.plan.trace.size
        vectors = [Member(name, size, "of the optimizer") for name in self._states().values()]
        counted = [Member("epoch", 0, "epochs done: yours to count", True)] if self._counts_epochs else []
        work = max(program.arena for program in self.programs)
        found = [
            *vectors,
            Member("g", size, "the gradient"),
            Member("a", work, "for one sample"),
            Member("sums", self.sums, "over the samples"),
            Member("common", self.common, "the same for all samples"),
        ]
        return [m for m in found if m.count] + [Member("t", 0, "steps done", True), *counted]

    @property
    def _counts_epochs(self) -> bool:
        return "epoch" in self.update.arguments

    def _states(self) -> dict[str, str]:
        """The optimizer's vectors and their members."""
        taken = ["g", "a", "sums", "common", "t", "epoch"]
        found: dict[str, str] = {}
        for state in self.update.states:
            found[state] = identifier(state, taken, "s")
            taken.append(found[state])
        return found

    # text
    def text(self, prefix: str, weights: str) -> Iterator[str]:
        yield self._begin(prefix, weights)
        yield self._step(prefix)

    def prototypes(self, prefix: str) -> Iterator[tuple[str, str]]:
        yield "The parameters that training begins with; nothing done yet.", self._begin_head(prefix)
        lines = ["One step on n samples; gives the objective before it."]
        for node, array in self.targets.items():
            port = self._port(node)
            if port.kind != "real":
                each_ = "class, counted from 0" if port.kind == "class" else "0 or 1 for each number"
                lines.append(f"{array.name}: {each_}.")
        if self.random:
            lines.append("samples: a number for each sample, the same in each epoch; NULL: 0, 1, ...")
        yield " ".join(lines), self._step_head(prefix)

    def _port(self, node: str) -> OutputPort:
        return next(port for port in self.source.outputs if port.node == node)

    def _begin_head(self, prefix: str) -> str:
        theta = f"{self.real.type} theta[{prefix.upper()}_PARAMETERS]"
        return f"void {prefix}_begin({theta}, {prefix}_state *state)"

    def _begin(self, prefix: str, weights: str) -> str:
        zero, size = self.real.literal(0.0), self.plan.trace.size
        code: list[Code] = [each(len(self.source.values), f"theta[i] = {weights}[i];")]
        code += [each(size, f"state->{name}[i] = {zero};") for name in self._states().values()]
        code.append("state->t = 0;")
        code += ["state->epoch = 0;"] if self._counts_epochs else []
        return function("", self._begin_head(prefix), code)

    def _step_head(self, prefix: str) -> str:
        type_ = self.real.type
        theta = f"{type_} theta[{prefix.upper()}_PARAMETERS]"
        arrays = [array.each(f"const {type_}") for array in self.prediction.inputs.values()]
        for node, array in self.targets.items():
            arrays.append(array.each("const " + (type_ if self._port(node).kind == "real" else "int")))
        names = ["const uint32_t *samples"] if self.random else []
        listed = ", ".join([theta, f"{prefix}_state *state", "size_t n", *arrays, *names])
        return f"{type_} {prefix}_step({listed})"

    def _step(self, prefix: str) -> str:
        memory = Memory(self._spaces(), self._values())
        code: list[Code] = [f"{self.real.type} *const a = state->a;"] if self._has_work() else []
        code.append(f"const {self.real.type} scale = {self._scale()};")
        code += self._zeros()
        first, *after = self.between
        code += self.functions.calls(first, memory)
        for number, program in enumerate(after):
            code.append(Block("for (size_t s = 0; s < n; s++)", [*self._sample(number, memory)]))
            code += self.functions.calls(program, memory)
        code += self._update(memory)
        code.append("state->t++;")
        code.append(f"return {memory.value(self.objective.space, self.objective.offset)};")
        return function("", self._step_head(prefix), code)

    def _has_work(self) -> bool:
        return any(member.name == "a" for member in self.members())

    def _spaces(self) -> Mapping[str, Base]:
        own: dict[str, Base] = {"θ": "theta", "g": "state->g", "arena": "a"}
        own |= {"sums": "state->sums", "common": "state->common", **self.prediction.entries.spaces}
        own |= {f"state {state}": f"state->{name}" for state, name in self._states().items()}
        return own | {f"in {node}": a.name for node, a in self._at_hand(self.prediction.inputs).items()}

    def _at_hand(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
        """The arrays of the sample at hand, which pointers of their own lead to."""
        return {node: Array(f"{array.name}_s", array.size) for node, array in arrays.items()}

    def _pointers(self, inputs: Mapping[str, Array], targets: Mapping[str, Array]) -> Iterator[Code]:
        type_ = self.real.type
        for array in inputs.values():
            yield f"const {type_} *const {array.name}_s = {array.at('s')};"
        for node, array in targets.items():
            kind = type_ if self._port(node).kind == "real" else "int"
            yield f"const {kind} *const {array.name}_s = {array.at('s')};"

    def _values(self) -> Mapping[str, Sequence[str]]:
        sample = "samples ? samples[s] : (uint32_t)s"
        names = [t.name for t in self.update.scalars]
        count = f"({self.real.type})n"
        counted = {"scale": ["scale"], "count": [count], "counter": ["state->t"]}
        return counted | {"samples": [sample], "scalars": names}

    def _scale(self) -> str:
        """1/B for a mean, N/B for a sum over all N samples."""
        train = self.source.experiment.train
        assert train is not None
        number = f"({self.real.type})n"
        if train.average == "mean":
            return f"{self.real.literal(1.0)} / {number}"
        if train.batch is None or self.source.samples is None:
            return self.real.literal(1.0)
        return f"{self.real.literal(float(self.source.samples))} / {number}"

    def _zeros(self) -> Iterator[Code]:
        zero = self.real.literal(0.0)
        yield each(self.plan.trace.size, f"state->g[i] = {zero};")
        if self.sums:
            yield each(self.sums, f"state->sums[i] = {zero};")

    def _sample(self, number: int, memory: Memory) -> Iterator[Code]:
        """One sample in a pass: its numbers into memory, then what is worked out of them."""
        trace, reads = self.plan.trace, self.reads[number]
        inputs = {n: a for n, a in self.prediction.inputs.items() if trace.inputs[n].name in reads}
        targets = {n: a for n, a in self.targets.items() if trace.targets[n].name in reads}
        yield from self._pointers(inputs, targets)
        places = {n: self.given[trace.inputs[n].name] for n in inputs if trace.inputs[n].name in self.given}
        yield from prepared(self._at_hand(inputs), places, self.prediction.scalings)
        for node, array in self._at_hand(targets).items():
            text = self._target(self._port(node), array)
            place = at("a", self.given[trace.targets[node].name])
            yield each(array.size, f"{place} = {text};")
        yield from self.functions.calls(self.passes[number], memory)

    def _target(self, port: OutputPort, array: Array) -> str:
        """A number of a target as the loss takes it."""
        text, type_ = f"{array.name}[i]", self.real.type
        match port.kind:
            case "real":
                return self.prediction.scalings[port.node].done(text, array.size)
            case "sign":
                return f"{text} ? {self.real.literal(1.0)} : {self.real.literal(-1.0)}"
            case _:
                return f"({type_}){text}"

    def _update(self, memory: Memory) -> Iterator[Code]:
        used = self.update.arguments
        if "t" in used:
            yield f"const {self.real.type} t = ({self.real.type})(state->t + 1);"
        if "epoch" in used:
            yield f"const {self.real.type} epoch = ({self.real.type})state->epoch;"
        if "gnorm" in used:
            yield from self._norm()
        yield from self._scalars()
        yield from self.functions.calls(self.updating, memory)

    def _norm(self) -> Iterator[Code]:
        """The norm of the gradient of what is trained."""
        yield f"{self.real.type} gnorm = {self.real.literal(0.0)};"
        for begin, end in _ranges(self.update):
            head = f"for (int i = {begin}; i < {end}; i++)"
            yield Block(head, ["gnorm += state->g[i] * state->g[i];"])
        yield f"gnorm = {self.real.function('sqrt')}(gnorm);"

    def _scalars(self) -> Iterator[Code]:
        names = self._values()["scalars"]
        out: list[str] = []

        def declare(text: str) -> str:
            out.append(f"const {self.real.type} r{len(out) + 1} = {text};")
            return f"r{len(out)}"

        expressions: list[Expr] = [*self.update.scalars.values()]
        known = {name: Piece(name) for name in arguments(*expressions)}
        pieces = self.writer.write(expressions, known, declare)
        yield from out
        for name, piece in zip(names, pieces, strict=True):
            yield f"const {self.real.type} {name} = {piece.text};"

    def formulas(self) -> Iterator[str]:
        """The update, for the comment above it."""
        for name, text in update_formulas(self.update.parts[0].step):
            yield ascii(f"{name} = {text}")


def _apart(step: Map, number: int) -> Map:
    """The map over tensors of names that no other part has."""

    def own(tensor: Tensor) -> Tensor:
        return replace(tensor, name=f"{tensor.name}.{number}")

    return replace(step, inputs=tuple(map(own, step.inputs)), outputs=tuple(map(own, step.outputs)))


def _ranges(update: Update) -> list[tuple[int, int]]:
    """The parts of θ that are trained, neighbours joined."""
    found: list[tuple[int, int]] = []
    for part in update.parts:
        if found and found[-1][1] == part.begin:
            found[-1] = (found[-1][0], part.end)
        else:
            found.append((part.begin, part.end))
    return found


def one_after_the_other(tensors: Sequence[Tensor]) -> tuple[dict[Tensor, int], int]:
    """Places without gaps, and how many numbers they are together."""
    found, offset = {}, 0
    for tensor in tensors:
        found[tensor] = offset
        offset += tensor.size
    return found, offset
