"""What is read from a model, against models that declare it and models that do not."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import gan_lessons as gl
from gan_lessons import samples


def network(activation):
    return keras.Sequential([keras.Input((3,)), layers.Dense(16, activation), layers.Reshape((4, 4, 1))])


class Foreign:
    """A model of someone else's: some attributes, and perhaps `generate`."""

    def __init__(self, **attributes):
        vars(self).update(attributes)


@pytest.mark.parametrize("activation, expected", [("tanh", (-1.0, 1.0)), ("sigmoid", (0.0, 1.0)), ("linear", None)])
def test_the_range_of_a_gan_and_of_anything_with_a_generator(activation, expected):
    gan = gl.GAN(network(activation), gl.networks.mlp_discriminator((4, 4, 1), units=(2,)), latent_dim=3)
    for model in (gan, Foreign(generator=network(activation))):
        assert samples.range_of(model) == (expected or (-1.0, 1.0))
        assert samples.range_of(model, default=None) == expected


def test_what_a_model_declares_comes_first():
    assert samples.range_of(Foreign(value_range=(0, 255), generator=network("tanh"))) == (0.0, 255.0)
    assert samples.range_of(Foreign(value_range=None, generator=network("sigmoid"))) == (0.0, 1.0)
    assert samples.range_of(Foreign(value_range=None), default=(0, 1)) == (0, 1)
    assert samples.range_of(object()) == (-1.0, 1.0) and samples.range_of(None, default=None) is None


@pytest.mark.parametrize("value_range", [(1, -1), (0, 0), (0, np.inf), 1, None, (0, 1, 2), "012", ("a", "b")], ids=str)
def test_a_range_must_be_one(value_range):
    with pytest.raises(
        ValueError, match="value_range must be two numbers .low, high., low < high. Received: value_range="
    ):
        samples.check_range(value_range)
    if value_range is not None:
        with pytest.raises(ValueError, match="value_range must be"):
            samples.range_of(Foreign(value_range=value_range))


def test_the_shape_of_samples():
    gan = gl.GAN(network("tanh"), gl.networks.mlp_discriminator((4, 4, 1), units=(2,)), latent_dim=3)
    assert samples.shape_of(gan) == (4, 4, 1)
    assert samples.shape_of(Foreign(image_shape=[7])) == (7,)
    for kind in (np.zeros, tf.zeros):
        assert samples.shape_of(Foreign(generate=lambda count, seed, kind=kind: kind((count, 24, 3)))) == (24, 3)
        assert samples.shape_of(kind((5, 8, 8, 1))) == (8, 8, 1)


def test_the_images_of_a_batch():
    images, labels = np.zeros((2, 4, 4, 1)), np.zeros(2)
    for batch in (images, (images,), (images, labels), [images, labels, labels]):
        assert samples.images_of(batch) is images
    spec = tf.data.Dataset.from_tensor_slices((images, labels)).element_spec
    assert samples.images_of(spec).shape == (4, 4, 1)
