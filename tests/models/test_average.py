"""The average of weights: its values against a loop, BatchNormalization under it; the weights themselves stay."""

import threading

import keras
import numpy as np
import tensorflow as tf
from contract import assert_equal
from keras import layers, ops
from others import LATENT, PLAYERS, SHAPE, images
from systems import plain, sgd
from systems import small_gan as compiled

from gan_lessons.models.average import Average

X = images(10)


def averaging():
    return keras.optimizers.Adam(0.05, use_ema=True, ema_momentum=0.9)


def values(model):
    return [weight.numpy().copy() for weight in model.weights]


def assert_same(one, other):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


# --- the average itself --------------------------------------------------------------------------------------------


def test_it_is_the_exponential_mean_of_the_weights():
    """With Keras's rule: m times the old average and 1 - m times the new weight, the first weight taken whole."""
    weight = keras.Variable([1.0, -2.0])
    optimizer = keras.optimizers.SGD(0.5, use_ema=True, ema_momentum=0.8)
    optimizer.build([weight])
    average = Average(optimizer, [weight])
    average.refresh(0, {}, lambda name: None)
    np.testing.assert_array_equal(average.numpy()[0], [1.0, -2.0])  # no step yet: the weight itself
    expected = None
    for step in range(4):
        optimizer.apply([tf.constant([1.0, 0.5 * step])], [weight])
        expected = weight.numpy() if expected is None else 0.8 * expected + 0.2 * weight.numpy()
        average.refresh(0, {}, lambda name: None)
        np.testing.assert_allclose(average.numpy()[0], expected, rtol=1e-6)
    np.testing.assert_array_equal(weight.numpy(), [-1.0, -3.5])
    np.testing.assert_allclose(average.value_of(weight).numpy(), expected, rtol=1e-6)
    other = keras.Variable(0.0)
    assert average.value_of(other) is other
    with keras.StatelessScope(state_mapping=average.mapping()):
        np.testing.assert_allclose(ops.convert_to_numpy(2 * weight), 2 * expected, rtol=1e-6)
    np.testing.assert_array_equal(ops.convert_to_numpy(2 * weight), [-2.0, -7.0])


def test_it_is_read_anew_after_a_step_or_a_file_only():
    weight = keras.Variable(1.0)
    optimizer = keras.optimizers.SGD(1.0, use_ema=True, ema_momentum=0.5)
    optimizer.build([weight])
    average, network, measured = Average(optimizer, [weight]), keras.Sequential(), []

    def refresh(version):
        average.refresh(version, {"network": network}, lambda name: measured.append(name))

    refresh(0), refresh(0)
    assert measured == []  # before the first step there is nothing to measure
    optimizer.apply([tf.constant(1.0)], [weight])
    refresh(0), refresh(0), refresh(1)
    assert measured == ["network", "network"]


# --- in a GAN ------------------------------------------------------------------------------------------------------


def test_the_average_of_the_weights_is_what_generates(tmp_path):
    gan = compiled(optimizers=(averaging, sgd))
    z = gan.sample_latents(4, seed=0)
    np.testing.assert_allclose(gan.generate(latents=z), gan.generator(z), rtol=1e-6)  # no step yet, no average yet
    average = None
    for _ in range(5):
        gan.fit(X[:4], batch_size=4, verbose=0)
        now = values(gan.generator)
        average = now if average is None else [0.9 * a + 0.1 * w for a, w in zip(average, now)]
    last = values(gan.generator)
    twin = plain()[0]
    twin.set_weights(average)
    expected = twin(z)
    assert np.abs(ops.convert_to_numpy(gan.generator(z)) - expected).max() > 0.01, (
        "the two differ, or nothing is tested"
    )
    np.testing.assert_allclose(gan.generate(latents=z), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(gan.predict(z, verbose=0), expected, rtol=1e-4, atol=1e-5)
    gan.export(tmp_path / "served", verbose=False)
    served = tf.saved_model.load(tmp_path / "served")
    np.testing.assert_allclose(served.serve(z), expected, rtol=1e-4, atol=1e-5)
    assert_same(values(gan.generator), last)  # training goes on from the last weights
    gan.save(tmp_path / "gan.keras")
    again = keras.models.load_model(tmp_path / "gan.keras")
    np.testing.assert_array_equal(again.generate(latents=z), gan.generate(latents=z))
    assert_same(values(again.generator), last)


def with_batch_norm():
    G = keras.Sequential(
        [
            keras.Input((LATENT,)),
            layers.Dense(5),
            layers.BatchNormalization(),
            layers.Activation("tanh"),
            layers.Dense(16, "tanh"),
            layers.Reshape(SHAPE),
        ]
    )
    return G, plain()[1]


def test_batch_norm_is_measured_anew_for_the_average(tmp_path):
    gan = compiled(with_batch_norm, optimizers=(averaging, sgd))
    average = None
    for _ in range(5):
        gan.fit(X[:4], batch_size=4, verbose=0)
        now = [weight.numpy() for weight in gan.generator.trainable_variables]
        average = now if average is None else [0.9 * a + 0.1 * w for a, w in zip(average, now)]
    kept = values(gan)

    kernel, bias, gamma, beta, last_kernel, last_bias = average
    z = gan.sample_latents(4, seed=0)
    many = ops.convert_to_numpy(keras.random.normal((512, LATENT), seed=0)) @ kernel + bias
    normalised = (z @ kernel + bias - many.mean(0)) / np.sqrt(many.var(0) + gan.generator.layers[1].epsilon)
    expected = np.tanh(np.tanh(gamma * normalised + beta) @ last_kernel + last_bias).reshape(4, *SHAPE)
    with_old_numbers = (z @ kernel + bias - gan.generator.layers[1].moving_mean) / np.sqrt(
        gan.generator.layers[1].moving_variance + gan.generator.layers[1].epsilon
    )
    assert np.abs(with_old_numbers - normalised).max() > 0.1, "the two differ, or nothing is tested"

    np.testing.assert_allclose(gan.generate(latents=z), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(gan.predict(z, verbose=0), expected, rtol=1e-4, atol=1e-5)
    gan.export(tmp_path / "served", verbose=False)
    served = tf.saved_model.load(tmp_path / "served")
    np.testing.assert_allclose(served.serve(z), expected, rtol=1e-4, atol=1e-5)
    assert_same(values(gan), kept)
    assert gan.generator.layers[1].momentum == 0.99


def test_without_an_average_batch_norm_keeps_its_numbers():
    gan = compiled(with_batch_norm)
    gan.fit(X, batch_size=4, verbose=0)
    z = gan.sample_latents(4, seed=0)
    np.testing.assert_allclose(gan.generate(latents=z), gan.generator(z, training=False), rtol=1e-6)


def test_measuring_batch_norm_disturbs_no_training():
    def noisy():
        G, D = with_batch_norm()
        return keras.Sequential([G.layers[0], layers.Dropout(0.3), *G.layers[1:]]), D

    one, other = (compiled(noisy, optimizers=(averaging, sgd)) for _ in range(2))
    for gan in (one, other):
        gan.fit(X, batch_size=4, verbose=0, shuffle=False)
        if gan is one:
            np.testing.assert_array_equal(gan.generate(5, seed=0), gan.generate(5, seed=0))
        gan.fit(X, batch_size=4, verbose=0, shuffle=False)
    assert_same(values(one), values(other))


def test_the_average_survives_freezing_a_layer():
    gan = compiled(optimizers=(averaging, sgd))
    gan.fit(X, batch_size=4, verbose=0)
    before = gan.generate(3, seed=0)
    gan.generator.layers[0].trainable = False
    np.testing.assert_array_equal(gan.generate(3, seed=0), before)


def test_the_average_is_used_while_the_weights_stay():
    """The trained weights never change places with the average: not while generating, and not in another thread."""
    seen = []

    class Watched(layers.Layer):
        def call(self, x):
            seen.append([weight.numpy() for weight in gan.generator.trainable_weights] if gan else None)
            return x

    G, D = plain()
    gan = None
    watched = keras.Sequential([*G.layers, Watched()])
    gan = compiled(lambda: (watched, D), optimizers=(averaging, sgd), run_eagerly=True)
    gan.fit(X, batch_size=4, verbose=0)
    last = [weight.numpy() for weight in gan.generator.trainable_weights]
    seen.clear()
    made = gan.generate(3, seed=0)
    assert np.abs(made - ops.convert_to_numpy(gan.generator(gan.sample_latents(3, seed=0)))).max() > 1e-4
    assert seen
    with gan.average_of("generator"):
        inside = [weight.numpy() for weight in gan.generator.trainable_weights]
    assert_same([weight.value.numpy() for weight in gan.generator.trainable_weights], last)
    assert not all(np.array_equal(a, b) for a, b in zip(inside, last)), "in the scope the average is what is read"


def test_the_averaged_generator_alone(tmp_path):
    for players in (plain, with_batch_norm, *PLAYERS.values()):
        gan = compiled(players, optimizers=(averaging, sgd))
        gan.fit(X, batch_size=4, epochs=2, verbose=0)
        z = gan.sample_latents(3, seed=0)
        gan.averaged("generator").save(tmp_path / "generator.keras")
        alone = keras.models.load_model(tmp_path / "generator.keras")
        np.testing.assert_allclose(alone.predict(z, verbose=0), gan.generate(latents=z), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(gan.predict_on_batch(z), gan.generate(latents=z), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(ops.convert_to_numpy(gan(z)), gan.generate(latents=z), rtol=1e-5, atol=1e-6)
    plainly = compiled()
    plainly.fit(X, batch_size=4, verbose=0)
    assert_same(plainly.averaged("generator").get_weights(), plainly.generator.get_weights())


def test_one_thread_generates_while_another_trains():
    """The training is the one that it is alone, bit for bit, and every image is one of some moment's average."""
    gan, twin = (compiled(PLAYERS["sequential"], optimizers=(averaging, sgd)) for _ in range(2))
    for each in (gan, twin):
        each.fit(X, batch_size=4, verbose=0)
    made, failed = [], []

    def generate():
        try:
            made.extend(gan.generate(4, seed=0) for _ in range(20))
        except Exception as error:
            failed.append(error)

    thread = threading.Thread(target=generate)
    thread.start()
    gan.fit(X, batch_size=4, epochs=10, verbose=0)
    thread.join()
    twin.fit(X, batch_size=4, epochs=10, verbose=0)
    assert not failed and len(made) == 20 and np.isfinite(made).all() and np.abs(made).max() <= 1
    assert_equal(gan, twin)
    np.testing.assert_array_equal(gan.generate(4, seed=0), twin.generate(4, seed=0))
