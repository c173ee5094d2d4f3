"""Lesson 00's exercises: each against right answers, plausible wrong ones, and a blank."""

import numpy as np
import pytest

from gan_lessons import checks
from gan_lessons.checks import start_here

CASES = [
    # exercise, answer, status, what the message speaks of
    ("latent_shape", (16, 100), "right", "batch"),
    ("latent_shape", [16, 100], "right", "batch"),
    ("latent_shape", (100, 16), "wrong", "batch comes first"),
    ("latent_shape", (16, 28, 28, 1), "wrong", "images"),
    ("latent_shape", (16, 784), "wrong", "input_shape"),
    ("latent_shape", (1, 100), "wrong", "number of images"),
    ("latent_shape", 100, "wrong", "a tuple"),
    ("numbers_made", 7.84, "right", "opponent"),
    ("numbers_made", 784 / 100, "right", "opponent"),
    ("numbers_made", 784, "wrong", "Divide"),
    ("numbers_made", 100 / 784, "wrong", "other way round"),
    ("numbers_made", 0.28, "wrong", "columns"),
    ("numbers_made", 2, "wrong", "28 × 28"),
    ("to_pixels", lambda images: ((images + 1) * 127.5).astype("uint8"), "right", "127.5"),
    ("to_pixels", lambda images: np.rint(127.5 * images + 127.5).astype("uint8"), "right", "127.5"),
    ("to_pixels", lambda images: (images + 1) * 127.5, "wrong", "uint8"),
    ("to_pixels", lambda images: ((images + 1) * 128).astype("int64").astype("uint8"), "wrong", "256"),
    ("to_pixels", lambda images: (np.maximum(images, 0) * 255).astype("uint8"), "wrong", "cut off"),
    ("to_pixels", lambda images: (images * 255).astype("int64").astype("uint8"), "wrong", "Shift before"),
    ("to_pixels", lambda images: ((images + 1) / 2).astype("uint8"), "wrong", "255"),
    ("to_pixels", lambda images: ((images + 1) * 127.5).astype("uint8")[0], "wrong", "shape"),
    ("to_pixels", lambda images: None, "wrong", "return"),
    ("between", lambda start, end, t: (1 - t) * start + t * end, "right", "Lesson 02"),
    ("between", lambda start, end, t: start + t * (end - start), "right", "Lesson 02"),
    ("between", lambda start, end, t: t * start + (1 - t) * end, "wrong", "backwards"),
    ("between", lambda start, end, t: start + t * end, "wrong", "weight must be 1 − t"),
    ("between", lambda start, end, t: (start + end) / 2, "wrong", "t = 0"),
    ("between", lambda start, end, t: (1 - t**2) * start + t**2 * end, "wrong", "straight"),
    ("between", lambda start, end, t: (1 - t) * start.sum() + t * end.sum(), "wrong", "(32,)"),
    ("between", lambda start, end, t: None, "wrong", "return"),
]


@pytest.mark.parametrize(("name", "answer", "status", "speaks_of"), CASES)
def test_an_answer_gets_what_it_deserves(name, answer, status, speaks_of):
    outcome = getattr(start_here, name)(answer)
    assert (outcome.status, speaks_of in outcome.message) == (status, True), outcome


@pytest.mark.parametrize("blank", [..., None, lambda *_: ...])
def test_a_blank_says_so(blank):
    for check in checks.exercises("start_here").values():
        if callable(blank) and check.__name__ in ("latent_shape", "numbers_made"):
            continue  # these two ask for a number, not for a function
        assert check(blank).status == "blank"
