"""The exercises of the lesson Faster and further."""

from gan_lessons.checks import Exercise
from gan_lessons.checks.kinds import Number, Several

_BATCH = 64 * 16 * 16 * 32 * 4 / 1e6  # millions of bytes


def _time(operations):
    """ms for operations that each read the batch and write it, at 10 million bytes a ms."""
    right = 2 * operations * _BATCH / 10
    return Number(
        right,
        {
            right / 2: "each operation reads the batch *and* writes it: two passes.",
            right / operations: f"that is one operation. There are {operations}.",
            right / 1e3: "these are seconds. How many ms?",
            right * 10: "memory moves 10 million bytes in a ms, not one million.",
        }
        | (
            {right / 2: "one operation is two passes over memory; there are two operations."} if operations == 2 else {}
        ),
        nudge=f"{operations} operations, each of which moves twice {_BATCH:.1f} million bytes.",
        formula=f"{operations} · 2 · (bytes of the batch) / (bytes a ms)",
        room=0.03,
    )


passes = Exercise(
    "Passes over memory",
    Several(
        {
            "a": Number(
                _BATCH,
                {
                    _BATCH / 4: "that is how many numbers there are. A number in float32 has 32 bits: 4 bytes.",
                    _BATCH * 8: "these are bits. Eight make a byte.",
                    _BATCH / 64: "that is one image of the batch, which has 64.",
                    _BATCH * 1e6: "that is how many bytes. How many millions of them?",
                },
                nudge="count the numbers of the batch first. How many bytes has each?",
                formula="64·16·16·32 numbers of 4 bytes each",
                room=0.03,
            ),
            "b": _time(6),
            "c": _time(2),
        }
    ),
    right="2.1 million bytes, 2.5 ms and 0.84 ms. (Real memory has caches before it, from which a batch of this size "
    "may be read faster; and a step has several such layers: G's are called twice in it, D's three times.)",
)

_WEIGHTS, _PLACES = 4 * 4 * 32 * 64, 8 * 8


def _count(right, mistakes, nudge, formula):
    return Number(right, mistakes, nudge, formula, room=1e-6)


products = Exercise(
    "Counting products",
    Several(
        {
            "a": _count(
                784 * 512,
                {
                    784 + 512: "every one of the 512 outputs takes all 784 inputs: the numbers multiply.",
                    784 * 512 + 512: "the 512 biases are added, not multiplied; leave them out.",
                    2 * 784 * 512: "a product and its addition count as one here: a multiply-add.",
                },
                nudge="each of 512 outputs is a sum of products. Of how many?",
                formula="784 · 512",
            ),
            "b": _count(
                _WEIGHTS * _PLACES,
                {
                    _WEIGHTS: "that is how many weights there are. Each is used once for every pixel that is made.",
                    _WEIGHTS * 256: "with stride 2 the kernel is laid on every second pixel: the pixels *made* count.",
                    _WEIGHTS * _PLACES // 4: "the kernel is 4 pixels high *and* 4 wide.",
                },
                nudge="every weight is used once for each pixel that is made. How many weights, how many pixels?",
                formula="(4·4·32·64 weights) · (8·8 pixels made)",
            ),
            "c": _count(
                _WEIGHTS * _PLACES,
                {
                    _WEIGHTS: "that is how many weights there are. Each is used once for every pixel that is taken.",
                    _WEIGHTS
                    * 256: "that counts the pixels that are made. A transposed convolution lays down one copy of its "
                    "kernel for each pixel that it *takes*.",
                },
                nudge="it is the layer of (b) the other way round: for which pixels is every weight used once?",
                formula="(4·4·64·32 weights) · (8·8 pixels taken)",
            ),
        }
    ),
    right="401,408 and twice 2,097,152. (b) and (c) are one matrix and its transpose, so they cost the same. A dense "
    "layer from 16·16·32 to 8·8·64 numbers would cost sixteen times as much.",
)

waiting = Exercise(
    "Waiting for images",
    Several(
        {
            "a": Number(
                45,
                {
                    75: "that is the work. One fixed batch costs no waiting: what is above it?",
                    120: "that is the whole step. How much of it is work?",
                },
                nudge="one fixed batch costs no waiting, so it takes what the work takes. What is above that?",
                formula="(ms on the data set) − (ms on one fixed batch)",
            ),
            "b": Number(
                120 / 75,
                {
                    75 / 120: "that is the new time over the old. *Faster* by a factor is the old over the new.",
                    45 / 75: "compare whole steps: 120 ms before, and what would be left after?",
                    45 / 120: "that is the share of the waiting. Compare whole steps: 120 ms before, and after?",
                    120 / 45: "with a perfect pipeline the *waiting* vanishes, and the work is left.",
                },
                nudge="how long does a step take with a perfect pipeline? 120 is how many times that?",
                formula="(the old time of a step) / (the new one)",
            ),
            "c": Number(
                1,
                {
                    120
                    / 50: "you add 45 and 5. But the pipeline works *beside* the card: the slower one sets the pace.",
                    120 / 5: "a card that waits for its batches is no faster than they come.",
                    75 / 5: "the work is 15 times faster. But when does the next batch come?",
                    0: "that is a gain of 0. The *factor* by which nothing changes is another number.",
                },
                nudge="a batch every 120 ms, whatever the card could do: how long is a step now?",
                formula="(the old time of a step) / max(time of the pipeline, time of the work)",
            ),
        }
    ),
    right="a faster card gains nothing where the images are the brake. Measure before you buy.",
)

steps_per_call = Exercise(
    "Several steps a call",
    Several(
        {
            "ms a step, 10 a call": Number(
                1.55,
                {
                    0.2: "the work of a step, 1.5 ms, stays. Only what surrounds it is shared by ten.",
                    0.155: "you divided twice: a call of ten steps takes ten times the work.",
                    1.5: "a tenth of the 0.5 ms is still there.",
                    15.5: "that is a call of ten steps. How long is one step?",
                },
                nudge="which part of a step is shared by ten, and which is not?",
                formula="1.5 ms of work, and a tenth of 0.5 ms",
            ),
            "most that can be saved, %": Number(
                25,
                {
                    0.25: "in per cent, please: 100 times that.",
                    22.5: "that is what ten steps a call save. With ever more of them the 0.5 ms vanish altogether.",
                    75: "that is what is left.",
                },
                nudge="with ever more steps a call, which part of the 2 ms vanishes?",
                formula="100 · 0.5 ms / 2 ms",
            ),
        }
    ),
    right="1.55 ms, and 25 %: ten steps a call already save nine tenths of it. More only keeps callbacks waiting.",
)

rounding = Exercise(
    "Steps that are rounded away",
    Several(
        {
            "bfloat16": Number(
                1,
                {
                    2: "each step is rounded before the next is added. To which number does 1.001 round?",
                    1 + 1 / 128: "1.001 is nearer to 1 than to 1 + 1/128. And so is the next sum, and the next.",
                },
                nudge="the numbers next to 1 are 1 + 1/128 = 1.0078 and a little below 1. Which is nearest to 1.001?",
                formula="round(1 + 0.001) to a multiple of 1/128, a thousand times",
                room=2e-3,
            ),
            "float32": Number(
                2,
                {1: "its numbers near 1 are 0.0000001 apart, so next to nothing is lost in a step of 0.001."},
                nudge="its numbers near 1 are 0.0000001 apart. What is lost in a step of 0.001?",
                formula="1 + 1000 · 0.001",
                room=0.025,
            ),
        }
    ),
    right="1.001 is rounded to 1, a thousand times over: the weight never moves. That is why weights stay in float32 "
    "and only the layers' values are short.",
)
