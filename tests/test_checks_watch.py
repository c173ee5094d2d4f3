"""The exercises of "Watch a GAN learn": each against right answers, plausible wrong ones, and a blank."""

import keras
import numpy as np
import pytest

from gan_lessons import checks
from gan_lessons.checks import watch


def nearest(fakes, modes):
    return np.linalg.norm(fakes[:, None] - modes, axis=2).argmin(axis=1)


def counts(fakes, modes):
    return np.bincount(nearest(fakes, modes), minlength=len(modes))


CASES = [
    # exercise, answer, status, what the message speaks of
    ("arrow_length", 1, "right", "½"),
    ("arrow_length", np.float32(1.0), "right", "½"),
    ("arrow_length", np.array([1.0]), "right", "½"),
    ("arrow_length", keras.ops.convert_to_tensor(1.0), "right", "½"),
    ("arrow_length", 2, "wrong", "σ(0)"),
    ("arrow_length", 0.5, "wrong", "Multiply"),
    ("arrow_length", -1, "wrong", "not negative"),
    ("arrow_length", 4, "wrong", "1/(1 + e⁰)"),
    ("arrow_length", (0, 1), "wrong", "one number"),
    ("largest_share", lambda fakes, modes: counts(fakes, modes).max() / len(fakes), "right", "⅛"),
    (
        "largest_share",
        lambda fakes, modes: keras.ops.convert_to_tensor(counts(fakes, modes).max() / len(fakes)),
        "right",
        "⅛",
    ),
    ("largest_share", lambda fakes, modes: counts(fakes, modes).max(), "wrong", "all fakes"),
    ("largest_share", lambda fakes, modes: counts(fakes, modes).min() / len(fakes), "wrong", "least"),
    ("largest_share", lambda fakes, modes: counts(fakes, modes)[0] / len(fakes), "wrong", "mode 0"),
    ("largest_share", lambda fakes, modes: counts(fakes, modes).argmax(), "wrong", "not its share"),
    ("largest_share", lambda fakes, modes: counts(fakes, modes).max() / len(modes), "wrong", "number of modes"),
    (
        "largest_share",
        lambda fakes, modes: np.mean(np.linalg.norm(fakes[:, None] - modes, axis=2) < 1),
        "wrong",
        "bincount",
    ),
    ("largest_share", lambda fakes, modes: None, "wrong", "return"),
    ("ratio_of_arrows", 99, "right", "0.99"),
    ("ratio_of_arrows", 0.99 / 0.01, "right", "0.99"),
    ("ratio_of_arrows", 1 / 99, "wrong", "turn"),
    ("ratio_of_arrows", 100, "wrong", "not 1"),
    ("ratio_of_arrows", 0.98, "wrong", "quotient"),
    ("ratio_of_arrows", 1, "wrong", "½"),
    ("ratio_of_arrows", 50, "wrong", "Divide"),
]


@pytest.mark.parametrize(("name", "answer", "status", "speaks_of"), CASES)
def test_an_answer_gets_what_it_deserves(name, answer, status, speaks_of):
    outcome = getattr(watch, name)(answer)
    assert (outcome.status, speaks_of in outcome.message) == (status, True), outcome


@pytest.mark.parametrize("name, blank", [("arrow_length", ...), ("largest_share", ...), ("ratio_of_arrows", None)])
def test_a_blank_says_so(name, blank):
    assert checks.exercises("watch")[name](blank).status == "blank"


def test_a_function_that_still_returns_the_three_dots_is_blank():
    assert watch.largest_share(lambda fakes, modes: ...).status == "blank"
