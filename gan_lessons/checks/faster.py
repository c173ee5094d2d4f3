"""The exercises of the lesson Faster and further."""

import numpy as np

from gan_lessons.checks import Hint, exercise, is_blank


def _numbers(answer, keys):
    """The answers as numbers, by key; a Hint if some are missing or are no numbers."""
    if not isinstance(answer, dict) or set(answer) != set(keys):
        raise Hint(f"keep the dictionary with the keys {', '.join(keys)} and replace the dots behind each colon.")
    if missing := [key for key in keys if is_blank(answer[key])]:
        raise Hint(f"{', '.join(missing)} still to do.")
    try:
        return {key: float(answer[key]) for key in keys}
    except (TypeError, ValueError):
        raise Hint("every answer is a number.") from None


@exercise("Passes over memory")
def passes(answer):
    """The bytes of a batch, and the time of operations that do nothing but read and write it."""
    found = _numbers(answer, ("a", "b", "c"))
    million = 64 * 16 * 16 * 32 * 4 / 1e6
    if not np.isclose(found["a"], million, rtol=0.03):  # 2 ** 20 is a million, too, to some
        if np.isclose(found["a"], million / 4, rtol=0.03):
            raise Hint("(a) that is how many numbers there are. A number in float32 has 32 bits: 4 bytes.")
        if np.isclose(found["a"], million * 8, rtol=0.03):
            raise Hint("(a) these are bits. Eight make a byte.")
        if np.isclose(found["a"], million / 64, rtol=0.03):
            raise Hint("(a) that is one image of the batch, which has 64.")
        if np.isclose(found["a"], million * 1e6, rtol=0.03):
            raise Hint("(a) in millions, please.")
        raise Hint("(a) 64·16·16·32 numbers of 4 bytes each.")
    for letter, operations in (("b", 6), ("c", 2)):
        once = operations * million / 10  # ms: 1e10 bytes a second are 10 million in one
        if not np.isclose(found[letter], 2 * once, rtol=0.03):
            if np.isclose(found[letter], once, rtol=0.03):
                raise Hint(f"({letter}) each operation reads the batch *and* writes it: two passes.")
            if np.isclose(found[letter], 2 * once / operations, rtol=0.03):
                raise Hint(f"({letter}) that is one operation. There are {operations}.")
            if np.isclose(found[letter], 2 * once / 1e3, rtol=0.03):
                raise Hint(f"({letter}) these are seconds. How many ms?")
            raise Hint(f"({letter}) {operations} operations, each of which moves twice {million:.1f} million bytes.")
    return (
        "2.1 million bytes, 2.5 ms and 0.84 ms. (Real memory has caches before it, "
        "from which a batch of this size may be read faster; and a step has several such layers: G's are called "
        "twice in it, D's three times.)"
    )


@exercise("Counting products")
def products(answer):
    """The multiply-adds of one image's way forwards through three layers."""
    found = _numbers(answer, ("a", "b", "c"))
    a, weights, places = 784 * 512, 4 * 4 * 32 * 64, 8 * 8
    if not np.isclose(found["a"], a, rtol=1e-6):
        if np.isclose(found["a"], 784 + 512):
            raise Hint("(a) every one of the 512 outputs takes all 784 inputs: the numbers multiply.")
        if np.isclose(found["a"], a + 512):
            raise Hint("(a) the 512 biases are added, not multiplied; leave them out.")
        if np.isclose(found["a"], 2 * a):
            raise Hint("(a) a product and its addition count as one here: a multiply-add.")
        raise Hint("(a) each of 512 outputs is a sum of 784 products.")
    if not np.isclose(found["b"], weights * places, rtol=1e-6):
        if np.isclose(found["b"], weights):
            raise Hint("(b) that is how many weights there are. Each is used once for every pixel that is made.")
        if np.isclose(found["b"], weights * 16 * 16):
            raise Hint(
                "(b) with stride 2 the kernel is laid on every second pixel: it is the pixels *made* that count."
            )
        if np.isclose(found["b"], 4 * 32 * 64 * places):
            raise Hint("(b) the kernel is 4 pixels high *and* 4 wide.")
        raise Hint("(b) 4·4·32 products for each of the 64 channels of each of the 8·8 pixels that are made.")
    if not np.isclose(found["c"], weights * places, rtol=1e-6):
        if np.isclose(found["c"], weights * 16 * 16):
            raise Hint(
                "(c) that counts the pixels that are made. A transposed convolution lays down one copy of its kernel for "
                "each pixel that it *takes*."
            )
        raise Hint("(c) it is the layer of (b) the other way round: for each of 8·8 pixels, every weight once.")
    return (
        "401,408 and twice 2,097,152. (b) and (c) are one matrix and its transpose, so they cost the same. A dense layer "
        "from 16·16·32 to 8·8·64 numbers would cost sixteen times as much."
    )


@exercise("Waiting for images")
def waiting(answer):
    """From the time of a step on a data set and on one fixed batch: the waiting, and two possible gains."""
    found = _numbers(answer, ("a", "b", "c"))
    if not np.isclose(found["a"], 45):
        raise Hint("(a) one fixed batch costs no waiting, so it takes what the work takes. What is above that?")
    if not np.isclose(found["b"], 120 / 75, rtol=0.01):
        if np.isclose(found["b"], 75 / 120, rtol=0.01):
            raise Hint("(b) that is the new time over the old. *Faster* by a factor is the old over the new.")
        if np.isclose(found["b"], 45 / 75, rtol=0.01) or np.isclose(found["b"], 45 / 120, rtol=0.01):
            raise Hint("(b) compare whole steps: 120 ms before, and what would be left after?")
        raise Hint("(b) with a perfect pipeline a step takes 75 ms. 120 is how many times that?")
    if not np.isclose(found["c"], 1, rtol=0.01):
        if np.isclose(found["c"], 120 / 50, rtol=0.01):
            raise Hint(
                "(c) you add 45 and 5. But the pipeline works *beside* the card: the slower of the two sets the pace."
            )
        if np.isclose(found["c"], 120 / 5) or np.isclose(found["c"], 75 / 5):
            raise Hint("(c) a card that waits for its batches is no faster than they come.")
        raise Hint("(c) a batch every 120 ms, whatever the card could do: how long is a step now?")
    return "a faster card gains nothing where the images are the brake. Measure before you buy."


@exercise("Several steps a call")
def steps_per_call(answer):
    """A step of 2 ms, of which 0.5 ms are spent once for each call."""
    keys = ("ms a step, 10 a call", "most that can be saved, %")
    found = _numbers(answer, keys)
    first, most = (found[key] for key in keys)
    if not np.isclose(first, 1.55, rtol=1e-3):
        if np.isclose(first, 0.2) or np.isclose(first, 0.155, rtol=1e-2):
            raise Hint("the work of a step, 1.5 ms, stays. Only what surrounds it is shared by ten.")
        if np.isclose(first, 1.5):
            raise Hint("a tenth of the 0.5 ms is still there.")
        if np.isclose(first, 15.5, rtol=1e-2):
            raise Hint("that is a call of ten steps. How long is one step?")
        raise Hint("1.5 ms of work, and a tenth of 0.5 ms.")
    if not np.isclose(most, 25, rtol=1e-2):
        if np.isclose(most, 0.25):
            raise Hint("in per cent, please: 100 times that.")
        if np.isclose(most, 22.5):
            raise Hint("that is what ten steps a call save. With ever more of them the 0.5 ms vanish altogether.")
        raise Hint("0.5 ms of 2 ms at most. How many per cent?")
    return "1.55 ms, and 25 %: ten steps a call already save nine tenths of it. More only keeps callbacks waiting."


@exercise("Steps that are rounded away")
def rounding(answer):
    """A weight of 1.0 after 1,000 steps of +0.001, kept in two formats."""
    found = _numbers(answer, ("bfloat16", "float32"))
    if not np.isclose(found["float32"], 2.0, atol=0.05):
        raise Hint("float32: its numbers near 1 are 0.0000001 apart, so nothing is lost: 1 + 1000 · 0.001.")
    if not np.isclose(found["bfloat16"], 1.0, atol=1e-3):
        if np.isclose(found["bfloat16"], 2.0, atol=0.1):
            raise Hint("bfloat16: each step is rounded before the next is added. To which number does 1.001 round?")
        raise Hint(
            "bfloat16: the numbers next to 1 are 1 + 1/128 = 1.0078 and a little below 1. Which is nearest to 1.001?"
        )
    return (
        "1.001 is rounded to 1, a thousand times over: the weight never moves. That is why weights stay in float32 and only "
        "the layers' values are short."
    )
