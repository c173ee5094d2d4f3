"""What is seen from outside, against NumPy and SciPy, and where each finding begins."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from others import Handmade, bumps
from scipy.spatial.distance import cdist

import gan_lessons as gl
from gan_lessons.doctor import probing, signs

IMAGES = bumps(256)


def test_the_size_of_weights():
    gan = Handmade()
    weights = np.concatenate([weight.numpy().ravel() for weight in gan.generator.trainable_variables])
    assert signs.weight_size(gan.generator) == pytest.approx(np.sqrt((weights.astype("float64") ** 2).mean()))
    assert signs.weights_not_finite(gan) is None and signs.weights_grown(gan) is None
    for weight in gan.discriminator.trainable_variables:
        weight.assign(np.full(weight.shape, 11.0))
    assert signs.weights_grown(gan).numbers == {"size": pytest.approx(11)} and signs.weights_not_finite(gan) is None
    gan.discriminator.trainable_variables[0].assign(np.full((64, 32), np.inf))
    assert signs.weights_not_finite(gan).numbers == {"weights": 1}


@pytest.mark.parametrize(
    "curve, ill",
    [
        ([1.0, np.nan], True),
        ([np.inf], True),
        (list(-(2.0 ** np.arange(20))), True),
        (list(np.linspace(0, -900, 40)), False),
        ([5000.0] * 3 + [1.0] * 9, False),
        ([2000.0] * 12, False),
        ([], False),
    ],
)
def test_curves_that_diverge(curve, ill):
    assert signs.is_loss("d_loss") and signs.is_loss("penalty") and not signs.is_loss("frechet_distance")
    assert (signs.losses_diverging({"d_loss": curve, "frechet_distance": [np.inf]}) is not None) == ill


def test_rates_are_compared_within_a_kind():
    adam, sgd = keras.optimizers.Adam, keras.optimizers.SGD
    assert signs.rates_apart(adam(1e-4), adam(2.9e-3)) is None
    assert signs.rates_apart(adam(1e-4), adam(3.1e-3)).numbers["ratio"] == pytest.approx(31, rel=1e-4)
    assert signs.rates_apart(adam(3.1e-3), keras.optimizers.RMSprop(1e-4)) is not None
    assert signs.rates_apart(sgd(0.1), adam(1e-4)) is None and signs.rates_apart(None, adam(1e-4)) is None
    assert signs.rates_apart(adam(0.0), adam(1e-4)) is None, "a schedule may begin with 0"
    scaled = keras.optimizers.LossScaleOptimizer(adam(1e-4))
    assert signs.rates_apart(scaled, adam(1e-2)) is not None


def test_optimizers_and_their_steps():
    gan = Handmade()
    gan.compile()
    gan.d_optimizer.iterations.assign(7)
    assert dict(signs.optimizers_of(gan)) == {"g_optimizer": gan.g_optimizer, "d_optimizer": gan.d_optimizer}
    assert signs.fingerprint(gan)[1] == {"g_optimizer": 0, "d_optimizer": 7}
    before = signs.fingerprint(gan)
    gan.train_step(tf.constant(IMAGES[:64]))
    after = signs.fingerprint(gan)
    assert before[0]["generator"] != after[0]["generator"] and after[1] == {"g_optimizer": 1, "d_optimizer": 8}


# --- samples


@pytest.mark.parametrize("seed", range(5))
def test_the_number_of_distinct_images(seed):
    random = np.random.default_rng(seed)
    centres = 10 * np.eye(64)[:7]
    points = centres[random.integers(7, size=200)] + 0.01 * random.normal(size=(200, 64))
    assert signs.distinct(points, 1.0) == 7 and signs.distinct(points, 1e-9) == 200
    assert signs.distinct(points[:0], 1.0) == 0
    pairs = cdist(IMAGES.reshape(256, -1), IMAGES.reshape(256, -1))
    mean = pairs[np.triu_indices(256, 1)].mean()
    assert signs.distinct_radius(IMAGES) == pytest.approx(0.25 * mean, rel=0.1)


def test_few_distinct_samples_are_collapse():
    other = bumps(256, seed=1)
    assert signs.few_distinct(probing.rows_of(other), probing.rows_of(IMAGES)) is None
    few = probing.rows_of(np.repeat(other[:4], 64, axis=0))
    found = signs.few_distinct(few, probing.rows_of(IMAGES))
    radius = signs.distinct_radius(IMAGES)
    assert found.numbers == {"samples": signs.distinct(few, radius), "images": signs.distinct(IMAGES, radius)}
    assert signs.few_distinct(few, (probing.rows_of(IMAGES) + 1) * 127.5) is None, "bytes tell nothing"
    ring = gl.toys.ring()
    points, one_mode = ring.sample(256, seed=0), gl.toys.ring(modes=1).sample(256, seed=1)
    assert signs.few_distinct(one_mode, points).numbers == {"samples": 1, "images": 8}
    assert signs.few_distinct(ring.sample(256, seed=2), points) is None


def test_names_of_optimizers():
    names = {"g_optimizer": "generator", "generator_optimizer": "generator", "gen_opt": "generator"}
    names |= {"d_optimizer": "discriminator", "critic_optimizer": "discriminator", "_disc_optimizer": "discriminator"}
    names |= {"optimizer": None, "encoder_optimizer": None}
    assert {name: signs.player_in(name) for name in names} == names


def test_ranges():
    assert not signs.out_of_range(IMAGES, 4, (-1, 1)) and signs.out_of_range(IMAGES, 4, (0, 1))
    assert signs.out_of_range(0.5 * IMAGES + 0.5, 4, (-1, 1)) and not signs.out_of_range(0.5 * IMAGES + 0.5, 4, (0, 1))
    bright = 0.5 * IMAGES[:4] + 0.5
    assert not signs.out_of_range(bright, 4, (-1, 1)), "a few images may be bright all over"
    assert not signs.out_of_range(np.abs(IMAGES[:, 0, :2, 0]), 2, (-1, 1)), "points may lie where they like"


# --- while training


def test_which_player_moves_and_which_does_not():
    gan = Handmade()
    gan.compile()
    before = signs.fingerprint(gan)
    assert signs.weights_at_rest(gan, before, 12) is None
    gan.generator.layers[0].kernel.assign_add(tf.ones((6, 32)))
    found = signs.weights_at_rest(gan, before, 12)
    assert found.name == "discriminator_frozen" and found.numbers == {"steps": 12, "moved": 0}
    assert signs.weights_at_rest(gan, before, 11) is None
    before = signs.fingerprint(gan)
    gan.discriminator.layers[1].kernel.assign_add(tf.ones((64, 32)))
    assert signs.weights_at_rest(gan, before, 12).name == "generator_without_gradient"
    gan.generator.layers[0].kernel.assign_add(tf.ones((6, 32)))
    assert signs.weights_at_rest(gan, before, 12) is None, "both move"


def test_which_optimizer_steps_and_which_does_not():
    gan = Handmade()
    gan.compile(optimizer="rmsprop")
    before = signs.fingerprint(gan)
    assert signs.optimizer_at_rest(gan, before, 12) is None, "none steps"
    gan.g_optimizer.iterations.assign_add(1)
    assert signs.optimizer_at_rest(gan, before, 12).numbers == {"steps": 12, "optimizers": 1}
    assert signs.optimizer_at_rest(gan, before, 11) is None
    gan.optimizer.iterations.assign_add(1)
    assert signs.optimizer_at_rest(gan, before, 12) is None


def test_rates_of_the_players():
    gan = Handmade()
    gan.compile()
    assert signs.rates_of_players_apart(gan) is None
    gan.d_optimizer.learning_rate = 0.1
    assert signs.rates_of_players_apart(gan).numbers["ratio"] == pytest.approx(100)


@pytest.mark.parametrize(
    ("real", "fake", "sure"), [(0.9995, 1e-4, True), (0.9995, 0.01, False), (0.99, 1e-4, False), (np.nan, 1e-4, False)]
)
def test_a_sure_discriminator(real, fake, sure):
    assert (signs.sure_of_all({"d_real": [0.5, real], "d_fake": [0.5, fake]}) is not None) == sure
    assert signs.sure_of_all({"d_real": [real]}) is None


def test_one_image_of_all_latents():
    rows = probing.rows_of(IMAGES[:64])
    assert signs.one_image(rows) is None
    same = np.repeat(rows[:1], 64, axis=0)
    found = signs.one_image(same + 1e-4 * np.random.default_rng(0).normal(size=same.shape))
    assert found.name == "collapsed" and found.numbers["spread"] == pytest.approx(1e-4, rel=0.05)
    assert found.numbers["size"] == pytest.approx(np.sqrt((same**2).mean()), rel=1e-3)
