"""Stacked digits: what is drawn, and how modes are counted, against a classifier whose answers are known."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from scipy import stats

from gan_lessons import stacked

# Ten "digits": images of one grey each, which this classifier tells apart without having learnt anything.
DIGITS = np.broadcast_to(np.linspace(-0.9, 0.9, 10).reshape(10, 1, 1, 1), (10, 4, 4, 1)).astype("float32")


@keras.saving.register_keras_serializable("test_stacked")
class ByGrey(layers.Layer):
    def call(self, images):
        centres = ops.convert_to_tensor(DIGITS[:, 0, 0, 0])
        return -ops.square(ops.mean(images, axis=(1, 2)) - centres)

    def compute_output_shape(self, shape):
        return (shape[0], 10)


CLASSIFIER = keras.Sequential([keras.Input((4, 4, 1)), ByGrey()])


def test_images_are_three_digits():
    images = stacked.images(DIGITS, 500, seed=0)
    assert images.shape == (500, 4, 4, 3) and images.dtype == "float32"
    np.testing.assert_array_equal(images, stacked.images(DIGITS, 500, seed=0))
    assert (images != stacked.images(DIGITS, 500, seed=1)).any()
    greys = images[:, 0, 0].T
    assert set(np.unique(greys)) == set(DIGITS[:, 0, 0, 0])
    assert np.abs(np.corrcoef(greys) - np.eye(3)).max() < 0.15  # each colour is drawn by itself


def test_the_mode_is_a_number_of_three_digits():
    chosen = np.array([[0, 0, 0], [9, 9, 9], [1, 2, 3], [7, 0, 4]])
    images = np.stack([np.concatenate([DIGITS[d] for d in digits], axis=-1) for digits in chosen])
    np.testing.assert_array_equal(stacked.modes_of(images, CLASSIFIER), [0, 999, 123, 704])


def test_the_count_of_real_images_and_of_a_collapse():
    real = stacked.count(stacked.images(DIGITS, 26_000, seed=0), CLASSIFIER)
    assert real.covered == 1000 and real.modes == 1000 and real.samples == 26_000
    assert abs(real.reverse_kl - 999 / 52_000) < 0.003  # what chance alone makes of it
    one = stacked.count(np.repeat(stacked.images(DIGITS, 1, seed=0), 50, axis=0), CLASSIFIER)
    assert one.covered == 1 and np.isclose(one.reverse_kl, np.log(1000))
    assert str(one) == "1 of 1000 modes, reverse KL 6.91 nats (50 samples)"


def test_reverse_kl_is_that_of_scipy():
    counts = np.array([5, 0, 3, 12])
    np.testing.assert_allclose(stacked.reverse_kl(counts), stats.entropy(counts / 20, np.full(4, 0.25)))


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: stacked.images(DIGITS[..., 0], 3), "digits must be grey images of shape"),
        (lambda: stacked.images(DIGITS, 0), "count must be an integer of at least 1"),
        (lambda: stacked.modes_of(DIGITS, CLASSIFIER), "Received: images of shape .10, 4, 4, 1."),
        (lambda: stacked.modes_of(np.full((1, 4, 4, 3), np.nan), CLASSIFIER), "images must be finite"),
        (lambda: stacked.reverse_kl([0, 0]), "at least one sample"),
    ],
)
def test_refuses(call, message):
    with pytest.raises(ValueError, match=message):
        call()
