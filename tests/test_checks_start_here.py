"""Lesson 00's exercises: each against right answers, plausible wrong ones, and a blank."""

import keras
import numpy as np
import pytest

from gan_lessons import checks
from gan_lessons.checks import start_here

CASES = [
    # exercise, answer, status, what the message speaks of
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
    ("with_length", lambda z, r: z * (r / np.linalg.norm(z, axis=1, keepdims=True)), "right", "divide"),
    ("with_length", lambda z, r: keras.ops.normalize(z, axis=1) * r, "right", "divide"),
    ("with_length", lambda z, r: -z * (r / np.linalg.norm(z, axis=1, keepdims=True)), "wrong", "directions"),
    ("with_length", lambda z, r: z / np.linalg.norm(z, axis=1, keepdims=True), "wrong", "Multiply by `length`"),
    ("with_length", lambda z, r: z * r, "wrong", "Divide by the length"),
    ("with_length", lambda z, r: z / np.linalg.norm(z) * r, "wrong", "whole array"),
    ("with_length", lambda z, r: z / np.linalg.norm(z, axis=0) * r, "wrong", "axis=1"),
    ("with_length", lambda z, r: z / np.linalg.norm(z, axis=1) * r, "wrong", "keepdims"),
    ("with_length", lambda z, r: z[0] / np.linalg.norm(z[0]) * r, "wrong", "shape"),
    ("with_length", lambda z, r: z + r, "wrong", "lengths of the rows"),
    ("with_length", lambda z, r: None, "wrong", "return"),
    ("halfway_length", 50**0.5, "right", "diagonal"),
    ("halfway_length", np.array([7.07]), "right", "diagonal"),
    ("halfway_length", 7.1, "right", "diagonal"),
    ("halfway_length", keras.ops.convert_to_tensor(7.07), "right", "diagonal"),
    ("halfway_length", 10, "wrong", "same direction"),
    ("halfway_length", 5, "wrong", "half of one"),
    ("halfway_length", 14.14, "wrong", "sum"),
    ("halfway_length", 50, "wrong", "square"),
    ("halfway_length", 0, "wrong", "opposite"),
    ("halfway_length", 3, "wrong", "Pythagoras"),
]


@pytest.mark.parametrize(("name", "answer", "status", "speaks_of"), CASES)
def test_an_answer_gets_what_it_deserves(name, answer, status, speaks_of):
    outcome = getattr(start_here, name)(answer)
    assert (outcome.status, speaks_of in outcome.message) == (status, True), outcome


@pytest.mark.parametrize("blank", [..., None, lambda *_: ...])
def test_a_blank_says_so(blank):
    for check in checks.exercises("start_here").values():
        if callable(blank) and check.__name__ == "halfway_length":
            continue  # it asks for a number, not for a function
        assert check(blank).status == "blank"
