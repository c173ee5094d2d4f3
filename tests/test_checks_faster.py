"""The exercises of Faster and further: each against right answers, plausible wrong ones, and a blank."""

import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from gan_lessons import checks
from gan_lessons.checks import faster

RIGHT = {
    "passes": {"a": 2.097152, "b": 2.5165824, "c": 0.8388608},
    "products": {"a": 401_408, "b": 2_097_152, "c": 2_097_152},
    "waiting": {"a": 45, "b": 1.6, "c": 1},
    "steps_per_call": {"ms a step, 10 a call": 1.55, "most that can be saved, %": 25},
    "rounding": {"bfloat16": 1.0, "float32": 2.0},
}

WRONG = [
    # exercise, what is changed in the right answer, what the hint speaks of
    ("passes", {"a": 0.524}, "4 bytes"),
    ("passes", {"a": 16.8}, "Eight"),
    ("passes", {"a": 0.0328}, "one image"),
    ("passes", {"a": 2_097_152}, "in millions"),
    ("passes", {"a": 1.0}, "64·16·16·32"),
    ("passes", {"b": 1.258}, "two passes"),
    ("passes", {"b": 0.419}, "one operation"),
    ("passes", {"b": 0.002517}, "seconds"),
    ("passes", {"b": 25.0}, "6 operations"),
    ("passes", {"c": 0.419}, "two passes"),
    ("passes", {"c": 0.2}, "2 operations"),
    ("products", {"a": 1296}, "multiply"),
    ("products", {"a": 401_920}, "biases"),
    ("products", {"a": 802_816}, "multiply-add"),
    ("products", {"b": 32_768}, "every pixel"),
    ("products", {"b": 32_768 * 256}, "pixels *made*"),
    ("products", {"b": 524_288}, "4 wide"),
    ("products", {"c": 32_768 * 256}, "*takes*"),
    ("products", {"c": 5}, "other way round"),
    ("waiting", {"a": 75}, "fixed batch"),
    ("waiting", {"b": 0.625}, "old over the new"),
    ("waiting", {"b": 0.6}, "whole steps"),
    ("waiting", {"c": 2.4}, "beside"),
    ("waiting", {"c": 24}, "waits"),
    ("waiting", {"c": 0.5}, "how long"),
    ("steps_per_call", {"ms a step, 10 a call": 0.2}, "stays"),
    ("steps_per_call", {"ms a step, 10 a call": 1.5}, "still there"),
    ("steps_per_call", {"ms a step, 10 a call": 15.5}, "one step"),
    ("steps_per_call", {"most that can be saved, %": 0.25}, "per cent"),
    ("steps_per_call", {"most that can be saved, %": 22.5}, "vanish"),
    ("rounding", {"bfloat16": 2.0}, "rounded before"),
    ("rounding", {"bfloat16": 1.5}, "nearest"),
    ("rounding", {"float32": 1.0}, "nothing is lost"),
]


@pytest.mark.parametrize(("name", "answer"), RIGHT.items())
def test_right_answers(name, answer):
    outcome = getattr(faster, name)(answer)
    assert outcome.status == "right", outcome


@pytest.mark.parametrize(("name", "change", "speaks_of"), WRONG)
def test_a_wrong_answer_gets_its_hint(name, change, speaks_of):
    outcome = getattr(faster, name)(RIGHT[name] | change)
    assert (outcome.status, speaks_of in outcome.message) == ("wrong", True), outcome


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_no_answer(name):
    check = getattr(faster, name)
    assert check(dict.fromkeys(RIGHT[name], ...)).status == "blank"
    half = RIGHT[name] | {next(iter(RIGHT[name])): ...}
    assert "still to do" in check(half).message
    assert "keep the dictionary" in check(3.0).message
    assert "number" in check(RIGHT[name] | {next(iter(RIGHT[name])): "much"}).message


def test_every_exercise_is_tested():
    assert set(checks.exercises("faster")) == set(RIGHT)


def test_the_products_are_those_of_the_layers():
    """Counted by applying each layer to basis vectors: the non-zero entries of its matrix, away from the edge."""
    layer = layers.Conv2D(64, 4, 2, padding="same", use_bias=False, kernel_initializer="ones")
    touched = float(tf.reduce_sum(layer(tf.ones((1, 64, 64, 32)))[0, 8, 8]))  # products into one inner pixel
    assert touched * 8 * 8 == RIGHT["products"]["b"]


def test_the_weight_in_bfloat16():
    weight = tf.constant(1.0, tf.bfloat16)
    for _ in range(1000):
        weight = weight + tf.constant(0.001, tf.bfloat16)
    assert float(weight) == RIGHT["rounding"]["bfloat16"]
    np.testing.assert_allclose(
        np.cumsum(np.full(1000, 0.001, "float32"))[-1] + 1, RIGHT["rounding"]["float32"], atol=1e-3
    )


def test_the_passes_are_those_of_an_array():
    batch = np.zeros((64, 16, 16, 32), "float32")
    assert batch.nbytes / 1e6 == RIGHT["passes"]["a"]
    for letter, operations in (("b", 6), ("c", 2)):
        assert 1e3 * operations * 2 * batch.nbytes / 1e10 == pytest.approx(RIGHT["passes"][letter])
    assert faster.passes({"a": 2, "b": 2.5, "c": 0.84}).status == "wrong", "2 is too rough"
    assert faster.passes({"a": 2.1, "b": 2.5, "c": 0.84}).status == "right", "two digits will do"
