"""The exercises of the lesson "Ten digits on demand"."""

import numpy as np

from gan_lessons.checks import Exercise
from gan_lessons.checks.functions import Function, on
from gan_lessons.checks.kinds import Number


def _join(latents, labels):
    return np.concatenate([latents, np.eye(10)[labels]], axis=1)


_PAIRS = [
    (np.random.default_rng(seed).normal(size=(3, 5)).astype("float32"), np.array(labels))
    for seed, labels in ((0, [3, 0, 9]), (1, [7, 7, 1]))
]
join = Exercise(
    "Latent and label, side by side",
    Function(
        _join,
        [on(latents, labels) for latents, labels in _PAIRS],
        {
            "np.concatenate([np.eye(10)[labels], latents], axis=1)": "the label comes first here. The latent is first.",
            "np.concatenate([latents, labels[:, None]], axis=1)": "this writes the label as one number. A 9 is not "
            "three times a 3: give each class a place of its own.",
        },
        nudge="each row must be the latent, then ten numbers: 1 at the label's place, 0 elsewhere.",
        formula="np.concatenate([latents, np.eye(10)[labels]], axis=1)",
    ),
    right="a vector that any generator of 64 + 10 numbers takes.",
)

projection = Exercise(
    "A logit by hand",
    Number(
        2.0,
        {
            1.5: "you forgot b.",
            3.0: "that is the second part alone, how much it looks like a 3.",
            -1.0: "that is the first part alone, which does not know the label.",
        },
        nudge="add both parts: w·φ + b, and v₃·φ.",
        formula="(½ − 2) + ½ + (1 + 2)",
    ),
    right="−1 + 3 = 2. D takes this pair for real, for the label 3. With another v_y it may not.",
)

guessing = Exercise(
    "A code that nobody can read",
    Number(
        np.log(10),
        {
            0.1: "that is the probability of the right category. What is its −log?",
            1.0: "log₁₀ 10 is 1. Losses are in natural logarithms.",
            np.log(2): "that is the loss of a choice between two.",
        },
        nudge="a Q that cannot tell gives each category the probability 1/10.",
        formula="−log(1/10)",
    ),
    right="log 10 = 2.30 nats: all that there is to know about one of ten categories.",
)

_Z = np.exp(1) + 1 + np.exp(-1)
real_by_classes = Exercise(
    "Real, by its class logits",
    Number(
        _Z / (_Z + 1),
        {
            np.exp(1) / _Z: "that is the softmax: how likely class 1 is among the three, given that x is real.",
            1 / (1 + np.exp(-1)): "this uses the largest logit alone. Every class is a way to be real.",
            1 / (_Z + 1): "that is the probability of the fourth class, 'generated'.",
        },
        nudge="a softmax over four logits: 1, 0, −1, and 0 for 'generated'. Add up the first three.",
        formula="(e + 1 + 1/e) / (e + 1 + 1/e + 1)",
    ),
    right="0.80. A D that is sure of a class is sure that the image is real.",
)
