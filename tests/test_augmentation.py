"""Augmentations: each operation against NumPy, what D sees of them in a GAN, and how they adapt."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops
from others import images
from systems import sgd, small_gan

from gan_lessons import augmentation
from gan_lessons.augmentation import AdaptiveAugment, Augmentation, DiffAugment, InstanceNoise

X = images(200, shape=(16, 8, 3))


def test_every_augmentation_of_the_package_is_tried_here():
    public = {c for c in vars(augmentation).values() if isinstance(c, type) and issubclass(c, Augmentation)}
    assert public == {Augmentation, InstanceNoise, DiffAugment, AdaptiveAugment}


# --- operations -----------------------------------------------------------------------------------------------------


def test_translation_moves_by_up_to_an_eighth_and_moves_zeros_in():
    found, moves = DiffAugment("translation", seed=0)(tf.constant(X)).numpy(), set()
    for before, after in zip(X, found, strict=True):
        padded = np.pad(before, ((2, 2), (1, 1), (0, 0)))
        fits = [(i, j) for i in range(5) for j in range(3) if np.array_equal(after, padded[i : i + 16, j : j + 8])]
        assert len(fits) == 1
        moves.add(fits[0])
    assert len(moves) == 15, "every move occurs"


def test_cutout_covers_a_rectangle_of_half_the_sides():
    found = DiffAugment("cutout", seed=0)(tf.constant(X)).numpy()
    whole = 0
    for before, after in zip(X, found, strict=True):
        cut = (after == 0).all(axis=-1)
        np.testing.assert_array_equal(after[~cut], before[~cut])
        rows, columns = cut.any(axis=1), cut.any(axis=0)
        np.testing.assert_array_equal(cut, rows[:, None] & columns[None])
        assert 4 <= rows.sum() <= 8 and 2 <= columns.sum() <= 4  # less where it reaches over an edge
        whole += rows.sum() == 8 and columns.sum() == 4
    assert whole > 20


def test_colour_shifts_brightness_and_scales_saturation_and_contrast():
    x, found = X.astype("float64"), DiffAugment("colour", seed=0)(tf.constant(X)).numpy()
    brightness = found.mean(axis=(1, 2, 3)) - x.mean(axis=(1, 2, 3))
    grey_x, grey = x.mean(axis=3), found.mean(axis=3)
    contrast = grey.std(axis=(1, 2)) / grey_x.std(axis=(1, 2))
    colours, colours_x = (y - y.mean(axis=3, keepdims=True) for y in (found, x))
    saturation = (colours * colours_x).sum((1, 2, 3)) / (colours_x**2).sum((1, 2, 3)) / contrast
    for values, low, high in ((brightness, -0.5, 0.5), (saturation, 0, 2), (contrast, 0.5, 1.5)):
        assert low - 1e-3 <= values.min() < low + 0.1 * (high - low) and high - 0.1 * (high - low) < values.max()
        assert values.max() <= high + 1e-3
    # Nothing else is done: from the three numbers the images follow.
    mean = x.mean(axis=(1, 2, 3), keepdims=True)
    b, s, c = (values[:, None, None, None] for values in (brightness, saturation, contrast))
    expected = mean + b + c * (grey_x[..., None] - mean + s * colours_x)
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("policy", ["translation", "cutout", "colour"])
def test_an_operation_is_done_as_often_as_was_said(policy):
    found = DiffAugment(policy, probability=0.3, seed=0)(tf.constant(X)).numpy()
    same = np.isclose(found, X, atol=1e-6).all(axis=(1, 2, 3)).mean()
    least = 0.7 + (0.3 / 15 if policy == "translation" else 0)  # a move by 0 is no move
    assert abs(same - least) < 4 * (0.21 / 200) ** 0.5


def test_draws_are_fresh_each_time_and_the_same_for_the_same_seed():
    for make in (lambda: DiffAugment(seed=1), lambda: InstanceNoise(seed=1)):
        one, x = make(), tf.constant(X[:4])
        first, second = one(x), one(x)
        assert np.abs(first - second).max() > 0.01
        np.testing.assert_array_equal(first, make()(x))


def test_slopes_of_first_and_second_order_pass_through():
    """Every operation is linear in an image: Σ(Ax)² has the slope 2AᵀAx, and a penalty on it slopes of its own."""
    make = lambda: DiffAugment(seed=2)  # noqa: E731
    x, direction = tf.constant(X[:2].astype("float64")), tf.constant(images(2, 1, (16, 8, 3)).astype("float64"))

    def slope(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = tf.reduce_sum(make()(x) ** 2)
        return tape.gradient(value, x)

    with tf.GradientTape() as tape:
        tape.watch(x)
        along = tf.reduce_sum(slope(x) * direction)
    second = tape.gradient(along, x)
    h = 1e-4

    def value(x):
        return float(tf.reduce_sum(make()(x) ** 2))

    numeric = (value(x + h * direction) - value(x - h * direction)) / (2 * h)
    np.testing.assert_allclose(float(along), numeric, rtol=1e-5)
    curvature = (value(x + direction) - 2 * value(x) + value(x - direction)) / 1.0  # exact: the value is quadratic
    np.testing.assert_allclose(float(tf.reduce_sum(second * direction)), curvature, rtol=1e-5)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_images_keep_their_type(dtype):
    for augment in (DiffAugment(), InstanceNoise()):
        assert augment(tf.cast(X[:2], dtype)).dtype == dtype


# --- noise that fades -----------------------------------------------------------------------------------------------


def test_noise_fades_by_the_turns_of_d_and_is_a_normal():
    noise, x = InstanceNoise(0.4, steps=4, seed=0), tf.zeros((50, 16, 8, 3))
    for turn in range(6):
        size = 0.4 * max(0, 1 - turn / 4)
        np.testing.assert_allclose(noise.size(), size, atol=1e-7)
        np.testing.assert_allclose(noise.log()["noise"], size, atol=1e-7)
        drawn = noise(x).numpy()
        assert abs(drawn.std() - size) <= 0.02 * size and abs(drawn.mean()) <= 0.02 * size
        noise.adapt(tf.zeros((50, 1)))
    assert not drawn.any()


# --- adaptive strength ----------------------------------------------------------------------------------------------


def test_the_probability_follows_the_sign_of_d_on_real_images():
    augment, x = AdaptiveAugment("cutout", target=0.6, images=100), tf.constant(X)
    np.testing.assert_array_equal(augment(x), X)  # it begins at 0
    sure, unsure = tf.ones((20, 1)), tf.constant([[1.0], [-1.0]] * 10)
    for _ in range(3):
        augment.adapt(sure)
    np.testing.assert_allclose(augment.log()["augment_p"], 3 * 20 / 100, rtol=1e-6)
    untouched = (augment(x).numpy() == X).all(axis=(1, 2, 3)).mean()
    assert 0.25 < untouched < 0.55
    for _ in range(9):
        augment.adapt(sure)
    np.testing.assert_allclose(augment.probability, 1.0)
    augment.adapt(unsure)
    np.testing.assert_allclose(augment.probability, 0.8, rtol=1e-6)
    for _ in range(9):
        augment.adapt(-sure)
    np.testing.assert_allclose(augment.probability, 0.0)


# --- in a GAN -------------------------------------------------------------------------------------------------------


def doubled(images):
    return 2.0 * images


def test_d_sees_augmented_images_of_both_kinds_in_both_turns_and_g_gets_their_slopes():
    """With D(2x) in place of D(x): a step of each player against one written out."""
    gan = small_gan(augment=doubled, optimizers=(sgd, sgd), share_fakes=True, run_eagerly=True)
    twin, x = small_gan(), tf.constant(images(6))
    D, G = twin.discriminator, twin.generator
    draws = keras.random.SeedGenerator(0)
    draws.state.assign(gan.seed_generator.state)
    z = keras.random.normal((6, 3), seed=draws)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.math.softplus(-D(2 * x)) + tf.math.softplus(D(2 * G(z))))
    for weight, slope in zip(D.trainable_weights, tape.gradient(loss, D.trainable_weights), strict=True):
        weight.assign(weight - 0.1 * slope)
    with tf.GradientTape() as tape:
        g_loss = tf.reduce_mean(tf.math.softplus(-D(2 * G(z))))
    for weight, slope in zip(G.trainable_weights, tape.gradient(g_loss, G.trainable_weights), strict=True):
        weight.assign(weight - 0.1 * slope)
    history = gan.fit(x, batch_size=6, shuffle=False, verbose=0).history
    np.testing.assert_allclose([history["d_loss"][0], history["g_loss"][0]], [loss, g_loss], rtol=1e-5)
    for own, other in zip(gan.weights, [*G.weights, *D.weights], strict=False):
        np.testing.assert_allclose(own.numpy(), other.numpy(), rtol=1e-4, atol=1e-6)


def test_evaluate_sees_plain_images_and_adapts_nothing():
    gan, twin = small_gan(augment=[doubled, InstanceNoise(0.5, steps=3)]), small_gan()
    turns = gan.augment[1].turns
    found = gan.evaluate(images(8), verbose=0, return_dict=True)
    for name, value in twin.evaluate(images(8), verbose=0, return_dict=True).items():
        assert found[name] == value
    assert found["noise"] == 0.5  # as it stands, though evaluate adds none
    assert float(turns) == 0
    assert set(gan.fit(images(8), batch_size=4, verbose=0).history) >= {"noise"}
    assert float(turns) == 2


def test_a_penalty_takes_the_slope_at_the_images_through_the_augmentation():
    slopes = []

    def penalty(discriminate, real, fake):
        with tf.GradientTape() as tape:
            tape.watch(real)
            value = ops.sum(discriminate(real))
        slopes.append((value, tape.gradient(value, real)))
        return 0.0 * value

    gan, twin, x = small_gan(augment=doubled, penalty=penalty, run_eagerly=True), small_gan(), tf.constant(images(4))
    gan.fit(x, batch_size=4, shuffle=False, verbose=0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = ops.sum(twin.discriminator(2 * x))
    np.testing.assert_allclose(slopes[0][0], value, rtol=1e-5)
    np.testing.assert_allclose(slopes[0][1], tape.gradient(value, x), rtol=1e-4, atol=1e-6)


# --- what is saved and what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "augment",
    [
        InstanceNoise(0.3, steps=7, seed=1),
        DiffAugment(("cutout",), probability=0.5, seed=1),
        AdaptiveAugment(("colour", "cutout"), target=0.5, images=7, seed=1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_it_survives_serialisation(augment):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(augment))
    assert type(again) is type(augment) and again.get_config() == augment.get_config()
    assert 7 in again.get_config().values() or 0.5 in again.get_config().values()


@pytest.mark.parametrize(
    "make, error, words",
    [
        (lambda: InstanceNoise(0), ValueError, "stddev must be a positive number. Received: stddev=0"),
        (lambda: InstanceNoise(steps=0), ValueError, "steps must be an integer of at least 1. Received: steps=0"),
        (lambda: DiffAugment("flip"), ValueError, "policy must be a list of 'colour', .*Received: policy='flip'"),
        (lambda: DiffAugment(()), ValueError, "policy must be a list of"),
        (lambda: DiffAugment(probability=1.1), ValueError, "probability must be at most 1. Received: probability=1.1"),
        (lambda: AdaptiveAugment(target=1), ValueError, "target must be below 1.*Received: target=1"),
        (lambda: AdaptiveAugment(images=0.5), TypeError, "images must be an integer.*Received: images=0.5"),
        (lambda: DiffAugment()(tf.zeros((4, 2))), ValueError, r"Received: images of shape \(4, 2\).*InstanceNoise"),
        (lambda: augmentation.checked(DiffAugment), TypeError, r"called as augment\(images\). Received: augment="),
        (lambda: small_gan(augment="cutout"), TypeError, "Received: augment='cutout'.*DiffAugment"),
        (lambda: Augmentation()(X), NotImplementedError, r"Augmentation must define __call__\(images\)"),
    ],
)
def test_what_is_wrong_is_refused(make, error, words):
    with pytest.raises(error, match=words):
        make()
