"""The right answers of the exercises, from the package, from Keras, or by running what they are about."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from scipy import integrate, spatial, special, stats

import gan_lessons as gl
from gan_lessons import metrics
from gan_lessons.checks import collapse, dcgan, faster, minimax_game, mlp_gan, quality, start_here, watch, wgan
from gan_lessons.theory import DiracGAN

# --- 00, 01, 02 -----------------------------------------------------------------------------------


def test_latents_by_keras_and_by_drawing_arrows():
    assert start_here.with_length(lambda z, r: keras.ops.normalize(z, axis=1) * r)
    start, end = np.array([10.0, 0.0]), np.array([0.0, 10.0])
    assert start_here.halfway_length(np.hypot(*(start + end) / 2))


def test_arrows_are_gradients_of_the_two_losses():
    def slopes(logit):
        t = tf.Variable(logit)
        with tf.GradientTape(persistent=True) as tape:
            minimax, non_saturating = -tf.math.softplus(t), tf.math.softplus(-t)
        return -tape.gradient(minimax, t).numpy(), -tape.gradient(non_saturating, t).numpy()

    assert watch.arrow_length(slopes(0.0)[1] * np.hypot(0, 2))
    minimax, non_saturating = slopes(special.logit(0.01))
    assert watch.ratio_of_arrows(non_saturating / minimax)


def test_v_and_the_best_discriminator_by_integration():
    def value(d, p, q):
        return integrate.quad(lambda x: p(x) * np.log(d(x)) + q(x) * np.log(1 - d(x)), -12, 14)[0]

    real, fake = stats.norm(0, 1).pdf, stats.norm(2, 1).pdf
    assert minimax_game.value_at_equilibrium(value(lambda x: 0.5, real, fake))
    best = minimax_game.optimal_discriminator.kind.reference
    assert all(value(best, real, fake) > value(lambda x, s=s: best(x + s), real, fake) for s in (-0.1, 0.1))
    assert minimax_game.optimal_discriminator(lambda x: special.expit(2 - 2 * x))
    assert minimax_game.optimal_discriminator(lambda x: keras.ops.sigmoid(2 - 2 * x))


def test_the_slopes_by_differences():
    h = 1e-4
    minimax = (np.logaddexp(0, -6 - h) - np.logaddexp(0, -6 + h)) / (2 * h)
    non_saturating = (np.logaddexp(0, 6 + h) - np.logaddexp(0, 6 - h)) / (2 * h)
    assert minimax_game.gradient_ratio(non_saturating / -minimax)
    assert minimax_game.non_saturating_loss(lambda t: keras.ops.mean(keras.ops.softplus(-t)))


def test_the_two_distances_of_boxes():
    points = np.random.default_rng(0).uniform(size=2000)
    halves = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    divergence = sum(0.5 * special.rel_entr(p, np.mean(halves, axis=0)).sum() for p in halves)
    assert minimax_game.far_apart(divergence, stats.wasserstein_distance(points, points + 5))


def test_which_games_settle_by_playing_them():
    games = {
        "minimax": DiracGAN("minimax"),
        "non_saturating": DiracGAN("non_saturating"),
        "wasserstein": DiracGAN("wasserstein"),
        "wasserstein_clipped": DiracGAN("wasserstein", clip=0.5),
        "wasserstein_gp": DiracGAN("wasserstein", penalty_weight=0.5, penalty_target=1.0),
        "non_saturating_r1": DiracGAN("non_saturating", penalty_weight=0.3, penalty_target=0.0),
    }
    ends = {name: game.descend((1.0, 1.0), steps=5000, step_size=0.1)[-1] for name, game in games.items()}
    assert minimax_game.which_settle({name: np.hypot(*end) < 0.01 for name, end in ends.items()})


def test_the_losses_are_the_objectives():
    game, undecided = gl.objectives.NonSaturating(), np.zeros((4, 1))
    assert mlp_gan.answers_half(game.discriminator_loss(undecided, undecided), game.generator_loss(undecided))
    assert wgan.losses(gl.objectives.Wasserstein().discriminator_loss, gl.objectives.Wasserstein().generator_loss)


def test_a_step_of_the_objective_distances_of_scipy_and_a_point_of_the_arc():
    def step(generator, discriminator, optimizer, latents):
        with tf.GradientTape() as tape:
            logits = discriminator(generator(latents, training=True), training=True)
            loss = gl.objectives.NonSaturating().generator_loss(logits)
        weights = generator.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        return float(loss)

    assert mlp_gan.generator_turn(step)
    assert mlp_gan.distances(lambda a, b: spatial.distance.cdist(a.reshape(len(a), -1), b.reshape(len(b), -1)))
    assert mlp_gan.half_way(gl.plotting.latent_path([1.0, 0.0], [0.0, 1.0], steps=3)[1, 0])


# --- 03, 04 ---------------------------------------------------------------------------------------


def test_sizes_weights_and_overlap_are_those_of_keras():
    sizes = {}
    for question in dcgan.output_sizes.kind.parts:
        *numbers, padding = question.split(", ")
        n, k, s = (int(part[2:]) for part in numbers)
        sizes[question] = layers.Conv2DTranspose(1, k, s, padding).compute_output_shape((1, n, n, 1))[1]
    assert dcgan.output_sizes(sizes)

    layer = layers.Conv2DTranspose(128, 4, use_bias=False)
    layer.build((None, 4, 4, 256))
    assert dcgan.layer_weights(layer.count_params())

    even = []
    for k, s in dcgan.even_overlap.kind.parts:
        layer = layers.Conv2DTranspose(1, k, s, use_bias=False, kernel_initializer="ones")
        inside = np.asarray(layer(np.ones((1, 12, 12, 1), "float32")))[0, 2 * k : -2 * k, 2 * k : -2 * k]
        even += [(k, s)] if np.ptp(inside) == 0 else []
    assert dcgan.even_overlap(even)


def test_a_convolutional_d_takes_both_sizes():
    convolutions = [layers.Conv2D(4, 4, 2, "same") for _ in range(3)]
    d = keras.Sequential([keras.Input((None, None, 3)), *convolutions, layers.Conv2D(1, 4)])
    assert dcgan.two_sizes(*(d(np.zeros((1, size, size, 3), "float32")).numpy().size for size in (64, 32)))


def test_the_packages_generator_keeps_the_rules():
    assert dcgan.generator_64(gl.networks.dcgan_generator((64, 64, 3), filters=(16, 8, 8, 4)))
    assert not dcgan.generator_64(gl.networks.mlp_generator((64, 64, 3), units=(8,)))


def test_the_penalty_is_the_packages_and_the_slope_the_best():
    assert wgan.gradient_penalty(lambda critic, real, fake: gl.penalties.GradientPenalty(10.0)(critic, real, fake))
    slopes = np.linspace(0, 3, 3001)
    assert wgan.best_slope(slopes[(-2 * slopes + 10 * (slopes - 1) ** 2).argmin()])


def test_the_steepest_slopes_by_climbing():
    random = np.random.default_rng(0)
    functions = {
        "a": (1, lambda x: 2 - 3 * x[:, 0]),
        "b": (1, lambda x: abs(x[:, 0]) / 2),
        "c": (2, lambda x: x @ [3, 4] + 7),
        "d": (784, lambda x: x.sum(axis=1)),
    }
    found = {}
    for key, (dimension, function) in functions.items():
        x = random.normal(size=(2000, dimension))
        h = random.normal(size=x.shape) if dimension < 3 else np.ones_like(x)  # (d): all pixels together
        found[key] = np.max(np.abs(function(x + 1e-3 * h) - function(x)) / np.linalg.norm(1e-3 * h, axis=1))
    assert wgan.steepest_slope(found)


def test_the_generators_turns_by_counting():
    critic = turns = 0
    for _ in range(10):
        for _ in range(50_000 // 64):
            critic += 1
            turns += critic % 5 == 0
    assert wgan.generator_turns(turns)


# --- 05 -------------------------------------------------------------------------------------------


def test_the_classifier_scores_are_the_metrics():
    certain = np.eye(10)
    sets = {
        "a": np.full((1000, 10), 0.1),
        "b": certain[np.arange(1000) % 10],
        "c": certain[[3] * 500 + [5] * 250 + [8] * 250],
    }
    found = {}
    for key, probabilities in sets.items():
        metric = metrics.InceptionScore(splits=1)
        metric.update_state(probabilities)
        found[key] = metric.result()
    assert quality.classifier_scores(found)


def test_the_distance_is_the_packages():
    def by_the_package(real, made):
        metric = metrics.FrechetDistance()
        metric.update_real(real)
        metric.update_state(made)
        return metric.result()

    assert quality.frechet_distance(by_the_package)


def test_the_bias_by_solving_for_it():
    a, b = np.linalg.solve([[1, 1 / 1000], [1, 1 / 5000]], [14, 10])
    assert quality.without_bias({"infinitely many": a, "ten thousand": a + b / 10_000})


def test_the_three_numbers_on_a_line_are_the_metrics():
    metric = metrics.PrecisionRecall(neighbours=1, density_neighbours=1)
    metric.update_real(np.array([[0.0], [1.0], [2.0], [6.0]]))
    metric.update_state(np.array([[1.5], [9.0], [9.5]]))
    found = metric.result()
    assert quality.on_a_line({name: found[name] for name in ("precision", "recall", "coverage")})


# --- 07 -------------------------------------------------------------------------------------------


def test_the_passes_are_those_of_an_array():
    million = np.zeros((64, 16, 16, 32), "float32").nbytes / 1e6
    assert faster.passes({"a": million, "b": 1e9 * 6 * 2 * million / 1e10, "c": 1e9 * 2 * 2 * million / 1e10})
    assert faster.passes({"a": 2.1, "b": 2.5, "c": 0.84}), "two digits will do"
    assert not faster.passes({"a": 2, "b": 2.5, "c": 0.84}), "2 is too rough"


def test_the_products_are_those_of_the_layers():
    """Counted with weights of 1: an inner pixel of the result is the number of products in it."""
    layer = layers.Conv2D(64, 4, 2, padding="same", use_bias=False, kernel_initializer="ones")
    products = float(tf.reduce_sum(layer(tf.ones((1, 64, 64, 32)))[0, 8, 8])) * 8 * 8
    dense = layers.Dense(512, use_bias=False, kernel_initializer="ones")
    assert faster.products({"a": float(tf.reduce_sum(dense(tf.ones((1, 784))))), "b": products, "c": products})


def test_the_steps_by_timing_them_on_paper():
    calls = 1000
    ten = (calls / 10 * 0.5 + calls * 1.5) / calls
    assert faster.steps_per_call({"ms a step, 10 a call": ten, "most that can be saved, %": 100 * (1 - 1.5 / 2)})
    now, work, pipeline = 120, 75, 120
    found = {"a": now - work, "b": now / max(0, work), "c": now / max(pipeline, 5)}
    assert faster.waiting(found)


def test_the_weight_in_two_formats():
    found = {}
    for name in ("bfloat16", "float32"):
        weight = tf.constant(1.0, name)
        for _ in range(1000):
            weight = weight + tf.constant(0.001, name)
        found[name] = float(weight)
    assert faster.rounding(found)


# --- collapse -------------------------------------------------------------------------------------


def test_what_collapse_pays_by_the_objective():
    loss = gl.objectives.NonSaturating().generator_loss
    spread, together = np.array([[2.0]] + 7 * [[0.0]], "float32"), np.full((8, 1), 2.0, "float32")
    assert collapse.what_it_pays(float(loss(spread)) - float(loss(together)))


def test_the_reverse_kl_is_the_toys_and_scipys():
    assert collapse.reverse_kl(gl.stacked.reverse_kl)
    assert collapse.reverse_kl(lambda counts: stats.entropy(counts, np.ones(len(counts))))


def test_a_count_fooled_by_noise():
    noise = np.random.default_rng(0).normal(scale=30, size=(2500, 2))
    assert collapse.fool_the_count(lambda toy: np.concatenate([toy.modes, noise])[:2500])


def test_the_logit_of_a_pair_by_counting_pairs():
    first, second = np.random.default_rng(0).integers(8, size=(2, 2_000_000))
    assert collapse.pair(np.log(np.mean((first == 0) & (second == 0))))
