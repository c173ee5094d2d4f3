"""InfoGAN: the contract, the code's loss against NumPy, codes in and out."""

import contract
import keras
import numpy as np
import pytest
from keras import layers
from others import LATENT, SHAPE
from systems import adam, averaging_adam, image_data

import gan_lessons as gl

K, C = 3, 2


def networks(codes=K + C):
    x = latents = keras.Input((LATENT + codes,))
    x = layers.BatchNormalization()(layers.Dense(8, activation="relu")(x))
    generator = keras.Model(latents, layers.Reshape(SHAPE)(layers.Dense(int(np.prod(SHAPE)), activation="tanh")(x)))
    x = images = keras.Input(SHAPE)
    x = layers.Dropout(0.2)(layers.LeakyReLU(0.2)(layers.Dense(6)(layers.Flatten()(x))))
    return generator, gl.conditioning.with_head(keras.Model(images, layers.Dense(1)(x)), codes)


def make(categories=K, continuous=C, **options):
    gan = gl.InfoGAN(
        *networks(categories + continuous), LATENT, categories=categories, continuous=continuous, weight=0.5
    )
    gan.compile(generator_optimizer=averaging_adam(), discriminator_optimizer=adam(), **options)
    return gan


TestContract = contract.holds(make, image_data)


@pytest.mark.parametrize("categories, continuous", [(K, C), (K, 0), (0, C)])
def test_the_code_loss_is_that_of_numpy(categories, continuous):
    gan = make(categories, continuous)
    latents = gan.sample_latents(7, seed=0)
    answers = np.random.default_rng(0).normal(size=(7, categories + continuous)).astype("float32")
    expected = ((latents[:, LATENT + categories :] - answers[:, categories:]) ** 2).sum(axis=1).mean() / 2
    if categories:
        logs = answers[:, :categories] - np.log(np.exp(answers[:, :categories]).sum(axis=1, keepdims=True))
        expected += -(latents[:, LATENT : LATENT + categories] * logs).sum(axis=1).mean()
    np.testing.assert_allclose(float(gan.code_loss(keras.ops.convert_to_tensor(latents), answers)), expected, rtol=1e-5)
    assert gan.generate(4, seed=0).shape == (4, *SHAPE)


def test_the_latents_of_a_training_have_codes():
    latents = np.asarray(make().draw_latents(3000))
    assert abs(latents[:, :LATENT].std() - 1) < 0.05
    one_hot, codes = latents[:, LATENT : LATENT + K], latents[:, LATENT + K :]
    assert set(np.unique(one_hot)) == {0.0, 1.0} and (one_hot.sum(axis=1) == 1).all()
    assert np.abs(one_hot.mean(axis=0) - 1 / K).max() < 0.05
    assert -1 <= codes.min() < -0.99 and 0.99 < codes.max() <= 1 and abs(codes.std() - 1 / np.sqrt(3)) < 0.02


def test_codes_go_in_and_come_out():
    gan = make()
    latents = gan.sample_latents(4, seed=1, category=2, codes=[0.5, -1.0])
    np.testing.assert_array_equal(latents[:, LATENT:], np.tile([0, 0, 1, 0.5, -1], (4, 1)).astype("float32"))
    np.testing.assert_array_equal(latents[:, :LATENT], gan.sample_latents(4, seed=1)[:, :LATENT])
    np.testing.assert_array_equal(gan.sample_latents(5, seed=1)[:, LATENT : LATENT + K].argmax(1), [0, 1, 2, 0, 1])
    np.testing.assert_array_equal(gan.sample_latents(5, seed=1), gan.sample_latents(5, seed=1))
    probabilities, codes = gan.recognise(gan.generate(6, seed=0))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    assert probabilities.shape == (6, K) and codes.shape == (6, C)


def test_q_learns_the_code():
    """On these tiny networks the category is read far better after a moment than at the start."""
    keras.utils.set_random_seed(0)
    gan = make()
    for player in ("generator", "discriminator"):
        getattr(gan, f"{player}_optimizer").learning_rate = 0.01
    images = image_data()["images"]
    losses = gan.fit(images, epochs=60, batch_size=10, verbose=0).history["code_loss"]
    assert losses[-1] < 0.7 * losses[0]


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"category": K}, "labels must be integers from 0 to 2"),
        ({"category": [0, 1]}, "category must be one or 4 integers"),
        ({"codes": [0.0]}, "codes one or 4 rows of 2 numbers"),
    ],
)
def test_bad_codes_are_refused(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make().generate(4, **arguments)


def test_networks_that_do_not_fit_are_refused():
    generator, discriminator = networks()
    with pytest.raises(ValueError, match="discriminator must have two outputs"):
        gl.InfoGAN(generator, keras.Model(discriminator.input, discriminator.outputs[0]), LATENT, categories=K)
    with pytest.raises(ValueError, match="generator must take"):
        gl.InfoGAN(generator, discriminator, LATENT + 1, categories=K)
    with pytest.raises(ValueError, match="must have a code. Received: categories=0, continuous=0"):
        gl.InfoGAN(generator, discriminator, LATENT, categories=0, continuous=0)
