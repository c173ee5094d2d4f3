"""The semi-supervised GAN: the contract, its losses against NumPy, a classifier from few labels."""

import contract
import keras
import numpy as np
import pytest
from keras import layers
from others import LATENT, SHAPE, images
from scipy import special
from systems import CLASSES, COUNT, adam, averaging_adam

import gan_lessons as gl


def networks():
    x = latents = keras.Input((LATENT,))
    x = layers.BatchNormalization()(layers.Dense(8, activation="relu")(x))
    generator = keras.Model(latents, layers.Reshape(SHAPE)(layers.Dense(int(np.prod(SHAPE)), activation="tanh")(x)))
    x = pictures = keras.Input(SHAPE)
    x = layers.GaussianNoise(0.1)(layers.LeakyReLU(0.2)(layers.Dense(6)(layers.Flatten()(x))))
    return generator, gl.conditioning.with_features(keras.Model(pictures, layers.Dense(CLASSES)(x)))


def make(**options):
    gan = gl.SemiSupervisedGAN(*networks(), LATENT)
    gan.compile(generator_optimizer=averaging_adam(), discriminator_optimizer=adam(), **options)
    return gan


def data():
    labels = (np.arange(COUNT) % CLASSES).astype("int64")
    return {"images": images(COUNT), "labelled": images(COUNT, 1), "labels": labels}


TestContract = contract.holds(make, data)


def test_the_losses_are_those_of_numpy():
    gan, (real, labelled, labels) = make(), data().values()
    logs = gan.evaluate((real, labelled, labels), batch_size=COUNT, verbose=0, return_dict=True)
    gan.seed_generator.state.assign([0, 0])  # where `evaluate` begins
    fakes = gan.generator(gan.draw_latents(COUNT), training=False)

    def judged(x):
        return [np.asarray(output, "float64") for output in gan.discriminator(x, training=False)]

    # K + 1 classes, the last with the logit 0: the losses are cross-entropies of that softmax.
    def log_softmax(logits):
        return special.log_softmax(np.concatenate([logits, np.zeros((len(logits), 1))], axis=1), axis=1)

    class_loss = -special.log_softmax(judged(labelled)[0], axis=1)[np.arange(COUNT), labels].mean()
    real_loss = -special.logsumexp(log_softmax(judged(real)[0])[:, :CLASSES], axis=1).mean()
    fake_loss = -log_softmax(judged(fakes)[0])[:, CLASSES].mean()
    g_loss = ((judged(real)[1].mean(axis=0) - judged(fakes)[1].mean(axis=0)) ** 2).sum()
    np.testing.assert_allclose(logs["class_loss"], class_loss, rtol=1e-4)
    np.testing.assert_allclose(logs["d_loss"], class_loss + real_loss + fake_loss, rtol=1e-4)
    np.testing.assert_allclose(logs["g_loss"], g_loss, rtol=1e-3)
    np.testing.assert_allclose(gan.classify(labelled), special.softmax(judged(labelled)[0], axis=1), rtol=1e-4)
    np.testing.assert_allclose(logs["class_accuracy"], (judged(labelled)[0].argmax(1) == labels).mean(), rtol=1e-5)


def test_it_learns_to_classify():
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    labels = np.arange(300) % CLASSES
    means = rng.uniform(-0.7, 0.7, (CLASSES, *SHAPE))
    samples = np.clip(means[labels] + 0.1 * rng.normal(size=(300, *SHAPE)), -1, 1).astype("float32")
    few = np.resize(np.arange(2 * CLASSES), 300)
    gan = make()
    gan.discriminator_optimizer.learning_rate = 0.01
    gan.fit((samples, samples[few], labels[few]), epochs=30, batch_size=50, verbose=0)
    assert (gan.classify(samples).argmax(axis=1) == labels).mean() > 0.95


def test_a_network_without_features_is_refused():
    generator, discriminator = networks()
    with pytest.raises(ValueError, match="two outputs, class logits of shape .* and features"):
        gl.SemiSupervisedGAN(generator, keras.Model(discriminator.input, discriminator.outputs[0]), LATENT)
