"""What the training loops of one net and of many write alike."""

from collections.abc import Callable

from deltaplan.compiler.loops.ensemble import Ensemble
from deltaplan.compiler.loops.llvm.code import Code, Value, Variable
from deltaplan.compiler.loops.llvm.control import Whole
from deltaplan.compiler.loops.training import Training
from deltaplan.compiler.loops.update import AHEAD


class Steps:
    """A loop over steps, its words of control, and the scalars of the optimizer."""

    step: Variable
    epoch: Variable
    last: Value

    def __init__(self, code: Code, plan: Training | Ensemble, whole: Value, real: Value) -> None:
        self.code, self.plan, self.whole, self.real = code, plan, whole, real
        self.kind = plan.kind
        self.pointers: dict[str, Value] = {}

    def _get(self, place: Whole, fresh: bool = False) -> Value:
        return self.code.load(self.whole, int(place), "i64", fresh)

    def _put(self, place: Whole, value: Value | int, shown: bool = False) -> None:
        self.code.store(self.whole, int(place), value, "i64", shown)

    def _epoch_of(self, step: Value) -> Value:
        return step // self.plan.per_epoch if self.plan.per_epoch > 1 else step

    def _early(self, step: Value) -> None:
        """The scalars that are known before the step."""
        scalars, code = self.plan.scalars, self.code
        within = step % AHEAD
        if scalars.ahead:
            out = self.pointers["ahead out"]
            with code.when(within.is_(0) | step.is_(self._get(Whole.STEP))):
                self._ahead(step - within)
            for row, number in enumerate(scalars.early):
                value = code.load(out, within + row * AHEAD, "double")
                code.store(self.pointers["scalars"], number, code.convert(value, self.kind), self.kind)

    def _ahead(self, begin: Value) -> None:
        """The scalars of the steps from begin + 1 on."""
        code = self.code
        given = self.pointers["ahead"]

        def fill(i: Value) -> None:
            done = begin + i
            code.store(given, i, code.convert(done + 1, "double"), "double")
            code.store(given, i + AHEAD, code.convert(self._epoch_of(done), "double"), "double")

        code.each(AHEAD, fill)
        epochs = code.place(given, AHEAD, "double")
        code.call("ahead", [given, epochs, given, given, self.pointers["ahead out"]])

    def _after(self, step: Value, square: Value, own: Value | None = None) -> Value:
        """Where the scalars come to lie that need the gradient's norm, given its square, and the numbers in
        which nets differ."""
        code = self.code
        given = code.place(self.pointers["ahead"], 2 * AHEAD, "double")
        code.text.declare("double @llvm.sqrt.f64(double)")
        root = Value(code, code.text.value(f"call double @llvm.sqrt.f64(double {square.name})"), "double")
        numbers = (code.convert(step + 1, "double"), code.convert(self.epoch.value, "double"), root)
        for i, number in enumerate(numbers):
            code.store(given, i, number, "double")
        out = code.place(given, 4, "double")
        code.call("after", [*(code.place(given, i, "double") for i in range(3)), own or given, out])
        return out

    def _recorded(self, record: Callable[[], None], forget: Callable[[], None]) -> None:
        """Once a step is done: where its epoch or training ends, a record if one is due, else none."""
        code = self.code
        whole = (self.step.value % self.plan.per_epoch).is_(0)
        at_last = self.step.value.is_(self.last)
        due = ((self.epoch.value + 1) % self._get(Whole.EVERY)).is_(0)
        with code.when(whole | at_last):
            code.choose((whole & due) | at_last, record, forget)
