"""The exercises of the lesson "Watch a GAN learn"."""

import numpy as np

from gan_lessons.checks import Exercise
from gan_lessons.checks.functions import Function, on
from gan_lessons.checks.kinds import Number

arrow_length = Exercise(
    "The length of an arrow",
    Number(
        1.0,
        {
            2: "2 is the length of ∇D. The factor 1 − σ(D(x)) shortens it: what is σ(0)?",
            0.5: "½ is the factor 1 − σ(0). Multiply ∇D by it.",
            -1: "a length is not negative. The arrow points along ∇D, upwards on D's hill.",
        },
        nudge="the arrow is (1 − σ(D(x)))·∇D(x), and here D(x) = 0, ∇D(x) = (0, 2).",
        formula="(1 − 1/(1 + e⁰)) · ‖(0, 2)‖",
    ),
    right="half of ∇D's length, since σ(0) = ½. Where D is sure of a fake, the factor is nearly 1.",
)


def _largest_share(fakes, modes):
    nearest = np.linalg.norm(fakes[:, None] - modes, axis=2).argmin(axis=1)
    return np.bincount(nearest).max() / len(fakes)


def _fakes(modes, counts, seed):
    spread = 0.1 * np.random.default_rng(seed).normal(size=(sum(counts), 2))
    return (np.repeat(modes, counts, axis=0) + spread).astype("float32")


_CORNERS = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]])
_LINE = np.arange(5.0)[:, None] * [1.0, 2.0]
_NEAREST = "np.linalg.norm(fakes[:, None] - modes, axis=2).argmin(axis=1)"

largest_share = Exercise(
    "A number for mode collapse",
    Function(
        _largest_share,
        [
            on(_fakes(_CORNERS, (2, 7, 1), seed=0), _CORNERS),
            on(_fakes(_LINE, (3, 3, 12, 4, 3), seed=1), _LINE),
        ],
        {
            f"np.bincount({_NEAREST}).max()": "that is how many fakes the mode has. A share is divided by the number "
            "of all fakes.",
            f"np.bincount({_NEAREST}).min() / len(fakes)": "that is the share of the *least* popular mode: use max.",
            f"np.bincount({_NEAREST})[0] / len(fakes)": "that is the share of mode 0, whichever is the most popular.",
            f"np.bincount({_NEAREST}).argmax()": "that is the number of the most popular mode, not its share.",
            f"np.bincount({_NEAREST}).max() / len(modes)": "you divided by the number of modes. A share is divided by "
            "the number of fakes.",
        },
        nudge="find each fake's nearest mode, and count how many fakes each mode has.",
        formula=f"nearest = {_NEAREST}; np.bincount(nearest).max() / len(fakes)",
    ),
    right="1 for a generator that has collapsed, about ⅛ for one that has learnt the ring.",
)

ratio_of_arrows = Exercise(
    "The two losses, when D is sure",
    Number(
        99.0,
        {
            1 / 99: "that is the minimax arrow divided by the other: turn the fraction round.",
            100: "the factor of the non-saturating loss is 1 − 0.01, not 1.",
            0.98: "that is the difference of the two factors. *How many times* asks for their quotient.",
            1: "the two are equal only where D cannot tell, at σ = ½.",
        },
        nudge="both arrows are ∇D times a factor: 1 − σ for the one, σ for the other. Divide the factors at σ = 0.01.",
        formula="(1 − 0.01) / 0.01",
        room=0.006,
    ),
    right="0.99 against 0.01. The two losses have arrows of one direction and of very different lengths.",
)
