"""The doctor on systems written on the package's bases: no false alarm, and a clear refusal of other players."""

import keras
import numpy as np
import pytest
import systems
import tensorflow as tf
from models import test_conditional, test_infogan, test_semi_supervised
from others import LATENT, SHAPE, bumps

import gan_lessons as gl
from gan_lessons.doctor.diagnosis import without_empty_means

IMAGES = bumps(120, size=4)
LABELS = np.arange(len(IMAGES)) % systems.CLASSES


def slowly(make):
    """A model with a learning rate at which it stays healthy."""
    keras.utils.set_random_seed(0)
    model = make()
    for player in ("generator", "discriminator"):
        getattr(model, f"{player}_optimizer").learning_rate = 1e-3
    return model


HEALTHY = {
    "GAN": (systems.make_gan, {"images": IMAGES}),
    "conditional": (systems.make_conditional, {"images": IMAGES, "labels": LABELS}),
    "translator": (systems.make_translator, {"source": IMAGES, "target": -IMAGES}),
    "BiGAN": (systems.make_bigan, {"images": IMAGES}),
}

# What the doctor says that it cannot look at.
BEYOND = {
    "conditional": ["whether labels are used as they are meant to be"],
    "translator": ["whether target are used as they are meant to be"],
}


def x_of(parts):
    """The parts of the data as `fit` takes them."""
    arrays = tuple(parts.values())
    return arrays if len(arrays) > 1 else arrays[0]


@pytest.mark.parametrize("kind", HEALTHY)
def test_a_healthy_system_has_a_clean_bill_before_training_and_after(kind):
    make, parts = HEALTHY[kind]
    gan, x = slowly(make), x_of(parts)
    diagnosis = gl.diagnose(gan, x)
    assert diagnosis.names == [] and diagnosis.left_out == BEYOND.get(kind, [])
    watch = gl.callbacks.Doctor(x, verbose=0)
    history = gan.fit(x, batch_size=12, epochs=105, verbose=0, callbacks=[watch])  # 1050 steps: samples are looked at
    assert watch.findings == []
    slices = tf.data.Dataset.from_tensor_slices
    sets = tuple(slices(one).batch(60) for one in parts.values())
    for data in (x, slices(x).batch(60), parts, slices(parts).batch(60), sets if len(sets) > 1 else sets[0]):
        diagnosis = gl.diagnose(gan, data, history=history)
        assert diagnosis.names == [] and diagnosis.left_out == BEYOND.get(kind, [])


@pytest.mark.parametrize(
    "make, data, beyond",
    [
        (test_conditional.make_with_classifier, test_conditional.labelled_data, 2),
        (test_infogan.make, systems.image_data, 1),
        (test_semi_supervised.make, test_semi_supervised.data, 2),
    ],
)
def test_a_diagnosis_says_what_it_cannot_look_at(make, data, beyond):
    keras.utils.set_random_seed(0)
    diagnosis = gl.diagnose(make(), x_of(data()))
    assert diagnosis.names == [] and len(diagnosis.left_out) == beyond
    assert "Not examined: " in str(diagnosis)


@pytest.mark.parametrize("kind", HEALTHY)
def test_a_watch_looks_at_the_samples_of_a_system(kind):
    make, parts = HEALTHY[kind]
    gan, x = slowly(make), x_of(parts)
    for network in (gan.generator, *([gan.encoder] if kind == "BiGAN" else [])):
        for weight in network.trainable_variables:
            weight.assign(tf.zeros_like(weight))  # one image of all latents, which a learning rate of 0 keeps
    gan.generator_optimizer.learning_rate = 0.0
    gan.fit(x, batch_size=12, epochs=100, verbose=0)
    watch = gl.callbacks.Doctor(x, verbose=0)
    gan.fit(x, batch_size=12, epochs=25, verbose=0, callbacks=[watch])
    # A translator has no latents, and the watch knows no inputs for it.
    assert ("collapsed" in watch.diagnosis.names) == (kind != "translator")
    assert [one.partition(" (")[0] for one in watch.diagnosis.left_out] == ["samples"] * (kind == "translator")


def test_an_epoch_without_a_turn_of_the_generator_is_no_divergence():
    gan = slowly(systems.make_gan)  # G has its turn in every third batch
    watch = gl.callbacks.Doctor(IMAGES, verbose=0)
    history = gan.fit(IMAGES, batch_size=120, epochs=7, verbose=0, callbacks=[watch])
    assert np.isnan(history.history["g_loss"]).sum() == 5
    assert watch.diagnosis.names == [] and gl.diagnose(gan, IMAGES, history=history).names == []


@pytest.mark.parametrize(
    ("d_loss", "g_loss", "ill"),
    [
        ([1.0, 1.0, 1.0], [np.nan, 0.7, np.nan], False),
        ([1.0, 1.0, np.nan], [0.7, np.nan, np.nan], True),
        ([1.0, 1.0, 1.0], [np.nan, np.inf, np.nan], True),
        ([1.0] * 8, [np.nan, 0.7, np.nan, 10.0, np.nan, 50.0, np.nan, 2e4], True),
    ],
)
def test_curves_with_epochs_without_a_turn(d_loss, g_loss, ill):
    gan = slowly(systems.make_gan)
    history = {"d_loss": d_loss, "g_loss": g_loss}
    assert gl.diagnose(gan, IMAGES, history=history).names == ["diverging"] * ill


def test_only_means_of_nothing_are_left_out():
    gan = slowly(systems.make_gan)
    curves = {"d_loss": [1.0, np.nan, 2.0], "g_loss": [np.nan, np.nan, 0.5], "d_real": [0.5, 0.5, 0.5]}
    kept = without_empty_means(gan, curves)
    assert np.isnan(kept["d_loss"]).sum() == 1 and len(kept["d_loss"]) == 3, (
        "both losses are NaN: that is no empty mean"
    )
    np.testing.assert_array_equal(kept["g_loss"], [np.nan, 0.5])
    assert kept["d_real"] == curves["d_real"]
    assert without_empty_means(keras.Sequential(), curves) is curves, "other models: a NaN is a NaN"


def test_a_declared_range_that_the_generator_cannot_reach_is_found():
    generator = systems.flat((LATENT,), (systems.CLASSES,), units=16, end="sigmoid", last=SHAPE)
    discriminator = systems.flat(SHAPE, (systems.CLASSES,), units=1)
    gan = systems.Conditional(generator, discriminator, LATENT)
    gan.compile(generator_optimizer="adam", discriminator_optimizer="adam")
    assert gan.value_range == (-1.0, 1.0)
    (found,) = gl.diagnose(gan, (IMAGES, LABELS)).findings
    assert found.name == "images_out_of_range" and "the generator can make 0 … 1" in found.evidence


@pytest.mark.parametrize(
    ("make", "x"),
    [(systems.make_vae, IMAGES), (systems.make_two_domains, (IMAGES, -IMAGES))],
    ids=["VAE", "two domains"],
)
def test_a_system_with_other_players_is_refused_before_the_first_step(make, x):
    model = make()
    words = r"gan\.generator and gan\.discriminator.*Received: a (VAE|TwoDomains) whose generator is None"
    with pytest.raises(TypeError, match=words):
        gl.diagnose(model, x)
    with pytest.raises(TypeError, match=words):
        model.fit(x, batch_size=60, verbose=0, callbacks=[gl.callbacks.Doctor()])
    assert model.batches_trained == 0
