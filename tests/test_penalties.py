"""The gradient penalty against critics whose gradient is known, and against finite differences."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops
from others import images

from gan_lessons import GAN
from gan_lessons.penalties import GradientPenalty


@pytest.mark.parametrize("weight", [0.1, 1, 10.0, 250.0])
@pytest.mark.parametrize("slope", [0.0, 0.5, 1.0, 3.0])
@pytest.mark.parametrize("shape", [(4, 4, 1), (3, 5, 2), (2,), (1,)], ids=str)
def test_a_linear_critic_has_the_closed_form(weight, slope, shape):
    w = np.random.default_rng(0).normal(size=shape)
    w = (slope * w / np.linalg.norm(w)).astype("float32")

    def critic(x):
        return ops.sum(w * x, axis=tuple(range(1, len(shape) + 1)))[:, None] + 7.0

    value = GradientPenalty(weight)(critic, ops.convert_to_tensor(images(5, 1, shape)), images(5, 2, shape))
    assert tuple(value.shape) == ()
    np.testing.assert_allclose(value, weight * (slope - 1) ** 2, rtol=1e-4, atol=1e-5 * weight)


def test_the_norm_is_of_each_image_by_itself():
    # D(x) = ½‖x‖² has the gradient x: at x̂ the norm is ‖x̂‖. With real = fake, x̂ is known whatever α is.
    x = images(6)
    value = GradientPenalty(10.0)(lambda t: 0.5 * ops.sum(t * t, axis=(1, 2, 3)), ops.convert_to_tensor(x), x)
    norms = np.linalg.norm(x.reshape(6, -1), axis=1)
    np.testing.assert_allclose(value, 10 * np.mean((norms - 1) ** 2), rtol=1e-5)


def draws(penalty, batch, shape=(2, 2, 1)):
    """α as the critic sees it: with real = 1 and fake = 0, x̂ = α in every pixel."""
    seen = []

    def critic(x):
        seen.append(ops.convert_to_numpy(x))
        return ops.sum(x, axis=(1, 2, 3))

    penalty(critic, ops.ones((batch, *shape)), ops.zeros((batch, *shape)))
    return seen[0]


def test_alpha_is_uniform_and_one_an_image():
    for seed in range(5):
        between = draws(GradientPenalty(seed=seed), 4000)
        alpha = between[:, 0, 0, 0]
        assert (between == alpha[:, None, None, None]).all(), "one α for all pixels of an image"
        assert len(np.unique(alpha)) > 3900, "another α for each image"
        assert 0 <= alpha.min() < 0.01 and 0.99 < alpha.max() <= 1
        assert abs(alpha.mean() - 1 / 2) < 0.02 and abs(alpha.var() - 1 / 12) < 0.006  # > 4 standard errors
        # Kolmogorov–Smirnov: the largest gap to the uniform's distribution function; 1.95/√n is passed once in 1000.
        gap = np.abs(np.sort(alpha) - (np.arange(4000) + 0.5) / 4000).max()
        assert gap < 1.95 / np.sqrt(4000)


def test_alpha_is_fresh_each_time_and_the_same_for_the_same_seed():
    penalty = GradientPenalty(seed=1)
    first, second = draws(penalty, 8), draws(penalty, 8)
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, draws(GradientPenalty(seed=1), 8))
    keras.utils.set_random_seed(5)
    by_global = draws(GradientPenalty(), 8)
    keras.utils.set_random_seed(5)
    np.testing.assert_array_equal(by_global, draws(GradientPenalty(), 8))


def test_a_zero_gradient_gives_the_weight_and_no_nan():
    w = tf.Variable(np.zeros((4, 4, 1), "float32"))
    with tf.GradientTape() as tape:
        value = GradientPenalty(10.0)(lambda x: ops.sum(w * x, axis=(1, 2, 3)), tf.constant(images(3)), images(3, 1))
    np.testing.assert_allclose(value, 10.0, rtol=1e-5)
    assert np.isfinite(tape.gradient(value, w)).all()


def test_the_gradient_in_the_critics_weights_is_a_finite_difference():
    # Smooth activations, double precision: the penalty's own gradient is of second order in D.
    keras.utils.set_random_seed(0)
    critic = keras.Sequential(
        [
            keras.Input((2, 2, 1)),
            keras.layers.Flatten(),
            keras.layers.Dense(3, activation="tanh"),
            keras.layers.Dense(1),
        ]
    )
    kernels = [tf.Variable(w.numpy().astype("float64")) for w in critic.trainable_weights]

    def discriminate(x):
        x = tf.reshape(x, (-1, 4))
        return tf.tanh(x @ kernels[0] + kernels[1]) @ kernels[2] + kernels[3]

    real, fake = images(5, 0, (2, 2, 1)).astype("float64"), images(5, 1, (2, 2, 1)).astype("float64")

    def value():
        return GradientPenalty(10.0, seed=3)(discriminate, tf.constant(real), tf.constant(fake))

    with tf.GradientTape() as tape:
        penalty = value()
    gradients = tape.gradient(penalty, kernels, unconnected_gradients="zero")
    h = 1e-5
    for kernel, gradient in zip(kernels, gradients):
        start = kernel.numpy()
        for index in np.ndindex(start.shape):
            step = np.zeros_like(start)
            step[index] = h
            kernel.assign(start + step)
            up = float(value())
            kernel.assign(start - step)
            down = float(value())
            kernel.assign(start)
            np.testing.assert_allclose(gradient.numpy()[index], (up - down) / (2 * h), rtol=1e-4, atol=1e-5)
    assert max(np.abs(g).max() for g in gradients) > 0.1, "the comparison is not of zeros"


@pytest.mark.parametrize("batch", [1, 3, 8])
def test_any_batch_size_inside_a_graph(batch):
    penalty = GradientPenalty(2.0)

    @tf.function(input_signature=[tf.TensorSpec((None, 4, 4, 1))] * 2)
    def value(real, fake):
        return penalty(lambda x: 4.0 * ops.sum(x, axis=(1, 2, 3)) / 4.0, real, fake)

    np.testing.assert_allclose(value(images(batch), images(batch, 1)), 2 * (4 - 1) ** 2, rtol=1e-5)


def test_it_works_on_points_in_a_gan():
    critic = keras.Sequential([keras.Input((2,)), keras.layers.Dense(4, activation="tanh"), keras.layers.Dense(1)])
    generator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    gan = GAN(generator, critic, latent_dim=2, objective="wasserstein", penalty=GradientPenalty(5.0))
    gan.compile(generator_optimizer="adam", discriminator_optimizer="adam", jit_compile=False)
    history = gan.fit(10 * images(10, shape=(2,)), batch_size=4, verbose=0).history
    assert set(history) == {"d_loss", "g_loss", "distance", "penalty"}
    assert np.isfinite(list(history.values())).all() and history["penalty"][0] > 0
    np.testing.assert_allclose(
        history["d_loss"][0], history["penalty"][0] - history["distance"][0], rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("weight", [0, -1.0, float("nan"), float("inf"), True, "10", None], ids=repr)
def test_a_weight_must_be_positive(weight):
    with pytest.raises(ValueError, match="positive number. Received: weight="):
        GradientPenalty(weight)


def test_numpys_numbers_are_numbers():
    assert GradientPenalty(np.float32(2.5)).weight == 2.5 and GradientPenalty(np.int64(3)).weight == 3.0


def test_it_survives_serialisation():
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(GradientPenalty(3.5, seed=7)))
    assert isinstance(again, GradientPenalty) and again.get_config() == {"weight": 3.5, "seed": 7}
