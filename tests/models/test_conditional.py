"""The conditional GAN: the contract for each way to give D a label, its losses against NumPy, its refusals."""

import contract
import keras
import numpy as np
import pytest
import systems
from keras import layers
from others import LATENT, SHAPE
from systems import CLASSES, adam, averaging_adam, labelled_data

import gan_lessons as gl
from gan_lessons import conditioning
from gan_lessons.models.conditional import checked_labels, cross_entropy


def generator():
    x = latents = keras.Input((LATENT + CLASSES,))
    x = layers.BatchNormalization()(layers.Dense(8, activation="relu")(x))
    x = layers.Reshape(SHAPE)(layers.Dense(int(np.prod(SHAPE)), activation="tanh")(x))
    return conditioning.conditional_generator(keras.Model(latents, x), CLASSES)


def discriminator(channels=SHAPE[-1]):
    x = images = keras.Input((*SHAPE[:-1], channels))
    x = layers.Dropout(0.2)(layers.LeakyReLU(0.2)(layers.Dense(6)(layers.Flatten()(x))))
    return keras.Model(images, layers.Dense(1)(x))


WAYS = {
    "maps": lambda: conditioning.conditional_discriminator(discriminator(SHAPE[-1] + CLASSES), CLASSES),
    "projection": lambda: conditioning.projection_discriminator(discriminator(), CLASSES),
    "classifier": lambda: conditioning.with_head(discriminator(), CLASSES),
    "both": lambda: conditioning.with_head(WAYS["maps_alone"](), CLASSES),
    "maps_alone": lambda: _maps_without_submodel(),
}


def _maps_without_submodel():
    images, labels = keras.Input(SHAPE), keras.Input((), dtype="int32")
    x = layers.Concatenate()([layers.Flatten()(images), conditioning.OneHot(CLASSES)(labels)])
    return keras.Model([images, labels], layers.Dense(1)(layers.Dense(6, activation="tanh")(x)))


def make(way="projection", **options):
    gan = gl.ConditionalGAN(
        generator(),
        WAYS[way](),
        LATENT,
        CLASSES,
        penalty=gl.penalties.GradientPenalty(1.0),
        discriminator_steps=2,
    )
    gan.compile(generator_optimizer=averaging_adam(), discriminator_optimizer=adam(), **options)
    return gan


def make_with_classifier(**options):
    return make("both", **options)


TestProjection = contract.holds(make, labelled_data)
TestClassifier = contract.holds(make_with_classifier, labelled_data)


@pytest.mark.parametrize("way", WAYS)
def test_the_losses_are_those_of_numpy(way):
    keras.utils.set_random_seed(1)
    gan = make(way)
    images, labels = labelled_data().values()
    logs = gan.evaluate((images, labels), batch_size=len(images), verbose=0, return_dict=True)
    gan.seed_generator.state.assign([0, 0])  # where `evaluate` begins
    latents = keras.ops.convert_to_numpy(gan.draw_latents(len(images)))
    fakes = gan.compute("generator", [latents, labels.astype("int32")])

    def judged(x):
        x = keras.ops.convert_to_tensor(x)
        asked = keras.ops.convert_to_tensor(labels)
        outputs = gan.discriminator([x, asked] if gan._takes_labels else x, training=False)
        return [np.asarray(o, "float64") for o in (outputs if isinstance(outputs, list) else [outputs])]

    real, fake = judged(images), judged(fakes)
    d_loss = np.log1p(np.exp(-real[0])).mean() + np.log1p(np.exp(fake[0])).mean() + logs["penalty"]
    g_loss = np.log1p(np.exp(-fake[0])).mean()
    if way in ("classifier", "both"):

        def entropy(logits):
            logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
            return -logs[np.arange(len(labels)), labels].mean()

        d_loss, g_loss = d_loss + entropy(real[1]), g_loss + entropy(fake[1])
        np.testing.assert_allclose(logs["class_loss"], entropy(real[1]), rtol=1e-4)
        np.testing.assert_allclose(logs["class_agreement"], (fake[1].argmax(axis=1) == labels).mean(), atol=1e-6)
    np.testing.assert_allclose([logs["d_loss"], logs["g_loss"]], [d_loss, g_loss], rtol=1e-4)


def test_generate_makes_what_is_asked_for():
    gan = make()
    latents = gan.sample_latents(4, seed=3)
    expected = gan.compute("generator", [latents, np.array([2, 0, 0, 1], "int32")])
    np.testing.assert_allclose(gan.generate(labels=[2, 0, 0, 1], seed=3), expected)
    np.testing.assert_allclose(gan.generate(labels=[2, 0, 0, 1], latents=latents), expected)
    np.testing.assert_allclose(gan.generate(5, seed=3), gan.generate(labels=np.arange(5) % CLASSES, seed=3))
    np.testing.assert_allclose(gan.predict((latents, np.array([2, 0, 0, 1])), verbose=0), expected, rtol=1e-6)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"labels": [0, CLASSES]}, f"labels must be integers from 0 to {CLASSES - 1}.*Received: labels from 0"),
        ({"labels": [0.5]}, "Received: labels of shape .*float64"),
        ({"labels": [[0, 1]]}, "Received: labels of shape"),
        ({"labels": [0, 1], "count": 3}, "count must be the number of labels. Received: count=3, 2 labels"),
        ({}, "generate\\(\\) needs a count or latents"),
    ],
)
def test_bad_labels_are_refused(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make().generate(**arguments)


def test_labels_are_checked_and_their_entropy_is_that_of_keras():
    labels = checked_labels([2, 0, 1], CLASSES)
    assert labels.dtype == "int32" and labels.tolist() == [2, 0, 1]
    logits = np.random.default_rng(0).normal(size=(3, CLASSES)).astype("float32")
    expected = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(labels, logits)
    np.testing.assert_allclose(cross_entropy(labels, logits), expected, rtol=1e-5)


def test_networks_that_do_not_fit_are_refused():
    for players, message in {
        (generator(), discriminator()): "must use labels: as a second input, or as a second output",
        (generator(), conditioning.with_head(discriminator(), CLASSES + 1)): "a logit for each class",
        (discriminator(), WAYS["maps"]()): r"generator must take \[latents, labels\]",
        (generator(), "D"): "discriminator must be a Keras model. Received: discriminator='D'",
    }.items():
        with pytest.raises((TypeError, ValueError), match=message):
            gl.ConditionalGAN(*players, LATENT, CLASSES)
    with pytest.raises(TypeError, match="must have the parts images, labels"):
        make().fit(labelled_data()["images"])
    with pytest.raises(ValueError, match="labels"):
        make().fit((labelled_data()["images"], labelled_data()["labels"] + CLASSES))


def test_labels_are_used():
    """D's loss is computed with the labels given: wrong ones give another loss."""
    gan, (images, labels) = make("maps"), labelled_data().values()
    losses = [
        gan.evaluate((images, y), verbose=0, return_dict=True)["d_loss"] for y in (labels, (labels + 1) % CLASSES)
    ]
    assert losses[0] != losses[1]
    assert systems.CLASSES == CLASSES
