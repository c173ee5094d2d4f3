"""Each exercise of lesson 04 against a right answer and the wrong ones that people give."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from gan_lessons import checks, penalties
from gan_lessons.checks import wgan

STEEPEST = {"a": 3, "b": 0.5, "c": 5, "d": 28}
CURVES = {"I": "unbounded", "II": "dead", "III": "healthy"}


def penalty(critic, real, fake, *, alpha=None, epsilon=1e-12, weight=10.0, target=1.0, axes=(1, 2, 3), total=ops.sum):
    """A right answer, with what may be wrong about it as arguments."""
    alpha = keras.random.uniform((len(real), 1, 1, 1)) if alpha is None else alpha(real)
    between = alpha * real + (1 - alpha) * fake
    with tf.GradientTape() as tape:
        tape.watch(between)
        answers = total(critic(between))
    gradients = tape.gradient(answers, between)
    norms = ops.sqrt(ops.sum(gradients**2, axis=axes) + epsilon)
    return weight * ops.mean((norms - target) ** 2)


def variant(**kwargs):
    return lambda critic, real, fake: penalty(critic, real, fake, **kwargs)


def from_norms(reduce):
    """A penalty that makes its own of the gradients, of shape (batch, height, width, channels)."""

    def answer(critic, real, fake):
        between = (alpha := keras.random.uniform((len(real), 1, 1, 1))) * real + (1 - alpha) * fake
        with tf.GradientTape() as tape:
            tape.watch(between)
            answers = ops.sum(critic(between))
        return 10.0 * reduce(tape.gradient(answers, between))

    return answer


def norm(gradients):
    return ops.sqrt(ops.sum(gradients**2, axis=(1, 2, 3)) + 1e-12)


def without_outer_tape(critic, real, fake):
    return float(penalty(critic, real, fake))


def stopped(critic, real, fake):
    return tf.stop_gradient(penalty(critic, real, fake))


@pytest.mark.parametrize(
    ("check", "answers"),
    [
        ("steepest_slope", (STEEPEST,)),
        ("steepest_slope", ({"a": 3.0, "b": 1 / 2, "c": np.hypot(3, 4), "d": np.sqrt(784)},)),
        ("losses", (lambda r, f: ops.mean(f) - ops.mean(r), lambda f: -ops.mean(f))),
        ("losses", (lambda r, f: ops.mean(f - r), lambda f: ops.mean(-f))),
        ("generator_turns", (1562,)),
        ("gradient_penalty", (penalty,)),
        ("gradient_penalty", (lambda c, r, f: penalties.GradientPenalty(10.0)(c, r, f),)),
        ("gradient_penalty", (from_norms(lambda g: ops.mean((norm(g) - 1) ** 2)),)),
        ("best_slope", (1.1,)),
        ("best_slope", (11 / 10,)),
        ("read_the_curves", (CURVES,)),
        ("read_the_curves", ({run: name.upper() + " " for run, name in CURVES.items()},)),
    ],
)
def test_a_right_answer_is_right(check, answers):
    outcome = getattr(wgan, check)(*answers)
    assert outcome.status == "right", str(outcome)


@pytest.mark.parametrize(
    ("check", "answers", "words"),
    [
        ("steepest_slope", (STEEPEST | {"a": -3},), "no sign"),
        ("steepest_slope", (STEEPEST | {"a": 2},), "constant"),
        ("steepest_slope", (STEEPEST | {"b": 1},), "half"),
        ("steepest_slope", (STEEPEST | {"c": 7},), "diagonal"),
        ("steepest_slope", (STEEPEST | {"c": 4},), "both at once"),
        ("steepest_slope", (STEEPEST | {"c": 25},), "How long"),
        ("steepest_slope", (STEEPEST | {"d": 784},), "sum"),
        ("steepest_slope", (STEEPEST | {"d": 1},), "together"),
        ("steepest_slope", (STEEPEST | {"d": 2},), "entries"),
        ("steepest_slope", (STEEPEST | {"d": ...},), "d still to do"),
        ("steepest_slope", ([3, 0.5, 5, 28],), "dictionary"),
        (
            "losses",
            (lambda r, f: ops.mean(r) - ops.mean(f), lambda f: -ops.mean(f)),
            "critic's loss has the wrong",
        ),
        (
            "losses",
            (lambda r, f: ops.mean(f) - ops.mean(r), lambda f: ops.mean(f)),
            "generator's loss has the wrong",
        ),
        ("losses", (lambda r, f: ops.sum(f) - ops.sum(r), lambda f: -ops.mean(f)), "sum over the batch"),
        ("losses", (lambda r, f: f - r, lambda f: -ops.mean(f)), "shape"),
        (
            "losses",
            (
                lambda r, f: ops.mean(ops.softplus(f)) + ops.mean(ops.softplus(-r)),
                lambda f: ops.mean(ops.softplus(-f)),
            ),
            "bends",
        ),
        (
            "losses",
            (lambda r, f: ops.mean(f) - ops.mean(r), lambda f: ops.mean(ops.softplus(-f))),
            "generator's loss bends",
        ),
        ("losses", (lambda r, f: 2 * ops.mean(f) - ops.mean(r), lambda f: -ops.mean(f)), "expected"),
        ("generator_turns", (7810,), "critic"),
        ("generator_turns", (156,), "ten"),
        ("generator_turns", (1560,), "left over"),
        ("generator_turns", (1564,), "782"),
        ("generator_turns", (1562.5,), "whole"),
        ("generator_turns", (39_050,), "it is the critic"),
        ("generator_turns", (50_000,), "how many whole batches"),
        ("gradient_penalty", (variant(alpha=lambda x: keras.random.normal((len(x), 1, 1, 1))),), "normal"),
        (
            "gradient_penalty",
            (variant(alpha=lambda x: keras.random.uniform((1, 1, 1, 1))),),
            "Draw one for each",
        ),
        ("gradient_penalty", (variant(alpha=lambda x: keras.random.uniform(x.shape)),), "within an image"),
        (
            "gradient_penalty",
            (variant(alpha=lambda x: ops.full((len(x), 1, 1, 1), 0.5)),),
            "0.50 for every image",
        ),
        (
            "gradient_penalty",
            (variant(alpha=lambda x: keras.random.uniform((len(x), 1, 1, 1)) ** 3),),
            "not spread evenly",
        ),
        ("gradient_penalty", (variant(epsilon=0.0),), "NaN"),
        ("gradient_penalty", (variant(weight=1.0),), "factor"),
        ("gradient_penalty", (variant(target=0.0),), "compared with 1"),
        ("gradient_penalty", (variant(axes=(0, 1, 2, 3)),), "whole batch"),
        ("gradient_penalty", (variant(total=ops.mean),), "not their mean"),
        ("gradient_penalty", (from_norms(lambda g: ops.mean((norm(g) ** 2 - 1) ** 2)),), "root"),
        ("gradient_penalty", (from_norms(lambda g: ops.mean(norm(g) - 1)),), "squared"),
        ("gradient_penalty", (from_norms(lambda g: ops.sum((norm(g) - 1) ** 2)),), "not their sum"),
        ("gradient_penalty", (from_norms(lambda g: (ops.mean(norm(g)) - 1) ** 2),), "Square first"),
        ("gradient_penalty", (from_norms(lambda g: ops.mean((ops.abs(g) - 1) ** 2)),), "each pixel"),
        ("gradient_penalty", (from_norms(lambda g: (norm(g) - 1) ** 2),), "one number"),
        ("gradient_penalty", (from_norms(lambda g: ops.mean(ops.relu(norm(g) - 1) ** 2)),), "½"),
        ("gradient_penalty", (without_outer_tape,), "cannot learn"),
        ("gradient_penalty", (stopped,), "cannot learn"),
        ("gradient_penalty", (lambda critic, real, fake: 40.0,), "never asks"),
        ("gradient_penalty", (lambda critic: 1.0,), "raised TypeError"),
        ("best_slope", (1.0,), "flat"),
        ("best_slope", (1.2,), "factor of 2"),
        ("best_slope", (0.9,), "sign"),
        ("best_slope", (2.2,), "measures"),
        ("best_slope", (5,), "derivative"),
        ("read_the_curves", (CURVES | {"I": "healthy", "III": "unbounded"},), "claim any number"),
        ("read_the_curves", (CURVES | {"II": "healthy", "III": "dead"},), "first epoch"),
        ("read_the_curves", (CURVES | {"I": "dead", "II": "unbounded"},), "run I again"),
        ("read_the_curves", (CURVES | {"II": "collapsed"},), "none of"),
        ("read_the_curves", (CURVES | {"III": ...},), "III still to do"),
        ("read_the_curves", ("healthy",), "dictionary"),
    ],
)
def test_a_wrong_answer_gets_a_hint_about_why(check, answers, words):
    keras.utils.set_random_seed(0)
    outcome = getattr(wgan, check)(*answers)
    assert outcome.status == "wrong"
    assert words in outcome.message, outcome.message


@pytest.mark.parametrize(
    ("check", "answers"),
    [
        ("steepest_slope", (dict.fromkeys("abcd", ...),)),
        ("losses", (..., ...)),
        ("losses", (lambda r, f: ..., lambda f: ...)),
        ("losses", (lambda r, f: ops.mean(f) - ops.mean(r), lambda f: ...)),
        ("generator_turns", (...,)),
        ("gradient_penalty", (lambda critic, real, fake: ...,)),
        ("best_slope", (...,)),
        ("read_the_curves", (dict.fromkeys(("I", "II", "III"), ...),)),
    ],
)
def test_a_blank_answer_is_blank(check, answers):
    assert getattr(wgan, check)(*answers).status == "blank"


def test_the_lesson_has_six_exercises():
    assert len(checks.exercises("wgan")) == 6
