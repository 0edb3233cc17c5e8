"""Equal layers of a plan: which steps belong to them, forward and backward.

Many layers that are alike leave many steps that are alike. They are found in the steps alone, whatever the
spec calls its layers: stretches of steps of the same kinds and shapes, tied to each other by what they read.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from deltaplan.compiler.plans import Part, Plan, Repeats, Stretch
from deltaplan.compiler.steps import PRIMITIVES, Step, told_by

LEAST = 48  # layers below which nobody gains by it
LONGEST = 64  # steps of a layer, in one direction
REACH = 2  # layers from which a layer may read
TOLD = told_by(PRIMITIVES)


def with_repeats(plan: Plan) -> Plan:
    """The plan with what it repeats."""
    found = repeats_of(plan.steps, plan.parts)
    return replace(plan, repeats=found) if found else plan


def repeats_of(steps: Sequence[Step], parts: Iterable[Part] = ()) -> Repeats | None:
    """The longest row of equal layers; `parts` tells where tensors lie that need a place of their own for
    each layer, in even steps. None where there are fewer than `LEAST`."""
    if len(steps) < LEAST:
        return None
    stretches = [*_stretches(_keys(steps))]
    return Ties(steps, stretches, parts).repeats() if stretches else None


def _keys(steps: Sequence[Step]) -> list[int]:
    """A number for each step, the same for steps that differ in their tensors' names alone."""
    numbers: dict[object, int] = {}
    found = []
    for step in steps:
        kind = type(step)
        shapes = [(t.shape, t.batched) for t in step.inputs + step.outputs]
        key = (kind, TOLD[kind](step), len(step.inputs), *shapes)
        found.append(numbers.setdefault(key, len(numbers)))
    return found


def _stretches(keys: Sequence[int]) -> Iterator[Stretch]:
    """Stretches of at least `LEAST` copies, from the first step on."""
    begin = 0
    while begin < len(keys):
        best = Stretch(begin, 1, 1)
        for period in range(1, min(LONGEST, (len(keys) - begin) // LEAST) + 1):
            known = best.count > 1 and period % best.period == 0
            if known or keys[begin] != keys[begin + period]:
                continue
            end = begin
            while end + period < len(keys) and keys[end] == keys[end + period]:
                end += 1
            count = (end - begin) // period + 1
            if count >= LEAST and period * count > best.period * best.count:
                best = Stretch(begin, period, count)
        if best.count > 1:
            yield best
        begin += best.period * best.count


Place = tuple[int, int, int]  # a stretch, a step of its copies, a layer
Anchor = tuple[int, int]  # a step, and which of its outputs or, below 0, of its inputs


class Ties:
    """What ties the copies of several stretches to layers."""

    def __init__(self, steps: Sequence[Step], stretches: Sequence[Stretch], parts: Iterable[Part]) -> None:
        self.steps = steps
        self.lies = {part.tensor.name: (part.vector, part.offset) for part in parts}
        self.anchors = anchors(steps)
        self.stretches: list[Stretch] = []
        self.places: dict[int, Place] = {}
        self._tie_all(stretches)

    def repeats(self) -> Repeats | None:
        """The layers that are alike, where there are enough."""
        begin = max(min(s.first, s.first + s.sign * (s.count - 1)) for s in self.stretches)
        end = 1 + min(max(s.first, s.first + s.sign * (s.count - 1)) for s in self.stretches)
        if end - begin >= LEAST:
            begin, end = self._alike(begin, end)
        if end - begin >= LEAST:
            begin, end = self._by_themselves(begin, end)
        if end - begin < LEAST:
            return None
        return Repeats(tuple(self.stretches), begin, end, tuple(self._own((begin + end) // 2)))

    def _tie_all(self, stretches: Sequence[Stretch]) -> None:
        """Takes the stretches that have the same layers: of several such families the one with most steps."""
        waiting, families = [*stretches], list[list[Stretch]]()
        while waiting:
            self._take(waiting[:1])
            rest = []
            for stretch in waiting[1:]:
                tied = self._tied(stretch)
                if tied:
                    self._take([*self.stretches, tied])
                else:
                    rest.append(stretch)
            families.append(self.stretches)
            waiting = rest
        self._take(max(families, key=lambda family: sum(s.period * s.count for s in family)))

    def _take(self, stretches: list[Stretch]) -> None:
        """These, with the stretch, the step of a copy and the layer of each of their steps."""
        self.stretches, self.places = stretches, {}
        for number, s in enumerate(stretches):
            for copy in range(s.count):
                layer, index = s.first + s.sign * copy, s.begin + copy * s.period
                for step in range(s.period):
                    self.places[index + step] = number, step, layer

    def _tied(self, stretch: Stretch) -> Stretch | None:
        """The stretch with its layers, by what its middle copies read of one that has them."""
        middle, period = stretch.count // 2, stretch.period
        begin = stretch.begin + period * middle
        for index in range(begin, begin + period):
            for a, b in zip(self.steps[index].inputs, self.steps[index + period].inputs, strict=True):
                here, there = (self.places.get(self.anchors[t.name][0]) for t in (a, b))
                if here and there and here[:2] == there[:2] and abs(there[2] - here[2]) == 1:
                    sign = there[2] - here[2]
                    return replace(stretch, sign=sign, first=here[2] - sign * middle)
        return None

    def _alike(self, begin: int, end: int) -> tuple[int, int]:
        """Layers around the middle one whose copies read and write the same, as seen from them, and whose own
        memory lies in even steps."""
        middle = (begin + end) // 2
        for names in self._names(begin, end):
            begin, end = _around(middle, begin, end, self._seen(names, middle))
        return begin, end

    def _names(self, begin: int, end: int) -> Iterator[dict[int, str]]:
        """For each place of a copy, the names of what stands there in each layer."""
        layers = range(begin, end)
        for stretch in self.stretches:
            for step in range(stretch.period):
                here = [self.steps[stretch.step_of(layer) + step] for layer in layers]
                for column in zip(*(s.inputs + s.outputs for s in here), strict=True):
                    yield dict(zip(layers, (t.name for t in column), strict=True))

    def _seen(self, names: Mapping[int, str], middle: int) -> dict[int, object]:
        """What stands at a place, as seen from each layer: the same tensor for all, or one some layers away,
        with its memory as it would be at layer 0."""
        one, two = names[middle], names[middle + 1]
        if one == two:
            return dict(names)
        (vector, offset), (_, later) = (self.lies.get(name, ("", 0)) for name in (one, two))
        found: dict[int, object] = {}
        for layer, name in names.items():
            index, number = self.anchors[name]
            place = self.places.get(index)
            if place and abs(place[2] - layer) <= REACH and (vector or number >= 0):
                own, at = self.lies.get(name, ("", 0))
                found[layer] = place[:2], number, place[2] - layer, own, at - (later - offset) * layer
        return found

    def _by_themselves(self, begin: int, end: int) -> tuple[int, int]:
        """The longest row of these layers of which nothing is read but by layers beside them."""
        touched = {begin - 1, end}
        for index, step in enumerate(self.steps):
            place = self.places.get(index)
            for tensor in step.inputs:
                found = self.places.get(self.anchors[tensor.name][0])
                if found and not (place and abs(place[2] - found[2]) <= REACH):
                    touched.add(found[2])
        cuts = sorted(layer for layer in touched if begin - 1 <= layer <= end)
        return max(((a + 1, b) for a, b in pairwise(cuts)), key=lambda row: row[1] - row[0])

    def _own(self, layer: int) -> Iterator[tuple[int, int, int]]:
        """Where a layer reads what no step writes and no layer before it has read."""
        for number, stretch in enumerate(self.stretches):
            for step in range(stretch.period):
                index = stretch.step_of(layer) + step
                for place, tensor in enumerate(self.steps[index].inputs):
                    if self.anchors[tensor.name] == (index, -1 - place):
                        yield number, step, place


def anchors(steps: Sequence[Step]) -> dict[str, Anchor]:
    """What a tensor is told by: the step that writes it or, where none does, the one that reads it first."""
    found: dict[str, Anchor] = {}
    for index, step in enumerate(steps):
        for number, tensor in enumerate(step.inputs):
            found.setdefault(tensor.name, (index, -1 - number))
        for number, tensor in enumerate(step.outputs):
            found[tensor.name] = index, number
    return found


def _around(middle: int, begin: int, end: int, seen: Mapping[int, object]) -> tuple[int, int]:
    """The layers around the middle one that see the same there."""
    first = last = middle
    while first > begin and seen.get(first - 1) == seen.get(middle):
        first -= 1
    while last + 1 < end and seen.get(last + 1) == seen.get(middle):
        last += 1
    return (first, last + 1) if middle in seen else (middle, middle)
