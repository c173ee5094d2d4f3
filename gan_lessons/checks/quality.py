"""The exercises of the lesson How good is it?"""

import math

import numpy as np

from gan_lessons import metrics
from gan_lessons.checks import Hint, exercise, is_blank


def _numbers(answer, keys):
    """The answers as floats; a hint if one of them is missing."""
    if not isinstance(answer, dict) or set(answer) != set(keys):
        raise Hint(f"give a dictionary with the keys {', '.join(map(repr, keys))}.")
    if missing := [key for key in keys if is_blank(answer[key])]:
        raise Hint(f"{', '.join(missing)} still to do.")
    return {key: float(answer[key]) for key in keys}


def _close(one, other, room=5e-3):
    return math.isclose(one, other, rel_tol=room, abs_tol=1e-3)


# --- 2. the classifier score ----------------------------------------------------------------------


@exercise("Five classifier scores by hand")
def classifier_scores(answer):
    """exp(E KL(p(y|x) ‖ p(y))) of five sets of images, whose probabilities are told in the lesson."""
    values = _numbers(answer, "abcde")
    shares = np.array([1 / 2, 1 / 4, 1 / 4])
    entropy = -(shares * np.log(shares)).sum()
    right = {"a": 1.0, "b": 10.0, "c": 1.0, "d": 2.0, "e": math.exp(entropy)}
    for key, value in values.items():
        if _close(value, right[key]):
            continue
        if _close(value, math.log(right[key])):
            raise Hint(f"({key}) that is the mean of the divergences. The score is exp of it; exp(0) is 1.")
        if not 1 <= value <= 10:
            raise Hint(f"({key}) the score lies between 1 and the number of classes, which is 10.")
        if key == "a":
            raise Hint("(a) p(y) is as sharp as each p(y|x): they are equal. What is KL(p ‖ p)?")
        if key == "b":
            raise Hint("(b) the number of images does not come into it: p(y) is 1/10 for each class, KL is log 10.")
        if key == "c":
            raise Hint("(c) p(y) is broad, but each p(y|x) is just as broad: they are equal, and KL(p ‖ p) is 0.")
        if key == "d":
            raise Hint("(d) p(y) is ½, ½; for each image KL = 1·log(1 / ½).")
        if _close(value, 1.5):
            raise Hint("(e) 1.5 is the entropy of the shares in bits. In nats it is 1.04; the score is exp of that.")
        if _close(value, 3):
            raise Hint("(e) 3 would be right for three *equal* shares. Uneven ones count for fewer classes.")
        raise Hint("(e) where the classifier is certain the score is exp of the entropy of the shares: ½, ¼, ¼.")
    return (
        "with a certain classifier the score counts classes, exp of the entropy of their shares. (b) took ten images: "
        "it knows nothing of the variety within a class."
    )


# --- 3. the Fréchet distance ----------------------------------------------------------------------


@exercise("Four Fréchet distances by hand")
def gaussian_distances(answer):
    """The Fréchet distances of four pairs of Gaussians, given in the lesson."""
    values = _numbers(answer, "abcd")
    hints = {
        "a": {
            3.0: "the distance of the means comes squared: what is published is the *squared* Fréchet distance.",
        },
        "b": {
            64.0: "(1 − 9)² takes the variances. It is the standard deviations that are subtracted.",
            8.0: "9 − 1 is the difference of the variances. Subtract the standard deviations, and square.",
            2.0: "3 − 1 = 2 is right; the distance has its square.",
        },
        "c": {
            0.0: "both have the same total variance, 5, but not along the same axis: (2 − 1)² on the first axis, and …",
            1.0: "that is one of the two axes; the other contributes as much.",
            18.0: "(4 − 1)² + (1 − 4)² takes the variances: the diagonal of Σ holds σ², and σ is what is subtracted.",
            9.0: "(4 − 1)² takes the variances, and one axis only.",
        },
        "d": {
            0.0: "each coordinate by itself is the same in both, but one cloud rises and the other falls: "
            "tr(Σ_a Σ_b)^½ is not tr Σ_a.",
            0.8: "that is one of the two axes; the other contributes as much.",
            5.12: "(1.8 − 0.2)² takes variances. Take the roots of 1.8 and 0.2 first.",
            2.8: "4 − 1.2: it is *twice* the trace of the root that is subtracted.",
            2.56: "the root is missing: 0.72 is tr(Σ_a Σ_b), and 0.36 on each axis. Take the root of each.",
        },
    }  # fmt: skip
    right = {"a": 9.0, "b": 4.0, "c": 2.0, "d": 1.6}
    last = {
        "a": "equal spreads cancel: what is left is (μ_a − μ_b)².",
        "b": "equal means cancel: what is left is (σ_a − σ_b)².",
        "c": "the axes are the same in both, so it is the formula of one dimension on each axis, added.",
        "d": "both have the axes (1, 1) and (1, −1). Along the first the variances are 1.8 and 0.2; along the second?",
    }
    for key, value in values.items():
        if _close(value, right[key]):
            continue
        if value < 0:
            raise Hint(f"({key}) a squared distance is not negative.")
        for wrong, why in hints[key].items():
            if _close(value, wrong):
                raise Hint(f"({key}) {why}")
        raise Hint(f"({key}) {last[key]}")
    return (
        "in (d) no single coordinate differs, neither in its mean nor in its variance. A score that looks at the "
        "coordinates one by one would have called the two equal."
    )


@exercise("The Fréchet distance in NumPy")
def frechet_distance(function):
    """A function of two arrays of features, (n, d) and (m, d), that answers their Fréchet distance."""
    random = np.random.default_rng(0)
    real = random.normal(size=(60, 4)) @ random.normal(size=(4, 4)) + 1
    made = random.normal(size=(50, 4)) @ random.normal(size=(4, 4)) - 1
    try:
        found = np.asarray(function(real, made))
    except ValueError as error:
        raise Hint(
            f"it raised ValueError: {error}. If shapes do not fit: np.cov takes one variable a *row*, unless told "
            "rowvar=False; its result should be of shape (d, d)."
        ) from None
    if found.size != 1:
        raise Hint(f"it answers with shape {found.shape}; the distance is one number. A trace is missing, or a sum.")
    found = found.reshape(())
    if np.iscomplexobj(found):
        raise Hint("it is complex: scipy's root leaves imaginary rounding. Take .real of the root.")
    value = float(found)
    terms = _terms(real, made)
    shift, traces, root = terms
    right = shift + traces - 2 * root
    if math.isclose(value, right, rel_tol=1e-6):
        _check_another_length(function)
        return "the same number as gl.metrics.FrechetDistance, which adds the moments up batch by batch."
    biased = _terms(real, made, ddof=0)
    mistakes = {
        traces - 2 * root: "the distance of the means is missing.",
        math.sqrt(shift) + traces - 2 * root: "the distance of the means has to be squared: Σ(μ_a − μ_b)².",
        np.mean((real.mean(0) - made.mean(0)) ** 2) + traces - 2 * root: "|μ_a − μ_b|² is a sum over the features, not "
        "their mean.",
        shift + traces - root: "it is *twice* the trace of the root that is subtracted.",
        shift + traces + 2 * root: "the trace of the root is subtracted, not added.",
        shift + traces: "the last term is missing: −2 tr (Σ_a Σ_b)^½.",
        shift: "these are the means alone; the covariances belong to it.",
        math.sqrt(max(right, 0)): "you have taken a root at the end. What is published as FID is the squared distance.",
        shift + traces - 2 * _elementwise_root(real, made): "np.sqrt takes the root of every *entry*. The root of a "
        "matrix M is the matrix whose product with itself is M: scipy.linalg.sqrtm.",
        shift + traces - 2 * np.trace(_product(real, made)): "the root is missing: scipy.linalg.sqrtm of the product.",
        biased[0] + biased[1] - 2 * biased[2]: "this divides by n in the covariance. np.cov divides by n − 1, as "
        "published.",
    }  # fmt: skip
    for wrong, why in mistakes.items():
        if math.isclose(value, wrong, rel_tol=1e-6, abs_tol=1e-9):
            raise Hint(why)
    raise Hint(
        f"it gives {value:.4f} where {right:.4f} was expected. There |μ_a − μ_b|² is {shift:.4f}, tr(Σ_a + Σ_b) "
        f"{traces:.4f}, tr (Σ_a Σ_b)^½ {root:.4f}."
    )


def _check_another_length(function):
    random = np.random.default_rng(1)
    real, made = random.normal(size=(30, 2)), random.normal(2, 3, size=(40, 2))
    shift, traces, root = _terms(real, made)
    if not math.isclose(float(np.reshape(function(real, made), ())), shift + traces - 2 * root, rel_tol=1e-6):
        raise Hint("right for 4 features, but wrong for 2: is the number of features written into it?")


def _product(real, made, ddof=1):
    return np.cov(real, rowvar=False, ddof=ddof) @ np.cov(made, rowvar=False, ddof=ddof)


def _elementwise_root(real, made):
    with np.errstate(invalid="ignore"):
        return np.trace(np.sqrt(_product(real, made)))


def _terms(real, made, ddof=1):
    """|μ_a − μ_b|², tr(Σ_a + Σ_b), tr (Σ_a Σ_b)^½."""
    shift = np.sum((real.mean(0) - made.mean(0)) ** 2)
    a, b = (np.cov(one, rowvar=False, ddof=ddof) for one in (real, made))
    root = (shift + np.trace(a + b) - metrics.frechet(real.mean(0), a, made.mean(0), b)) / 2
    return float(shift), float(np.trace(a + b)), float(root)


# --- 4. the number of images ----------------------------------------------------------------------


@exercise("A distance without its bias")
def without_bias(answer):
    """From 14 at n = 1,000 and 10 at n = 5,000: the distance with infinitely many images, and with 10,000."""
    values = _numbers(answer, ("without end", "10,000"))
    if _close(values["without end"], 9) and _close(values["10,000"], 9.5):
        return (
            "9 + 5,000/n. So a score of 9.4 with n = 10,000 beats this generator, and a score of 13 with n = 1,000 "
            "does too: two scores with different n cannot be compared as they stand."
        )
    if any(_close(values[key], wrong) for key in values for wrong in (5.0, 6.0)):
        raise Hint("that goes on along a straight line in n. The distance is a straight line in 1/n: a + b/n.")
    if _close(values["without end"], 9.5) and _close(values["10,000"], 9):
        raise Hint("the right numbers, the wrong way round: with more images the distance is lower.")
    if not _close(values["without end"], 9):
        if _close(values["without end"], 10):
            raise Hint("10 is what was measured with 5,000 images. Of it b/5,000 comes of their number.")
        if _close(values["without end"], 5000):
            raise Hint("5,000 is b. What is asked for is a, where 1/n is 0.")
        raise Hint("two equations: a + b/1,000 = 14 and a + b/5,000 = 10. Subtract them, and b is there; then a.")
    raise Hint("a = 9 is right. With n = 10,000 it is a + b/n, and b follows from a + b/1,000 = 14.")


# --- 6. neighbours --------------------------------------------------------------------------------

LINE = {"real": (0.0, 1.0, 2.0, 6.0), "generated": (1.5, 9.0, 9.5)}


@exercise("Precision, recall, density and coverage on a line")
def on_a_line(answer):
    """The four numbers for real points 0, 1, 2, 6 and generated points 1.5, 9, 9.5, with k = 1 for all."""
    values = _numbers(answer, ("precision", "recall", "density", "coverage"))
    right = {"precision": 1.0, "recall": 1.0, "density": 4 / 3, "coverage": 3 / 4}
    hints = {
        "precision": {
            1 / 3: "the ball of 6 reaches to its nearest neighbour, 2: it goes from 2 to 10, and 9 and 9.5 lie in it.",
            2 / 3: "three generated points; the balls are [−1, 1], [0, 2], [1, 3] and [2, 10]. Which of the three is "
            "in none?",
        },
        "recall": {
            0.75: "the ball of 1.5 reaches to 9: it goes from −6 to 9, and all real points lie in it.",
            0.5: "for recall take the balls of the *generated* points: that of 1.5 has the radius 7.5.",
            0.0: "for recall take the balls of the *generated* points: that of 1.5 has the radius 7.5.",
        },
        "density": {
            4.0: "4 counts right. Density divides by k and by the number of generated points.",
            1.0: "1.5 lies in *two* balls, [0, 2] and [1, 3]: each counts. That is how density can be more than 1.",
        },
        "coverage": {
            1.0: "the ball of 0 is [−1, 1]. Which generated point lies in it?",
            0.5: "the ball of 6 is [2, 10], and has two generated points in it: it is covered as well.",
            1 / 4: "count the *balls of real points* that have a generated one in them, over 4 real points.",
        },
    }  # fmt: skip
    last = {
        "precision": "how many of 1.5, 9, 9.5 lie in one of the balls of the real points?",
        "recall": "radii of the generated points: 7.5 for 1.5, and 0.5 for the two others. What do these balls hold?",
        "density": "count for each generated point the balls of real points that it lies in; over k times 3.",
        "coverage": "of the four real points' balls, how many have a generated point in them?",
    }
    for name, value in values.items():
        if math.isclose(value, right[name], rel_tol=1e-2, abs_tol=1e-3):
            continue
        for wrong, why in hints[name].items():
            if math.isclose(value, wrong, rel_tol=1e-2, abs_tol=1e-3):
                raise Hint(f"{name}: {why}")
        raise Hint(f"{name}: {last[name]}")
    return (
        "perfect precision though 9 and 9.5 are like nothing real, thanks to the ball of 6; perfect recall thanks to "
        "one lonely generated point. Coverage is not taken in: nothing was made near 0."
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


@exercise("Whose card is it?")
def whose_card(answer):
    """Which of the four sets of `suspects` copies, repeats, misses classes, blurs: {"A": …, "B": …, …}."""
    if not isinstance(answer, dict) or set(answer) != set(_WHO):
        raise Hint('give a dictionary with the keys "A", "B", "C", "D".')
    if missing := [name for name, fault in answer.items() if is_blank(fault)]:
        raise Hint(f"{', '.join(missing)} still to do.")
    named = {name: str(fault).strip().lower() for name, fault in answer.items()}
    if unknown := [fault for fault in named.values() if fault not in _WHO.values()]:
        raise Hint(f"{unknown[0]!r} is none of {', '.join(sorted(_WHO.values()))}.")
    clues = {
        "copies": "copies of the very images that one compares with have a distance below the floor: 0. No honest "
        "generator gets there.",
        "repeats": "twenty pictures over and over are all good, so precision is high; but their balls have no size, so "
        "recall is next to nothing.",
        "misses": "five digits out of ten, as good and as varied as real ones: precision at the floor, a classifier "
        "score near 5, about half of the real images covered.",
        "blurs": "all digits are there, but none looks like a real one: it is precision and density that fall.",
    }
    for name in sorted(_WHO):
        if named[name] != _WHO[name]:
            raise Hint(f"{name} is not the one that {named[name]}: {clues[named[name]]}")
    return "each fault shows in some number and hides from others; that is why a card has more than one."
