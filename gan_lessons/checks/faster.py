"""The exercises of the lesson "Faster and further"."""

import numpy as np

from gan_lessons.checks import Exercise
from gan_lessons.checks.functions import Function, on
from gan_lessons.checks.kinds import Number, Several


def _ratio(plain, other):
    return np.median(other / plain)


_QUIET, _SLOW = np.array([50.0, 51.0, 49.0, 90.0, 92.0]), np.array([40.0, 70.0, 39.0, 41.0, 75.0])
ratio = Exercise(
    "One number from two series",
    Function(
        _ratio,
        [on(_QUIET, _QUIET * [0.8, 0.82, 3.0, 0.81, 0.79]), on(_SLOW, _SLOW * [1.2, 1.3, 1.25, 4.0, 1.1])],
        {
            "np.median(plain / other)": "that is the other way round: above 1, the other variant takes longer.",
            "np.median(other) / np.median(plain)": "the medians may come from different minutes: divide first.",
            "np.mean(other / plain)": "one round in which something else happened changes a mean much.",
            "np.median(other - plain)": "that is how many ms longer it takes. *How many times* asks for a quotient.",
        },
        nudge="divide the two times of each round, and take the middle one of the quotients.",
        formula="np.median(other / plain)",
    ),
    right="a slow minute hits both times of a round, and the median leaves out the odd round.",
)

_OF_G = {3: "G makes fakes in both turns.", 6: "in D's turn no gradient goes back to G: forwards only."}
_OF_D = {
    9: "in G's turn D's weights stay as they are. Backwards, only the gradient for the input is needed.",
    5: "in D's turn D gets two batches, real images and fakes.",
}
products = Exercise(
    "The products of a step",
    Several(
        {
            "g": Number(4, _OF_G, "D's turn: forwards once. G's turn: forwards and backwards.", "1 + (1 + 2)"),
            "d": Number(8, _OF_D, "G's turn: forwards, and back to the input only.", "2 · (1 + 2) + (1 + 1)"),
        }
    ),
    right="4g + 8d. (The first layer of a network needs no gradient for its input, so the true count is a bit lower.)",
)

_CARD = {
    120 / 50: "you add 45 and 5. The pipeline works *beside* the card: the slower one sets the pace.",
    75 / 5: "the work is 15 times faster. But when does the next batch come?",
}
_WAIT = "one fixed batch costs no waiting, so 75 ms are the work."
waiting = Exercise(
    "What waiting costs",
    Several(
        {
            "a": Number(45, {75: "that is the work. What is above it?"}, _WAIT, "120 − 75"),
            "b": Number(120 / 75, {75 / 120: "that is the new time over the old one."}, _WAIT, "120 / 75"),
            "c": Number(1, _CARD, "a batch comes every 120 ms, whatever the card can do.", "120 / max(120, 5)"),
        }
    ),
    right="a faster card gains nothing where the images come too late. Measure before you buy.",
)

_SHARED = {0.2: "the work of a step, 1.5 ms, stays. Ten steps share the rest.", 15.5: "that is a call of ten steps."}
_ALL = {22.5: "that is what ten steps a call save. Ever more of them save all of the 0.5 ms.", 0.25: "in per cent."}
steps_per_call = Exercise(
    "Ten steps a call",
    Several(
        {
            "ms a step, 10 a call": Number(1.55, _SHARED, "which part do ten steps share?", "1.5 + 0.5 / 10"),
            "most that can be saved, %": Number(25, _ALL, "which part of 2 ms can vanish?", "100 · 0.5 / 2"),
        }
    ),
    right="ten steps a call already save nine tenths of what can be saved.",
)

_NEXT = {2: "each sum is rounded. To which number does 1.001 round?", 1 + 1 / 128: "1.001 is nearer to 1."}
rounding = Exercise(
    "A weight in bfloat16",
    Several(
        {
            "bfloat16": Number(1, _NEXT, "which number of the format is nearest to 1.001?", "round(1.001)", room=2e-3),
            "float32": Number(2, {1: "next to nothing is lost."}, "what is lost in a step?", "1 + 1000 · 0.001"),
        }
    ),
    right="1.001 is rounded to 1, a thousand times: the weight never moves.",
)
