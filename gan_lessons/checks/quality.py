"""The exercises of the lesson "How good is it?"."""

import numpy as np
from scipy import linalg

from gan_lessons.checks import Exercise
from gan_lessons.checks.functions import Function, on
from gan_lessons.checks.kinds import Choice, Number, Several


def _numbers(formula, **parts):
    """Several numbers, each given as (right, mistakes, nudge)."""
    return Several({name.replace("_", " "): Number(*part, formula="") for name, part in parts.items()}, formula=formula)


classifier_scores = Exercise(
    "Three classifier scores by hand",
    _numbers(
        "exp of the mean over the images of KL(p(y|x) ‖ p(y)); where the classifier is certain, KL = log(1 / p(y))",
        a=(1, {0: "0 is the divergence. The score is exp of it."}, "compare p(y) with p(y|x): they are equal."),
        b=(10, {1: "p(y|x) is sharp, and p(y) is ⅒ for each digit."}, "p(y) is ⅒ for each digit. What is KL?"),
        c=(2**1.5, {3: "3 is for equal shares.", 1.04: "the score is exp of this."}, "p(y) is ½ for half of them."),
    ),
    right="with a certain classifier the score counts classes. Ten pictures are enough for the highest score of all.",
)


def _frechet(real, made):
    covariance_a, covariance_b = np.cov(real, rowvar=False), np.cov(made, rowvar=False)
    root = linalg.sqrtm(covariance_a @ covariance_b).real
    return np.sum((real.mean(0) - made.mean(0)) ** 2) + np.trace(covariance_a + covariance_b - 2 * root)


_MEANS, _TRACES = "np.sum((real.mean(0) - made.mean(0)) ** 2)", "np.trace(np.cov(real.T) + np.cov(made.T))"
_ROOTS = "np.trace(np.sqrt(np.cov(real.T) @ np.cov(made.T)))"
_draw = np.random.default_rng(0).normal
frechet_distance = Exercise(
    "The Fréchet distance in NumPy",
    Function(
        _frechet,
        [on(_draw(0, 1, (60, 4)), _draw(0.5, 2, (50, 4))), on(_draw(0, 3, (30, 2)), _draw(1, 1, (40, 2)))],
        {
            f"_frechet(real, made) - {_MEANS}": "the distance of the means is missing.",
            "_frechet(real, made) ** 0.5": "you took a root at the end. The published distance is the squared one.",
            f"{_MEANS} + {_TRACES} - 2 * {_ROOTS}": "np.sqrt takes the root of each *entry*. Use linalg.sqrtm.",
        },
        nudge="compute the three terms one by one, and print each: the means, the traces, the root.",
        formula="|μ_a − μ_b|² + tr(Σ_a + Σ_b − 2 (Σ_a Σ_b)^½)",
    ),
    right="the lesson measures with your function from here on.",
)

without_bias = Exercise(
    "A distance without its bias",
    _numbers(
        "a + b/1,000 = 14 and a + b/5,000 = 10. Subtract the two equations to get b.",
        infinitely_many=(9, {6: "the line is straight in 1/n, not in n."}, "find a, the value at 1/n = 0."),
        ten_thousand=(9.5, {9: "with 10,000 a part of the bias is left."}, "use your a and b at n = 10,000."),
    ),
    right="9 + 5,000/n. A score of 13 with n = 1,000 is better than this generator: its distance there is 14.",
)

on_a_line = Exercise(
    "Precision, recall and coverage on a line",
    _numbers(
        "the real points' balls are [−1, 1], [0, 2], [1, 3], [2, 10]; the fakes' radii are 7.5, 0.5 and 0.5",
        precision=(1, {1 / 3: "9 and 9.5 lie in the ball of 6, which reaches to 2."}, "how many fakes lie in a ball?"),
        recall=(1, {0.75: "the ball of 1.5 reaches to 9: it has the radius 7.5."}, "draw the balls of the *fakes*."),
        coverage=(0.75, {1: "the ball of 0 is [−1, 1], without a fake."}, "how many of the four balls have a fake?"),
    ),
    right="two fakes are like nothing real, and precision is 1. Nothing was made near 0, and recall is 1.",
)

_CLUES = {
    "copies": "copies of the images that you compare with have the distance 0, below the floor.",
    "repeats": "twenty good pictures repeated have a high precision, and a recall of 0, as their balls have no size.",
    "misses": "half of the digits, each as real, have the floor's precision and half of its coverage.",
    "blurs": "blurred images have all digits, but few lie near real ones: precision falls.",
}
whose_card = Exercise(
    "Whose card is it?",
    Several(
        {
            card: Choice(fault, {key: _CLUES[key] for key in _CLUES if key != fault}, "name one of the faults.", "")
            for card, fault in zip("ABCD", ("misses", "copies", "blurs", "repeats"), strict=True)
        },
        formula="Compare with the floor: which number is furthest from it?",
    ),
    right="each fault shows in one number and hides from others. Therefore a card has several.",
)
