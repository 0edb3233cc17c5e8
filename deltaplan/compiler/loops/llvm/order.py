"""The order of an epoch's samples: sorted by random 64-bit keys, as on numpy."""

from collections.abc import Sequence

from deltaplan.compiler.loops.llvm.code import Code, Value
from deltaplan.compiler.loops.llvm.philox import LOW, Words, rounds

LANES = 8


def buckets(samples: int) -> int:
    """Bits of a key that choose its bucket: about one key to each."""
    return max(1, min(20, (samples - 1).bit_length()))


def write_order(code: Code, samples: int) -> None:
    """The function `@order(epoch, state, order, work)`.

    `state` points to the 32-bit words of the key of shuffling, `order` gets the samples' numbers as i64, and
    `work` has room for 2·(samples + 8) + 2^buckets + 1 numbers of 64 bits: keys sorted into buckets by their
    highest bits, then by insertion, which moves few of them; equal keys stay in order.
    """
    bits = buckets(samples)
    with code.function("order", [("i64", "epoch"), ("ptr", "state"), ("ptr", "order"), ("ptr", "work")]) as f:
        keys = f["work"]
        sorted_keys = code.place(keys, samples + LANES, "i64")
        counts = code.place(keys, 2 * (samples + LANES), "i64")
        _keys(code, f["epoch"], f["state"], keys, samples)
        code.clear(counts, 8 * ((1 << bits) + 1))
        shift = 64 - bits

        def bucket(key: Value) -> Value:
            return key >> shift

        def count(i: Value) -> None:
            place = bucket(code.load(keys, i, "i64")) + 1
            code.store(counts, place, code.load(counts, place, "i64") + 1, "i64")

        def add(i: Value) -> None:
            total = code.load(counts, i, "i64") + code.load(counts, i + 1, "i64")
            code.store(counts, i + 1, total, "i64")

        def place(i: Value) -> None:
            key = code.load(keys, i, "i64")
            own = bucket(key)
            position = code.load(counts, own, "i64")
            code.store(counts, own, position + 1, "i64")
            code.store(sorted_keys, position, key, "i64")
            code.store(f["order"], position, i, "i64")

        code.each(samples, count)
        code.each(1 << bits, add)
        code.each(samples, place)
        _insertion(code, sorted_keys, f["order"], samples)
        code.give()


def _keys(code: Code, epoch: Value, state: Value, keys: Value, samples: int) -> None:
    """w0·2³² + w1 of the counters (epoch, 0, i, 0)."""
    words = Words(code.text, LANES)
    key = tuple(words.splat(code.convert(code.load(state, i, "i32"), "i64").name) for i in range(2))
    step, zero = words.splat(epoch.name), words.const(0)
    ramp = "<" + ", ".join(f"i64 {i}" for i in range(LANES)) + ">"

    def turn(index: str, _: Sequence[str]) -> Sequence[str]:
        number = words.do("add", words.splat(index), ramp)
        w0, w1, _, _ = rounds(words, (step, zero, number, zero), (key[0], key[1]))
        whole = words.do("or", words.do("shl", w0, words.const(32)), words.do("and", w1, words.const(LOW)))
        place = code.place(keys, Value(code, index, "i64"), "i64")
        code.text.do(f"store {words.type} {whole}, ptr {place.name}, align 8")
        return ()

    code.text.loop(samples, turn, step=LANES)


def _insertion(code: Code, keys: Value, order: Value, samples: int) -> None:
    """Sorts what is almost sorted, keys as unsigned numbers."""
    hole = code.variable("i64", 0)

    def larger(key: Value) -> Value:
        left = hole.value
        inside = left > 0
        before = code.load(keys, code.select(inside, left - 1, 0, "i64"), "i64")
        above = Value(code, code.text.value(f"icmp ugt i64 {before.name}, {key.name}"), "i1")
        return inside & above

    def insert(i: Value) -> None:
        key, sample = code.load(keys, i, "i64"), code.load(order, i, "i64")
        hole.set(i)
        with code.while_(lambda: larger(key)):
            left = hole.value
            code.store(keys, left, code.load(keys, left - 1, "i64"), "i64")
            code.store(order, left, code.load(order, left - 1, "i64"), "i64")
            hole.set(left - 1)
        code.store(keys, hole.value, key, "i64")
        code.store(order, hole.value, sample, "i64")

    code.each(samples, insert, begin=1)
