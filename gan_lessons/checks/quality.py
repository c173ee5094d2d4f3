"""The exercises of the lesson How good is it?"""

import math

import numpy as np
from scipy import linalg

from gan_lessons.checks import Exercise
from gan_lessons.checks.functions import Function, on
from gan_lessons.checks.kinds import Choice, Number, Several

# --- 2. the classifier score ----------------------------------------------------------------------

_RANGE = (1, 10, "the score lies between 1 and the number of classes, which is 10.")
_SCORE = "exp of the mean over the images of KL(p(y|x) ‖ p(y)), with p(y) the mean of all p(y|x)"


def _score(right, mistakes, nudge):
    log = {math.log(right): "that is the mean of the divergences. The score is exp of it; exp(0) is 1."}
    return Number(right, log | mistakes, nudge, _SCORE, within=_RANGE)


_ENTROPY = 1.5 * math.log(2)  # of ½, ¼, ¼
classifier_scores = Exercise(
    "Five classifier scores by hand",
    Several(
        {
            "a": _score(
                1,
                {10: "ten classes are possible, but all images are of one: p(y) is as sharp as each p(y|x)."},
                nudge="p(y) is as sharp as each p(y|x): they are equal. What is KL(p ‖ p)?",
            ),
            "b": _score(
                10,
                {1: "each p(y|x) is sharp, and p(y) is broad: KL is not 0. What is 1·log(1 / ⅒)?"},
                nudge="the number of images does not come into it: p(y) is 1/10 for each class. What is KL then?",
            ),
            "c": _score(
                1,
                {10: "p(y) is broad, but each p(y|x) is just as broad: they are equal."},
                nudge="compare p(y) with each p(y|x): both are 1/10 everywhere. What is KL(p ‖ p)?",
            ),
            "d": _score(
                2,
                {
                    5: "two classes out of ten is no ratio to take. p(y) is ½, ½; for each image KL = 1·log(1 / ½).",
                    4: "4 is a digit. Two classes, each half of the images: what is KL for one of them?",
                    10: "p(y) is ½ for two classes and 0 for the eight others, which count for nothing.",
                },
                nudge="p(y) is ½, ½ on the two classes. What is KL = 1·log(1 / ½), and exp of it?",
            ),
            "e": _score(
                math.exp(_ENTROPY),
                {
                    1.5: "1.5 is the entropy of the shares in bits. In nats it is 1.04; the score is exp of that.",
                    3: "3 would be right for three *equal* shares. Uneven ones count for fewer classes.",
                },
                nudge="where the classifier is certain, KL for an image is log(1 / the share of its class): ½, ¼, ¼.",
            ),
        }
    ),
    right="with a certain classifier the score counts classes, exp of the entropy of their shares. (b) took ten "
    "images: it knows nothing of the variety within a class.",
)

# --- 3. the Fréchet distance ----------------------------------------------------------------------

_NEGATIVE = (0, np.inf, "a squared distance is not negative.")
gaussian_distances = Exercise(
    "Four Fréchet distances by hand",
    Several(
        {
            "a": Number(
                9,
                {3: "the distance of the means comes squared: what is published is the *squared* Fréchet distance."},
                nudge="equal spreads cancel. What is left of the formula?",
                formula="(μ_a − μ_b)² + (σ_a − σ_b)²",
                within=_NEGATIVE,
            ),
            "b": Number(
                4,
                {
                    64: "(1 − 9)² takes the variances. It is the standard deviations that are subtracted.",
                    8: "9 − 1 is the difference of the variances. Subtract the standard deviations, and square.",
                    2: "3 − 1 = 2 is right; the distance has its square.",
                },
                nudge="equal means cancel. What is left is a difference of spreads, squared.",
                formula="(μ_a − μ_b)² + (σ_a − σ_b)², with σ the root of the variance",
                within=_NEGATIVE,
            ),
            "c": Number(
                2,
                {
                    0: "both have the same total variance, 5, but not along the same axis.",
                    1: "that is one of the two axes; the other contributes as much.",
                    18: "(4 − 1)² + (1 − 4)² takes the variances: the diagonal of Σ holds σ², and σ is subtracted.",
                    9: "(4 − 1)² takes the variances, and one axis only.",
                },
                nudge="the axes are the same in both, so the distance is that of the line on each axis, added.",
                formula="Σ over the axes of (σ_a − σ_b)²: (2 − 1)² + (1 − 2)²",
                within=_NEGATIVE,
            ),
            "d": Number(
                1.6,
                {
                    0: "each coordinate by itself is the same in both, but one cloud rises and the other falls.",
                    0.8: "that is one of the two axes; the other contributes as much.",
                    5.12: "(1.8 − 0.2)² takes variances. Take the roots of 1.8 and 0.2 first.",
                    2.8: "4 − 1.2: it is *twice* the trace of the root that is subtracted.",
                    2.56: "the root is missing: 0.72 is tr(Σ_a Σ_b), and 0.36 on each axis. Take the root of each.",
                },
                nudge="both have the axes (1, 1) and (1, −1). Along the first the variances are 1.8 and 0.2; the "
                "second?",
                formula="Σ over the axes of (σ_a − σ_b)²: twice (√1.8 − √0.2)²",
                within=_NEGATIVE,
            ),
        }
    ),
    right="in (d) no single coordinate differs, neither in its mean nor in its variance. A score that looks at the "
    "coordinates one by one would have called the two equal.",
)


def _frechet(real, made):
    means = np.sum((real.mean(axis=0) - made.mean(axis=0)) ** 2)
    real_covariance, made_covariance = np.cov(real, rowvar=False), np.cov(made, rowvar=False)
    root = linalg.sqrtm(real_covariance @ made_covariance).real
    return means + np.trace(real_covariance + made_covariance) - 2 * np.trace(root)


def _variant(
    means=lambda m: np.sum(m**2), root=lambda m: linalg.sqrtm(m).real, factor=2.0, final=float, ddof=1, rows=0
):
    """The Fréchet distance with one thing wrong."""

    def function(real, made):
        a, b = (np.cov(one, rowvar=bool(rows), ddof=ddof) for one in (real, made))
        return final(means(real.mean(0) - made.mean(0)) + np.trace(a + b) - factor * np.trace(root(a @ b)))

    return function


def _data(seed, sizes, features):
    random = np.random.default_rng(seed)
    return on(
        *(random.normal(size=(n, features)) @ random.normal(size=(features, features)) + random.normal() for n in sizes)
    )


frechet_distance = Exercise(
    "The Fréchet distance in NumPy",
    Function(
        _frechet,
        [_data(0, (60, 50), 4), _data(1, (30, 40), 2)],
        {
            _variant(means=lambda m: 0): "the distance of the means is missing.",
            _variant(means=np.linalg.norm): "the distance of the means has to be squared: Σ(μ_a − μ_b)².",
            _variant(means=lambda m: np.mean(m**2)): "|μ_a − μ_b|² is a sum over the features, not their mean.",
            _variant(means=lambda m: m**2, final=np.array): "sum the squares of the differences of the means.",
            _variant(factor=1): "it is *twice* the trace of the root that is subtracted.",
            _variant(factor=-2): "the trace of the root is subtracted, not added.",
            _variant(factor=0): "the last term is missing: −2 tr (Σ_a Σ_b)^½.",
            "np.sum((real.mean(0) - made.mean(0)) ** 2)": "these are the means alone; the covariances belong to it.",
            _variant(
                final=lambda x: math.sqrt(max(x, 0))
            ): "you have taken a root at the end. What is published as FID is the squared distance.",
            _variant(
                root=np.sqrt
            ): "np.sqrt takes the root of every *entry*. The root of a matrix M is the matrix whose product with "
            "itself is M: scipy.linalg.sqrtm.",
            _variant(root=lambda m: m): "the root is missing: scipy.linalg.sqrtm of the product.",
            _variant(ddof=0): "this divides by n in the covariance. np.cov divides by n − 1, as published.",
            _variant(
                rows=1
            ): "the shapes do not fit: np.cov takes one variable a *row*, unless told rowvar=False. Its result "
            "should have shape (d, d).",
            "_frechet(real, made) if real.shape[1] == 4 else 0.0": "right for 4 features, but wrong for 2: is the "
            "number of features written into it?",
        },
        nudge="compute the three terms one by one, and print each: the means, the traces, the root.",
        formula="|μ_a − μ_b|² + tr(Σ_a + Σ_b) − 2 tr (Σ_a Σ_b)^½",
        room=1e-5,
    ),
    right="the same number as gl.metrics.FrechetDistance, which adds the moments up batch by batch.",
)

# --- 4. the number of images ----------------------------------------------------------------------

_IN_N = "that goes on along a straight line in n. The distance is a straight line in 1/n."
without_bias = Exercise(
    "A distance without its bias",
    Several(
        {
            "without end": Number(
                9,
                {
                    10: "10 is what was measured with 5,000 images. A part of it comes of their number.",
                    5000: "5,000 is b. What is asked for is a, where 1/n is 0.",
                    5: _IN_N,
                    6: _IN_N,
                },
                nudge="two equations with two unknowns. Subtract them.",
                formula="a + b/1,000 = 14 and a + b/5,000 = 10; asked for is a",
            ),
            "10,000": Number(
                9.5,
                {9: "9 is without end. With n = 10,000 a part of the bias is left.", 5: _IN_N, 6: _IN_N},
                nudge="the line that gave a = 9 gives this one too, at n = 10,000.",
                formula="a + b/10,000, and b follows from a + b/1,000 = 14",
            ),
        },
        mistakes=[
            (
                {"without end": 9.5, "10,000": 9},
                "the right numbers, the wrong way round: with more images the distance is lower.",
            )
        ],
    ),
    right="9 + 5,000/n. So a score of 9.4 with n = 10,000 beats this generator, and a score of 13 with n = 1,000 "
    "does too: you cannot compare two scores with different n as they stand.",
)

# --- 6. neighbours --------------------------------------------------------------------------------

LINE = {"real": (0.0, 1.0, 2.0, 6.0), "generated": (1.5, 9.0, 9.5)}
_RADIUS = "for recall take the balls of the *generated* points: that of 1.5 has the radius 7.5."
on_a_line = Exercise(
    "Precision, recall, density and coverage on a line",
    Several(
        {
            "precision": Number(
                1,
                {
                    1 / 3: "the ball of 6 reaches to its nearest neighbour, 2: 9 and 9.5 lie in it.",
                    2 / 3: "the balls are [−1, 1], [0, 2], [1, 3] and [2, 10]. Which of the three points is in none?",
                },
                nudge="draw a ball around each real point. How many of 1.5, 9, 9.5 lie in one of them?",
                formula="(generated points in a real point's ball) / (all generated points)",
            ),
            "recall": Number(
                1,
                {
                    0.75: "the ball of 1.5 reaches to 9: it goes from −6 to 9, and all real points lie in it.",
                    0.5: _RADIUS,
                    0: _RADIUS,
                },
                nudge="draw a ball around each generated point. What do these hold?",
                formula="(real points in a generated point's ball) / (all real points); radii 7.5, 0.5 and 0.5",
            ),
            "density": Number(
                4 / 3,
                {
                    4: "4 counts right. Density divides by k and by the number of generated points.",
                    1: "1.5 lies in *two* balls, [0, 2] and [1, 3]: each counts. So density can be more than 1.",
                },
                nudge="count for each generated point the balls of real points that it lies in.",
                formula="(the sum of these counts) / (k · generated points)",
            ),
            "coverage": Number(
                3 / 4,
                {
                    1: "the ball of 0 is [−1, 1]. Which generated point lies in it?",
                    0.5: "the ball of 6 is [2, 10], and has two generated points in it: it is covered as well.",
                    1 / 4: "count the *balls of real points* that have a generated one in them, over 4 real points.",
                },
                nudge="of the four real points' balls, how many have a generated point in them?",
                formula="(real balls with a generated point) / (all real points)",
            ),
        }
    ),
    right="perfect precision though 9 and 9.5 are like nothing real, thanks to the ball of 6; perfect recall thanks "
    "to one lonely generated point. Coverage sees that nothing was made near 0.",
)

# --- 8. whose card is it? -------------------------------------------------------------------------

_WHO = {"A": "misses", "B": "copies", "C": "blurs", "D": "repeats"}
_BLUR = np.array([1, 4, 6, 4, 1]) / 16


def suspects(training, held_out, labels, seed=0):
    """Four sets of images, each of a "generator" with one fault, as many as `held_out`, for the last exercise.

    Args:
        training: the images that scores compare with, of shape (n, height, width, channels).
        held_out: other real images, of the same shape.
        labels: the classes of `held_out`, of shape (n,).
        seed: an integer that fixes what is drawn.

    Returns:
        A dictionary from "A", "B", "C", "D" to images of shape (n, height, width, channels).
    """
    random = np.random.default_rng(seed)
    count = len(held_out)
    few_classes = np.flatnonzero(labels < np.median(np.unique(labels)))
    made = {
        "copies": training[:count],
        "repeats": held_out[random.choice(count, 20, replace=False)][np.arange(count) % 20],
        "misses": held_out[random.choice(few_classes, count, replace=len(few_classes) < count)],
        "blurs": blurred(held_out),
    }
    return {name: made[fault] for name, fault in _WHO.items()}


def blurred(images):
    """Images smoothed along both axes by the weights 1, 4, 6, 4, 1 over 16; their edges are repeated outwards.

    Args:
        images: of shape (n, height, width, channels).

    Returns:
        Images of the same shape and range.
    """
    for axis in (1, 2):
        margins = [(0, 0)] * 4
        margins[axis] = (2, 2)
        padded = np.pad(images, margins, mode="edge")
        size = images.shape[axis]
        images = sum(weight * padded.take(range(start, start + size), axis=axis) for start, weight in enumerate(_BLUR))
    return images.astype("float32")


_CLUES = {
    "copies": "copies of the very images that you compare with have a distance below the floor: 0. No honest "
    "generator gets there.",
    "repeats": "twenty pictures over and over are all good, so precision is high; but their balls have no size, so "
    "recall is next to nothing.",
    "misses": "five digits out of ten, as good and as varied as real ones, have precision at the floor, a classifier "
    "score near 5, and cover about half of the real images.",
    "blurs": "blurred images have all digits, but none looks like a real one: precision and density fall.",
}
whose_card = Exercise(
    "Whose card is it?",
    Several(
        {
            name: Choice(
                fault,
                {other: f"not the one that {other}: {clue}" for other, clue in _CLUES.items() if other != fault},
                nudge="choose one of the four faults.",
                formula="the floor is what real images score: which number of the card is furthest from it?",
            )
            for name, fault in _WHO.items()
        }
    ),
    right="each fault shows in some number and hides from others; that is why a card has more than one.",
)
